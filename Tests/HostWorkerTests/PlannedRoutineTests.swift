import CPluginAPI
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// Routines whose cycles come by a calendar or on a grid of the wall clock, through the real runner in virtual time.
@Suite struct PlannedRoutineTests {
    /// Seconds since 1970 at which the cycles of one session began, until it has had so many.
    private func starts(
        _ cycles: UInt64, waitMs: UInt64 = 0, at start: Int64 = 1_000_000_000, taking length: Int64 = 0,
        prepare: (PluginKit) -> Void = { _ in }, _ set: (inout RoutineTiming) -> Void
    ) throws -> (starts: [Int64], end: WorkerEvent.Ended) {
        let clock = TestClock()
        clock.setWall(by: WallTime(nanoseconds: start * 1_000_000_000) - clock.wall())
        let starts = Log()
        let script = Script { _ in
            starts.add("\(clock.wall().seconds - start)")
            clock.advance(length * 1_000_000_000)
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        var order = kit.order(waitMs: waitMs, maxCycles: cycles)
        set(&order.timing)
        let end = try kit.session(order, on: clock)
        return (starts.all.compactMap { Int64($0) }, end)
    }

    @Test func byACalendar() throws {
        // 2001-09-09T01:46:40Z
        let (starts, end) = try starts(4) { $0.schedules = ["*:0/5 UTC", "01:52:30 UTC"] }
        #expect(starts == [200, 350, 500, 800] && end.missed == 0 && end.reason.end == .maxCycles)
    }

    /// The time that a cycle is for, which a retry shares and a cycle that somebody asked for has not.
    @Test func aCycleKnowsWhatItIsFor() throws {
        let clock = TestClock()
        clock.setWall(by: WallTime(nanoseconds: 1_000_000_000 * 1_000_000_000) - clock.wall())
        let seen = Log()
        let script = Script { scheduler in
            let place = unsafe place(scheduler)
            unsafe seen.add("\(place.due_ms / 1000 - (place.due_ms == 0 ? 0 : 1_000_000_000)) \(place.attempt)")
            if unsafe place.cycle == 1, unsafe place.attempt == 1 { return 5 }
            if unsafe place.cycle == 1 { unsafe scheduler.pointee.host.pointee.run_again_now(scheduler) }
            clock.advance(7_000_000_000)
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        var order = kit.order(maxCycles: 4)
        order.onError = ErrorDefault(decision: .retry, retryMs: 1000, attempts: 3)
        order.timing.schedules = ["*:0/5 UTC"]
        order.timing.jitterMs = 20_000
        _ = try kit.session(order, on: clock)
        #expect(seen.all == ["200 1", "500 1", "500 2", "0 1", "800 1"])
    }

    @Test func aLongCycleIsFollowedByOneRun() throws {
        let (starts, end) = try starts(3, taking: 700) { $0.schedules = ["*:0/5 UTC"] }
        // Due at 500 and 800 while the first ran: the run at 900 is for the latter.
        #expect(starts == [200, 900, 1600] && end.missed == 2)
    }

    @Test func pastItsDeadlineItIsCountedAndNotRun() throws {
        let (starts, end) = try starts(2, taking: 700) {
            $0.schedules = ["*:0/5 UTC"]
            $0.deadlineMs = 1000
        }
        #expect(starts == [200, 1100] && end.missed == 2)
    }

    @Test func whatIsOwedComesAtOnce() throws {
        for (lastRun, firstSeen, expected) in [
            (-500, -1000, [0, 200]), (nil, -1000, [0, 200]), (-100, -1000, [200, 500]), (-500, -10, [200, 500]),
        ] as [(Int64?, Int64, [Int64])] {
            let (starts, _) = try starts(2) {
                $0.schedules = ["*:0/5 UTC"]
                $0.lastRunMs = lastRun.map { (1_000_000_000 + $0) * 1000 }
                $0.firstSeenMs = (1_000_000_000 + firstSeen) * 1000
            }
            #expect(starts == expected, "\(lastRun as Int64?) \(firstSeen)")
        }
    }

    @Test func theFirstCycle() throws {
        #expect(try starts(2, waitMs: 60_000) { _ in }.starts == [0, 60])
        #expect(try starts(2, waitMs: 60_000) { $0.first = .afterWait }.starts == [60, 120])
        #expect(try starts(2, waitMs: 60_000) { $0.first = .due }.starts == [0, 60])
        for (lastRun, first) in [(-20, 40), (-70, 0), (50, 60)] as [(Int64, Int64)] {
            let (starts, _) = try starts(2, waitMs: 60_000) {
                $0.first = .due
                $0.lastRunMs = (1_000_000_000 + lastRun) * 1000
            }
            #expect(starts == [first, first + 60])
        }
        let (starts, _) = try starts(2) {
            $0.schedules = ["*:0/5 UTC"]
            $0.first = .now
        }
        #expect(starts == [0, 200])
    }

    /// Somebody asks for a cycle while `start` runs: it is the next one, whatever the first one was to wait for.
    @Test func aCycleThatIsAskedForDuringStart() throws {
        for first in [.afterWait, .due, .now] as [RoutineTiming.First] {
            let clock = TestClock()
            let starts = Log()
            let script = Script { _ in
                starts.add("\(clock.boot().nanoseconds / 1_000_000_000)")
                return 0
            }
            unsafe script.start = { _ in
                clock.advance(3_000_000_000)
                return 0
            }
            let kit = unsafe try PluginKit([script], clock: clock)
            var order = kit.order(waitMs: 60_000, maxCycles: 2)
            order.timing.first = first
            order.timing.lastRunMs = clock.wall().milliseconds - 10_000
            let runner = kit.context.runners[0]
            unsafe script.start = { _ in
                clock.advance(3_000_000_000)
                runner.ask(.runNow)
                return 0
            }
            _ = try kit.session(order, on: clock)
            #expect(starts.all == ["4", "64"], "\(first)")
        }
    }

    /// A later session catches up by when the last cycle began, and a session whose `start` failed had none.
    @Test func whenTheLastCycleBegan() throws {
        #expect(try starts(2) { $0.schedules = ["*:0/5 UTC"] }.end.lastRunMs == 1_000_000_500_000)
        #expect(try starts(2, waitMs: 60_000) { _ in }.end.lastRunMs == nil, "nobody will ask")
        let clock = TestClock()
        let script = Script()
        unsafe script.start = { _ in 5 }
        let kit = unsafe try PluginKit([script], clock: clock)
        for change in [{ $0.schedules = ["*:0/5 UTC"] }, { $0.first = .due }] as [(inout RoutineTiming) -> Void] {
            var order = kit.order()
            change(&order.timing)
            let end = try kit.session(order, on: clock)
            #expect(end.failures == 1 && end.cycles == 0 && end.lastRunMs == nil)
        }
    }

    @Test func onAGrid() throws {
        let (aligned, _) = try starts(3, waitMs: 60_000) { $0.aligns = true }
        #expect(aligned == [20, 80, 140])
        let (moved, _) = try starts(2, waitMs: 60_000) {
            $0.aligns = true
            $0.alignOffsetMs = 5000
        }
        #expect(moved == [25, 85])
        let (long, end) = try starts(3, waitMs: 60_000, taking: 70) { $0.aligns = true }
        #expect(long == [20, 90, 160] && end.missed == 0)
    }

    @Test func aScheduleThatIsOverEndsTheSession() throws {
        let (starts, end) = try starts(5) { $0.schedules = ["2001-09-09 02:00 UTC"] }
        #expect(starts == [800] && end.reason.end == .until && end.cycles == 1)
    }

    @Test func withoutItsZoneASessionFails() throws {
        let (starts, end) = try starts(5) {
            $0.schedules = ["10:00"]
            $0.zone = "No/Where"
        }
        #expect(starts.isEmpty && end.reason.end == .error && end.reason.text.contains("No/Where"))
    }

    /// The sleeps are short enough that a wall clock which is being corrected makes nobody late.
    @Test func aClockThatIsCorrected() throws {
        let clock = TestClock()
        clock.setWall(by: WallTime(nanoseconds: 1_000_000_000 * 1_000_000_000) - clock.wall())
        let starts = Log()
        let script = Script { _ in
            starts.add("\(clock.wall().nanoseconds)")
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        var order = kit.order(maxCycles: 2)
        order.timing.schedules = ["daily UTC"]
        let runner = kit.context.runners[0]
        try #require(runner.prepare(order))
        var turns = 0
        while case .due(let due) = runner.takeTurn(), turns < 1000 {
            turns += 1
            let sleep = max(0, due - clock.boot())
            clock.advance(sleep)
            clock.setWall(by: sleep / 2000)
        }
        let late = starts.all.compactMap { Int64($0) }.map { $0 % 86_400_000_000_000 }
        // At the end 2 ms are slept in one piece, in which the clocks part by a microsecond.
        #expect(late.count == 2 && late.allSatisfy { $0 < 2000 }, "\(late)")
        #expect(turns < 60)
    }
}
