import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What a plugin in a sandbox cannot touch, tried from within one.
    @Suite(.serialized) struct Sandboxes {
        /// What is tried, and whether it may succeed, in a sandbox and without one.
        private static let attempts = """
            const char *own = getenv("SCHEDHOST_DATA");
            const char *state = schedhost_param_string(scheduler, "state", "");
            char path[512];
            #define TRY(name, flags, ...) do { \\
                snprintf(path, sizeof path, __VA_ARGS__); \\
                int file = open(path, flags, 0600); \\
                schedhost_info(scheduler, name " %d;", file >= 0 ? 0 : errno); \\
            } while (0)
            TRY("own-data", O_CREAT | O_RDWR, "%s/file", own);
            TRY("outside", O_CREAT | O_RDWR, "%s/../outside", state);
            TRY("records", O_RDWR, "%s/open.jsonl", state);
            TRY("configuration", O_RDONLY, "%s/../plugins/neighbour.json5", state);
            TRY("system", O_RDONLY, "/etc/passwd");
            schedhost_info(scheduler, "host %d;", kill(getppid(), 0) == 0 ? 0 : errno);
            schedhost_info(scheduler, "socket %d;", socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno);
            schedhost_info(scheduler, "chmod %d;", chmod("/tmp", 01777) == 0 ? 0 : errno);
            """

        @Test(arguments: ["on", "required", "off"])
        func `a plugin writes to its own folders, and reaches neither the host nor others`(level: String) async throws {
            let more = """
                #include <errno.h>
                #include <fcntl.h>
                #include <signal.h>
                #include <stdlib.h>
                #include <sys/socket.h>
                #include <sys/stat.h>
                """
            try await Fixtures.build(
                "prisoner", c: Source.plugin("prisoner", waitMs: 60_000, more: more, body: Self.attempts))
            let scratch = try Scratch()
            try scratch.add("prisoner")
            try scratch.write("{ enabled: true }", to: "neighbour.json5")
            try scratch.write(
                "{ sandbox: \"\(level)\", params: { state: \"\(scratch.state)\" } }", to: "prisoner.json5")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let denied = level == "off" ? 0 : EACCES
            let refused = level == "off" ? 0 : EPERM
            for (name, number) in [
                ("own-data", 0), ("outside", denied), ("records", denied), ("configuration", denied), ("system", 0),
                ("host", refused), ("socket", level == "off" ? 0 : EAFNOSUPPORT), ("chmod", refused),
            ] {
                #expect(host.lines("prisoner/run", "\(name) \(number);").count == 1, "\(name)\n\(host.log)")
            }
        }

        /// The bounding set of a worker stays as it is. A program that root executes would get all of that set, if the
        /// worker could gain privileges.
        @Test(.enabled(if: HostProcess.user == 0, "only root has capabilities"))
        func `a program that a plugin executes gets back no capability that the plugin lacks`() async throws {
            let body = """
                char line[128] = "";
                FILE *status = popen("grep CapPrm /proc/self/status", "r");
                if (status) { (void)!fgets(line, sizeof line, status); (void)pclose(status); }
                line[strcspn(line, "\\n")] = 0;
                schedhost_info(scheduler, "the program has %s;", line);
                """
            try await Fixtures.build(
                "capable", c: Source.plugin("capable", waitMs: 60_000, more: "#include <string.h>", body: body))
            let scratch = try Scratch()
            try scratch.add("capable")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let line = try await host.line("the program has CapPrm:")
            let digits = line.split(separator: "CapPrm:").last?.filter(\.isHexDigit) ?? ""
            let capabilities = try #require(UInt64(digits, radix: 16), "\(line)")
            for number in [12, 19, 21] as [UInt64] {  // CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_SYS_ADMIN
                #expect(capabilities & 1 << number == 0, "\(line)")
            }
        }

        private static func touch(_ path: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: path))
        }

        /// Executes a program in which calls of Landlock fail with that error.
        private static func withoutLandlock(_ number: Int) -> String {
            """
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <sys/prctl.h>
            #include <unistd.h>
            int main(int count, char **words) {
                struct sock_filter filter[] = {
                    {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                    {BPF_JMP | BPF_JGE | BPF_K, 0, 2, 444}, {BPF_JMP | BPF_JGE | BPF_K, 1, 0, 447},
                    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | \(number)}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
                struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
                (void)count;
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 99;
                execv(words[1], words + 1);
                return 98;
            }
            """
        }

        @Test(arguments: [38, 1]) func `where there is no Landlock, on goes on and says so, and required refuses`(
            error: Int
        ) async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try Self.touch(scratch.path + "/without.c", Self.withoutLandlock(error))
            _ = try await Command.shell("cc '\(scratch.path)/without.c' -o '\(scratch.path)/without'", in: scratch)
            try scratch.add("healthy")
            let host = try Host(shell: "exec ./without \"$@\"", in: scratch)
            try await host.line(
                "WARNING", "this kernel has no Landlock", "sandboxes do not cover files, TCP ports, signals")
            _ = try await host.sessions(1)
            #expect(host.lines("this kernel has no Landlock").count == 1)
            try scratch.write("{ sandbox: \"required\" }", to: "healthy.json5")
            try await host.line("its sandbox is required, and on this kernel sandboxes do not cover files")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `on this kernel a sandbox is whole`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{ sandbox: \"required\" }", to: "schedhost.json5")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `a library of the plugins directory runs in no worker before its sandbox`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try Self.touch(
                scratch.path + "/early.c",
                "#include <unistd.h>\n__attribute__((constructor)) static void early(void) { (void)!write(2, \"early\\n\", 6); }"
            )
            _ = try await Command.shell(
                "cc -shared -fPIC '\(scratch.path)/early.c' -o '\(scratch.plugins)/libm.so.6'", in: scratch)
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            #expect(host.lines("early").isEmpty, "\(host.log)")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `what is called as a sanitizer's runtime, and lies beside the plugin, runs in the sandbox too`()
            async throws
        {
            let scratch = try Scratch()
            let marker = scratch.path + "/marker"
            try Self.touch(
                scratch.path + "/early.c",
                """
                #include <fcntl.h>
                #include <stdio.h>
                __attribute__((constructor)) static void early(void) {
                    int file = open("\(marker)", O_CREAT | O_WRONLY, 0600);
                    fprintf(stderr, "early: %s\\n", file < 0 ? "confined" : "free");
                }
                int early_function(void) { return 0; }
                """)
            try Self.touch(
                scratch.path + "/plugin.c",
                Source.plugin(
                    "pretender", waitMs: 50, more: "int early_function(void);", body: "early_function();"))
            for name in ["libasan.so.77", "libtsan.so.99"] {
                _ = try await Command.shell(
                    """
                    cd '\(scratch.path)' && cc -shared -fPIC early.c -Wl,-soname,\(name) -o plugins/\(name)
                    cc -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' plugin.c plugins/\(name) \
                        -o plugins/pretender.so
                    """, in: scratch)
                let host = try Host(in: scratch)
                try await host.line("early: ")
                #expect(!FileManager.default.fileExists(atPath: marker), "\(host.log)")
                #expect(host.lines("early: free").isEmpty, "\(host.log)")
                _ = try await host.end(by: Signals.terminate)
            }
        }

        @Test func `a command of the host, executed by a plugin, reaches no host`() async throws {
            let program = try Program.path
            let scratch = try Scratch()
            try await Fixtures.build(
                "commander",
                c: Source.plugin(
                    "commander", waitMs: 60_000, more: "#include <stdlib.h>",
                    body: """
                        int status = system("\(program) stop '*' --state '\(scratch.state)' >&2");
                        schedhost_info(scheduler, "the command ended with %d", status >> 8);
                        """))
            try scratch.add("commander")
            let host = try Host(in: scratch)
            let line = try await host.line("the command ended with")
            #expect(!line.contains("ended with 0"), "\(host.log)")
            #expect(try host.records.isEmpty)
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `threads that a constructor starts are in the sandbox, and children that are left too`() async throws
        {
            let more = """
                #include <errno.h>
                #include <fcntl.h>
                #include <pthread.h>
                static volatile int seen = -1;
                static void *work(void *unused) {
                    usleep(50000);
                    seen = open("/tmp/schedhost-escape", O_CREAT | O_RDWR, 0600) >= 0 ? 0 : errno;
                    return unused;
                }
                __attribute__((constructor)) static void early(void) {
                    pthread_t thread;
                    pthread_create(&thread, NULL, work, NULL);
                }
                """
            try await Fixtures.build(
                "threaded",
                c: Source.plugin(
                    "threaded", waitMs: 20, more: more,
                    body:
                        "if (schedhost_cycle(scheduler) == 10) schedhost_info(scheduler, \"the thread saw %d\", seen);")
            )
            let scratch = try Scratch()
            try scratch.add("threaded")
            let host = try Host(in: scratch)
            try await host.line("the thread saw 13")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
