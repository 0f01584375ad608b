import FoundationEssentials
import HostCommandLine
import HostSystem
import Testing

extension EndToEnd.Isolation {
    /// A state directory that others dispose of, as a command makes it, and what the refusal says of it.
    struct SharedState: Sendable, CustomTestStringConvertible {
        let make: String
        let says: String
        var isRefused = true
        var testDescription: String { make }
    }

    private static let sharedStates = [
        SharedState(make: "mkdir state && chmod 777 state", says: "(mode 777): chmod go-w"),
        SharedState(make: "mkdir state && chmod 770 state", says: "(mode 770): chmod go-w"),
        SharedState(make: "mkdir state && chown 12345 state", says: "belongs to user 12345"),
        SharedState(make: "mkdir -m 1777 state && mkdir -m 777 state/plugins", says: "state/plugins: unsafe"),
        SharedState(make: "mkdir -p state/cache && chown 12345 state/cache", says: "state/cache: unsafe"),
        SharedState(
            make: "mkdir -m 777 open && mkdir -m 700 open/state && ln -s open/state state",
            says: "open (mode 777): chmod go-w"),
        SharedState(
            make: "mkdir open && mkdir -m 700 open/state && chown 12345 open && ln -s open/state state",
            says: "open belongs to user 12345"),
        SharedState(
            make: "mkdir -m 1777 open && mkdir -m 700 open/state && ln -s open/state state", says: "", isRefused: false),
        // As /tmp is: nobody can take away what another one has made.
        SharedState(make: "mkdir -m 1777 state", says: "", isRefused: false),
        SharedState(make: "mkdir -m 755 state", says: "", isRefused: false),
    ]

    /// Who writes there has his code run by the host's user: workers load their copies from it.
    @Test(.enabled(if: HostProcess.user == 0, "only root can give a directory away"), arguments: sharedStates)
    func `a state directory that others dispose of is refused`(_ one: SharedState) async throws {
        let scratch = try Scratch()
        _ = try await Command.shell("cd '\(scratch.path)' && \(one.make)", in: scratch)
        let host = try Host("--exit-when-idle", in: scratch)
        #expect(try await host.ended() == .exited(one.isRefused ? 73 : 0), "\(host.log)")
        guard one.isRefused else { return }
        #expect(host.log.split(separator: "\n").count == 1 && host.log.contains(one.says), "\(host.log)")
        #expect(host.log.contains("--state"), "\(host.log)")
        let allowed = try Host("--exit-when-idle", "--allow-unsafe-permissions", in: scratch)
        #expect(try await allowed.ended() == .exited(0), "\(allowed.log)")
    }

    /// A configuration has commands in it that the host runs.
    @Test(arguments: ["quiet.json5", "schedhost.json5"])
    func `a configuration that others can write is refused, and its commands never run`(name: String) async throws {
        try await Fixtures.build("quiet", c: Source.plugin("quiet", waitMs: 50, body: ""))
        let scratch = try Scratch()
        try scratch.add("quiet")
        try scratch.write("{ on_end: [\"/bin/sh\", \"-c\", \"cat >> '\(scratch.path)/ended'\"] }", to: name)
        _ = try await Command.shell("chmod 666 '\(scratch.plugins)/\(name)'", in: scratch)
        let arguments = ["--max-cycles", "1", "--exit-when-idle"]
        let refused = try Host(shell: "exec \"$@\" \(arguments.joined(separator: " "))", in: scratch)
        #expect(try await refused.ended() != .exited(0), "\(refused.log)")
        #expect(refused.log.contains("\(name): unsafe: others can write it (mode 666): chmod go-w"), "\(refused.log)")
        let allowed = try Host(
            shell: "exec \"$@\" --allow-unsafe-permissions \(arguments.joined(separator: " "))", in: scratch)
        #expect(try await allowed.ended() == .exited(0), "\(allowed.log)")
        #expect(allowed.lines("\(name): the commands of on_end are not run: others can write it").count == 1)
        #expect(scratch.text("ended").isEmpty)
        _ = try await Command.shell("chmod 644 '\(scratch.plugins)/\(name)'", in: scratch)
        let safe = try Host(shell: "exec \"$@\" \(arguments.joined(separator: " "))", in: scratch)
        #expect(try await safe.ended() == .exited(0), "\(safe.log)")
        #expect(!scratch.text("ended").isEmpty, "\(safe.log)")
    }

    /// A plugin says itself what it is called, so another one can say the same and would have what belongs to it.
    @Test func `what a plugin has saved goes to another file only if a person says so`() async throws {
        let body = """
            char path[4096];
            (void)snprintf(path, sizeof path, "%s/secret", getenv("SCHEDHOST_DATA"));
            int file = open(path, O_RDWR | O_CREAT, 0600);
            schedhost_info(scheduler, "the secret is %s", file < 0 ? "out of reach" : "in reach");
            """
        let more = "#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>"
        try await Fixtures.build("name-keeper", c: Source.plugin("name-keeper", waitMs: 50, more: more, body: body))
        let scratch = try Scratch()
        try scratch.add("name-keeper")
        let host = try Host(in: scratch)
        try await host.line("the secret is in reach")
        try FileManager.default.removeItem(atPath: scratch.plugins + "/name-keeper.so")
        try await host.line("name-keeper.so is gone")
        try scratch.add("name-keeper", as: "other.so")
        let refusal =
            "other.so: its name name-keeper was that of name-keeper.so, whose settings, caches and data it would have"
        try await host.line(refusal)
        let count = host.lines("the secret is").count
        let command = try Command([try Program.path, "resume", "name-keeper", "--state", scratch.state], in: scratch)
        #expect(try await command.ended() == .exited(0), "\(command.errors)")
        #expect(command.output == "name-keeper: its file has that name from now on\n")
        try await eventually("the other file's cycles\n\(host.log)") { host.lines("the secret is").count > count }
        _ = try await host.end(by: Signals.terminate)
        #expect(host.lines(refusal).count == 1)
    }

    @Test(.enabled(if: Tools.has("script"), "there is no script(1)"))
    func `a plugin has no terminal to type into`() async throws {
        let body = """
            int terminal = open("/dev/tty", O_RDWR);
            schedhost_info(scheduler, "%s", terminal < 0 && errno == ENXIO ? "no terminal" : "a terminal");
            if (terminal >= 0) { (void)ioctl(terminal, TIOCSTI, "x"); }
            """
        let more = "#include <errno.h>\n#include <fcntl.h>\n#include <sys/ioctl.h>"
        try await Fixtures.build("typist", c: Source.plugin("typist", waitMs: 100, more: more, body: body))
        let scratch = try Scratch()
        try scratch.add("typist")
        // In a sandbox the device cannot be opened anyway.
        try scratch.write("{ sandbox: \"off\" }", to: "schedhost.json5")
        let line = "'\(try Program.path)' --plugins plugins --state state --max-cycles 1 --exit-when-idle"
        let session = try Command(
            ["/bin/sh", "-c", "cd '\(scratch.path)' && exec script -qec \"\(line)\" seen </dev/null"], in: scratch)
        _ = try await session.ended()
        let seen = scratch.text("seen")
        #expect(seen.contains("no terminal") && !seen.contains("a terminal"), "\(seen)")
    }

    /// What a plugin asks for is none of its operator's wishes, however it asks.
    @Test(arguments: ["", "setsid ", "env -i ", "sh -c \\\"sleep 0.2; "])
    func `a plugin cannot order the host about`(prefix: String) async throws {
        let program = try Program.path
        let end = prefix.hasPrefix("sh") ? "\\\" & sleep 1" : ""
        let scratch = try Scratch()
        let name = "orderer-\(prefix.utf8.reduce(0) { ($0 * 31 + Int($1)) % 9973 })"
        let body = """
            (void)system("\(prefix)'\(program)' stop neighbour --state '\(scratch.state)'\(end)");
            schedhost_info(scheduler, "asked");
            """
        try Data(Source.plugin(name, waitMs: 1000, more: "#include <stdlib.h>", body: body).utf8)
            .write(to: URL(filePath: scratch.path + "/o.c"))
        _ = try await Command.shell(
            "cc -w -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(scratch.path)/o.c' -o '\(scratch.plugins)/\(name).so'",
            in: scratch)
        try await Fixtures.build("neighbour", c: Source.plugin("neighbour", waitMs: 50, body: ""))
        try scratch.add("neighbour")
        // In a sandbox it has no such socket at all.
        try scratch.write("{ sandbox: \"off\" }", to: "schedhost.json5")
        let host = try Host(in: scratch)
        try await host.line(name + "/run", "asked")
        try await host.line("asks on the control socket", "not answered")
        #expect(host.lines("neighbour/run", "ended").isEmpty, "\(host.log)")
        let status = try await Program.run("status", "--state", scratch.state, in: scratch)
        #expect(status.end == .exited(0) && status.output.contains("neighbour/run"), "\(status)")
        _ = try await host.end(by: Signals.terminate)
    }

    /// What another process of the same user could read or write of the host.
    @Test(.enabled(if: HostProcess.user == 0 && Tools.has("setpriv"), "only root can be another user"))
    func `a plugin reaches no part of the supervisor's process`() async throws {
        let body = """
            static const char *const parts[] = {"mem", "environ", "maps", "fd/0", "oom_score_adj"};
            int reached = 0;
            for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
                char path[64];
                snprintf(path, sizeof path, "/proc/%d/%s", (int)getppid(), parts[i]);
                reached += open(path, O_RDWR) >= 0 || (i < 4 && open(path, O_RDONLY) >= 0);
            }
            schedhost_info(scheduler, "reached %d", reached);
            """
        try await Fixtures.build(
            "reacher", c: Source.plugin("reacher", waitMs: 100, more: "#include <fcntl.h>", body: body))
        let scratch = try Scratch()
        try scratch.add("reacher")
        let program = try Program.path
        let prefix = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let trial = try Command(prefix + [program, "version"], in: scratch)
        // Where the build lies in a folder of root's alone, nobody else can run it.
        guard try await trial.ended() == .exited(0) else { return }
        _ = try await Command.shell("chown -R 65534:65534 '\(scratch.path)'", in: scratch)
        let host = try Command(
            prefix + [
                program, "--plugins", scratch.plugins, "--state", scratch.state, "--max-cycles", "1",
                "--exit-when-idle",
            ], in: scratch)
        #expect(try await host.ended() == .exited(0), "\(host.errors)")
        #expect(host.errors.contains("reached 0"), "\(host.errors)")
    }
}
