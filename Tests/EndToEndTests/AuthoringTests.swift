import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Plugins as an author writes and builds them, outside of this package.
    @Suite struct Authoring {
        /// Ten lines.
        static let c = """
            #include <schedhost/plugin.h>
            static int32_t tick(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                schedhost_info(scheduler, "tick %" PRIu64, schedhost_cycle(scheduler));
                return SCHEDHOST_OK;
            }
            static const schedhost_routine routine = {SCHEDHOST_SIZED(schedhost_routine), .name = "tick", .wait_ms = 20, .run = tick};
            static const schedhost_routine *const routines[] = {&routine, NULL};
            static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "hello", .version = "1.0.0", .routines = routines};
            SCHEDHOST_PLUGIN(&plugin)
            """

        @Test func `ten lines of C, one line of cc`() async throws {
            #expect(Self.c.split(separator: "\n").count <= 10)
            let scratch = try Scratch()
            try scratch.write(Self.c, to: "hello.c")
            _ = try await Command.shell(
                "cd '\(scratch.plugins)' && cc -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' hello.c -o libhello.so",
                in: scratch)
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(try host.records.map(\.identifier) == ["hello/tick"])
            for cycle in 0..<3 { #expect(host.lines("hello/tick", "tick \(cycle)").count == 1) }
        }

        /// Ten lines.
        static let swift = """
            import PluginAPI

            let plugin = Plugin("hello-swift", version: "1.0.0") {
                Routine("tick", wait: .milliseconds(20)) { scheduler in
                    scheduler.log.info("tick \\(scheduler.cycle)")
                }
            }
            @c(schedhost_plugin_v1)
            public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
            """

        @Test func `ten lines of Swift, one line of swiftc`() async throws {
            #expect(Self.swift.split(separator: "\n", omittingEmptySubsequences: false).count <= 10)
            let built = try Program.folder
            let scratch = try Scratch()
            try scratch.write(Self.swift, to: "hello.swift")
            _ = try await Command.shell(
                "cd '\(scratch.plugins)' && swiftc -emit-library -parse-as-library hello.swift -o libhello.so"
                    + " -I '\(built)/Modules' -I '\(Fixtures.root)/Sources/PluginAPI/C/include' -L '\(built)' -lPluginAPI",
                in: scratch)
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(try host.records.map(\.identifier) == ["hello-swift/tick"])
            for cycle in 0..<3 { #expect(host.lines("hello-swift/tick", "tick \(cycle)").count == 1) }
        }

        @Test func `the four sample plugins run`() async throws {
            let scratch = try Scratch()
            for name in ["SystemStats", "MarketPoller", "LogTail", "SymbolIndex"] {
                try FileManager.default.copyItem(
                    atPath: try Program.folder + "/lib\(name).so", toPath: "\(scratch.plugins)/lib\(name).so")
            }
            // With their defaults, but quicker.
            for name in ["market-poller", "system-stats", "log-tail"] {
                try scratch.write("{ wait_ms: 100 }", to: name + ".json5")
            }
            try scratch.write("{ wait_ms: 100, params: { limit: 20 } }", to: "symbol-index.json5")
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let records = try host.records
            #expect(
                Set(records.map(\.identifier)) == [
                    "system-stats/sample", "market-poller/snapshot", "log-tail/follow", "symbol-index/index",
                ])
            for record in records {
                #expect(record.reason.end == .maxCycles && record.cycles == 3 && record.failures == 0)
                #expect(!record.stats.columns.isEmpty, "\(record.identifier)")
                #expect(host.command.output.contains(record.identifier))
            }
        }
    }
}
