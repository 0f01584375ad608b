import HostSystem
import Testing

extension EndToEnd {
    /// `check` of a plugin that offers a store, by the configuration beside it.
    @Suite struct StoreChecks {
        private func check(_ parameters: String?, sandbox: String = "", in scratch: Scratch) async throws -> (
            ProcessEnd, String
        ) {
            if Scratch.text(scratch.plugins + "/store.so").isEmpty {
                try await Fixtures.build("store")
                try scratch.add("store")
            }
            if let parameters {
                try scratch.write(
                    "{ params: { directory: '\(scratch.path)/kept', \(parameters) }, \(sandbox) }",
                    to: "fake-store.json5")
            }
            let (end, output, _) = try await Program.run("check", scratch.plugins + "/store.so", in: scratch)
            return (end, output)
        }

        @Test(arguments: [
            ("blind", "a put on condition that a key be absent, which it is not, is done"),
            ("half", "read gives a = no (version"), ("per-key", "list gives a = 3 (version 3), b = 4 (version 1), not"),
            ("unordered", "list gives b = 4 (version"),
        ]) func `a promise that is broken is a fault`(lie: String, fault: String) async throws {
            let scratch = try Scratch()
            _ = try await Command.shell("mkdir '\(scratch.path)/kept'", in: scratch)
            let (end, output) = try await check(
                "lie: '\(lie)'", sandbox: "sandbox: { write: ['\(scratch.path)/kept'] }", in: scratch)
            #expect(end == .exited(1))
            #expect(output.contains("    fault: \(scratch.plugins)/store.so: its store: \(fault)"), "\(output)")
            #expect(!Scratch.text(scratch.path + "/kept/data").contains("schedhost-check"), "its keys are left")
        }

        @Test func `a store that keeps all of them is good, and nothing of the check is left in it`() async throws {
            let scratch = try Scratch()
            _ = try await Command.shell("mkdir '\(scratch.path)/kept'", in: scratch)
            let sandbox = "sandbox: { write: ['\(scratch.path)/kept'] }"
            let (end, output) = try await check("", sandbox: sandbox, in: scratch)
            #expect(end == .exited(0) && output.hasSuffix("    good\n"), "\(output)")
            #expect(output.contains("note: its store answers as a store should: instance instance-0"))
            #expect(!Scratch.text(scratch.path + "/kept/data").contains("schedhost-check"))
            // A server that is away is no fault of the plugin's.
            _ = try await Command.shell("echo down > '\(scratch.path)/kept/away'", in: scratch)
            let (away, text) = try await check("faults: '\(scratch.path)/kept/away'", sandbox: sandbox, in: scratch)
            #expect(away == .exited(0) && text.hasSuffix("    good\n"), "\(text)")
            #expect(text.contains("note: its store was not examined: the store is not there"), "\(text)")
        }

        @Test func `there is nothing of it to be tried`() async throws {
            let scratch = try Scratch()
            try await Fixtures.build("store")
            try scratch.add("store")
            let (end, _, errors) = try await Program.run("try", scratch.plugins + "/store.so", in: scratch)
            #expect(end != .exited(0) && errors.contains("fake-store has no routine to be tried: it offers a store"))
        }
    }
}
