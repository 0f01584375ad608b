import HostInspection
import HostValues
import Testing

@testable import HostWorker

/// Each way in which `bad_descriptor.c` is wrong is refused with a text that says where.
@Suite struct BadDescriptorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let stage: LoadStage
        let text: String
        var testDescription: String { name }

        init(_ name: String, _ text: String, stage: LoadStage = .descriptor) {
            self.name = name
            self.stage = stage
            self.text = text
        }
    }

    static let cases = [
        Case("NULL_ID", "id is NULL"),
        Case("BAD_ID", "id is \"../bad\""),
        Case("NULL_NAME", "routines[0].name is NULL"),
        Case("BAD_NAME", "routines[0].name is \"bad name\""),
        Case("LONG_NAME", "routines[0].name is"),
        Case("NULL_RUN", "routines[0].run is NULL"),
        Case("DUPLICATE_ROUTINE", "routines[1].name"),
        Case("WAIT_RANGE", "routines[0].wait_ms is 2678400001"),
        Case("UNKNOWN_ROUTINE_FLAG", "routines[0].flags"),
        Case("SMALL_ROUTINE", "routines[0].struct_size is 56"),
        Case("EMPTY_LIST", "routines is empty"),
        Case("NULL_LIST", "routines is NULL"),
        Case("SMALL_STRUCT", "plugin.struct_size is 8"),
        Case("UNKNOWN_FLAG", "flags"),
        Case("NEWER_MINOR", "it needs ABI 1.99"),
        Case("BAD_PARAMETER_TYPE", "parameters[0].type is 99"),
        Case("NULL_PARAMETER_NAME", "parameters[0].name is NULL"),
        Case("UNKNOWN_PARAMETER_FLAG", "parameters[0].flags has bits that this host does not know (0x80)"),
        Case("BAD_SCHEDULE", "routines[0].schedule (run): '25' at 5: there is no such hour"),
        Case("SIX_FIELDS", "cron programs read six fields differently"),
        Case("NO_ZONE", "'Europe/Berln' at 7: there is no time zone of that name"),
        Case("WAIT_AND_SCHEDULE", "routines[0].schedule and wait_ms are both given"),
        Case("BAD_NEED", "needs[1] is \"write=out\""),
        Case("NULL_ENTRY", "schedhost_plugin_v1 returned NULL"),
        Case("NO_ENTRY", "schedhost_plugin_v1", stage: .open),
        Case("UNRESOLVED", "no_such_function_anywhere", stage: .open),
    ]

    @Test(arguments: cases) func `is refused with the field that is wrong`(wrong: Case) throws {
        try Fixtures.with("bad:\(wrong.name)", file: "lib-bad-\(wrong.name).so") { path in
            do {
                _ = try LoadedPlugin(path: path)
                Issue.record("it was not refused")
            } catch let refusal as LoadedPlugin.Refusal {
                #expect(refusal.stage == wrong.stage)
                #expect(refusal.text.contains(wrong.text), "\(refusal.text)")
            }
        }
    }

    @Test func `is loaded when nothing is wrong`() throws {
        try Fixtures.with("bad:GOOD", file: "lib-bad-GOOD.so") { path in
            let plugin = try LoadedPlugin(path: path)
            #expect(plugin.description.id == "bad-descriptor")
            #expect(plugin.description.routines.map(\.name) == ["run"])
            #expect(plugin.description.parameters.map(\.name) == ["number"])
            #expect(plugin.description.needs == ["bind=9100", "write=/srv/out"])
        }
    }

    @Test(arguments: ["healthy", "faulty", "faulty-cxx"]) func `the other fixtures are good plugins`(
        name: String
    ) throws {
        try Fixtures.with(name, file: "lib\(name).so") { path in
            let plugin = try LoadedPlugin(path: path)
            #expect(plugin.description.id == name)
        }
    }
}
