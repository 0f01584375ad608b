import HostTestKit
import HostValues
import HostWire
import Testing

@Suite struct LineTests {
    static let commands: [WorkerCommand] = [
        .seal(LedgerKey(first: .max, second: 0)), .confine([]),
        .confine([.init(path: "/proc/self/\"ü\n", rights: .max), .init(path: "", rights: 0)]),
        .load(
            .init(
                plugin: 3, path: "/a b/\"x\".so", name: "x\n.so", parameters: #"{"a":"\"","ü":1}"#, isForRunning: true,
                build: "0f")),
        .load(
            .init(
                plugin: 0, path: "", name: "", parameters: "{}", isForRunning: false, build: "",
                caches: .init("/s", .plugin))),
        .start(
            .init(
                slot: 7, plugin: 1, routine: 2, session: SessionID(rawValue: .max >> 1), waitMs: 1000, maxCycles: 5,
                untilMs: -1, onError: ErrorDefault(decision: .goOn, retryMs: 5, attempts: 3),
                lifetimeCycles: 9_000_000_000, before: 2, parameters: "{}", isPaused: true,
                caches: CacheSettings(durability: .power, diskFiles: 7, diskMb: 8))
        ),
        .start(
            .init(
                slot: 0, plugin: 0, routine: 0, session: SessionID(rawValue: 1), waitMs: 0, maxCycles: 0, untilMs: nil,
                onError: ErrorDefault(attempts: 1), lifetimeCycles: 0, before: 0, parameters: "", isPaused: false)),
        .stop(slot: 1), .runNow(slot: 2), .pause(slot: 3), .resume(slot: 4), .go(slot: 5, number: .max), .logLevel(-5),
        .quit,
        .dropCached(.init(plugin: 3, routine: 1)), .dropCached(.init(plugin: 0, routine: 0, name: "a\"b", key: "")),
        .dropCached(.init(plugin: 0, routine: 2, name: "", key: "k\u{0}")),
        .store(.open(prefix: "schedhost/prod/", timeoutMs: 1667)), .store(.ask(7, StoreRequest(reads: ["epoch"]))),
    ]

    static let events: [WorkerEvent] = [
        .loaded(plugin: 7),
        .described(
            plugin: 2,
            PluginDescription(
                id: "a", version: "1", description: "one \"line\" \\", isSerial: true,
                parameters: [
                    .init(name: "p", type: .double, defaultValue: "1", range: "0..2", description: "d"),
                    .init(name: "q", type: .bool, defaultValue: nil, range: nil, description: nil),
                ],
                routines: [.init(name: "r", description: nil, waitMs: 1, maxCycles: 2, timeoutMs: 3)])),
        .refused(plugin: 1, stage: .open, text: "\u{0}\u{1}\u{7F} ünïcode \u{1F600}"),
        .ended(
            .init(
                slot: 4, session: SessionID(rawValue: 5), startMs: -6, finishMs: 7, durationNs: 8, cycles: 9,
                goodCycles: 8,
                failures: 10,
                missed: 11,
                reason: .init(.error, text: "x", signal: "SIGSEGV", cycle: 3, phase: .routine, frame: "f at g.c:3"),
                code: -12,
                stats: SessionRecord.Stats([
                    ("n", .int(-3)), ("d", .double(0.1)), ("one", .double(1)), ("s", .string("true")),
                ]),
                disposition: .quarantine)),
        .log(.init(plugin: 1, routine: nil, level: 30, text: "line", ms: 1)),
        .log(.init(plugin: 1, routine: 2, level: 30, text: "two\nlines", ms: -1)), .dropped(count: 3), .goodbye,
        .wantsTurn(slot: 3, session: SessionID(rawValue: 5), number: 9, due: -7),
        .turnOver(slot: 3, session: SessionID(rawValue: 5)),
        .store(.down("no answer")), .store(.changed(["claim/a/b"])),
        .store(.stored(7, .init(sent: -1, outcome: .changed, found: nil))),
    ]

    @Test(arguments: commands) func `a command comes back as it went`(command: WorkerCommand) {
        let line = command.line()
        #expect(!line.contains(0x0A), "one line")
        #expect(WorkerCommand(line: line) == command)
    }

    @Test(arguments: events) func `an event comes back as it went`(event: WorkerEvent) {
        let line = event.line()
        #expect(!line.contains(0x0A), "one line")
        #expect(WorkerEvent(line: line) == event)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "7", #"{"quit":false}"#, #"{"stop":"x"}"#, #"{"stop":1.5}"#, #"{"seal":[1]}"#,
        #"{"seal":[1,2,3]}"#, #"{"goodbye":true}x"#,
        #"{"ended":{"disposition":"other"}}"#, #"{"ended":{"slot":9223372036854775808}}"#, #"{"log_level":2147483648}"#,
        #"{"loaded":{"parameters":[{"type":"list"}]}}"#, #"{"loaded":{"routines":[7]}}"#, #"{"unknown":1}"#,
    ]) func `what is no message is nil`(text: String) {
        #expect(WorkerCommand(line: Array(text.utf8)) == nil)
        #expect(WorkerEvent(line: Array(text.utf8)) == nil)
    }
}
