import HostCommandLine
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// What a plugin of that source says in each cycle when it finds its own types.
    private static func line(_ own: String, reads reading: String, fields: String, one: String) -> String {
        let box = "\(own) box of \(reading)"
        return [
            box, "\(own) shape of [\(reading)]", box, "[\(reading)]", reading, one, "\(own) derived \(reading)", fields,
            "true", reading, box,
        ].joined(separator: "; ")
    }

    @Test(arguments: ["-Onone", "-O"]) func `two Swift plugins of one module name in one process do not clash`(
        optimisation: String
    ) async throws {
        let scratch = try Scratch()
        for (name, flags) in [("first", ""), ("second", "-D SECOND")] {
            _ = try await Command.shell(
                """
                swiftc \(optimisation) \(flags) -emit-library -parse-as-library -module-name namesake \
                '\(Fixtures.root)/Tests/Fixtures/Namesake/Namesake.swift' -I '\(try Program.folder)/Modules' \
                -I '\(Fixtures.root)/Sources/PluginAPI/C/include' -L '\(try Program.folder)' -lPluginAPI \
                -o '\(scratch.plugins)/\(name).so'
                """, in: scratch)
        }
        let host = try Host("--isolation", "shared", "--max-cycles", "3", "--exit-when-idle", in: scratch)
        #expect(try await host.ended() == .exited(0), "\(host.log)")
        let first = Self.line(
            "first", reads: "first reads a text on the heap", fields: "[\"a text on the heap\"]",
            one: "a text on the heap")
        let second = Self.line("second", reads: "second reads 15", fields: "[\"7\", \"8\"]", one: "8")
        #expect(host.lines("namesake-first/tick", first).count == 3, "\(host.log)")
        #expect(host.lines("namesake-second/tick", second).count == 3, "\(host.log)")
        #expect(Set(try host.records.map(\.pid)).count == 1, "they were not in one process")
    }
}
