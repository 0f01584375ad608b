import HostPolicy
import HostTestKit
import HostValues
import Testing

private typealias Action = Schedule.Action

@Suite("Schedule")
struct ScheduleTests {
    private static let second: Int64 = 1_000_000_000

    // MARK: Every state meets every event

    enum Place: CaseIterable {
        case waiting, running, inHook, ended

        var schedule: Schedule {
            var schedule = Schedule(now: 1000, wait: 100)
            switch self {
            case .waiting:
                _ = schedule.poll(now: 1000, wall: 0)
                _ = schedule.finish(now: 1001, wall: 0)
            case .running:
                _ = schedule.poll(now: 1000, wall: 0)
            case .inHook:
                _ = schedule.poll(now: 1000, wall: 0)
                _ = schedule.fail()
            case .ended:
                schedule.askStop()
                _ = schedule.poll(now: 1000, wall: 0)
            }
            return schedule
        }
    }

    enum Event: CaseIterable {
        case pollEarly, pollDue, finish, fail, goOn, retry, end, runNow

        func send(to schedule: inout Schedule) -> Schedule.Action {
            switch self {
            case .pollEarly: schedule.poll(now: 1050, wall: 0)
            case .pollDue: schedule.poll(now: 1100, wall: 0)
            case .finish: schedule.finish(now: 1050, wall: 0)
            case .fail: schedule.fail()
            case .goOn: schedule.decide(.goOn, now: 1050, wall: 0)
            case .retry: schedule.decide(.retry(after: 7), now: 1050, wall: 0)
            case .end: schedule.decide(.end, now: 1050, wall: 0)
            case .runNow: schedule.runNow(now: 1050)
            }
        }

        /// What comes of it, and the state after.
        func answer(in place: Place) -> (Schedule.Action, Schedule.State) {
            switch (place, self) {
            case (.waiting, .pollEarly): (.wait(until: 1100), .waiting)
            case (.waiting, .pollDue): (.run, .running)
            case (.waiting, .runNow): (.wait(until: 1050), .waiting)
            case (.running, .finish): (.wait(until: 1100), .waiting)
            case (.running, .fail): (.askHook, .inHook)
            case (.inHook, .goOn): (.wait(until: 1100), .waiting)
            case (.inHook, .retry): (.wait(until: 1057), .waiting)
            case (.inHook, .end): (.end(.error), .ended)
            case (.waiting, _): (.none, .waiting)
            case (.running, _): (.none, .running)
            case (.inHook, _): (.none, .inHook)
            case (.ended, _): (.none, .ended)
            }
        }
    }

    @Test("every state meets every event", arguments: Place.allCases, Event.allCases)
    func table(_ place: Place, _ event: Event) {
        var schedule = place.schedule
        let (action, state) = event.answer(in: place)
        #expect(event.send(to: &schedule) == action)
        #expect(schedule.state == state)
    }

    @Test("a stop is answered in every state", arguments: Place.allCases)
    func stop(_ place: Place) {
        var schedule = place.schedule
        schedule.askStop()
        switch place {
        case .waiting: #expect(schedule.poll(now: 1050, wall: 0) == .end(.stopped))
        case .running: #expect(schedule.finish(now: 1050, wall: 0) == .end(.stopped))
        case .inHook:
            var retried = schedule
            #expect(schedule.decide(.goOn, now: 1050, wall: 0) == .end(.stopped))
            #expect(retried.decide(.retry(after: 7), now: 1050, wall: 0) == .end(.stopped))
            #expect(schedule.cycle == 1 && retried.cycle == 0)
        case .ended: #expect(schedule.poll(now: 1050, wall: 0) == .none)
        }
    }

    // MARK: The grid

    @Test("a million cycles stay on the grid")
    func noDrift() {
        var schedule = Schedule(now: 17, wait: 10_000_000)
        var now: BootTime = 17
        for cycle in 0..<1_000_000 as Range<Int64> {
            guard schedule.poll(now: now + cycle % 50_000, wall: 0) == .run else {
                Issue.record("cycle \(cycle) did not run")
                return
            }
            let action = schedule.finish(now: now + 9_999_999, wall: 0)
            now += 10_000_000
            if action != .wait(until: now) {
                Issue.record("cycle \(cycle): \(action), not \(now)")
                return
            }
        }
        #expect(schedule.due == 17 + 1_000_000 * 10_000_000 && schedule.missed == 0)
    }

    /// A cycle that ends that much after the next grid point; the points that it missed; when the next one is due.
    static let overruns: [(late: Int64, missed: UInt64, runs: Bool)] = [
        (-1, 0, false), (0, 0, true), (1, 0, true), (99, 0, true), (100, 1, true), (101, 1, true), (199, 1, true),
        (200, 2, true), (1_000_000, 10_000, true),
    ]

    @Test("an overrun is followed at once by one cycle, on a new grid", arguments: overruns)
    func overrun(_ late: Int64, _ missed: UInt64, _ runs: Bool) {
        var schedule = Schedule(now: 0, wait: 100)
        #expect(schedule.poll(now: 0, wall: 0) == .run)
        #expect(schedule.finish(now: 100 + late, wall: 0) == (runs ? .run : .wait(until: 100)))
        #expect(schedule.missed == missed)
        guard runs else { return }
        #expect(schedule.finish(now: 100 + late, wall: 0) == .wait(until: 200 + late), "never a burst")
    }

    /// A cycle that starts that much after its due time.
    static let delays: [(late: Int64, missed: UInt64, next: BootTime)] = [
        (0, 0, 200), (1, 0, 200), (99, 0, 200), (100, 1, 300), (101, 1, 301), (250, 2, 450),
    ]

    @Test("a late start keeps the grid until it is a whole wait late", arguments: delays)
    func delay(_ late: Int64, _ missed: UInt64, _ next: BootTime) {
        var schedule = Schedule(now: 0, wait: 100)
        _ = schedule.poll(now: 0, wall: 0)
        _ = schedule.finish(now: 1, wall: 0)
        #expect(schedule.poll(now: 100 + late, wall: 0) == .run)
        #expect(schedule.missed == missed)
        #expect(schedule.finish(now: 100 + late, wall: 0) == .wait(until: next))
    }

    @Test("a suspend of a day gives exactly one prompt cycle")
    func suspend() {
        let day = BootTime(nanoseconds: 86_400 * Self.second)
        var schedule = Schedule(now: 0, wait: Self.second)
        _ = schedule.poll(now: 0, wall: 0)
        #expect(schedule.finish(now: 5, wall: 0) == .wait(until: BootTime(nanoseconds: Self.second)))
        #expect(schedule.poll(now: day, wall: 0) == .run)
        #expect(schedule.finish(now: day + 5, wall: 0) == .wait(until: day + Self.second))
        #expect(schedule.missed == 86_399)
    }

    @Test("a wait of 0 runs back to back, and misses nothing")
    func backToBack() {
        var schedule = Schedule(now: 0, wait: 0)
        var action = schedule.poll(now: 0, wall: 0)
        for now in 1...1000 as ClosedRange<Int64> {
            #expect(action == .run)
            action = schedule.finish(now: BootTime(nanoseconds: now * 1_000_000_007), wall: 0)
        }
        #expect(schedule.cycle == 1000 && schedule.missed == 0)
    }

    @Test func aRoutineThatTakesTurnsWithOthersEndsAtItsEndTime() {
        var schedule = Schedule(now: 0, wait: 60_000_000_000, until: WallTime(nanoseconds: 7), isYielding: true)
        #expect(schedule.poll(now: 0, wall: 0) == .run)
        #expect(schedule.finish(now: 2, wall: 2) == .wait(until: 7))
        #expect(schedule.poll(now: 7, wall: 7) == .end(.until))
    }

    @Test("one that yields is asked again before each cycle")
    func yielding() {
        var schedule = Schedule(now: 0, wait: 0, isYielding: true)
        #expect(schedule.poll(now: 0, wall: 0) == .run)
        #expect(schedule.finish(now: 5, wall: 0) == .wait(until: 5))
        schedule.askStop()
        #expect(schedule.poll(now: 9, wall: 0) == .end(.stopped), "no cycle after a stop")
    }

    // MARK: Ends

    @Test("max_cycles counts the cycles of this session, failed ones that go on too")
    func maxCycles() {
        var schedule = Schedule(now: 0, wait: 10, maxCycles: 3)
        #expect(schedule.poll(now: 0, wall: 0) == .run)
        #expect(schedule.finish(now: 1, wall: 0) == .wait(until: 10))
        #expect(schedule.poll(now: 10, wall: 0) == .run)
        #expect(schedule.fail() == .askHook)
        #expect(schedule.decide(.goOn, now: 11, wall: 0) == .wait(until: 20))
        #expect(schedule.poll(now: 20, wall: 0) == .run)
        #expect(schedule.finish(now: 21, wall: 0) == .end(.maxCycles), "no sleep after the last cycle")
        #expect(schedule.cycle == 3 && schedule.failures == 1)
    }

    @Test("when both bounds are reached, max_cycles is the reason")
    func bothBounds() {
        var schedule = Schedule(now: 0, wait: 10, maxCycles: 1, until: 500)
        #expect(schedule.poll(now: 0, wall: 499) == .run)
        #expect(schedule.finish(now: 1, wall: 500) == .end(.maxCycles))
    }

    @Test(
        "until ends at equality, and not one ns before",
        arguments: [(499, false), (500, true), (501, true)] as [(WallTime, Bool)])
    func until(_ wall: WallTime, _ ends: Bool) {
        var schedule = Schedule(now: 0, wait: 10, until: 500)
        #expect(schedule.poll(now: 0, wall: wall) == (ends ? .end(.until) : .run))
        #expect(schedule.cycle == 0)
    }

    @Test("a sleep is clamped to until, which follows the wall clock's steps")
    func untilWithSteps() {
        var schedule = Schedule(now: 0, wait: 1000, until: 5300)
        #expect(schedule.poll(now: 0, wall: 5000) == .run)
        #expect(schedule.finish(now: 10, wall: 5010) == .wait(until: 300))
        #expect(schedule.poll(now: 20, wall: 4020) == .wait(until: 1000), "the clock was set back")
        #expect(schedule.poll(now: 30, wall: 5290) == .wait(until: 40), "and forward")
        #expect(schedule.poll(now: 30, wall: 9000) == .end(.until), "past the end")
    }

    @Test("a pause is clamped to until too")
    func untilInPause() {
        var schedule = Schedule(now: 0, wait: 10, until: 5300)
        schedule.pause()
        #expect(schedule.poll(now: 0, wall: 5000) == .wait(until: 300))
        #expect(schedule.poll(now: 300, wall: 5300) == .end(.until))
    }

    @Test("the routine's own end comes after its cycle, which counts; a failed one that ends does not")
    func endAfterCycle() {
        var schedule = Schedule(now: 0, wait: 10)
        _ = schedule.poll(now: 0, wall: 0)
        schedule.endAfterCycle()
        var failing = schedule
        #expect(schedule.finish(now: 1, wall: 0) == .end(.endedByRoutine))
        #expect(schedule.cycle == 1)
        _ = failing.fail()
        #expect(failing.decide(.end, now: 1, wall: 0) == .end(.error))
        #expect(failing.cycle == 0 && failing.failures == 1)
    }

    // MARK: Changes

    @Test(
        "a wait set in mid-cycle counts from that cycle's start",
        arguments: [(500, 500), (30, 100), (0, 50)] as [(Int64, BootTime)])
    func setWait(_ wait: Int64, _ next: BootTime) {
        var schedule = Schedule(now: 0, wait: 100)
        _ = schedule.poll(now: 0, wall: 0)
        schedule.setWait(wait)
        let action = schedule.finish(now: 50, wall: 0)
        if wait == 500 {
            #expect(action == .wait(until: next))
        } else {
            #expect(action == .run, "due already")
            #expect(schedule.missed == 0)
        }
    }

    @Test("a wait under 0 is 0")
    func negativeWait() {
        var schedule = Schedule(now: 0, wait: -5)
        #expect(schedule.wait == 0)
        schedule.setWait(.min)
        #expect(schedule.wait == 0)
    }

    @Test("run_again_now in a cycle starts the grid anew, once")
    func again() {
        var schedule = Schedule(now: 0, wait: 100)
        _ = schedule.poll(now: 0, wall: 0)
        _ = schedule.runNow(now: 20)
        #expect(schedule.nextDue(now: 30, wall: 0) == 30)
        #expect(schedule.finish(now: 40, wall: 0) == .run)
        #expect(schedule.finish(now: 41, wall: 0) == .wait(until: 140))
        #expect(schedule.missed == 0)
    }

    @Test("run-now in a wait starts the grid anew")
    func runNow() {
        var schedule = Place.waiting.schedule
        #expect(schedule.runNow(now: 1050) == .wait(until: 1050))
        #expect(schedule.poll(now: 1051, wall: 0) == .run)
        #expect(schedule.finish(now: 1052, wall: 0) == .wait(until: 1150))
    }

    @Test("a pause holds what is due; resume runs it now, or leaves it on its grid")
    func pause() {
        var schedule = Place.waiting.schedule
        schedule.pause()
        #expect(schedule.poll(now: 1100, wall: 0) == .wait(until: .never))
        var early = schedule
        early.resume(now: 1099)
        #expect(early.poll(now: 1099, wall: 0) == .wait(until: 1100))
        schedule.resume(now: 5000)
        #expect(schedule.poll(now: 5000, wall: 0) == .run)
        #expect(schedule.finish(now: 5001, wall: 0) == .wait(until: 5100))
        #expect(schedule.missed == 0, "a pause misses nothing")
    }

    @Test("a resume beside a cycle leaves it its grid, and so does one that nobody has paused")
    func resumeBesideACycle() {
        var schedule = Schedule(now: 0, wait: 100)
        _ = schedule.poll(now: 0, wall: 0)
        schedule.pause()
        schedule.resume(now: 40)
        schedule.resume(now: 50)
        #expect(schedule.finish(now: 60, wall: 0) == .wait(until: 100))
        schedule.resume(now: 130)
        #expect(schedule.poll(now: 130, wall: 0) == .run)
        #expect(schedule.finish(now: 140, wall: 0) == .wait(until: 200))
    }

    @Test("a cycle before the plan's first one knows when that is due")
    func nextOfAPlan() {
        var schedule = Schedule(now: 0, wait: 0, isPlanned: true)
        schedule.expect(700)
        _ = schedule.runNow(now: 0)
        #expect(schedule.poll(now: 0, wall: 0) == .run)
        #expect(schedule.nextDue(now: 10, wall: 0) == 700)
        #expect(schedule.finish(now: 20, wall: 0) == .plan)
        _ = schedule.follow(.wait(480), now: 20, wall: 0)
        _ = schedule.runNow(now: 30)
        #expect(schedule.poll(now: 30, wall: 0) == .run)
        #expect(schedule.nextDue(now: 40, wall: 0) == 500)
    }

    @Test("a retry is the same cycle, at most so many attempts", arguments: [1, 2, 3, 7] as [UInt32])
    func retry(_ most: UInt32) {
        var schedule = Schedule(now: 0, wait: 100, maxAttempts: most)
        var now: BootTime = 0
        for attempt in 1...most {
            #expect(schedule.poll(now: now, wall: 0) == .run)
            #expect(schedule.attempt == attempt && schedule.cycle == 0)
            _ = schedule.fail()
            now += 5
            let action = schedule.decide(.retry(after: 10), now: now, wall: 0)
            #expect(action == (attempt < most ? .wait(until: now + 10) : .end(.error)))
            now += 10
        }
        #expect(schedule.failures == UInt64(most) && schedule.cycle == 0)
    }

    @Test("after a retry the cycle's own grid goes on")
    func gridAfterRetry() {
        var schedule = Schedule(now: 0, wait: 100)
        _ = schedule.poll(now: 0, wall: 0)
        _ = schedule.fail()
        #expect(schedule.decide(.retry(after: 30), now: 10, wall: 0) == .wait(until: 40))
        #expect(schedule.poll(now: 40, wall: 0) == .run)
        #expect(schedule.finish(now: 50, wall: 0) == .wait(until: 100))
        #expect(schedule.attempt == 1 && schedule.cycle == 1)
    }

    @Test("when the next cycle is due, as things stand")
    func nextDue() {
        var schedule = Schedule(now: 0, wait: 100, maxCycles: 2, until: 5150)
        #expect(schedule.nextDue(now: 3, wall: 5003) == 3)
        _ = schedule.poll(now: 0, wall: 5000)
        #expect(schedule.nextDue(now: 10, wall: 5010) == 100)
        #expect(schedule.nextDue(now: 120, wall: 5120) == 120, "an overrun: at once")
        #expect(schedule.nextDue(now: 10, wall: 5100) == .never, "until comes first")
        _ = schedule.finish(now: 10, wall: 5010)
        #expect(schedule.nextDue(now: 10, wall: 5010) == 100)
        schedule.pause()
        #expect(schedule.nextDue(now: 10, wall: 5010) == .never)
        schedule.resume(now: 10)
        _ = schedule.poll(now: 100, wall: 5100)
        #expect(schedule.nextDue(now: 110, wall: 5110) == .never, "the last one")
    }
}
