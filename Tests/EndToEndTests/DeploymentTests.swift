import FoundationEssentials
import Glibc
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Hosts in the surroundings in which people run them: mounts, filters and limits of containers, files that others read.
    @Suite struct Deployment {
        private static let beat = Source.plugin("beat", waitMs: 50, body: "schedhost_info(scheduler, \"beat\");")

        @Test(.enabled(if: Tools.hasNamespaces, "no namespaces can be made here"))
        func `a state directory that is mounted noexec is named, with the mend`() async throws {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            let host = try Host(
                shell: """
                    exec unshare -m sh -c 'mkdir state && mount -t tmpfs -o noexec,mode=700 none state && exec "$@"' sh "$@"
                    """, in: scratch)
            #expect(try await host.ended() == .exited(73))
            #expect(host.lines("state", "noexec", "--state").count == 1, "\(host.log)")
        }

        /// Answers EPERM to one system call, and executes the rest of its arguments.
        private static let filter = """
            #include <errno.h>
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <stdlib.h>
            #include <sys/prctl.h>
            #include <unistd.h>
            int main(int count, char **arguments) {
                (void)count;
                struct sock_filter filter[] = {
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(arguments[1]), 0, 1),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
                struct sock_fprog program = {4, filter};
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) { return 9; }
                execv(arguments[2], arguments + 2);
                return 9;
            }
            """

        #if arch(x86_64)
            private static let calls = [
                ("pidfd_open", 434), ("memfd_create", 319), ("timerfd_create", 283), ("timerfd_settime", 286),
                ("posix_fallocate", 285),
            ]
        #else
            private static let calls = [
                ("pidfd_open", 434), ("memfd_create", 279), ("timerfd_create", 85), ("timerfd_settime", 86),
                ("posix_fallocate", 47),
            ]
        #endif

        @Test(arguments: calls)
        func `a filter that forbids a system call is named, and no process stays`(call: String, number: Int)
            async throws
        {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            try Data(Self.filter.utf8).write(to: URL(filePath: scratch.path + "/filter.c"))
            _ = try await Command.shell("cd '\(scratch.path)' && cc filter.c -o filter", in: scratch)
            let host = try Host(shell: "exec ./filter \(number) \"$@\"", in: scratch)
            try await eventually("what is forbidden\n\(host.log)") { !host.lines("(\(call))", "seccomp").isEmpty }
            // Without room for a ledger the host waits for a chance to run the worker that it has.
            if call != "posix_fallocate" { #expect(host.workers.isEmpty, "\(host.log)") }
        }

        @Test(.enabled(if: Tools.hasNamespaces, "no namespaces can be made here"), arguments: ["run", "list"])
        func `without proc what starts workers says so`(command: String) async throws {
            let scratch = try Scratch()
            let host = try Command(
                [
                    "/bin/sh", "-c", "exec unshare -m sh -c 'umount -l /proc && exec \"$@\"' sh \"$@\"", "sh",
                    try Program.path, command, "--plugins", scratch.plugins,
                ], in: scratch)
            #expect(try await host.ended() == .exited(1))
            #expect(host.errors.contains("mount -t proc proc /proc"), "\(host.errors)")
        }

        @Test func `a metrics file can be read by everybody, whatever the umask, and a report as the umask says`()
            async throws
        {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            let host = try Host(shell: "umask 077; exec \"$@\" --metrics-file m.prom", in: scratch)
            let directory = try Directory(scratch.path)
            let mode = try await eventually("metrics\n\(host.log)") { try? directory.status("m.prom").mode }
            #expect(mode == 0o644)
            _ = try await Command.shell(
                "cd '\(scratch.path)' && umask 027 && '\(try Program.path)' report --state state --output r.html",
                in: scratch)
            #expect(try directory.status("r.html").mode == 0o640)
        }

        @Test(arguments: ["printf(\"tick\\n\")", "puts(\"tick\")", "fputs(\"ti\", stdout); fputs(\"ck\\n\", stdout)"])
        func `what a plugin has printed is in the log before the crash that follows`(words: String) async throws {
            let body = "\(words); if (schedhost_cycle(scheduler) == 4) { *(volatile int *)0 = 1; }"
            let name = "printer-" + String(words.utf8.reduce(UInt64(5381)) { $0 &* 33 &+ UInt64($1) }, radix: 36)
            try await Fixtures.build(name, c: Source.plugin(name, waitMs: 200, body: body))
            let scratch = try Scratch()
            try scratch.add(name)
            let host = try Host(in: scratch)
            // Each line comes when it is printed: the first one long before the crash.
            try await host.line("tick")
            #expect(host.lines("ended: crash").isEmpty)
            try await host.line("ended: crash")
            let before = host.log.split(separator: "\n").prefix { !$0.contains("ended: crash") }
            #expect(before.count { $0.contains("tick") } == 5, "\(host.log)")
        }

        @Test func `each line of a log that goes to a file has its date`() async throws {
            try await Fixtures.build("beat", c: Self.beat)
            let scratch = try Scratch()
            try scratch.add("beat")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            let lines = host.log.split(separator: "\n")
            #expect(
                !lines.isEmpty && lines.allSatisfy { $0.hasPrefix("20") && $0.dropFirst(10).hasPrefix(" ") },
                "\(host.log)")
        }

        @Test func `what is frozen with its host is not taken for hung, and what hangs afterwards is`() async throws {
            let body = """
                // In steps, so that it gets no further while it is frozen.
                for (int i = 0; i < 20 || schedhost_cycle(scheduler) == 1; i++) { usleep(50000); }
                schedhost_info(scheduler, "done");
                """
            try await Fixtures.build("cruncher", c: Source.plugin("cruncher", waitMs: 100, body: body))
            let scratch = try Scratch()
            try scratch.add("cruncher")
            try scratch.write("{ timeout_ms: 3000 }", to: "cruncher.json5")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            let worker = try #require(host.workers.first)
            for process in [host.pid, worker] { Processes.kill(process, SIGSTOP) }
            try await Task.sleep(for: .seconds(5))
            for process in [worker, host.pid] { Processes.kill(process, SIGCONT) }
            try await host.line("cruncher/run", "done")
            try await host.line("cruncher/run", "ended: timeout")
            #expect(
                host.lines("ended: timeout").count == 1
                    && host.lines("over its time").first?.contains("cycle 1") == true)
        }
    }
}
