import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// Places that a plugin reaches by detours: links of its own, secrets of others, and the control socket.
extension EndToEnd {
    @Suite(.serialized) struct SandboxPlaces {
        @Test func `a link that a plugin puts in the place of what it may write leads its next worker nowhere`()
            async throws
        {
            let scratch = try Scratch()
            for folder in ["out", "out/sub", "victim"] {
                try FileManager.default.createDirectory(
                    atPath: scratch.path + "/" + folder, withIntermediateDirectories: false)
            }
            try await Fixtures.build(
                "swaps-links",
                c: Source.plugin(
                    "swaps-links", waitMs: 60_000, more: "#include <errno.h>\n#include <stdlib.h>\n#include <string.h>",
                    body: """
                        const char *base = getenv("BASE");
                        char sub[4096], old[4096], file[4096];
                        snprintf(sub, sizeof sub, "%s/out/sub", base);
                        snprintf(old, sizeof old, "%s/out/old", base);
                        snprintf(file, sizeof file, "%s/victim/keys", base);
                        FILE *keys = fopen(file, "w");
                        schedhost_info(scheduler, "victim: %s;", keys == NULL ? strerror(errno) : "written");
                        if (keys != NULL) { fclose(keys); }
                        if (rename(sub, old) == 0 && symlink("../victim", sub) == 0) { _exit(1); }
                        """))
            try scratch.add("swaps-links")
            try scratch.write(
                """
                { sandbox: { write: ['\(scratch.path)/out', '\(scratch.path)/out/sub'], environment: ['BASE'] } }
                """, to: "swaps-links.json5")
            let host = try Host(in: scratch, environment: ["BASE": scratch.path])
            try await host.line(
                "/out/sub (sandbox.write) leads to \(scratch.path)/victim by a link that a plugin may have created")
            try await eventually("a second worker\n\(host.log)") { host.lines("victim: Permission denied;").count >= 2 }
            #expect(host.lines("victim: written").isEmpty, "\(host.log)")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test(arguments: ["'all'", "['/tmp']"])
        func `files that any configuration takes its values from, and credentials, are read by no plugin`(
            read: String
        ) async throws {
            let scratch = try Scratch()
            try FileManager.default.createDirectory(
                atPath: scratch.path + "/credentials", withIntermediateDirectories: false)
            for name in ["credentials/key", "secret", "open"] {
                try Data("x".utf8).write(to: URL(filePath: scratch.path + "/" + name))
            }
            let id = "reads-secrets"
            try await Fixtures.build(
                id,
                c: Source.plugin(
                    id, waitMs: 60_000, more: "#include <errno.h>\n#include <stdlib.h>\n#include <string.h>",
                    body: """
                        const char *names[] = {"credentials/key", "secret", "open"};
                        for (int i = 0; i < 3; i++) {
                            char path[4096];
                            snprintf(path, sizeof path, "%s/%s", getenv("BASE"), names[i]);
                            FILE *file = fopen(path, "r");
                            schedhost_info(scheduler, "%s: %s;", names[i], file == NULL ? strerror(errno) : "read");
                            if (file != NULL) { fclose(file); }
                        }
                        """))
            try scratch.add(id)
            try scratch.write("{ params: { password: '${file:\(scratch.path)/secret}' } }", to: "other.json5")
            // The list names a directory with the secrets in it: it gives nothing.
            let list = read == "'all'" ? read : "['\(scratch.path)', '\(scratch.path)/open']"
            try scratch.write("{ sandbox: { read: \(list), environment: ['BASE'] }, max_cycles: 1 }", to: id + ".json5")
            let host = try Host(
                "--exit-when-idle", in: scratch,
                environment: ["BASE": scratch.path, "CREDENTIALS_DIRECTORY": scratch.path + "/credentials"])
            _ = try await host.ended()
            #expect(host.lines("credentials/key: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines("secret: Permission denied;").count == 1, "\(host.log)")
            #expect(host.lines("open: read;").count == 1, "\(host.log)")
        }

        @Test func `the control socket answers no process of a plugin, whoever its parent is, and none that is gone`()
            async throws
        {
            let id = "asks-the-host"
            try await Fixtures.build(
                id,
                c: Source.plugin(
                    id, waitMs: 60_000,
                    more: """
                        #include <stdlib.h>
                        #include <string.h>
                        #include <sys/prctl.h>
                        #include <sys/socket.h>
                        #include <sys/un.h>
                        #include <sys/wait.h>
                        /* How many bytes the host answers; with `leaves` nobody waits for them. */
                        static int ask(int leaves) {
                            const char request[] = "{\\"v\\":1,\\"request\\":\\"log-level\\",\\"level\\":\\"debug\\"}\\n";
                            struct sockaddr_un address = {.sun_family = AF_UNIX};
                            struct timeval patience = {3, 0};
                            char answer[4096];
                            snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("CONTROL"));
                            int own = socket(AF_UNIX, SOCK_STREAM, 0);
                            (void)setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                            if (connect(own, (void *)&address, sizeof address) != 0) return -1;
                            if (write(own, request, sizeof request - 1) < 0 || leaves) return 0;
                            return (int)read(own, answer, sizeof answer);
                        }
                        """,
                    body: """
                        int both[2], said = 99;
                        schedhost_info(scheduler, "direct: %d;", ask(0) > 0);
                        (void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
                        if (pipe(both) != 0) return SCHEDHOST_ERROR;
                        pid_t child = fork();
                        if (child == 0) {
                            if (fork() != 0) _exit(0);
                            usleep(200000);
                            said = ask(0) > 0;
                            (void)!write(both[1], &said, sizeof said);
                            _exit(0);
                        }
                        (void)waitpid(child, NULL, 0);
                        (void)!read(both[0], &said, sizeof said);
                        schedhost_info(scheduler, "orphan: %d;", said);
                        for (int i = 0; i < 50; i++) {
                            child = fork();
                            if (child == 0) _exit(ask(1) != 0);
                            (void)waitpid(child, NULL, 0);
                        }
                        schedhost_info(scheduler, "all asked");
                        """))
            let scratch = try Scratch()
            try scratch.add(id)
            try scratch.write("{ sandbox: 'off' }", to: id + ".json5")
            let host = try Host(in: scratch, environment: ["CONTROL": scratch.state + "/control.sock"])
            try await host.line("all asked")
            #expect(host.lines("direct: 0;").count == 1 && host.lines("orphan: 0;").count == 1, "\(host.log)")
            let level = try await Program.run("log-level", "--state", scratch.state, in: scratch)
            #expect(level.output.contains("info"), "\(level.output)\(level.errors)\(host.log)")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
