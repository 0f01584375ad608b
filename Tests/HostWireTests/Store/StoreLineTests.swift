import HostTestKit
import HostValues
import HostWire
import Testing

/// The lines between supervisor and store worker.
@Suite struct StoreLineTests {
    static let commands: [StoreCommand] = [
        .open(prefix: "schedhost/prod/", timeoutMs: 1667), .ask(7, StoreRequest()),
        .ask(
            .max,
            StoreRequest(
                if: [.init("claim/a/b#1", 12), .init("epoch", 0)],
                puts: [.init("host/x", Array("{\"a\":\"ö\\\"\"}".utf8))],
                deletes: ["host/y"], reads: ["epoch"], lists: ["host/", "claim/"])),
        .consult(
            3, StoreRequest(puts: [.init("status/x", Array("{}".utf8), keepMs: 5)], lists: ["record/x/"]),
            prefix: "schedhost/prod/", timeoutMs: 1000),
        .clear(4, SharedSelection(starts: ["p/r/", ""], key: "a%2f"), prefix: "x/", timeoutMs: 7),
        .clear(5, SharedSelection(starts: []), prefix: "x/", timeoutMs: 7),
    ]
    static let events: [StoreEvent] = [
        .up(StoreLink(instance: "run 1", most: 64)), .down("refused: no such \"host\"\n"), .changed([]),
        .changed(["claim/a/b", "host/x"]),
        .stored(1, StoreAnswer(sent: 5, outcome: .done(version: 9), found: [])),
        .stored(2, StoreAnswer(sent: -5, outcome: .changed, found: nil)),
        .stored(.max, StoreAnswer(sent: .never, outcome: .unknown, found: nil)),
        .stored(
            4,
            StoreAnswer(
                sent: 5, outcome: .refused("read only"),
                found: [.init(key: "epoch", version: .max, value: Array("{}".utf8))])),
        .stored(8, StoreAnswer(sent: 5, outcome: .done(version: 9), found: [], cut: "claim/")),
        .stored(9, StoreAnswer(sent: 5, outcome: .done(version: 9), found: [], clockMs: 1_790_000_000_000)),
        .cleared(11, removed: 12, trouble: nil), .cleared(.max, removed: 0, trouble: "no \"room\""),
        .consulted(10, StoreAnswer(sent: 5, outcome: .done(version: 9), found: [])),
        .used([]), .used([use]),
    ]

    private static var use: StoreUse {
        var use = StoreUse(.caches, .commit)
        for outcome in [StoreAnswer.Outcome.done(version: 1), .changed, .unknown, .refused("")] {
            use.count(outcome, after: 90_000)
        }
        return use
    }

    @Test(arguments: commands) func aCommandIsReadAsItWasWritten(command: StoreCommand) {
        #expect(StoreCommand(line: command.line()) == command)
    }

    @Test(arguments: events) func anEventIsReadAsItWasWritten(event: StoreEvent) {
        #expect(StoreEvent(line: event.line()) == event)
    }

    @Test(arguments: [
        "", "{}", "null", "{\"stored\":{}}", "{\"stored\":{\"id\":1,\"sent\":2}}",
        "{\"stored\":{\"id\":1,\"sent\":2,\"status\":\"lost\"}}",
        "{\"stored\":{\"id\":-1,\"sent\":2,\"status\":\"done\"}}",
        "{\"stored\":{\"id\":1,\"sent\":2,\"status\":\"done\",\"values\":[{\"key\":\"a\",\"version\":1}]}}",
        "{\"stored\":{\"id\":1,\"sent\":2,\"status\":\"done\",\"values\":[{\"key\":\"a\",\"version\":0,\"value\":\"\"}]}}",
        "{\"stored\":{\"id\":1,\"sent\":2,\"status\":\"done\",\"values\":[{\"key\":\"\",\"version\":1,\"value\":\"\"}]}}",
        "{\"stored\":{\"id\":1,\"sent\":2,\"status\":\"done\"}} x", "{\"store_up\":{\"instance\":\"\",\"most\":64}}",
        "{\"store_up\":{\"instance\":\"a\",\"most\":-1}}", "{\"store_up\":{\"instance\":\"a\"}}", "{\"store_down\":{}}",
        "{\"consulted\":{\"id\":1}}", "{\"changed\":[1]}", "{\"changed\":[],\"store_down\":{\"text\":\"\"}}",
        "{\"used\":{}}", "{\"used\":[{\"purpose\":\"war\"}]}", "{\"used\":[{\"done\":-1}]}",
    ])
    func whatIsNotWholeIsNoEvent(text: String) {
        #expect(StoreEvent(line: Array(text.utf8)) == nil)
    }

    @Test func longTextsAreCutOrRefused() {
        let long = String(repeating: "x", count: 5000)
        #expect(StoreEvent(line: StoreEvent.down(long).line()) == .down(String(long.prefix(1000))))
        #expect(StoreEvent(line: StoreEvent.up(StoreLink(instance: long, most: 64)).line()) == nil)
        #expect(StoreEvent(line: StoreEvent.changed([long]).line()) == nil)
        let answer = StoreAnswer(
            sent: 1, outcome: .done(version: 0), found: [.init(key: "a", version: 1, value: Array(long.utf8))])
        guard case .stored(_, let read) = StoreEvent(line: StoreEvent.stored(1, answer).line()) else {
            Issue.record("it is not read")
            return
        }
        #expect(read.found?.first?.value.count == StoreEvent.longestValue + 1)
    }

    @Test(arguments: [[UInt8(ascii: "x")], [0x22], [0x01], [0xFF], [0xF0, 0x9F, 0x98], Array("\u{E0001}".utf8)])
    func whatAnAnswerHasRoomForIsALineThatIsRead(unit: [UInt8]) {
        // Of short values many fit a line: a short line is full sooner.
        let short = WorkerEvent.longestLine / 16
        let longest = StoreEvent.longestValue / unit.count
        for (count, limit) in [
            (0, short), (1, short), (700, short), (20_000, short), (longest, WorkerEvent.longestLine),
        ] {
            var room = AnswerRoom(line: limit)
            var found: [StoreAnswer.Entry] = []
            let value = Array((0..<count).map { _ in unit }.joined())
            var entry = StoreAnswer.Entry(key: "key/0", version: .max, value: value)
            while room.take(entry) {
                found.append(entry)
                entry = StoreAnswer.Entry(key: "key/\(found.count)", version: .max, value: value)
            }
            let text = String(repeating: "\u{1}", count: 1000)
            let line = StoreEvent.stored(.max, .init(sent: .longAgo, outcome: .refused(text), found: found)).line()
            #expect(line.count <= limit && line.count > limit - 40_000)
            #expect(StoreEvent(line: line) != nil)
        }
    }

    @Test func anyBytesAreBorne() {
        var random = SplitMix(seed: 3)
        let lines = Self.events.map { $0.line() } + Self.commands.map { $0.line() }
        for round in 0..<4000 {
            var bytes = lines[round % lines.count]
            for _ in 0..<1 + random.below(5) {
                switch random.below(3) {
                case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
                case 1: if bytes.count > 1 { bytes.remove(at: random.below(bytes.count)) }
                default: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
                }
            }
            if let event = StoreEvent(line: bytes) { #expect(StoreEvent(line: event.line()) != nil) }
            if let command = StoreCommand(line: bytes) { #expect(StoreCommand(line: command.line()) == command) }
        }
    }
}
