import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// What a plugin is allowed in its sandbox, and how it learns of what it is not.
extension EndToEnd {
    @Suite(.serialized) struct SandboxGrants {
        @Test func `a refused call is told with its place and its mend, also in the record of the failure`()
            async throws
        {
            try await Fixtures.build(
                "tracer",
                c: Source.plugin(
                    "tracer", waitMs: 60_000, more: "#include <sys/ptrace.h>",
                    body: """
                        if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) != 0) {
                            return schedhost_fail(scheduler, 7, "cannot trace");
                        }
                        """))
            let scratch = try Scratch()
            try scratch.add("tracer")
            let host = try Host(in: scratch)
            try await host.line("WARNING", "tracer", "its sandbox refused ptrace", "at run")
            try await host.line(
                "cannot trace; its sandbox refused ptrace: sandbox: { syscalls: [\"ptrace\"] } would allow it")
            // An edit of the sandbox begins a new worker: the call reaches Landlock, which refuses too, without a trap.
            let before = host.lines("its sandbox refused ptrace").count
            try scratch.write("{ sandbox: { syscalls: [\"ptrace\"] } }", to: "tracer.json5")
            try await host.line("tracer", "its configuration has changed")
            try await eventually("an error without a refusal\n\(host.log)") {
                host.lines("cannot trace").contains { !$0.contains("its sandbox refused") }
            }
            #expect(host.lines("its sandbox refused ptrace").count <= before + 1)
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `an error that speaks of permission is told what the sandbox permits, and a grant lets it succeed`()
            async throws
        {
            let scratch = try Scratch()
            let folder = scratch.path + "/out"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try await Fixtures.build(
                "exporter",
                c: Source.plugin(
                    "exporter", waitMs: 60_000, more: "#include <errno.h>\n#include <string.h>",
                    body: """
                        char path[4096];
                        snprintf(path, sizeof path, "%s/out/file", schedhost_param_string(scheduler, "parent", "/"));
                        FILE *file = fopen(path, "w");
                        if (file == NULL) return schedhost_fail(scheduler, errno, "%s: %s", path, strerror(errno));
                        fclose(file);
                        schedhost_info(scheduler, "exported");
                        """))
            try scratch.add("exporter")
            // The host's own folders lie in that one: it is not given by being named.
            try scratch.write("{ params: { parent: '\(scratch.path)' } }", to: "exporter.json5")
            let host = try Host(in: scratch)
            try await host.line("/out/file: Permission denied; its sandbox lets it write to $SCHEDHOST_DATA")
            try scratch.write(
                "{ params: { parent: '\(scratch.path)' }, sandbox: { write: ['\(folder)'] } }", to: "exporter.json5")
            try await host.line("exporter/run", "exported")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `a check says what a plugin needs, and with that in its configuration it needs no more`()
            async throws
        {
            let scratch = try Scratch()
            let folder = scratch.path + "/wanted"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let more = """
                #include <arpa/inet.h>
                #include <fcntl.h>
                #include <stdlib.h>
                #include <string.h>
                #include <sys/socket.h>
                #include <sys/stat.h>
                #include <sys/un.h>
                """
            let body = """
                struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(47113)};
                struct sockaddr_un named = {.sun_family = AF_UNIX, .sun_path = "\(folder)/socket"};
                char own[4096];
                int listening = socket(AF_INET, SOCK_STREAM, 0);
                int asking = socket(AF_UNIX, SOCK_STREAM, 0);
                int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
                (void)bind(listening, (void *)&address, sizeof address);
                (void)bind(datagrams, (void *)&address, sizeof address);
                (void)connect(asking, (void *)&named, sizeof named);
                (void)close(listening); (void)close(asking); (void)close(datagrams);
                snprintf(own, sizeof own, "%s/own", getenv("SCHEDHOST_DATA"));
                (void)close(open(own, O_CREAT | O_WRONLY, 0600));
                (void)close(open("/dev/null", O_WRONLY));
                (void)close(open("/etc/passwd", O_RDONLY));
                if (system("echo x > \(folder)/by-a-child && chmod 600 \(folder)/by-a-child") != 0) {
                    return schedhost_fail(scheduler, 1, "it was refused");
                }
                """
            try await Fixtures.build("demanding", c: Source.plugin("demanding", waitMs: 60_000, more: more, body: body))
            try scratch.add("demanding")
            let file = scratch.plugins + "/demanding.so"
            let first = try await Program.run("check", "--sandbox", file, in: scratch)
            let block = first.output.split(separator: "\n").drop { !$0.contains("sandbox: {") }.joined(separator: "\n")
            #expect(first.end == .exited(0), "\(first.output)\(first.errors)")
            #expect(block.contains("write: [\"\(folder)\"],"), "\(first.output)")
            #expect(block.contains("bind: [47113],") && block.contains("unix: [\"\(folder)/socket\"],"), "\(block)")
            #expect(block.contains("syscalls: [\"fchmodat\"],") || block.contains("syscalls: [\"chmod\"],"), "\(block)")
            try scratch.write("{ \(block) }", to: "demanding.json5")
            let second = try await Program.run("check", "--sandbox", file, in: scratch)
            #expect(second.output.contains("needs nothing"), "\(second.output)\(second.errors)")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
        }

        /// A plugin that writes to the paths of four parameters, one of them by its own default, and tells what came of it.
        private static func writer(_ id: String, default path: String) -> String {
            """
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <schedhost/plugin.h>
            static int32_t run(const schedhost_scheduler *scheduler, void *user) {
                const char *names[] = {"made", "there", "folder", "own"};
                for (int i = 0; i < 4; i++) {
                    char path[4096];
                    const char *name = schedhost_param_string(scheduler, names[i], "");
                    snprintf(path, sizeof path, "%s%s", name, i == 2 && *name ? "/a/b" : "");
                    if (*path == 0) continue;
                    FILE *file = fopen(path, "a");
                    schedhost_info(scheduler, "%s: %s;", names[i], file == NULL ? strerror(errno) : "written");
                    if (file != NULL) { fputs("x", file); fclose(file); }
                }
                (void)user;
                return SCHEDHOST_OK;
            }
            #define TEXT(id, text) static const schedhost_parameter id = {SCHEDHOST_SIZED(schedhost_parameter), \\
                .type = SCHEDHOST_PARAM_STRING, .name = #id, .default_value = text};
            TEXT(made, "") TEXT(there, "") TEXT(folder, "") TEXT(own, "\(path)")
            static const schedhost_parameter *const parameters[] = {&made, &there, &folder, &own, NULL};
            static const schedhost_routine routine = {
                SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = 20, .run = run};
            static const schedhost_routine *const routines[] = {&routine, NULL};
            static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "\(id)", .version = "1.0.0",
                .parameters = parameters, .routines = routines};
            SCHEDHOST_PLUGIN(&plugin)
            """
        }

        @Test(arguments: ["plugin", "routine", "shared"])
        func `paths that the configuration names may be written, those of the plugin's own default not`(
            isolation: String
        ) async throws {
            let id = "writes-named-" + isolation
            let scratch = try Scratch()
            let beside = scratch.path + "/beside"
            try FileManager.default.createDirectory(atPath: beside + "/folder/a", withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: beside + "/there"))
            try await Fixtures.build(id, c: Self.writer(id, default: "/tmp/\(id)-default"))
            try scratch.add(id)
            try scratch.write("{ isolation: '\(isolation)' }", to: "schedhost.json5")
            // Beside the state directory, where no folder can be given: the file is made first.
            try scratch.write(
                """
                { params: { made: '\(scratch.path)/made', there: '\(beside)/there', folder: '\(beside)/folder' },
                  max_cycles: 2 }
                """, to: id + ".json5")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            for name in ["made", "there", "folder"] {
                #expect(host.lines(id, name + ": written;").count == 2, "\(name)\n\(host.log)")
            }
            #expect(host.lines(id, "own: Permission denied;").count == 2, "\(host.log)")
            #expect(scratch.text("made") == "xx" && scratch.text("beside/there") == "xx")
            #expect(scratch.text("beside/folder/a/b") == "xx")
        }

        @Test func `a path that names the host's own files, or more than the limit allows, gives nothing`() async throws
        {
            let id = "names-too-much"
            let scratch = try Scratch()
            for folder in ["outside", "within"] {
                try FileManager.default.createDirectory(
                    atPath: scratch.path + "/" + folder, withIntermediateDirectories: false)
            }
            try await Fixtures.build(id, c: Self.writer(id, default: "/tmp/\(id)-default"))
            try scratch.add(id)
            try scratch.write("{ sandbox_limit: { write: ['\(scratch.path)/within'] } }", to: "schedhost.json5")
            try scratch.write(
                """
                { params: { made: '\(scratch.path)/outside/file', there: '\(scratch.state)/open.jsonl',
                            own: '\(scratch.path)/within/file' },
                  max_cycles: 1 }
                """, to: id + ".json5")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines(id, "made: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines(id, "there: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines(id, "own: written;").count == 1, "\(host.log)")
        }

        @Test func `a link does not lead beyond the limit, neither by a parameter nor by a setting`() async throws {
            let id = "led-beyond"
            let scratch = try Scratch()
            for folder in ["outside", "within", "within/real"] {
                try FileManager.default.createDirectory(
                    atPath: scratch.path + "/" + folder, withIntermediateDirectories: false)
            }
            for (link, target) in [("way", "../outside"), ("way2", "../outside"), ("good", "real")] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(scratch.path)/within/\(link)", withDestinationPath: target)
            }
            try await Fixtures.build(id, c: Self.writer(id, default: "/tmp/\(id)-default"))
            try scratch.add(id)
            try scratch.write(
                "{ sandbox_limit: { write: ['\(scratch.path)/within/'] }, plugins: { '\(id)': { params: { "
                    + "own: '\(scratch.path)/outside/by-the-operator' } } } }", to: "schedhost.json5")
            // The file in `outside` is given by the operator alone.
            try Data().write(to: URL(filePath: scratch.path + "/outside/by-the-operator"))
            try scratch.write(
                """
                { params: { made: '\(scratch.path)/within/way/file', there: '\(scratch.path)/within/way2/other' },
                  sandbox: { write: ['\(scratch.path)/within/way2', '\(scratch.path)/within/good'] }, max_cycles: 1 }
                """, to: id + ".json5")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines(id, "made: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines(id, "there: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines(id, "own: written;").count == 1, "\(host.log)")
            #expect(host.lines("/within/way2 (sandbox.write) leads beyond what sandbox_limit allows").count == 1)
        }

        @Test func `the environment has what programs need, and what is named`() async throws {
            try await Fixtures.build(
                "teller",
                c: Source.plugin(
                    "teller", waitMs: 60_000, more: "#include <stdlib.h>",
                    body: """
                        schedhost_info(scheduler, "home %d, secret %d, named %d", getenv("HOME") != NULL,
                            getenv("AWS_SECRET_ACCESS_KEY") != NULL, getenv("PGPASSFILE") != NULL);
                        """))
            let scratch = try Scratch()
            try scratch.add("teller")
            try scratch.write("{ sandbox: { environment: [\"PGPASSFILE\"] } }", to: "teller.json5")
            let host = try Host(in: scratch, environment: ["AWS_SECRET_ACCESS_KEY": "x", "PGPASSFILE": "y"])
            try await host.line("home 1, secret 0, named 1")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `what programs need works where nothing else may be read`() async throws {
            let body = """
                struct addrinfo *found = NULL;
                struct tm local;
                time_t now = time(NULL);
                int lookup = getaddrinfo("localhost", "80", NULL, &found);
                FILE *temporary = tmpfile();
                void *library = dlopen("libm.so.6", RTLD_NOW);
                pthread_t thread;
                int made = pthread_create(&thread, NULL, work, NULL);
                schedhost_info(scheduler, "lookup %d, zone %d, temporary %d, library %d, thread %d, shell %d, locale %d, home %d",
                    lookup, localtime_r(&now, &local) != NULL, temporary != NULL || mkstemp(name()) >= 0, library != NULL, made,
                    system("exit 3") >> 8, setlocale(LC_ALL, "C.UTF-8") != NULL, open(getenv("HOME"), O_RDONLY) >= 0);
                """
            let more = """
                #include <dlfcn.h>
                #include <fcntl.h>
                #include <locale.h>
                #include <netdb.h>
                #include <pthread.h>
                #include <stdlib.h>
                static void *work(void *unused) { return unused; }
                static char *name(void) {
                    static char path[4096];
                    snprintf(path, sizeof path, "%s/XXXXXX", getenv("TMPDIR"));
                    return path;
                }
                """
            try await Fixtures.build("needy", c: Source.plugin("needy", waitMs: 60_000, more: more, body: body))
            let scratch = try Scratch()
            try scratch.add("needy")
            try scratch.write("{ sandbox: { read: [] } }", to: "needy.json5")
            let host = try Host(in: scratch)
            try await host.line(
                "lookup 0, zone 1, temporary 1, library 1, thread 0, shell 3, locale 1, home 0")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
