import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Parameters from the surroundings, and those that nobody is to see.
    @Suite struct Secrets {
        private static let secret = "hunter2-7f3a9c"

        /// Says the secret's length, and fails now and then, so that records, hooks and the log have something to tell.
        private static let keeper = Source.plugin(
            "keeper", waitMs: 20,
            more: """
                static const schedhost_parameter token = {
                    SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING, .name = "token",
                    .description = "what nobody sees", .flags = SCHEDHOST_PARAM_SECRET};
                static const schedhost_parameter level = {
                    SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_INT, .name = "level",
                    .default_value = "1", .range = "1..9"};
                static const schedhost_parameter *const parameters[] = {&token, &level, NULL};
                """,
            body: """
                schedhost_info(scheduler, "%zu characters, level %d",
                               strlen(schedhost_param_string(scheduler, "token", "")),
                               (int)schedhost_param_int(scheduler, "level", 0));
                if (schedhost_cycle(scheduler) == 3) { return schedhost_fail(scheduler, 5, "no luck"); }
                if (schedhost_cycle(scheduler) == 2 && schedhost_where(scheduler)->session_before) { *(volatile int *)0 = 1; }
                """
        ).replacing(".routines = routines}", with: ".routines = routines, .parameters = parameters}")

        private func scratch(_ configuration: String) async throws -> Scratch {
            try await Fixtures.build("keeper", c: Self.keeper)
            let scratch = try Scratch()
            try scratch.add("keeper")
            try scratch.write(configuration, to: "keeper.json5")
            return scratch
        }

        @Test func `a secret's value is found nowhere that the host prints, serves or writes`() async throws {
            let scratch = try await scratch("{}")
            try scratch.write(
                "{ on_failure: ['/bin/sh', '-c', 'cat >> \(scratch.path)/hook'], "
                    + "params: { token: '${credential:db}', level: '${env:LEVEL}' } }",
                to: "keeper.json5")
            let credentials = scratch.path + "/credentials"
            try FileManager.default.createDirectory(atPath: credentials, withIntermediateDirectories: false)
            try Data((Self.secret + "\n").utf8).write(to: URL(filePath: credentials + "/db"))
            let host = try Host(
                "--listen", "127.0.0.1:0", "--metrics-file", scratch.path + "/m.prom", "--log-level", "trace",
                in: scratch, environment: ["CREDENTIALS_DIRECTORY": credentials, "LEVEL": "4"])
            let line = try await host.line("listening on http://")
            let port = line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""
            _ = try await host.line("\(Self.secret.count) characters, level 4")
            try await eventually("a crash") { try host.records.contains { $0.reason.end == .crash } }
            var shown = ""
            for words in [
                ["status", "--json"], ["status"], ["records", "--format", "json"], ["report", "--output", "-"],
                ["report", "--output", "-", "--json"], ["metrics"],
            ] {
                let command = try Command([try Program.path] + words + ["--state", scratch.state], in: scratch)
                _ = try await command.ended()
                shown += command.output + command.errors
            }
            for words in [["list", "--all"], ["list", "--json"]] {
                let command = try Command([try Program.path] + words + ["--plugins", scratch.plugins], in: scratch)
                #expect(try await command.ended() == .exited(0))
                shown += command.output + command.errors
            }
            if Tools.has("curl") {
                for page in ["", "status.json", "records.json", "metrics"] {
                    shown += try await Command.shell(
                        "curl -s --max-time 10 http://127.0.0.1:\(port)/\(page)", in: scratch)
                }
            }
            #expect(shown.contains("keeper/run") && shown.contains("(secret)"))
            // Values that are refused are not told either.
            try scratch.write("{ params: { level: '${file:../credentials/db}' } }", to: "keeper.json5")
            _ = try await host.line("params.level: must be a whole number from 1 to 9, not what")
            _ = try await host.end(by: Signals.terminate)
            #expect(!shown.contains(Self.secret) && !host.log.contains(Self.secret))
            let found = try await Command.shell(
                "grep -rlaF -e '\(Self.secret)' '\(scratch.state)' '\(scratch.path)/m.prom' '\(scratch.path)/hook' || true",
                in: scratch)
            #expect(found.isEmpty, "\(found)")
            #expect(scratch.text("hook").contains("no luck"))
        }

        @Test func `what is missing is said with file, line and mend, and nothing of it runs`() async throws {
            let scratch = try await scratch("{\n    params: { token: '${credential:db}' },\n}")
            let host = try Host(in: scratch)
            let line = try await host.line("keeper.json5:2:22: params.token: there is no credential db")
            #expect(line.contains("LoadCredential=db:FILE"))
            try scratch.write("{ params: { token: '${env:NO_SUCH_NAME:-abc}' } }", to: "keeper.json5")
            _ = try await host.line("3 characters, level 1")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
