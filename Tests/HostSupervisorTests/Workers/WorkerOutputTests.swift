import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// What a plugin prints, as lines for the log.
@Suite struct WorkerOutputTests {
    private func lines(_ told: [WorkerOutput.Told], isError: Bool = false) -> [String] {
        told.compactMap { if case .line(isError, let text) = $0 { text } else { nil } }
    }

    private func news(_ told: [WorkerOutput.Told]) -> [FloodWatch.News] {
        told.compactMap { if case .flood(let news) = $0 { news } else { nil } }
    }

    @Test(arguments: [1, 2, 7, 4096]) func `lines come whole, however they are read`(chunk: Int) {
        var output = WorkerOutput(hasReports: false)
        let text = Array("one\n\ntwo\nthree".utf8)
        var told: [WorkerOutput.Told] = []
        for start in stride(from: 0, to: text.count, by: chunk) {
            told += output.take(Array(text[start..<min(start + chunk, text.count)]), isError: false, at: 0)
        }
        #expect(lines(told) == ["one", "", "two"])
        #expect(lines(output.finish(at: 0)) == ["three"])
    }

    @Test func `of a flood some lines are shown, the rest is counted, and the last come with the death`() {
        var output = WorkerOutput(hasReports: false)
        let all = (0..<100_000).map { "line \($0)" }
        let bytes = Array((all.joined(separator: "\n") + "\n").utf8)
        var told: [WorkerOutput.Told] = []
        for start in stride(from: 0, to: bytes.count, by: 65_536) {
            told += output.take(Array(bytes[start..<min(start + 65_536, bytes.count)]), isError: true, at: 0)
        }
        #expect(lines(told, isError: true) == Array(all.prefix(1000)))
        #expect(news(told).count == 1)
        #expect(output.words.text(since: 0).contains("line 99999"), "why it died is in its last words")
        let last = output.finish(at: 0)
        #expect(news(last).map { if case .ended(let count, _) = $0 { count } else { 0 } } == [99_000])
        #expect(lines(last, isError: true) == Array(all.suffix(20)))
    }

    @Test func `a line that a read cuts in two in a flood is none of the next`() {
        var output = WorkerOutput(hasReports: false)
        let flood = Array(String(repeating: "x\n", count: 2000).utf8) + Array("begin".utf8)
        _ = output.take(flood, isError: false, at: 0)
        let told = output.take(Array(" and end\nnext\n".utf8), isError: false, at: 10_000_000_000)
        #expect(lines(told) == ["begin and end", "next"])
        #expect(news(output.look(at: 10_000_000_000)).count == 1)
        #expect(lines(output.finish(at: 10_000_000_000)).isEmpty, "what was shown later is not told again")
    }

    @Test func `a line without an end is cut`() {
        var output = WorkerOutput(hasReports: false)
        var told: [WorkerOutput.Told] = []
        for _ in 0..<100 { told += output.take([UInt8](repeating: 65, count: 65_536), isError: false, at: 0) }
        told += output.take([10], isError: false, at: 0)
        #expect(lines(told).map(\.utf8.count) == [8192 + 3])
    }
}

/// What a host hears on a worker's channel.
@Suite struct WorkerHearingTests {
    private func line(_ event: WorkerEvent) -> [UInt8] { [10] + event.line() + [10] }
    private let log = WorkerEvent.log(.init(plugin: 0, routine: 0, level: 20, text: "a line", ms: 0))
    private let over = WorkerEvent.ended(.over(SessionID(rawValue: 7), slot: 0, .stopped, cycles: 1))

    private let wants = WorkerEvent.wantsTurn(slot: 0, session: SessionID(rawValue: 7), number: 1, due: 0)
    private let turnOver = WorkerEvent.turnOver(slot: 0, session: SessionID(rawValue: 7))
    private func start(_ slot: Int) -> WorkerCommand {
        .start(
            .init(
                slot: slot, plugin: 0, routine: 0, session: SessionID(rawValue: 7), waitMs: 0, maxCycles: 0,
                untilMs: nil,
                onError: ErrorDefault(), lifetimeCycles: 0, before: 0, parameters: "{}", isPaused: false))
    }

    @Test func `what answers a command is none of a flood's, however much it is`() {
        var hearing = WorkerHearing()
        for slot in 0..<1000 { hearing.sent(start(slot)) }
        let heard = hearing.take((0..<1000).flatMap { _ in line(over) }, at: 0)
        #expect(heard.told.count == 1000 && !heard.isForeign && heard.charged == 0 && heard.cost == 0)
        #expect(hearing.take([UInt8](repeating: 10, count: 500), at: 0).charged == 500, "nothing comes after these")
        let more = hearing.take((0..<3000).flatMap { _ in line(turnOver) }, at: 0)
        #expect(more.isForeign && more.told.count == 3000)
        // An end that nothing was told to begin, however often other things were told.
        for slot in 0..<1000 { hearing.sent(.stop(slot: slot)) }
        #expect(hearing.take(line(over), at: 0).told == [.event(over, isOwed: false)])
    }

    @Test func `a session earns by a turn what the turn needs, and by asking nothing`() {
        var hearing = WorkerHearing()
        hearing.sent(start(0))
        for _ in 0..<5000 {
            let asked = hearing.take(line(wants), at: 0)
            #expect(asked.told == [.event(wants, isOwed: true)])
            hearing.sent(.go(slot: 0, number: 1))
            #expect(hearing.take(line(turnOver), at: 0).told == [.event(turnOver, isOwed: true)])
        }
        #expect(hearing.take(line(wants), at: 0).told == [.event(wants, isOwed: true)])
        #expect(hearing.take(line(wants), at: 0).told == [.event(wants, isOwed: false)], "one is unanswered")
        // A session that was paused withdraws, and asks anew; what it was told does not add up for ever.
        #expect(hearing.take(line(turnOver), at: 0).told == [.event(turnOver, isOwed: true)])
        for _ in 0..<100 { hearing.sent(.resume(slot: 0)) }
        var owed = 0
        for _ in 0..<100 {
            for event in [wants, turnOver] where hearing.take(line(event), at: 0).told == [.event(event, isOwed: true)]
            {
                owed += 1
            }
        }
        #expect(owed == 4)
    }

    /// A session may end with 64 columns of 2 KiB each, in several reads; what is longer than any line is a flood.
    @Test func `the middle of a session's long end is none of a flood's`() {
        var hearing = WorkerHearing()
        let middle = [UInt8](repeating: UInt8(ascii: "x"), count: 65_536)
        #expect(hearing.take(middle, at: 0).isForeign)
        hearing = WorkerHearing()
        hearing.sent(start(0))
        for _ in 0..<15 { #expect(hearing.take(middle, at: 0).cost == 0) }
        #expect((0..<3).map { _ in hearing.take(middle, at: 0).charged > 0 }.contains(true))
        #expect(hearing.take(middle, at: 0).isForeign, "the rest of it")
    }

    @Test func `texts of a refusal and of an end have a bound`() {
        let long = String(repeating: "y", count: 100_000)
        guard
            case .refused(_, _, let text)? = WorkerEvent(
                line: WorkerEvent.refused(plugin: 1, stage: .open, text: long).line())
        else { return #expect(Bool(false)) }
        #expect(text.utf8.count == WorkerEvent.longestText)
        var end = WorkerEvent.Ended.over(SessionID(rawValue: 7), slot: 0, .error, cycles: 1)
        end.reason.text = long
        guard case .ended(let ended)? = WorkerEvent(line: WorkerEvent.ended(end).line()) else {
            return #expect(Bool(false))
        }
        #expect(ended.reason.text.utf8.count <= WorkerEvent.longestText)
    }

    @Test func `the middle of a long answer of a store is none of a flood's`() {
        var hearing = WorkerHearing()
        let middle = [UInt8](repeating: UInt8(ascii: "x"), count: 65_536)
        #expect(hearing.take(middle, at: 0).isForeign)
        hearing.sent(.store(.open(prefix: "p/", timeoutMs: 100)))
        let heard = hearing.take(middle, at: 0)
        #expect(heard.charged == 0 && !heard.isForeign)
    }

    @Test func `garbage is told once of what is read at once, and log lines have a bound`() {
        var hearing = WorkerHearing()
        let heard = hearing.take(Array(String(repeating: "nonsense\n", count: 1000).utf8), at: 0)
        #expect(heard.told == [.garbage] && heard.isForeign && heard.charged == 9000)
        let lines = hearing.take((0..<12_000).flatMap { _ in line(log) }, at: 0)
        #expect(lines.told.filter { $0 == .event(log, isOwed: false) }.count == 3000 && lines.isForeign)
        #expect(lines.told.contains(.flood(.began(lines: 1))))
        #expect(hearing.look(at: 5_000_000_000) == [.flood(.ended(lines: 9000, milliseconds: 0))])
    }

    @Test func `a plugin asks for its way to shared caches once in a while, whatever it writes`() {
        var hearing = WorkerHearing()
        func load(_ plugin: Int) -> WorkerCommand {
            .load(.init(plugin: plugin, path: "", name: "", parameters: "", isForRunning: true, build: ""))
        }
        func wish(_ plugin: Int) -> WorkerEvent { .wantsShared(plugin: plugin) }
        hearing.sent(load(0))
        hearing.sent(load(7))
        let both = hearing.take(line(wish(0)) + line(wish(7)), at: 0)
        #expect(both.told == [.event(wish(0), isOwed: false), .event(wish(7), isOwed: false)] && !both.isForeign)
        let flood = hearing.take((0..<1000).flatMap { line(wish($0 % 9)) }, at: 500_000_000)
        #expect(flood.told.isEmpty && flood.isForeign && flood.cost > 0)
        // A worker asks again after a second, also if its line was on its way for a while.
        #expect(hearing.take(line(wish(7)), at: 950_000_000).told == [.event(wish(7), isOwed: false)])
        #expect(hearing.take(line(wish(7)), at: 960_000_000).told.isEmpty)
    }

    @Test func `a worker's own budget is within that of its host`() {
        var hearing = WorkerHearing()
        var isForeign = false
        for second in 0..<20 as Range<Int64> {
            let count = second == 0 ? 2000 : 200
            isForeign = hearing.take((0..<count).flatMap { _ in line(log) }, at: .ns(second * 1_000_000_000)).isForeign
        }
        #expect(!isForeign)
    }

    @Test func `a description may be long while one is awaited, and not else`() {
        var hearing = WorkerHearing()
        let long = line(.described(plugin: 0, .named("p", routines: 20_000)))
        #expect(long.count > 1 << 20)
        #expect(hearing.take(long, at: 0).told == [.garbage])
        hearing.sent(
            .load(.init(plugin: 0, path: "", name: "", parameters: "", isForRunning: false, build: "")))
        let heard = hearing.take(long, at: 0)
        #expect(heard.told.count == 1 && heard.told != [.garbage] && !heard.isForeign)
        #expect(hearing.take(long, at: 0).told == [.garbage])
    }

    @Test func `what a read took is charged, but not many times what it takes as a rule`() {
        #expect(WorkerOutput.charge(0, bytes: 65_536, lines: 0) == 20_000)
        #expect(WorkerOutput.charge(90_000, bytes: 65_536, lines: 0) == 110_000)
        #expect(WorkerOutput.charge(5_000_000, bytes: 65_536, lines: 0) == 20_000 + 40_000 + 131_072)
        #expect(WorkerOutput.charge(5_000_000, bytes: 65_536, lines: 100) == 20_000 + 5_000_000)
    }
}
