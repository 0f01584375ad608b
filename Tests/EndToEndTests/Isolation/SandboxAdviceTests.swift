import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// What the commands say of sandboxes before a host runs, which has to be what the host will do.
extension EndToEnd {
    @Suite(.serialized) struct SandboxAdvice {
        /// A plugin that says that it needs more than the usual sandbox, and makes no use of it.
        private static func claiming(_ id: String) -> String {
            """
            #include <schedhost/plugin.h>
            static int32_t run(const schedhost_scheduler *scheduler, void *user) {
                (void)scheduler, (void)user;
                return SCHEDHOST_OK;
            }
            static const schedhost_routine routine = {
                SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = 60000, .run = run};
            static const schedhost_routine *const routines[] = {&routine, NULL};
            static const char *const needs[] = {"write=/srv/claimed", "bind=47114", NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "\(id)", .version = "1.0.0", .routines = routines, .needs = needs};
            SCHEDHOST_PLUGIN(&plugin)
            """
        }

        @Test func `list refuses a plugin whose needs are not granted as the host does, with the same line`()
            async throws
        {
            try await Fixtures.build("claiming", c: Self.claiming("claiming"))
            let scratch = try Scratch()
            try scratch.add("claiming")
            let line = "sandbox: { write: [\"/srv/claimed\"], bind: [47114] }"
            let refused = "it needs more than its sandbox allows: \(line) in claiming.json5 would allow it"
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.end == .exited(1) && list.output.contains("refused: " + refused), "\(list.output)")
            let host = try Host(in: scratch)
            try await host.line(refused)
            _ = try await host.end(by: Signals.terminate)
            try scratch.write("{ \(line) }", to: "claiming.json5")
            let granted = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(granted.end == .exited(0) && !granted.output.contains("refused"), "\(granted.output)")
        }

        @Test func `a check of a plugin's file says what is beyond the operator's limit, as the host does`()
            async throws
        {
            try await Fixtures.build("claiming", c: Self.claiming("claiming"))
            let scratch = try Scratch()
            try scratch.add("claiming")
            try scratch.write("{ sandbox_limit: { write: ['/srv'], bind: [] } }", to: "schedhost.json5")
            try scratch.write("{ sandbox: { write: ['/srv/claimed'], bind: [47114] } }", to: "claiming.json5")
            let file = scratch.plugins + "/claiming.json5"
            let beyond = try await Program.run("check", file, in: scratch)
            #expect(beyond.end == .exited(1), "\(beyond.output)")
            #expect(beyond.output.contains("sandbox.bind: is more than sandbox_limit allows"), "\(beyond.output)")
            #expect(!beyond.output.contains("sandbox.write: is more"), "\(beyond.output)")
            try scratch.write("{ sandbox: { write: ['/srv/claimed'] } }", to: "claiming.json5")
            #expect(try await Program.run("check", file, in: scratch).end == .exited(0))
        }

        @Test func `a folder that holds the plugins is not advised, since it gives nothing`() async throws {
            let scratch = try Scratch()
            try await Fixtures.build(
                "maker",
                c: Source.plugin(
                    "maker", waitMs: 60_000,
                    body: """
                        FILE *file = fopen("\(scratch.path)/made", "w");
                        if (file == NULL) return schedhost_fail(scheduler, 7, "cannot make");
                        fclose(file);
                        """))
            try scratch.add("maker")
            let check = try await Program.run("check", "--sandbox", scratch.plugins + "/maker.so", in: scratch)
            #expect(check.output.contains("where the plugins are too"), "\(check.output)")
            #expect(!check.output.contains("\"\(scratch.path)\""), "\(check.output)")
        }

        @Test func `no setting is advised for a call that a sandbox cannot give back`() async throws {
            try await Fixtures.build(
                "mounter",
                c: Source.plugin(
                    "mounter", waitMs: 60_000, more: "#include <sys/mount.h>",
                    body: """
                        if (mount("none", "/mnt", "tmpfs", 0, NULL) != 0) {
                            return schedhost_fail(scheduler, 7, "cannot mount");
                        }
                        """))
            let scratch = try Scratch()
            try scratch.add("mounter")
            let host = try Host(in: scratch)
            try await host.line(
                "cannot mount; its sandbox refused mount: no setting but sandbox: \"off\" would allow it")
            _ = try await host.end(by: Signals.terminate)
            let check = try await Program.run("check", "--sandbox", scratch.plugins + "/mounter.so", in: scratch)
            #expect(
                check.output.contains("it calls mount, which no setting but sandbox: \"off\" allows"), "\(check.output)"
            )
            #expect(!check.output.contains("syscalls:"), "\(check.output)")
        }
    }
}
