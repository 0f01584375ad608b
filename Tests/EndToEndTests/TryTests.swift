import FoundationEssentials
import HostStore
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// `schedhost try`: one plugin in the foreground, as time passes and in virtual time.
    @Suite struct Try {
        /// A routine that prints its cycle and time, one that sleeps longer than the first one waits, one that fails, and one
        /// by a schedule.
        private static let several = """
            #define _GNU_SOURCE
            #include <schedhost/plugin.h>
            #include <stdio.h>
            static void say(const schedhost_scheduler *scheduler, const char *what) {
                printf("%s %s %lld\\n", schedhost_where(scheduler)->routine, what, (long long)schedhost_now_ms(scheduler));
            }
            static int32_t tick(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                say(scheduler, "runs");
                return 0;
            }
            static int32_t nap(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                say(scheduler, "sleeps");
                schedhost_sleep_ms(scheduler, 7000);
                say(scheduler, "wakes");
                return 0;
            }
            static int32_t bad(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                schedhost_warning(scheduler, "it goes wrong");
                return schedhost_fail(scheduler, 7, "no bread");
            }
            #define ROUTINE(NAME, RUN, ...) static const schedhost_routine NAME##_routine = { \\
                SCHEDHOST_SIZED(schedhost_routine), .name = #NAME, .run = RUN, __VA_ARGS__}
            ROUTINE(tick, tick, .wait_ms = 5000);
            ROUTINE(nap, nap, .wait_ms = 10000);
            ROUTINE(bad, bad, .wait_ms = 60000);
            ROUTINE(daily, tick, .schedule = "02:30 Europe/Berlin");
            static const schedhost_routine *const routines[] = {
                &tick_routine, &nap_routine, &bad_routine, &daily_routine, NULL};
            static const schedhost_parameter speed = {
                SCHEDHOST_SIZED(schedhost_parameter), .name = "speed", .type = SCHEDHOST_PARAM_INT, .range = "1..9"};
            static const schedhost_parameter *const parameters[] = {&speed, NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "several", .version = "1.0.0", .routines = routines,
                .parameters = parameters};
            SCHEDHOST_PLUGIN(&plugin)
            """
        private static let file = Fixtures.file(of: "try-several")
        private static let noon = "2026-01-01T12:00:00Z"
        private static let noonMs = 1_767_268_800_000

        private func several() async throws { try await Fixtures.build("try-several", c: Self.several) }

        private struct Summary: Decodable {
            struct Routine: Decodable {
                struct Cache: Decodable {
                    let hits: Int
                    let loads: Int
                    let failures: Int
                }
                let name: String
                let sessions: Int
                let failed_sessions: Int
                let cycles: Int
                let missed: Int
                let cache: Cache
            }
            struct Line: Decodable {
                let ms: Int
                let level: String
                let subject: String
                let text: String
            }
            struct Record: Decodable {
                struct Reason: Decodable {
                    let kind: String
                    let text: String
                }
                let session: String
                let start_ms: Int
                let reason: Reason
            }
            let plugin: String
            let from_ms: Int
            let to_ms: Int
            let routines: [Routine]
            let records: [Record]
            let log: [Line]
        }

        private func summary(_ words: String..., in scratch: Scratch) async throws -> (ProcessEnd, Summary) {
            let command = try Command([try Program.path, "try"] + words + ["--json"], in: scratch)
            let end = try await command.ended(within: .seconds(60))
            let read = try? JSONDecoder().decode(Summary.self, from: Data(command.output.utf8))
            return (end, try #require(read, "\(command.output)\(command.errors)"))
        }

        // MARK: As time passes

        @Test func `so many cycles of one routine are run here, and nothing is left`() async throws {
            try await several()
            let scratch = try Scratch()
            let command = try Command(
                [try Program.path, "try", Self.file, "bad", "tick", "--cycles", "1"], in: scratch,
                environment: ["TMPDIR": scratch.path])
            #expect(try await command.ended() == .exited(1))
            #expect(command.output.contains("tick runs ") && command.output.contains("several/tick"))
            #expect(command.output.contains("error in cycle 0: no bread"))
            #expect(command.errors.contains("it goes wrong"))
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            #expect(!left.contains { $0.hasPrefix("schedhost-try") }, "\(left)")
        }

        @Test func `SIGINT ends it in order`() async throws {
            try await several()
            let scratch = try Scratch()
            let command = try Command([try Program.path, "try", Self.file, "nap"], in: scratch)
            try await eventually("it runs") { command.output.contains("nap sleeps") }
            command.signal(Signals.interrupt)
            #expect(try await command.ended() == .exited(0))
            #expect(command.output.contains("nap wakes") && command.output.contains("stopped"), "\(command.output)")
        }

        @Test(arguments: [[], ["--for", "10s"]])
        func `a second SIGINT ends it, also while a cycle does not return`(words: [String]) async throws {
            try await Fixtures.build(
                "try-spin", c: Source.plugin("try-spin", waitMs: 1000, body: "puts(\"spins\"); for (;;) {}"))
            let command = try Command(
                [try Program.path, "try", Fixtures.file(of: "try-spin")] + words, in: Scratch())
            try await eventually("it spins") { command.output.contains("spins") }
            // Two that come before the first is read are one.
            for _ in 0..<100 where command.end == nil {
                command.signal(Signals.interrupt)
                _ = try? await command.ended(within: .milliseconds(200))
            }
            #expect(command.end == .exited(130))
            #expect(!command.output.contains("ROUTINE"))
        }

        @Test func `a state directory that a host has is not used`() async throws {
            try await several()
            let host = try await Host.healthyAndSleeping()
            let command = try Command(
                [try Program.path, "try", Self.file, "tick", "--for", "1s", "--state", host.scratch.state],
                in: host.scratch)
            #expect(try await command.ended() == .exited(75))
            #expect(command.errors.contains("in use by the host with pid \(host.pid)"), "\(command.errors)")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test(arguments: [
            ("crash", "raise(SIGSEGV);", ProcessEnd.signaled(11), "SIGSEGV: the plugin ended this program"),
            ("trap", "raise(SIGTRAP);", ProcessEnd.signaled(5), "SIGTRAP: the plugin ended this program"),
            ("no-call", "raise(SIGSYS);", ProcessEnd.signaled(31), "SIGSYS: the plugin ended this program"),
            ("fault", "*(volatile int *)8 = 1;", ProcessEnd.signaled(11), "SIGSEGV: the plugin ended this program"),
            ("exit", "exit(0);", ProcessEnd.exited(1), "the plugin ended this program: it called exit"),
            ("abort", "abort();", ProcessEnd.signaled(6), "SIGABRT: the plugin ended this program"),
            ("_exit", "_exit(0);", ProcessEnd.exited(1), "the plugin ended this program: it called exit"),
            ("quick-exit", "quick_exit(0);", ProcessEnd.exited(1), "the plugin ended this program: it called exit"),
            ("terminate", "raise(SIGTERM);", ProcessEnd.signaled(15), "SIGTERM: the plugin ended this program"),
            (
                "exec", "execv(\"/bin/true\", (char *[]){\"true\", NULL});", ProcessEnd.exited(0),
                "the plugin replaced this program: it called exec"
            ),
        ])
        func `what ends the program is said, and the next trial removes what it left`(
            name: String, body: String, expected: ProcessEnd, words: String
        ) async throws {
            try await Fixtures.build(
                "try-\(name)",
                c: Source.plugin(
                    "try-\(name)", waitMs: 10, more: "#include <signal.h>\n#include <stdlib.h>", body: body))
            try await several()
            let scratch = try Scratch()
            let command = try Command(
                [try Program.path, "try", Fixtures.file(of: "try-\(name)"), "--cycles", "3"], in: scratch,
                environment: ["TMPDIR": scratch.path])
            #expect(try await command.ended() == expected)
            #expect(command.errors.split(separator: words).count == 2, "it goes on: \(command.errors)")
            #expect(command.errors.contains(words), "\(command.errors)")
            func left() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: scratch.path).filter {
                    $0.hasPrefix("schedhost-try")
                }
            }
            #expect(try left().count == 1)
            let next = try Command(
                [try Program.path, "try", Self.file, "tick", "--cycles", "1"], in: scratch,
                environment: ["TMPDIR": scratch.path])
            #expect(try await next.ended() == .exited(0))
            #expect(try left().isEmpty)
        }

        @Test func `a child of the plugin that dies is no end of the program`() async throws {
            try await Fixtures.build(
                "try-child",
                c: Source.plugin(
                    "try-child", waitMs: 10, more: "#include <stdlib.h>\n#include <sys/wait.h>",
                    body: """
                        pid_t child = fork();
                        if (child == 0) abort();
                        int status = 0;
                        waitpid(child, &status, 0);
                        puts(WIFSIGNALED(status) ? "the child died" : "it lives");
                        """))
            let command = try Command(
                [try Program.path, "try", Fixtures.file(of: "try-child"), "--cycles", "2"], in: Scratch())
            #expect(try await command.ended() == .exited(0))
            let lines = command.output.split(separator: "\n")
            #expect(lines.count { $0 == "the child died" } == 2, "\(command.output)")
            #expect(!command.errors.contains("ended this program"), "\(command.errors)")
        }

        /// The next moment at which the clock shows it, also on the days on which the clock is set.
        @Test(arguments: [
            ("2026-10-25T00:00:00Z", 3), ("2026-10-24T23:40:00Z", 5), ("2026-10-25T00:30:00Z", 6),
            ("2026-03-28T23:40:00Z", 8), ("2026-03-29T01:10:00Z", 140),
        ])
        func `until a time of day on the days on which the clock is set`(from: String, cycles: Int) async throws {
            try await several()
            let scratch = try Scratch()
            try scratch.add("try-several", as: "several.so")
            try scratch.write("{ until: '02:30', wait_ms: 600000 }", to: "several.json5")
            let command = try Command(
                [
                    try Program.path, "try", scratch.plugins + "/several.so", "tick", "--for", "30h", "--from", from,
                    "--json",
                ], in: scratch, environment: ["TZ": "Europe/Berlin"])
            #expect(try await command.ended() == .exited(0))
            let summary = try JSONDecoder().decode(Summary.self, from: Data(command.output.utf8))
            #expect(summary.records.first?.reason.kind == "until")
            #expect(summary.routines.map(\.cycles) == [cycles], "\(command.output)")
        }

        @Test(arguments: [
            (["tik"], 1, "several has no routine 'tik'; did you mean tick? it has tick, nap, bad, daily"),
            (["--param", "speed"], 1, "'speed' is no NAME=VALUE"),
            (["--param", "speed=10"], 1, "speed must be a whole number from 1 to 9, not 10"),
            (["--param", "sped=1"], 1, "several has no parameter 'sped'; did you mean speed? it has speed"),
            (["--instance", "a"], 1, "several has no instance 'a': its configuration names none"),
            (["--for", "10s", "--from", "9999-12-31T23:59:59Z"], 64, "between the years 1970 and 2262"),
            (["--from", "2026-01-01T12:00:00Z"], 64, "it wants --for TIME"),
            (["--seed", "1"], 64, "it wants --for TIME"),
        ])
        func `what is wrong is said before anything runs`(words: [String], status: Int32, message: String) async throws
        {
            try await several()
            let command = try Command([try Program.path, "try", Self.file] + words, in: Scratch())
            #expect(try await command.ended() == .exited(status))
            #expect(
                command.errors.contains(message) && !command.errors.contains("ended this program"), "\(command.errors)")
            #expect(command.output.isEmpty)
        }

        @Test func `a file that is no plugin is refused as a host refuses it`() async throws {
            let scratch = try Scratch()
            try scratch.write("hello", to: "libhello.so")
            let command = try Command([try Program.path, "try", scratch.plugins + "/libhello.so"], in: scratch)
            #expect(try await command.ended() == .exited(1))
            #expect(command.errors.contains("libhello.so: "), "\(command.errors)")
        }

        // MARK: Virtual time

        @Test func `waits and sleeps go by a clock that jumps`() async throws {
            try await several()
            let command = try Command(
                [try Program.path, "try", Self.file, "tick", "nap", "--for", "21s", "--from", Self.noon], in: Scratch())
            #expect(try await command.ended() == .exited(0))
            let expected = [
                (0, "tick runs"), (0, "nap sleeps"), (5, "tick runs"), (7, "nap wakes"), (10, "tick runs"),
                (10, "nap sleeps"), (15, "tick runs"), (17, "nap wakes"), (20, "tick runs"), (20, "nap sleeps"),
                (21, "nap wakes"),
            ]
            .map { "\($1) \(Self.noonMs + $0 * 1000)" }
            let lines = command.output.split(separator: "\n").prefix(expected.count).map { String($0) }
            #expect(lines == expected)
            #expect(command.output.contains("21.0 s of virtual time in "))
        }

        @Test func `a run is the same each time, and another seed makes another one`() async throws {
            try await several()
            let scratch = try Scratch()
            var outputs: [String] = []
            for seed in ["1", "1", "2"] {
                let command = try Command(
                    [
                        try Program.path, "try", Self.file, "--for", "2h", "--from", Self.noon, "--seed", seed,
                        "--json",
                    ], in: scratch)
                #expect(try await command.ended() == .exited(1))
                outputs.append(command.output)
            }
            #expect(outputs[0] == outputs[1])
            #expect(outputs[0].replacing("\"seed\":1", with: "\"seed\":2") != outputs[2])
        }

        @Test(arguments: ["2026-03-27T12:00:00Z", "2026-10-23T12:00:00Z"])
        func `across a change of the clocks a schedule's cycles come when calendar says`(from: String) async throws {
            try await several()
            let scratch = try Scratch()
            let command = try Command(
                [try Program.path, "try", Self.file, "daily", "--for", "96h", "--from", from], in: scratch)
            #expect(try await command.ended() == .exited(0))
            let times = command.output.split(separator: "\n").filter { $0.hasPrefix("daily runs ") }
                .map { Timestamp.format((Int64($0.dropFirst(11)) ?? 0)) }
            let (_, output, _) = try await Program.run(
                "calendar", "02:30 Europe/Berlin", "--from", from, "--count", "4", "--json", in: scratch)
            #expect(times.count == 4)
            for time in times { #expect(output.contains("\"utc\":\"\(time)\""), "\(time)\n\(output)") }
        }

        @Test func `records, log and counts are told as JSON, and what is printed goes elsewhere`() async throws {
            try await several()
            let (end, summary) = try await summary(
                Self.file, "tick", "bad", "--for", "3m", "--from", Self.noon, in: Scratch())
            #expect(end == .exited(1))
            #expect(summary.plugin == "several" && summary.from_ms == Self.noonMs)
            #expect(summary.to_ms == Self.noonMs + 180_000)
            #expect(summary.routines.map(\.name) == ["tick", "bad"])
            #expect(summary.routines.map(\.cycles) == [36, 0])
            #expect(summary.routines.map(\.failed_sessions) == [0, 3])
            #expect(summary.records.map(\.reason.kind) == ["error", "error", "error", "until"])
            #expect(summary.records.map(\.start_ms) == [0, 60, 120, 0].map { Self.noonMs + $0 * 1000 })
            #expect(summary.log.filter { $0.text == "it goes wrong" && $0.level == "warning" }.count == 3)
        }

        @Test func `until failure means until the first session that fails`() async throws {
            try await several()
            let (end, summary) = try await summary(
                Self.file, "tick", "bad", "--for", "365d", "--from", Self.noon, "--until-failure", in: Scratch())
            #expect(end == .exited(1))
            #expect(summary.to_ms == Self.noonMs)
            #expect(summary.routines.map(\.failed_sessions) == [0, 1])
        }

        @Test func `a month of a poller: each load is one that the expiry asks for`() async throws {
            let file = Directory.split(try Program.path).folder + "/libMarketPoller.so"
            let (end, summary) = try await summary(file, "--for", "3d", "--from", Self.noon, in: Scratch())
            #expect(end == .exited(0))
            let routine = try #require(summary.routines.first)
            // A cycle each 5 s, and a value that is loaded again by the first one that finds it older than 30 s: each seventh.
            let cycles = 3 * 86_400 / 5
            #expect(routine.cycles == cycles && routine.missed == 0)
            #expect(routine.cache.loads == (cycles + 6) / 7)
            #expect(routine.cache.hits == cycles - routine.cache.loads && routine.cache.failures == 0)
        }

        @Test func `a refresh in the background is made at once, also where its source sleeps`() async throws {
            try await Fixtures.build(
                "try-refresh",
                c: Source.plugin(
                    "try-refresh", waitMs: 5000,
                    more: """
                        static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                             schedhost_writer *writer, void *user) {
                            (void)key, (void)size, (void)user;
                            schedhost_sleep_ms(scheduler, 1000);
                            return schedhost_write(writer, "x", 1);
                        }
                        """,
                    body: """
                        schedhost_cache_options options = {SCHEDHOST_SIZED(schedhost_cache_options), .expire_ms = 60000,
                            .refresh_after_ms = 30000, .source = fetch};
                        schedhost_cache *cache = NULL;
                        scheduler->host->cache_memory(scheduler, "c", &options, &cache);
                        schedhost_cache_value value;
                        schedhost_cache_get(scheduler, cache, 0, 0, &value);
                        """))
            let file = Fixtures.file(of: "try-refresh")
            var seen: [String] = []
            for _ in 1...2 {
                let (end, summary) = try await summary(file, "--for", "10m", "--from", Self.noon, in: Scratch())
                let routine = try #require(summary.routines.first)
                #expect(end == .exited(0) && routine.cycles == 120)
                // At 0, and then by each first cycle that finds it 30 s old: 35 s after the last one.
                #expect(routine.cache.loads == 18 && routine.cache.failures == 0)
                seen.append("\(routine.cache.hits)")
            }
            #expect(seen[0] == seen[1])
        }

        @Test func `parameters and settings are those of a host that has the file's directory`() async throws {
            try await Fixtures.build(
                "try-params",
                c: Source.plugin(
                    "try-params", waitMs: 1000,
                    body: """
                        printf("%s %lld\\n", schedhost_param_string(scheduler, "name", "none"),
                               (long long)schedhost_param_int(scheduler, "count", 0));
                        """))
            let scratch = try Scratch()
            try scratch.add("try-params")
            try scratch.write("{wait_ms: 500, params: {name: \"file\", count: 1}}", to: "try-params.json5")
            let file = scratch.plugins + "/try-params.so"
            let command = try Command(
                [
                    try Program.path, "try", file, "--param", "count=3", "--param=name=a=b", "--param", "count=2",
                    "--for",
                    "1s",
                ], in: scratch)
            #expect(try await command.ended() == .exited(0))
            #expect(command.output.hasPrefix("a=b 2\na=b 2\nROUTINE"), "\(command.output)")
            try scratch.write("{instances: {x: {params: {name: \"x\"}}, y: {}}}", to: "try-params.json5")
            let nameless = try Command([try Program.path, "try", file], in: scratch)
            #expect(try await nameless.ended() == .exited(1))
            #expect(nameless.errors.contains("runs as instances (x, y): name one, such as --instance x"))
            let named = try Command(
                [try Program.path, "try", file, "--instance", "x", "--cycles", "1"], in: scratch)
            #expect(try await named.ended() == .exited(0))
            #expect(named.output.contains("x 0\n") && named.output.contains("try-params@x/run"))
        }
    }
}
