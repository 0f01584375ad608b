import CPluginAPI
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// A routine's life through the real table of functions, in virtual time.
@Suite("RoutineRunner")
struct RoutineRunnerTests {
    private func fail(_ scheduler: Scheduler, _ code: Int32, _ text: String) -> Int32 {
        unsafe scheduler.pointee.host.pointee.fail(scheduler, code, text)
    }

    @Test("start, cycles, stats, stop: in this order, and the record says so")
    func life() throws {
        let clock = TestClock()
        let order = Log()
        let script = Script { scheduler in
            let place = unsafe place(scheduler)
            order.add(unsafe "run \(place.cycle) \(place.attempt) \(place.lifetime_cycles) \(place.session_before)")
            clock.advance(1_000_000)
            return 0
        }
        unsafe script.start = { _ in
            order.add("start"); return 0
        }
        unsafe script.stats = { scheduler in
            order.add("stats")
            return unsafe scheduler.pointee.host.pointee.stat_int(scheduler, "n", 5)
        }
        unsafe script.stop = { _ in
            order.add("stop"); return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        let end = try kit.session(kit.order(waitMs: 10, maxCycles: 3), on: clock)
        #expect(order.all == ["start", "run 0 1 7 2", "run 1 1 7 2", "run 2 1 7 2", "stats", "stop"])
        #expect(end.cycles == 3 && end.reason.end == .maxCycles && end.durationNs == 21_000_000)
        #expect(end.stats["n"] == .int(5) && end.missed == 0 && end.failures == 0)
    }

    @Test("a slow start misses nothing: the grid begins at the first cycle")
    func slowStart() throws {
        let clock = TestClock()
        let script = Script()
        unsafe script.start = { _ in
            clock.advance(10_000_000_000); return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        #expect(try kit.session(kit.order(waitMs: 100, maxCycles: 3), on: clock).missed == 0)
    }

    @Test("a stop during start comes before the first cycle")
    func stopInStart() throws {
        let clock = TestClock()
        let script = Script()
        unsafe script.start = { _ in 0 }
        let kit = unsafe try PluginKit([script], clock: clock)
        unsafe script.start = { _ in
            kit.context.runners[0].ask(.stop); return 0
        }
        let end = try kit.session(kit.order(), on: clock)
        #expect(end.cycles == 0 && end.reason.end == .stopped)
    }

    /// A decision, and the session that comes of it when the second of three cycles fails for good.
    static let decisions: [(Int, SessionEnd, cycles: UInt64, failures: UInt64, WorkerEvent.Ended.Disposition)] =
        [
            (SCHEDHOST_DECIDE_DEFAULT, .error, 1, 1, .policy),
            (SCHEDHOST_DECIDE_CONTINUE, .maxCycles, 3, 1, .policy),
            (SCHEDHOST_DECIDE_RETRY, .error, 1, 3, .policy),
            (SCHEDHOST_DECIDE_END_SESSION, .error, 1, 1, .policy),
            (SCHEDHOST_DECIDE_STOP, .error, 1, 1, .stop),
            (SCHEDHOST_DECIDE_QUARANTINE, .error, 1, 1, .quarantine),
            (99, .error, 1, 1, .policy),
        ]

    @Test("each decision of the hook, and an unknown one", arguments: 0..<7)
    func hook(_ row: Int) throws {
        let (decision, kind, cycles, failures, disposition) = Self.decisions[row]
        let clock = TestClock()
        let attempts = Log()
        let script = Script { scheduler in
            let place = unsafe place(scheduler)
            guard unsafe place.cycle == 1 else { return 0 }
            return unsafe self.fail(scheduler, 42, "no luck")
        }
        unsafe script.onError = { _, error, answer in
            attempts.add(unsafe "\(error.phase) \(error.code) \(error.cycle) \(error.attempt) \(words(error.message))")
            #expect(answer.decision == UInt32(SCHEDHOST_DECIDE_END_SESSION), "the host's own decision")
            answer.decision = UInt32(decision)
            answer.retry_ms = 5
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        let end = try kit.session(kit.order(waitMs: 10, maxCycles: 3), on: clock)
        #expect(end.reason.end == kind && end.cycles == cycles && end.failures == failures)
        #expect(end.disposition == disposition)
        #expect(attempts.all == (1...Int(failures)).map { "3 42 1 \($0) no luck" })
        if kind == .error {
            #expect(
                end.reason.text == "no luck" && end.reason.cycle == 1 && end.reason.phase == "routine" && end.code == 42
            )
        }
    }

    /// What the configuration decides, and what comes of it as above.
    static let defaults: [(ErrorAction, SessionEnd, cycles: UInt64, failures: UInt64, WorkerEvent.Ended.Disposition)] =
        [
            (.goOn, .maxCycles, 3, 1, .policy), (.retry, .error, 1, 5, .policy), (.endSession, .error, 1, 1, .policy),
            (.stop, .error, 1, 1, .stop), (.quarantine, .error, 1, 1, .quarantine),
        ]

    @Test(
        "the configuration decides where there is no hook, or none that decides",
        arguments: 0..<5, [Int?.none, SCHEDHOST_DECIDE_DEFAULT, 99])
    func configuredDecision(_ row: Int, answered: Int?) throws {
        let (decision, kind, cycles, failures, disposition) = Self.defaults[row]
        let clock = TestClock()
        let script = Script { scheduler in
            guard unsafe place(scheduler).cycle == 1 else { return 0 }
            return unsafe self.fail(scheduler, 42, "no luck")
        }
        if let answered {
            unsafe script.onError = { _, _, answer in answer.decision = UInt32(answered) }
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        let byDefault = ErrorDefault(decision: decision, retryMs: 7, attempts: 5)
        let end = try kit.session(kit.order(waitMs: 1000, maxCycles: 3, onError: byDefault), on: clock)
        #expect(end.reason.end == kind && end.cycles == cycles && end.failures == failures)
        #expect(end.goodCycles == (decision == .goOn ? 2 : 1) && end.disposition == disposition)
        #expect(end.leftAloneNs == nil)
        if decision == .retry { #expect(end.durationNs == 1_028_000_000, "four retries, 7 ms apart") }
    }

    @Test("start fails: retried three times at most, and not early when poked")
    func startFails() throws {
        let clock = TestClock()
        let starts = Log()
        let script = Script()
        unsafe script.start = { scheduler in
            starts.add("\(clock.boot().nanoseconds)")
            return unsafe self.fail(scheduler, 3, "not yet")
        }
        unsafe script.onError = { _, _, answer in
            answer.decision = UInt32(SCHEDHOST_DECIDE_RETRY)
            answer.retry_ms = 50
        }
        unsafe script.stop = { _ in
            starts.add("stop"); return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        let runner = kit.context.runners[0]
        #expect(runner.prepare(kit.order()))
        _ = runner.takeTurn()
        runner.ask(.look)
        _ = runner.takeTurn()
        #expect(starts.all.count == 1, "the clock was set, no more")
        for _ in 0..<2 {
            clock.advance(50_000_000)
            _ = runner.takeTurn()
        }
        let end = try #require(try kit.nextEnd())
        #expect(starts.all == ["1000000000", "1050000000", "1100000000"], "and stop is not called")
        #expect(end.reason.end == .error && end.reason.phase == "start" && end.reason.text == "not yet")
        #expect(end.failures == 3 && end.cycles == 0)
    }

    @Test("failing stats and stop become columns; the record is written all the same")
    func closing() throws {
        let clock = TestClock()
        let script = Script()
        unsafe script.stats = { scheduler in unsafe self.fail(scheduler, 8, "no numbers") }
        unsafe script.stop = { _ in 9 }
        let kit = unsafe try PluginKit([script], clock: clock)
        let end = try kit.session(kit.order(maxCycles: 2), on: clock)
        #expect(end.reason.end == .maxCycles && end.cycles == 2)
        #expect(end.stats["stats_error"] == .string("no numbers") && end.stats["stop_error"] == .string("error 9"))
    }

    @Test("text attached to a cycle that succeeded is not shown for a later error")
    func staleText() throws {
        let clock = TestClock()
        let script = Script { scheduler in
            let cycle = unsafe place(scheduler).cycle
            if cycle == 0 { _ = unsafe self.fail(scheduler, 1, "old") }
            return cycle == 0 ? 0 : 6
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        #expect(try kit.session(kit.order(), on: clock).reason.text == "error 6")
    }

    @Test("until, reached in a sleep and by a step of the clock")
    func until() throws {
        let clock = TestClock()
        let kit = unsafe try PluginKit([Script()], clock: clock)
        let wall = clock.wall().milliseconds
        let end = try kit.session(kit.order(waitMs: 1000, untilMs: wall + 2500), on: clock)
        #expect(end.reason.end == .until && end.cycles == 3 && end.durationNs == 2_500_000_000)

        let runner = kit.context.runners[0]
        #expect(runner.prepare(kit.order(waitMs: 1000, untilMs: clock.wall().milliseconds + 2500)))
        _ = runner.takeTurn()
        clock.setWall(by: 10_000_000_000)
        runner.ask(.look)
        _ = runner.takeTurn()
        #expect(try kit.nextEnd()?.reason.end == .until)
    }

    @Test("interrupt is called once, while run is in progress, and only after a stop")
    func interrupt() throws {
        let calls = Log()
        let inside = Monitor(0)
        let script = Script { _ in
            inside.withLock { $0 = 1 }
            inside.broadcast()
            inside.wait { $0 == 2 ? () : nil }
            return 0
        }
        unsafe script.interrupt = { _ in
            calls.add("interrupt")
            inside.withLock { $0 = 2 }
            inside.broadcast()
        }
        let kit = unsafe try PluginKit([script])
        let runner = kit.context.runners[0]
        #expect(runner.prepare(kit.order()))
        runner.interruptIfRunning()
        kit.context.driver?.begin(0)
        inside.wait { $0 == 1 ? () : nil }
        runner.interruptIfRunning()
        #expect(calls.all.isEmpty, "nobody asked to stop")
        runner.ask(.stop)
        runner.interruptIfRunning()
        runner.interruptIfRunning()
        #expect(try kit.nextEnd()?.reason.end == .stopped)
        #expect(calls.all == ["interrupt"])
    }
}

/// What happened, in order.
final class Log: Sendable {
    private let lines = Monitor<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
