import HostValues
import HostWire
import Testing

/// What a worker says of a plugin, checked at the door: plugin code can write on the channel itself.
@Suite("Checks of a plugin's description")
struct DescriptionTests {
    private static func good() -> PluginDescription {
        PluginDescription(
            id: "market-poller", version: "1.2.0", description: "polls", isSerial: false,
            parameters: [.init(name: "port", type: .int, defaultValue: "80", range: "1..65535", description: "where")],
            routines: [
                .init(name: "a", description: nil, waitMs: 50, maxCycles: 0, timeoutMs: 0),
                .init(name: "b", description: "é", waitMs: 2_678_400_000, maxCycles: .max, timeoutMs: 1),
            ])
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let change: @Sendable (inout PluginDescription) -> Void
        var testDescription: String { text }

        init(_ text: String, _ change: @escaping @Sendable (inout PluginDescription) -> Void) {
            self.text = text
            self.change = change
        }
    }

    static let cases = [
        Case("id is \"../../evil\": 1 to 64") { $0.id = "../../evil" },
        Case("id is \"\"") { $0.id = "" },
        Case("id is \".hidden\"") { $0.id = ".hidden" },
        Case("id is \"st\nMAINPID=1\"") { $0.id = "st\nMAINPID=1" },
        Case("id is") { $0.id = String(repeating: "i", count: 65) },
        Case("version is empty") { $0.version = "" },
        Case("version is longer than 200 bytes") { $0.version = String(repeating: "v", count: 201) },
        Case("version is not one line") { $0.version = "1\n2" },
        Case("description is not one line") { $0.description = "a\u{1B}[31m" },
        Case("description is longer than 200") { $0.description = String(repeating: "é", count: 101) },
        Case("parameters[0].name is \"a b\"") { $0.parameters[0].name = "a b" },
        Case("parameters[1].name: there are two") { $0.parameters.append($0.parameters[0]) },
        Case("parameters[0].default_value is longer") {
            $0.parameters[0].defaultValue = String(repeating: "d", count: 4097)
        },
        Case("parameters[0].range is longer") { $0.parameters[0].range = String(repeating: "r", count: 4097) },
        Case("parameters[0].description is not") { $0.parameters[0].description = "\u{2028}" },
        Case("parameters has more than 1000") {
            $0.parameters = (0...1000).map {
                .init(name: "p\($0)", type: .int, defaultValue: nil, range: nil, description: nil)
            }
        },
        Case("needs[1] is \"write=out\": give KEY=VALUE") { $0.needs = ["bind=1", "write=out"] },
        Case("needs has more than 1000") { $0.needs = .init(repeating: "udp", count: 1001) },
        Case("routines is empty") { $0.routines = [] },
        Case("routines[1].name: there are two routines named a") { $0.routines[1].name = "a" },
        // Of many another list is kept than of a few.
        Case("routines[32].name: there are two routines named r0") { $0.routines = .many(40, with: "r0", at: 32) },
        Case("routines[39].name: there are two routines named r35") { $0.routines = .many(40, with: "r35", at: 39) },
        Case("routines[1].name is \"x\u{1B}[31m\"") { $0.routines[1].name = "x\u{1B}[31m" },
        Case("routines[0].description is longer") {
            $0.routines[0].defaults.description = String(repeating: "x", count: 201)
        },
        Case("routines[0].wait_ms is 2678400001") { $0.routines[0].defaults.waitMs = 2_678_400_001 },
        Case("routines[0].wait_ms is 18446744073709550616, which is -1000 with a sign: at most 2678400000") {
            $0.routines[0].defaults.waitMs = UInt64(bitPattern: -1000)
        },
        Case("routines[1].schedule and wait_ms are both given") { $0.routines[1].defaults.schedule = "daily" },
        Case("routines[1].schedule is longer than 1024 bytes") {
            $0.routines[1].defaults.waitMs = 0
            $0.routines[1].defaults.schedule = String(repeating: " ", count: 1025)
        },
        Case("routines[1].timeout_ms is") { $0.routines[1].defaults.timeoutMs = .max },
        Case("routines has more than 131072") {
            $0.routines = (0...131_072).map {
                .init(name: "r\($0)", description: nil, waitMs: 1, maxCycles: 0, timeoutMs: 0)
            }
        },
    ]

    @Test(
        "what is out of its bounds has a line that begins with the field, and comes off the channel as a refusal",
        arguments: cases)
    func bad(wrong: Case) {
        var description = Self.good()
        wrong.change(&description)
        let fault = description.fault ?? ""
        #expect(fault.hasPrefix(wrong.text), "\(fault)")
        let event = WorkerEvent(line: WorkerEvent.described(plugin: 3, description).line())
        #expect(event == .refused(plugin: 3, stage: .descriptor, text: fault))
    }

    @Test("a good one passes as it is, with as many routines as a ledger has slots")
    func good() {
        var description = Self.good()
        #expect(description.fault == nil)
        #expect(
            WorkerEvent(line: WorkerEvent.described(plugin: 0, description).line())
                == .described(plugin: 0, description))
        description.routines = (0..<131_072).map {
            .init(name: "r\($0)", description: nil, waitMs: 1, maxCycles: 0, timeoutMs: 0)
        }
        #expect(description.fault == nil)
    }

    @Test("who offers a store needs no routines")
    func store() {
        var description = Self.good()
        description.routines = []
        description.offersStore = true
        #expect(description.fault == nil)
        #expect(
            WorkerEvent(line: WorkerEvent.described(plugin: 0, description).line())
                == .described(plugin: 0, description))
    }
}

extension [PluginDescription.Routine] {
    /// So many routines, of which one has another's name.
    fileprivate static func many(_ count: Int, with name: String, at place: Int) -> Self {
        (0..<count).map { index in
            PluginDescription.Routine(
                name: index == place ? name : "r\(index)", description: nil, waitMs: 1, maxCycles: 0, timeoutMs: 0)
        }
    }
}
