import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// A scratch directory in which other users can reach what is theirs; nil where the tests do not run as root.
    private static func scratchForUsers(_ more: String = "") throws -> Scratch? {
        guard HostProcess.user == 0 else {
            print("skipped: only root can give plugins users of their own")
            return nil
        }
        let scratch = try Scratch()
        try Directory(scratch.path).descriptor.setMode(0o711, subject: scratch.path)
        try scratch.write("{ sandbox_users: '2100000000-2100065535', \(more) }", to: "schedhost.json5")
        return scratch
    }

    /// A plugin that keeps a value on the disk, and says who it is.
    private static func keeper(_ id: String) -> String {
        Source.plugin(
            id, waitMs: 20, more: "#include <unistd.h>\n#include <stdlib.h>",
            body: """
                schedhost_cache_value value;
                schedhost_cache *cache = schedhost_cache_disk(scheduler, "kept", INT64_MAX, NULL, NULL);
                int had = schedhost_cache_get(scheduler, cache, 0, 0, &value) == SCHEDHOST_OK;
                int32_t put = schedhost_cache_put(scheduler, cache, "secret", 6);
                schedhost_info(scheduler, "user %d group %d pid %d had %d put %d", (int)getuid(), (int)getegid(), (int)getpid(),
                    had, (int)put);
                """)
    }

    /// What a plugin with another user's id tries against a neighbour: the process and the folders come as parameters.
    private static let thief = Source.plugin(
        "thief", waitMs: 60_000,
        more: """
            #include <errno.h>
            #include <fcntl.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/ptrace.h>
            #include <sys/resource.h>
            #include <unistd.h>
            """,
        body: """
            int pid = (int)schedhost_param_int(scheduler, "pid", 0);
            const char *state = schedhost_param_string(scheduler, "state", "");
            char path[4096];
            #define TRY(name, call) (errno = 0, (void)(call), schedhost_info(scheduler, name ": %s;", strerror(errno)))
            #define PATH(rest) (snprintf(path, sizeof path, "%s/" rest, state), path)
            TRY("kill", kill(pid, SIGKILL));
            TRY("host", kill(getppid(), SIGKILL));
            TRY("ptrace", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
            TRY("priority", setpriority(PRIO_PROCESS, pid, 19));
            snprintf(path, sizeof path, "/proc/%d/mem", pid);
            TRY("memory", open(path, O_RDWR));
            snprintf(path, sizeof path, "/proc/%d/fd/4", pid);
            TRY("ledger", open(path, O_RDWR));
            TRY("ledgers", open(PATH("ledgers"), O_RDONLY));
            TRY("cache", open(PATH("cache/v1/keeper-of-secrets"), O_RDONLY));
            TRY("records", open(PATH("sessions.jsonl"), O_RDWR));
            TRY("list", open(PATH(""), O_RDONLY));
            TRY("create", open(PATH("evil"), O_RDWR | O_CREAT, 0600));
            TRY("own", open(getenv("SCHEDHOST_DATA"), O_RDONLY));
            snprintf(path, sizeof path, "%s/own", getenv("SCHEDHOST_DATA"));
            TRY("write", open(path, O_RDWR | O_CREAT, 0600));
            schedhost_info(scheduler, "it has tried");
            """)

    @Test(arguments: ["off", "on"]) func `plugins with users of their own cannot touch each other`(sandbox: String)
        async throws
    {
        guard let scratch = try Self.scratchForUsers("sandbox: '\(sandbox)'") else { return }
        try await Fixtures.build("keeper-of-secrets", c: Self.keeper("keeper-of-secrets"))
        try await Fixtures.build("thief", c: Self.thief)
        try scratch.add("keeper-of-secrets")
        let host = try Host(in: scratch)
        try await host.line("keeper-of-secrets/run", "had 1 put 0")
        let line = try #require(host.lines("had 1 put 0").first)
        let words = line.split(separator: " ").map(String.init)
        func number(_ word: String) -> Int { words.firstIndex(of: word).flatMap { Int(words[$0 + 1]) } ?? -1 }
        #expect((2_100_000_000...2_100_065_535).contains(number("user")), "\(line)")
        #expect(number("group") == number("user"), "\(line)")
        try scratch.write("{ params: { pid: \(number("pid")), state: '\(scratch.state)' } }", to: "thief.json5")
        try scratch.add("thief")
        try await host.line("thief/run", "it has tried")
        for name in ["kill", "host", "ptrace", "priority"] {
            #expect(host.lines("thief", "\(name): Operation not permitted;").count == 1, "\(name)\n\(host.log)")
        }
        for name in ["memory", "ledger", "ledgers", "cache", "records", "list", "create"] {
            #expect(host.lines("thief", "\(name): Permission denied;").count == 1, "\(name)\n\(host.log)")
        }
        for name in ["own", "write"] { #expect(host.lines("thief", "\(name): Success;").count == 1, "\(host.log)") }
        _ = try await host.end(by: Signals.terminate)
        #expect(try Records.read(scratch).map(\.reason.end) == [.stopped, .stopped], "\(host.log)")
    }

    @Test(arguments: ["off", "on"]) func `a crash of a plugin with a user of its own has its function and its report`(
        sandbox: String
    )
        async throws
    {
        guard let scratch = try Self.scratchForUsers("sandbox: '\(sandbox)'") else { return }
        try await Fixtures.build(
            "crashes-as-user",
            c: Source.plugin(
                "crashes-as-user", waitMs: 60_000,
                body: "int *volatile nowhere = NULL; *nowhere = (int)schedhost_cycle(scheduler);"))
        try scratch.add("crashes-as-user")
        let host = try Host(in: scratch)
        try await eventually("a record\n\(host.log)") { try !Records.read(scratch).isEmpty }
        _ = try await host.end(by: Signals.terminate)
        let reason = try #require(try Records.read(scratch).first?.reason)
        #expect(reason.signal == "SIGSEGV" && reason.frame?.hasPrefix("run") == true, "\(reason)")
        #expect(reason.text.contains("Bad pointer dereference"), "that is what the report says: \(reason)")
    }

    @Test func `what a plugin keeps survives when it gets a user, loses it, and gets it again`() async throws {
        guard let scratch = try Self.scratchForUsers() else { return }
        try await Fixtures.build("keeper-of-years", c: Self.keeper("keeper-of-years"))
        try scratch.add("keeper-of-years")
        try scratch.write("{ max_cycles: 1 }", to: "keeper-of-years.json5")
        let apart = "{ sandbox_users: '2100000000-2100065535' }"
        let configurations = ["{}", apart, "{}", apart]
        var users: [String] = []
        for (round, configuration) in configurations.enumerated() {
            try scratch.write(configuration, to: "schedhost.json5")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("had \(round == 0 ? 0 : 1) put 0").count == 1, "round \(round)\n\(host.log)")
            users.append(
                host.lines("put 0").first.flatMap { $0.split(separator: " ").drop { $0 != "user" }.dropFirst().first }
                    .map(String.init) ?? "")
        }
        #expect(users[0] == "0" && users[2] == "0" && users[1] != "0" && users[1] == users[3], "\(users)")
    }

    @Test func `of what a plugin had before, links and files with several names are not given to it`() async throws {
        guard let scratch = try Self.scratchForUsers() else { return }
        try await Fixtures.build("keeper-of-years", c: Self.keeper("keeper-of-years"))
        try scratch.add("keeper-of-years")
        try scratch.write("{ max_cycles: 1 }", to: "keeper-of-years.json5")
        let data = scratch.state + "/data/keeper-of-years"
        try FileManager.default.createDirectory(atPath: data + "/sub", withIntermediateDirectories: true)
        for name in ["/outside", "/hard"] { try Data("x".utf8).write(to: URL(filePath: scratch.path + name)) }
        for name in ["/own", "/sub/own"] { try Data("x".utf8).write(to: URL(filePath: data + name)) }
        try FileManager.default.createSymbolicLink(atPath: data + "/link", withDestinationPath: "../../../outside")
        try FileManager.default.linkItem(atPath: scratch.path + "/hard", toPath: data + "/hard")
        let host = try Host("--exit-when-idle", in: scratch)
        #expect(try await host.ended() == .exited(0), "\(host.log)")
        #expect(FileStatus.of(data + "/own")?.owner != 0 && FileStatus.of(data + "/sub/own")?.owner != 0)
        #expect(FileStatus.of(data + "/own")?.owner == FileStatus.of(data)?.owner)
        #expect(
            FileStatus.of(scratch.path + "/outside")?.owner == 0 && FileStatus.of(scratch.path + "/hard")?.owner == 0)
        #expect(host.lines("/hard keeps its owner: it has several names").count == 1, "\(host.log)")
    }

    @Test func `without root the host says what is wrong, and where`() async throws {
        let scratch = try Scratch()
        try await Fixtures.build("healthy")
        try scratch.add("healthy")
        try scratch.write("{ sandbox_users: '2100000000-2100065535' }", to: "schedhost.json5")
        let program = try Program.path
        guard let prefix = try await Self.withoutRights(program, in: scratch) else { return }
        if !prefix.isEmpty { _ = try await Command.shell("chown -R 65534:65534 '\(scratch.path)'", in: scratch) }
        let host = try Command(prefix + [program, "--plugins", scratch.plugins, "--state", scratch.state], in: scratch)
        #expect(try await host.ended() != .exited(0))
        #expect(
            host.errors.contains("sandbox_users: needs a host that runs as root, and this one runs as user"),
            "\(host.errors)")
    }
}
