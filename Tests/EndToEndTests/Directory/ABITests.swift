import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Plugins that were built against other versions of the headers.
    @Suite struct OtherABIs {
        /// The headers of 1.0, as they were when it came out.
        private static let saved = Fixtures.root + "/Tests/Fixtures/abi-1.0"

        /// The headers of this source tree.
        private static let current = Fixtures.root + "/Sources/PluginAPI/C/include"

        /// Headers in which some lines differ, and the plugin in C that is built against them.
        private func build(_ name: String, of headers: String, edit: String, text: String, in scratch: Scratch)
            async throws
        {
            try Data(text.utf8).write(to: URL(filePath: "\(scratch.path)/\(name).c"))
            _ = try await Command.shell(
                """
                cd '\(scratch.path)' && mkdir \(name) && cp -R '\(headers)/schedhost' \(name)/ && cd \(name)/schedhost && \(edit)
                cd ../.. && cc -shared -fPIC -I \(name) \(name).c -o \(name).so
                """, in: scratch)
        }

        /// One more function, behind all that the host has.
        private static let newMinor = """
            sed -i 's/^#define SCHEDHOST_ABI_MINOR .*/#define SCHEDHOST_ABI_MINOR 2u/' abi.h && \
            sed -i '/^struct schedhost_host {/,/^};/ s|^};|    int32_t (*newer)(const schedhost_scheduler *scheduler);\\n};|' host.h && grep -q newer host.h
            """

        private func check(_ name: String, in scratch: Scratch) async throws -> (ProcessEnd, String) {
            let (end, output, _) = try await Program.run("check", "\(scratch.path)/\(name).so", in: scratch)
            return (end, output)
        }

        @Test func `built against the saved headers of 1.0: runs`() async throws {
            let scratch = try Scratch()
            try await build(
                "older", of: Self.saved, edit: "true", text: Source.plugin("older", waitMs: 10, body: ""), in: scratch)
            try FileManager.default.copyItem(atPath: scratch.path + "/older.so", toPath: scratch.plugins + "/older.so")
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(try host.records.map(\.reason.end) == [.maxCycles])
            #expect(try await check("older", in: scratch).0 == .exited(0))
        }

        @Test func `built against a newer minor that it probes for: runs`() async throws {
            let scratch = try Scratch()
            let body =
                "if (SCHEDHOST_HAS(schedhost_host, scheduler->host, newer)) { scheduler->host->newer(scheduler); }"
            try await build(
                "newer", of: Self.current, edit: Self.newMinor, text: Source.plugin("newer", waitMs: 10, body: body),
                in: scratch)
            let (end, output) = try await check("newer", in: scratch)
            #expect(end == .exited(0), "\(output)")
            #expect(output.contains("ABI 1.2"))
        }

        @Test func `built against a newer minor that it does not probe for: check finds it`() async throws {
            let scratch = try Scratch()
            try await build(
                "careless", of: Self.current, edit: Self.newMinor,
                text: Source.plugin("careless", waitMs: 10, body: "scheduler->host->newer(scheduler);"), in: scratch)
            let (end, output) = try await check("careless", in: scratch)
            #expect(end == .exited(1))
            #expect(output.contains("SIGSEGV") && output.contains("it must ask SCHEDHOST_HAS first"), "\(output)")
        }

        @Test func `needs a newer minor: refused, with both numbers`() async throws {
            let scratch = try Scratch()
            let text = Source.plugin("needy", waitMs: 10, body: "")
                .replacing("SCHEDHOST_PLUGIN(&plugin)", with: "SCHEDHOST_PLUGIN_NEEDS(&plugin, 2u)")
            try await build("needy", of: Self.current, edit: Self.newMinor, text: text, in: scratch)
            let (end, output) = try await check("needy", in: scratch)
            #expect(end == .exited(1))
            #expect(output.contains("needs ABI 1.2, this host has 1.1"), "\(output)")
        }

        @Test func `a newer major: refused before any of its code runs`() async throws {
            let scratch = try Scratch()
            let edit = "sed -i 's/^#define SCHEDHOST_ABI_MAJOR .*/#define SCHEDHOST_ABI_MAJOR 2u/' abi.h"
            try await build(
                "future", of: Self.current, edit: edit, text: Source.plugin("future", waitMs: 10, body: ""), in: scratch
            )
            let (end, output) = try await check("future", in: scratch)
            #expect(end == .exited(1))
            #expect(output.contains("built for ABI 2, this host has 1"), "\(output)")
        }
    }
}
