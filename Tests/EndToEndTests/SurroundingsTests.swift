import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Hosts that are started as people start them: with paths from where they are, and with few open files.
    @Suite struct Surroundings {
        /// Leaves its working directory as soon as it is loaded, and crashes in its third cycle.
        private static let wanderer = Source.plugin(
            "wanderer", waitMs: 20,
            more: """
                __attribute__((constructor)) static void wander(void) { if (chdir("/") != 0) { _exit(3); } }
                """,
            body: """
                schedhost_info(scheduler, "wanders");
                if (schedhost_cycle(scheduler) == 2) { *(volatile int *)0 = 1; }
                """)

        @Test(arguments: ["plugin", "shared"])
        func `a plugin that changes its directory harms nobody where paths are relative`(isolation: String) async throws
        {
            try await Fixtures.build("wanderer", c: Self.wanderer)
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("wanderer", as: "a.so")
            try scratch.add("sleeper", as: "b.so")
            let host = try Host(shell: "exec \"$@\" --isolation \(isolation)", in: scratch)
            try await host.line("wanderer/run", "wanders")
            try await host.line("wanderer/run", "crash SIGSEGV")
            try await eventually("a cycle of the other\n\(host.log)") {
                LedgerView.all(in: scratch).contains { $0.cycle == 1 && $0.state == .waiting }
            }
            _ = try await host.end(by: Signals.terminate)
            #expect(host.lines("No such file").isEmpty, "\(host.log)")
            let crash = try #require(try host.records.first { $0.reason.end == .crash }, "\(host.log)")
            #expect(crash.report != nil, "its report was written, where the host finds it")
        }

        @Test func `a crash leaves its report where the state directory's name has a comma`() async throws {
            try await Fixtures.build("wanderer", c: Self.wanderer)
            let scratch = try Scratch()
            try scratch.add("wanderer")
            // In a sandbox nobody reaches the host's descriptors, by which that goes.
            try scratch.write("{ sandbox: \"off\" }", to: "schedhost.json5")
            let host = try Host(
                shell: "mkdir -m 700 'st,ate' && ln -s 'st,ate' state && exec \"$@\"", state: "st,ate", in: scratch)
            try await host.line("wanderer/run", "crash SIGSEGV")
            _ = try await host.end(by: Signals.terminate)
            let crash = try #require(try host.records.first { $0.reason.end == .crash }, "\(host.log)")
            #expect(crash.report != nil, "\(host.log)")
        }

        @Test func `a check takes no directory that was there before`() async throws {
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("sleeper")
            _ = try await Command.shell(
                """
                cd '\(scratch.path)' && mkdir -p tmp && export TMPDIR="$PWD/tmp"
                sh -c 'mkdir tmp/schedhost-check-$$ && touch tmp/schedhost-check-$$/kept && exec "$@"' sh \
                    '\(try Program.path)' check plugins/sleeper.so
                ls tmp/*/kept && test "$(ls tmp | wc -l)" = 1
                """, in: scratch)
        }

        /// Tells how many descriptors it may open.
        private static let files = Source.plugin(
            "many-000", waitMs: 3_600_000, more: "#include <sys/resource.h>",
            body: """
                struct rlimit files;
                (void)getrlimit(RLIMIT_NOFILE, &files);
                schedhost_info(scheduler, "may open %d", (int)files.rlim_cur);
                """)

        @Test func `a host has more workers than its soft limit of open files has room for`() async throws {
            let count = 30
            try await Fixtures.build("may-open", c: Self.files)
            let scratch = try Scratch()
            try Scale.copies(of: "may-open", id: "many-000", count: count, in: scratch)
            let host = try Host(shell: "ulimit -S -n 100 && exec \"$@\"", in: scratch)
            try await eventually("\(count) workers\n\(host.log)") { host.lines("may open").count == count }
            #expect(host.lines("may open 100").count == count, "a worker has the limit that the host was given")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
