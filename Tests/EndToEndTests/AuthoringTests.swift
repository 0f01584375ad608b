import FoundationEssentials
import HostCore
import HostSystem
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
            static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "hello", .routines = routines};
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
    }
}
