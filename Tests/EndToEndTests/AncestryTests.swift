import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Whose child a process is: the host's place among other processes, and what its death takes along.
    @Suite struct Ancestry {
        private static let beat = Source.plugin("beat", waitMs: 50, body: "schedhost_info(scheduler, \"beat\");")

        private func isAlive(_ pid: Int32) -> Bool {
            HostProcess.exists(pid) && !Scratch.text("/proc/\(pid)/stat").contains(") Z ")
        }

        @Test(.enabled(if: Tools.hasNamespaces, "no namespaces can be made here"))
        func `as the first process of a container it runs plugins, checks them, and reaps what others leave`()
            async throws
        {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            let inside = "exec unshare -Urpf --mount-proc --kill-child"
            let check = try Command(
                [
                    "/bin/sh", "-c", "\(inside) \"$@\"", "sh", try Program.path, "check",
                    scratch.plugins + "/beat.so",
                ], in: scratch)
            #expect(try await check.ended() == .exited(0), "\(check.errors)")
            // The host executes in the place of a shell that had started something: its child is the host's own.
            let host = try Host(
                shell: "\(inside) sh -c '(sleep 0.2 &) ; exec \"$@\" --max-cycles 8 --exit-when-idle' sh \"$@\"",
                in: scratch)
            try await host.ended()
            #expect(host.lines("beat/run", "beat").filter { !$0.contains("session") }.count == 8, "\(host.log)")
            #expect(try host.records.map(\.reason.end) == [.maxCycles], "\(host.log)")
        }

        @Test func `what the program inherited outlives workers, and what a worker leaves behind does not`()
            async throws
        {
            try await Fixtures.build(
                "leaver",
                c: Source.plugin(
                    "leaver", waitMs: 100,
                    more: "#include <stdlib.h>",
                    body: """
                        if (schedhost_cycle(scheduler) == 0) {
                            if (system("setsid sleep 300 & echo $! > \\"$SCHEDHOST_DATA/left\\"") != 0) { return SCHEDHOST_ERROR; }
                        }
                        if (schedhost_cycle(scheduler) == 3) { abort(); }
                        """))
            let scratch = try Scratch()
            try scratch.add("leaver")
            let host = try Host(
                shell:
                    "export HOME=\"$PWD\"; sleep 300 & echo $! > inherited; (sleep 300 & echo $! > grandchild); exec \"$@\"",
                in: scratch)
            try await host.line("leaver/run", "crash SIGABRT")
            try await host.line("leaver/run", "crash SIGABRT")
            func pid(_ name: String) throws -> Int32 {
                let text = Scratch.text(scratch.path + "/" + name).split(separator: "\n").first
                return try #require(text.flatMap { Int32($0) }, "\(name)")
            }
            let left = try pid("state/data/leaver/left")
            #expect(isAlive(try pid("inherited")))
            #expect(isAlive(try pid("grandchild")), "its parent had ended before the host was executed")
            _ = try await host.end(by: Signals.terminate)
            #expect(isAlive(try pid("inherited")))
            try await eventually("the end of what the plugin left") { !isAlive(left) }
            _ = try await Command.shell("cd '\(scratch.path)' && kill -9 $(cat inherited grandchild)", in: scratch)
        }

        @Test(arguments: ["HUP", "USR1", "USR2", "PWR", "XFSZ"])
        func `a signal that was meant for the host does not end its workers`(name: String) async throws {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            let host = try Host(in: scratch)
            try await host.line("beat/run", "beat")
            let worker = try #require(host.workers.first)
            _ = try await Command.shell("kill -\(name) \(worker)", in: scratch)
            let before = host.lines("beat/run").count
            try await eventually("further cycles") { host.lines("beat/run").count > before + 5 }
            #expect(host.workers.first == worker)
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.map(\.reason.end) == [.stopped])
        }

        @Test(arguments: ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU"])
        func `a signal that a host has no use for is said, and does not end it`(name: String) async throws {
            let scratch = try Scratch()
            let host = try Host(in: scratch)
            try await host.line("schedhost", "pid")
            _ = try await Command.shell("kill -\(name) \(host.pid)", in: scratch)
            try await host.line("SIG\(name) means nothing to a host")
            _ = try await host.end(by: Signals.terminate)
        }

        /// The system sends it with each write past a limit, and that write's error says more.
        @Test func `the signal of a limit of file sizes does not end the host, and is not said`() async throws {
            let scratch = try Scratch()
            let host = try Host(in: scratch)
            try await host.line("schedhost", "pid")
            _ = try await Command.shell("kill -XFSZ \(host.pid) && kill -USR1 \(host.pid)", in: scratch)
            try await host.line("SIGUSR1 means nothing to a host")
            #expect(host.lines("SIGXFSZ").isEmpty)
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `a write to a closed connection is an error, in the plugin and not in its programs`() async throws {
            try await Fixtures.build(
                "writer",
                c: Source.plugin(
                    "writer", waitMs: 100,
                    more: "#include <errno.h>\n#include <string.h>\n#include <stdlib.h>\n#include <sys/socket.h>",
                    body: """
                        int ends[2];
                        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) { return SCHEDHOST_ERROR; }
                        close(ends[1]);
                        if (write(ends[0], "x", 1) < 0) { schedhost_info(scheduler, "socket: %s", strerror(errno)); }
                        close(ends[0]);
                        int pipe_ends[2];
                        if (pipe(pipe_ends) != 0) { return SCHEDHOST_ERROR; }
                        close(pipe_ends[0]);
                        if (write(pipe_ends[1], "x", 1) < 0) { schedhost_info(scheduler, "pipe: %s", strerror(errno)); }
                        close(pipe_ends[1]);
                        schedhost_info(scheduler, "yes: %d", system("bash -c 'yes | head -1 >/dev/null; exit ${PIPESTATUS[0]}'") >> 8);
                        """))
            let scratch = try Scratch()
            try scratch.add("writer")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            try await host.ended()
            #expect(host.lines("socket: Broken pipe").count == 1, "\(host.log)")
            #expect(host.lines("pipe: Broken pipe").count == 1, "\(host.log)")
            #expect(
                host.lines("yes: 141").count == 1,
                "a program that it starts is ended by SIGPIPE, as everywhere\n\(host.log)")
        }
    }
}
