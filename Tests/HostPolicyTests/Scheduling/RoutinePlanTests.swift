import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Which cycles a routine with a calendar or a grid has, in virtual time.
@Suite struct RoutinePlanTests {
    static let second: Int64 = 1_000_000_000

    private func calendar(_ text: String, _ zone: TimeZoneRules = .utc, dst: DaylightSaving = .once) throws
        -> CalendarSchedule
    {
        var schedule = CalendarSchedule([.init(rule: try CalendarKit.schedule(text).rule, zone: zone)], routine: "p/r")
        schedule.dst = dst
        return schedule
    }

    /// What happens to the machine or the host in a simulation.
    private struct Pause {
        var begin: Int64
        var end: Int64
        /// A host that is started again, or else one that was suspended.
        var isRestart: Bool
    }

    private func at(_ seconds: Int64) -> WallTime { WallTime(nanoseconds: seconds * Self.second) }

    /// What runs by a plan, as occurrences in seconds.
    private func simulate(
        _ calendar: CalendarSchedule, _ timing: RoutineTiming, from begin: Int64, to end: Int64, _ pauses: [Pause]
    ) -> [Int64] {
        var timing = timing
        timing.firstSeenMs = begin * 1000
        var plan = RoutinePlan(calendar, timing, wall: at(begin))
        var now = at(begin)
        var pauses = pauses[...]
        var runs: [Int64] = []
        while now < at(end) {
            switch plan.step(wall: now, waitMs: 0) {
            case .wait(let remaining):
                let sleep = WallWait.sleep(remaining: remaining)
                guard let pause = pauses.first, at(pause.begin) < now + sleep else {
                    now += sleep
                    continue
                }
                pauses.removeFirst()
                now = at(pause.end)
                if pause.isRestart { plan = RoutinePlan(calendar, timing, wall: now) }
            case .run(_, let late, _, _):
                runs.append((now - late).seconds)
                timing.lastRunMs = now.milliseconds
            case .passOver: Issue.record("there is no deadline")
            case .over: return runs
            }
        }
        return runs
    }

    /// A restart while one time waits for the end of its delay, after another one has run whose delay ended later.
    @Test func delaysThatOverlap() throws {
        var spread = try calendar("*:*:0/10")
        spread.jitterMs = 60_000
        let begin: Int64 = 1_000_000_000
        let occurrences = (0..<60).map { begin + Int64($0) * 10 }
        for pair in zip(occurrences, occurrences.dropFirst())
        where spread.startMs(of: pair.0) < spread.startMs(of: pair.1) {
            var timing = RoutineTiming()
            timing.catchUp = .none
            timing.firstSeenMs = (begin - 1) * 1000
            timing.lastRunMs = pair.0 * 1000
            let now = WallTime(milliseconds: spread.startMs(of: pair.1) - 1)
            guard now.milliseconds >= pair.1 * 1000 else { continue }
            #expect(RoutinePlan(spread, timing, wall: now).nextMs == spread.startMs(of: pair.1), "\(pair)")
        }
    }

    /// What was named for a run that has not begun is decided about once more.
    @Test func givenBack() throws {
        var timing = RoutineTiming()
        timing.firstSeenMs = 1_000_000_000_000
        var plan = RoutinePlan(try calendar("*:0/5"), timing, wall: at(1_000_000_000))
        guard case .run(let due, _, 0, _) = plan.step(wall: at(1_000_000_210), waitMs: 0) else {
            return #expect(Bool(false))
        }
        plan.giveBack(dueMs: due)
        #expect(plan.nextMs == 1_000_000_200_000)
        #expect(
            plan.step(wall: at(1_000_000_510), waitMs: 0)
                == .run(
                    dueMs: 1_000_000_500_000, late: 10 * Self.second, missed: 1, next: 290 * Self.second))
        var grid = RoutinePlan(waitMs: 60_000, offsetMs: 0, wall: at(1_000_000_000))
        guard case .run(let point, _, 0, _) = grid.step(wall: at(1_000_000_020), waitMs: 60_000) else {
            return #expect(Bool(false))
        }
        grid.giveBack(dueMs: point)
        guard case .run(point, _, 2, _) = grid.step(wall: at(1_000_000_150), waitMs: 60_000) else {
            return #expect(Bool(false))
        }
    }

    /// Neither a restart nor rules of a zone that are read anew lose a run that waits for the end of its delay, also where
    /// the clock was set back meanwhile.
    @Test func aDelayIsNotForgotten() throws {
        var daily = try calendar("03:00")
        daily.jitterMs = 3_600_000
        let night = try CalendarKit.seconds("2026-11-27T03:00:00Z")
        let start = WallTime(milliseconds: daily.startMs(of: night))
        try #require(start > at(night + 900))
        var timing = RoutineTiming()
        timing.catchUp = .none
        timing.firstSeenMs = (night - 86_400) * 1000
        timing.lastRunMs = (night - 80_000) * 1000
        for back: Int64 in [0, 7200] {
            var plan = RoutinePlan(daily, timing, wall: at(night + 600))
            plan.take(daily, wall: at(night + 700 - back))
            #expect(plan.step(wall: at(night + 700), waitMs: 0) == .wait(start - at(night + 700)))
            guard case .run(night * 1000, 0, 0, _) = plan.step(wall: start, waitMs: 0) else {
                Issue.record("it has not run, \(back)")
                continue
            }
        }
        // What has run does not run again, and what was named before the schedule was seen does not either.
        for (seen, ran) in [(-86_400, 60), (60, -80_000)] as [(Int64, Int64)] {
            timing.firstSeenMs = (night + seen) * 1000
            timing.lastRunMs = (night + ran) * 1000
            #expect(RoutinePlan(daily, timing, wall: at(night + 600)).nextMs == daily.startMs(of: night + 86_400))
        }
    }

    /// A clock that is set back a little does not bring again what has run, also over a restart; one that is set back by
    /// days begins anew, also before the first run.
    @Test func aClockThatIsSetBack() throws {
        let daily = try calendar("03:00")
        let night = try CalendarKit.seconds("2026-11-27T03:00:00Z")
        var timing = RoutineTiming()
        timing.firstSeenMs = 0
        timing.lastRunMs = night * 1000
        #expect(RoutinePlan(daily, timing, wall: at(night - 3600)).nextMs == (night + 86_400) * 1000)
        var plan = RoutinePlan(daily, timing, wall: at(night + 3600))
        #expect(plan.step(wall: at(night - 3600), waitMs: 0) == .wait(90_000 * Self.second))
        #expect(plan.step(wall: at(night - 10 * 86_400 - 60), waitMs: 0) == .wait(60 * Self.second))
    }

    @Test(arguments: CalendarKit.zones) func agreesWithAModelThroughRestartsAndSuspends(name: String) throws {
        let zone = try CalendarKit.zone(name, from: CalendarKit.seconds("2012-01-01T00:00:00Z"))
        var random = SplitMix(seed: Jitter.seed(of: name) ^ 16)
        let days = Int64(CalendarKit.rounds(Rounds.optimised(16, plain: 4)))
        for dst in DaylightSaving.allCases {
            for catchUp in RoutineTiming.CatchUp.allCases {
                let year = try CalendarKit.seconds("2012-01-01T00:00:00Z") + Int64(random.below(50)) * 31_556_952
                let stretch = zone.stretch(at: year)
                let begin = ((stretch.end == .max ? year : stretch.end) - days * 43_200) / 60 * 60
                let end = begin + days * 86_400
                let model = CalendarModelTests.Model(&random)
                var pauses: [Pause] = []
                var time = begin + 60
                while time < end {
                    let start = time + Int64(random.below(86_400))
                    // Half a second off the minute, so that nothing is due at the moment of a change.
                    let stop = start + 1 + Int64(random.below(random.below(2) == 0 ? 600 : 100_000))
                    // What is missed is run before the end.
                    if stop + 180 >= end { break }
                    pauses.append(
                        .init(begin: start / 60 * 60 + 30, end: stop / 60 * 60 + 90, isRestart: random.below(2) == 0))
                    time = stop + 180
                }
                let all = model.occurrences(after: begin, until: end - 1, in: zone, dst: dst)
                var expected: [Int64] = []
                var from = begin
                for pause in pauses + [.init(begin: end, end: end, isRestart: false)] {
                    expected += all.filter { $0 > from && $0 <= pause.begin }
                    let missed = all.last { $0 > pause.begin && $0 <= pause.end }
                    if let missed, !pause.isRestart || catchUp == .once { expected.append(missed) }
                    from = pause.end
                }
                var timing = RoutineTiming()
                timing.catchUp = catchUp
                let found = simulate(
                    try calendar(model.text, zone, dst: dst), timing, from: begin, to: end, pauses)
                #expect(
                    found == expected.filter { $0 < end }, "\(model.text) in \(name), \(dst), \(catchUp), from \(begin)"
                )
            }
        }
    }

    @Test func aHostStartedTwentyTimesRunsItOnce() throws {
        let daily = try calendar("03:00")
        let night = try CalendarKit.seconds("2026-11-27T03:00:00Z")
        var timing = RoutineTiming()
        timing.firstSeenMs = (night - 10 * 86_400) * 1000
        timing.lastRunMs = (night - 86_400) * 1000
        var runs = 0
        for start in 0..<20 {
            let now = at(night + 3600 + Int64(start) * 3)
            var plan = RoutinePlan(daily, timing, wall: now)
            if case .run = plan.step(wall: now, waitMs: 0) {
                runs += 1
                timing.lastRunMs = now.milliseconds
            }
        }
        #expect(runs == 1)
        // An edited schedule is a new one: it does not run at once.
        timing.firstSeenMs = (night + 7200) * 1000
        var plan = RoutinePlan(daily, timing, wall: at(night + 7200))
        #expect(plan.step(wall: at(night + 7200), waitMs: 0) == .wait((86_400 - 7200) * Self.second))
    }

    @Test func whenTheClockIsSet() throws {
        let hour: Int64 = 3600
        let noon = try CalendarKit.seconds("2026-11-27T12:00:00Z")
        var plan = RoutinePlan(try calendar("hourly"), RoutineTiming(), wall: at(noon - 1))
        #expect(
            plan.step(wall: at(noon), waitMs: 0)
                == .run(dueMs: noon * 1000, late: 0, missed: 0, next: hour * Self.second))
        // Back by a little: what has run does not run again.
        #expect(plan.step(wall: at(noon - 2), waitMs: 0) == .wait((hour + 2) * Self.second))
        // Ahead: one run, for the latest that was passed over.
        let ahead = at(noon + 5 * hour) + 7
        #expect(
            plan.step(wall: ahead, waitMs: 0)
                == .run(dueMs: (noon + 5 * hour) * 1000, late: 7, missed: 4, next: hour * Self.second - 7))
        // Back by days: the clock was wrong, and what comes now has not been.
        #expect(plan.step(wall: at(noon - 50 * hour - 60), waitMs: 0) == .wait(60 * Self.second))
    }

    @Test func aScheduleThatIsOver() throws {
        var plan = RoutinePlan(try calendar("2026-11-27 12:00"), RoutineTiming(), wall: 0)
        let noon = try CalendarKit.seconds("2026-11-27T12:00:00Z")
        #expect(
            plan.step(wall: at(noon), waitMs: 0) == .run(dueMs: noon * 1000, late: 0, missed: 0, next: nil))
        #expect(plan.step(wall: at(noon) + 1, waitMs: 0) == .over && plan.nextMs == nil)
    }

    @Test func anotherZoneIsTakenUp() throws {
        let noon = try CalendarKit.seconds("2026-11-27T12:00:00Z")
        var plan = RoutinePlan(try calendar("14:00"), RoutineTiming(), wall: at(noon))
        #expect(plan.nextMs == (noon + 7200) * 1000)
        plan.take(try calendar("14:00", CalendarKit.zone("Europe/Berlin")), wall: at(noon))
        #expect(plan.nextMs == (noon + 3600) * 1000)
        // What is due already stays due, also when the other zone would have it later.
        plan.take(try calendar("14:00"), wall: at(noon + 3601))
        #expect(plan.nextMs == (noon + 3600) * 1000)
    }

    @Test func onAGrid() {
        let minute: Int64 = 60_000
        var plan = RoutinePlan(waitMs: minute, offsetMs: 10_000, wall: at(125))
        #expect(plan.step(wall: at(125), waitMs: minute) == .wait(5 * Self.second))
        #expect(
            plan.step(wall: at(130) + 3, waitMs: minute)
                == .run(dueMs: 130_000, late: 3, missed: 0, next: 60 * Self.second - 3))
        // A long cycle: one run at once, on the same grid.
        #expect(
            plan.step(wall: at(395), waitMs: minute)
                == .run(dueMs: 190_000, late: 205 * Self.second, missed: 3, next: 35 * Self.second))
        // The clock is set back by a day, and the routine chooses another wait.
        #expect(plan.step(wall: at(20), waitMs: minute) == .wait(50 * Self.second))
        #expect(plan.step(wall: at(20), waitMs: 15_000) == .wait(5 * Self.second))
    }
}
