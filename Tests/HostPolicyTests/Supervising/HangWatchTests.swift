import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000
private let hour = 3600 * second

/// Finding hangs, in virtual time with suspends.
@Suite struct HangWatchTests {
    /// Both clocks, and a way to suspend.
    struct Clocks {
        var now = ClockReading(boot: BootTime(nanoseconds: 1000 * second), monotonic: .ns(900 * second))

        mutating func run(_ time: Int64) {
            now.boot += time
            now.monotonic += time
        }

        mutating func suspend(_ time: Int64) { now.boot += time }
    }

    private func busy(_ cycle: UInt64, since began: BootTime, timeout: Int64? = 60 * second) -> HangWatch.Snapshot {
        HangWatch.Snapshot(state: .busy, session: 7, cycle: cycle, began: began, due: 0, timeout: timeout)
    }

    private func waiting(until due: BootTime, timeout: Int64? = 60 * second) -> HangWatch.Snapshot {
        HangWatch.Snapshot(state: .waiting, session: 7, cycle: 1, began: 0, due: due, timeout: timeout)
    }

    /// For how long the ledger must say the same until a hang is told, by who looks when told to; nil: never.
    private func remaining(_ watch: HangWatch, _ key: Int, _ snapshot: HangWatch.Snapshot, _ clocks: Clocks) -> Int64? {
        var (watch, later) = (watch, clocks)
        for _ in 0..<100 {
            guard let next = watch.nextCheck(at: later.now) else { return nil }
            later.run(next.monotonic - later.now.monotonic)
            if watch.observe(key, snapshot, at: later.now) != nil {
                return later.now.monotonic - clocks.now.monotonic
            }
        }
        return nil
    }

    @Test func aHangThatMayNotBeToldIsToldByTheNextLook() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        clocks.run(61 * second)
        for _ in 0..<2 { #expect(watch.observe(1, busy(3, since: began), at: clocks.now, mayTell: false) == nil) }
        #expect(watch.nextCheck(at: clocks.now)?.monotonic == clocks.now.monotonic)
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) != nil)
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
    }

    @Test func aCallbackHangsAtItsTimeoutAndIsToldOnce() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        // A short look, then after twice the time each: the session may end meanwhile, and nobody say so.
        var looks: [Int64] = []
        while let next = watch.nextCheck(at: clocks.now), next.boot < began + 60 * second {
            looks.append((next.boot - began) / second)
            clocks.run(next.monotonic - clocks.now.monotonic)
            #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        }
        #expect(looks == [2, 4, 8, 16, 32])
        #expect(watch.nextCheck(at: clocks.now)?.boot == began + 60 * second)
        clocks.run(28 * second - 1)
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        clocks.run(1)
        let hang = watch.observe(1, busy(3, since: began), at: clocks.now)
        let expected = HangWatch.Hang(
            kind: .callback, session: 7, cycle: 3, running: 60 * second, timeout: 60 * second)
        #expect(hang == expected)
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        #expect(watch.nextCheck(at: clocks.now) == nil)
    }

    @Test func aCallbackOfWhichNothingRanForAWhileBeginsAnew() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        _ = watch.observe(1, busy(3, since: began), at: clocks.now)
        clocks.run(50 * second)
        // Frozen: both clocks went on.
        clocks.run(3600 * second)
        watch.forgive(at: clocks.now)
        #expect(watch.observe(1, busy(3, since: began), at: clocks.now) == nil)
        #expect(remaining(watch, 1, busy(3, since: began), clocks) == 60 * second)
        // One that is first seen now began before that too.
        #expect(watch.observe(2, busy(1, since: began + second), at: clocks.now) == nil)
        clocks.run(second)
        let later = clocks.now.boot
        clocks.run(59 * second)
        #expect(
            watch.observe(1, busy(3, since: began), at: clocks.now) != nil, "and hangs when its time is over again")
        #expect(watch.observe(3, busy(1, since: later), at: clocks.now) == nil)
        watch.remove(2)
        #expect(watch.nextCheck(at: clocks.now)?.monotonic == clocks.now.monotonic + second)
    }

    @Test func theNextCycleIsWatchedAnew() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        _ = watch.observe(1, busy(1, since: began), at: clocks.now)
        clocks.run(60 * second)
        let next = busy(2, since: clocks.now.boot - second)
        #expect(watch.observe(1, next, at: clocks.now) == nil)
        #expect(remaining(watch, 1, next, clocks) == 59 * second)
    }

    @Test func aWaitingRoutineIsLookedAtSoonAfterItsNextCycleIsDue() {
        var watch = HangWatch()
        let clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot + 8 * hour), at: clocks.now)
        _ = watch.observe(2, waiting(until: clocks.now.boot + 9 * hour, timeout: second), at: clocks.now)
        #expect(watch.nextCheck(at: clocks.now)?.monotonic == clocks.now.monotonic + 8 * hour + 2 * second)
        watch.remove(1)
        #expect(watch.nextCheck(at: clocks.now)?.boot == clocks.now.boot + 9 * hour + second)
        watch.remove(2)
        #expect(watch.nextCheck(at: clocks.now) == nil)
    }

    @Test(arguments: [
        HangWatch.Snapshot(state: .idle, session: 1, cycle: 1, began: 0, due: 0, timeout: second),
        HangWatch.Snapshot(state: .waiting, session: 1, cycle: 1, began: 0, due: .never, timeout: second),
    ])
    func whatCannotHangNeedsNoLook(snapshot: HangWatch.Snapshot) {
        var watch = HangWatch()
        #expect(watch.observe(1, snapshot, at: Clocks().now) == nil)
        #expect(watch.nextCheck(at: Clocks().now) == nil)
        #expect(watch.count == 1)
    }

    @Test func aSuspendInACycleDoesNotCount() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        _ = watch.observe(1, busy(1, since: began), at: clocks.now)
        clocks.run(30 * second)
        clocks.suspend(8 * hour)
        clocks.run(29 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) == nil)
        #expect(watch.nextCheck(at: clocks.now)?.monotonic == clocks.now.monotonic + second)
        clocks.run(second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now)?.running == 60 * second)
    }

    @Test func aCycleFirstSeenAfterASuspendHasTheBenefitOfTheDoubt() {
        var watch = HangWatch()
        var clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot + 10 * second), at: clocks.now)
        clocks.run(10 * second)
        let began = clocks.now.boot
        clocks.run(second)
        clocks.suspend(8 * hour)
        clocks.run(second)
        // In truth it has run 2 s; the boot clock says 8 h.
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) == nil)
        clocks.run(58 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now)?.running == 60 * second)
    }

    @Test func aCycleThatBeganAfterASuspendIsFoundWithoutDelay() {
        var watch = HangWatch()
        var clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot + hour), at: clocks.now)
        clocks.suspend(8 * hour)
        _ = watch.observe(1, waiting(until: clocks.now.boot + second), at: clocks.now)
        clocks.run(second)
        let began = clocks.now.boot
        clocks.run(30 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) == nil)
        #expect(watch.nextCheck(at: clocks.now)?.monotonic == clocks.now.monotonic + 30 * second)
    }

    @Test func whereASuspendHidesTheBeginningTheDelayIsOneTimeoutAtMost() {
        var watch = HangWatch()
        var clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot + second), at: clocks.now)
        clocks.suspend(8 * hour)
        let began = clocks.now.boot
        clocks.run(50 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) == nil)
        #expect(remaining(watch, 1, busy(1, since: began), clocks) == 60 * second)
        clocks.run(60 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) != nil)
    }

    @Test(arguments: [.longAgo, -1, 0, BootTime(nanoseconds: 1_000_000 * second), .never])
    func aBeginningThatCannotBeCountsFromNow(began: BootTime) {
        var watch = HangWatch()
        var clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot + second), at: clocks.now)
        clocks.run(hour)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) == nil)
        #expect(remaining(watch, 1, busy(1, since: began), clocks) == 60 * second)
        clocks.run(60 * second)
        #expect(watch.observe(1, busy(1, since: began), at: clocks.now) != nil)
    }

    @Test func aBeginningBeforeTheLastLookCountsFromThere() {
        var watch = HangWatch()
        var clocks = Clocks()
        _ = watch.observe(1, waiting(until: clocks.now.boot), at: clocks.now)
        clocks.run(20 * second)
        #expect(watch.observe(1, busy(1, since: 1), at: clocks.now) == nil)
        #expect(remaining(watch, 1, busy(1, since: 1), clocks) == 40 * second)
    }

    @Test func anyNumbersGiveNoTrap() throws {
        var dice = SplitMix(seed: 3)
        let times: [Int64] = [.min, .min + 1, -1, 0, 1, second, hour, .max - 1, .max]
        let states: [HangWatch.Snapshot.State] = [.idle, .waiting, .busy, .over]
        var watch = HangWatch()
        for _ in 0..<20_000 {
            func time() -> Int64 { times[Int(dice.next() % 9)] }
            let snapshot = HangWatch.Snapshot(
                state: .busy, session: dice.next(), cycle: dice.next() % 2, began: BootTime(nanoseconds: time()),
                due: BootTime(nanoseconds: time()),
                timeout: dice.next() % 2 == 0 ? nil : time())
            var other = HangWatch.Snapshot(
                state: .waiting, session: 1, cycle: 1, began: BootTime(nanoseconds: time()),
                due: BootTime(nanoseconds: time()), timeout: time())
            other.isBehind = dice.next() % 3 == 0
            switch states[Int(dice.next() % 4)] {
            case .idle: other.state = .idle
            case .over: other.state = .over
            case .waiting: other.state = .waiting
            case .busy: other = snapshot
            }
            let now = ClockReading(boot: BootTime(nanoseconds: time()), monotonic: .ns(time()))
            _ = watch.observe(Int(dice.next() % 5), other, at: now)
            if dice.next() % 4 == 0 { watch.ask(Int(dice.next() % 5), at: now) }
            _ = watch.nextCheck(at: now)
        }
        #expect(watch.count == 5)
    }

    /// A host that looks only when it is told to finds every hang in time, and looks no more often than needed.
    @Test(arguments: 0..<20) func lookingOnlyWhenToldFindsTheHang(seed: Int) {
        var dice = SplitMix(seed: UInt64(seed))
        var watch = HangWatch()
        var clocks = Clocks()
        let wait = Int64.random(in: 1...100, using: &dice) * second
        let timeout = Int64.random(in: 1...100, using: &dice) * second
        let hangsAt = UInt64.random(in: 0...50, using: &dice)
        let start = clocks.now
        /// What the worker's ledger says: cycles that take no time, until one does not end.
        func ledger(_ boot: BootTime) -> HangWatch.Snapshot {
            let cycle = min(UInt64((boot - start.boot) / wait), hangsAt)
            if cycle == hangsAt { return busy(hangsAt, since: start.boot + Int64(hangsAt) * wait, timeout: timeout) }
            var snapshot = waiting(until: start.boot + Int64(cycle + 1) * wait, timeout: timeout)
            snapshot.cycle = cycle
            return snapshot
        }
        var looks: Int64 = 0
        while true {
            if watch.observe(1, ledger(clocks.now.boot), at: clocks.now) != nil { break }
            looks += 1
            guard let next = watch.nextCheck(at: clocks.now), next.monotonic > clocks.now.monotonic else {
                Issue.record("no next look")
                return
            }
            clocks.run(next.monotonic - clocks.now.monotonic)
        }
        #expect(clocks.now.boot == start.boot + Int64(hangsAt) * wait + timeout)
        #expect(looks <= (clocks.now.boot - start.boot) / min(timeout, 2 * second) + 2)
    }

    @Test(arguments: [(nil, 60), (second, 4), (4 * second, 4), (90 * second, 90)] as [(Int64?, Int64)])
    func aCycleThatIsDueAndDoesNotBeginIsTold(timeout: Int64?, limit: Int64) {
        var watch = HangWatch()
        var clocks = Clocks()
        let late = waiting(until: clocks.now.boot + 8 * second, timeout: timeout)
        _ = watch.observe(1, late, at: clocks.now)
        clocks.run(8 * second)
        // It is late from when that was first seen.
        #expect(watch.observe(1, late, at: clocks.now) == nil)
        #expect(remaining(watch, 1, late, clocks) == limit * second)
        clocks.run(limit * second)
        #expect(watch.observe(1, late, at: clocks.now)?.kind == .standstill)
        #expect(watch.observe(1, late, at: clocks.now) == nil && watch.nextCheck(at: clocks.now) == nil)
    }

    @Test func whatGoesOnIsNotLate() {
        var clocks = Clocks()
        // Back to back, the time in the ledger is that of long ago; a retry has the same cycle, and another beginning.
        var snapshot = waiting(until: 1, timeout: second)
        let steps: [(inout HangWatch.Snapshot) -> Void] = [
            { $0.cycle += 1 }, { $0.began += 1 }, { $0.due += 1 }, { $0.session += 1 },
        ]
        for step in steps {
            var watch = HangWatch()
            for _ in 0..<10 {
                step(&snapshot)
                #expect(watch.observe(1, snapshot, at: clocks.now) == nil)
                clocks.run(30 * second)
            }
        }
    }

    @Test func whatWaitsForAnotherRoutineOfItsWorkerIsNotLate() {
        var watch = HangWatch()
        var clocks = Clocks()
        var late = waiting(until: clocks.now.boot, timeout: second)
        late.isBehind = true
        for _ in 0..<10 {
            #expect(watch.observe(1, late, at: clocks.now) == nil)
            #expect(watch.nextCheck(at: clocks.now) != nil)
            clocks.run(30 * second)
        }
        #expect(watch.observe(1, late, at: clocks.now) == nil)
        late.isBehind = false
        #expect(remaining(watch, 1, late, clocks) == 4 * second)
    }

    @Test func anEndThatTheWorkerDoesNotTellIsTold() {
        var watch = HangWatch()
        var clocks = Clocks()
        var over = waiting(until: 0)
        over.state = .over
        #expect(watch.observe(1, over, at: clocks.now) == nil)
        #expect(remaining(watch, 1, over, clocks) == 3 * second)
        clocks.run(hour)
        watch.forgive(at: clocks.now)
        #expect(watch.observe(1, over, at: clocks.now) == nil, "nothing ran meanwhile")
        clocks.run(3 * second)
        #expect(watch.observe(1, over, at: clocks.now)?.kind == .silence)
    }

    @Test func anEndIsSeenWithinTwiceTheTimeOfTheCallbackBeforeIt() {
        var watch = HangWatch()
        var clocks = Clocks()
        let began = clocks.now.boot
        _ = watch.observe(1, busy(1, since: began, timeout: nil), at: clocks.now)
        for _ in 0..<10 {
            guard let next = watch.nextCheck(at: clocks.now) else { return #expect(Bool(false), "no look") }
            #expect(next.boot - began <= max(2 * second, 2 * (clocks.now.boot - began)))
            clocks.run(next.monotonic - clocks.now.monotonic)
            #expect(watch.observe(1, busy(1, since: began, timeout: nil), at: clocks.now) == nil)
        }
    }

    @Test func aCycleThatAPersonWantsNowIsDue() {
        var watch = HangWatch()
        var clocks = Clocks()
        let idle = waiting(until: clocks.now.boot + hour, timeout: second)
        _ = watch.observe(1, idle, at: clocks.now)
        watch.ask(1, at: clocks.now)
        #expect(remaining(watch, 1, idle, clocks).map { $0 <= 7 * second } == true)
        clocks.run(second)
        var next = idle
        next.cycle += 1
        #expect(watch.observe(1, next, at: clocks.now) == nil)
        #expect(watch.nextCheck(at: clocks.now)?.boot == idle.due + second, "it has begun: nothing is due")
    }

    @Test func manyRoutinesAreLookedAtLessOften() {
        var watch = HangWatch()
        let clocks = Clocks()
        for key in 0..<10_000 {
            _ = watch.observe(
                key,
                .init(
                    state: .waiting, session: 1, cycle: 1, began: 0, due: clocks.now.boot + second, timeout: nil),
                at: clocks.now)
        }
        for key in 0..<10_000 {
            _ = watch.observe(
                key,
                .init(
                    state: .waiting, session: 1, cycle: 1, began: 0, due: clocks.now.boot + second, timeout: nil),
                at: clocks.now)
        }
        #expect(watch.nextCheck(at: clocks.now)?.boot == clocks.now.boot + 21 * second)
    }

    @Test(arguments: [
        (UInt64(0), UInt64?.none, Int64?.some(60)), (5_000, nil, 60), (6_000, nil, 60), (7_000, nil, 70),
        (360_000, nil, 3600), (86_400_000, nil, 3600), (.max, nil, 3600), (5_000, 0, nil), (5_000, 2_000, 2),
    ])
    func timeouts(waitMs: UInt64, configuredMs: UInt64?, expected: Int64?) {
        #expect(HangTimeout.nanoseconds(waitMs: waitMs, configuredMs: configuredMs) == expected.map { $0 * second })
    }

    @Test func manySuspendsAreBounded() {
        var history = SuspendHistory()
        var clocks = Clocks()
        var before: [(boot: BootTime, suspended: Int64)] = []
        for _ in 0..<100 {
            history.note(clocks.now)
            before.append((clocks.now.boot, clocks.now.suspended))
            clocks.run(second)
            clocks.suspend(hour)
        }
        for (boot, suspended) in before.suffix(16) { #expect(history.least(at: boot) == suspended) }
    }
}
