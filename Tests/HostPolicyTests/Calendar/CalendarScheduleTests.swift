import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Runs that are due, late, missed or owed, in virtual time.
@Suite struct CalendarScheduleTests {
    private func schedule(_ texts: String..., zone: TimeZoneRules = .utc, routine: String = "p/r") throws
        -> CalendarSchedule
    {
        CalendarSchedule(
            try texts.map { .init(rule: try CalendarKit.schedule($0).rule, zone: zone) }, routine: routine)
    }

    private func at(_ text: String) throws -> Int64 { try CalendarKit.seconds(text) }

    @Test func aListIsOneOrTheOther() throws {
        let both = try schedule("Sat 10:00", "Mon..Fri 09:30")
        let friday = try at("2026-11-27T09:30:00Z")
        let saturday = try #require(both.next(after: friday))
        #expect(saturday == (try at("2026-11-28T10:00:00Z")))
        #expect(both.next(after: saturday) == (try at("2026-11-30T09:30:00Z")))
        #expect(try schedule("2003-1-1").next(after: friday) == nil)
        #expect(CalendarSchedule([], routine: "p/r").next(after: friday) == nil)
    }

    @Test func oneRunForAllThatWasMissed() throws {
        let hourly = try schedule("hourly")
        let due = try at("2026-11-27T10:00:00Z")
        #expect(hourly.step(due: due, nowMs: due * 1000 - 1) == .wait(untilMs: due * 1000, occurrence: due))
        #expect(hourly.step(due: due, nowMs: due * 1000) == .run(occurrence: due, missed: 0, lateMs: 0))
        #expect(hourly.step(due: due, nowMs: due * 1000 + 77) == .run(occurrence: due, missed: 0, lateMs: 77))
        let hours: Int64 = 5 * 3600
        #expect(
            hourly.step(due: due, nowMs: (due + hours) * 1000 + 5)
                == .run(occurrence: due + hours, missed: 5, lateMs: 5))
        // Ten years of minutes: one run, for the latest of them.
        let years: Int64 = 10 * 365 * 86_400
        #expect(
            try schedule("minutely").step(due: due, nowMs: (due + years) * 1000 + 30_000)
                == .run(occurrence: due + years, missed: CalendarSchedule.mostMissed, lateMs: 30_000))
    }

    @Test func pastItsDeadlineItIsPassedOver() throws {
        var daily = try schedule("09:00")
        daily.deadlineMs = 600_000
        let due = try at("2026-11-27T09:00:00Z")
        let next = due + 86_400
        #expect(daily.step(due: due, nowMs: due * 1000 + 600_000) == .run(occurrence: due, missed: 0, lateMs: 600_000))
        #expect(daily.step(due: due, nowMs: due * 1000 + 600_001) == .passOver(occurrence: due, missed: 1, next: next))
        #expect(
            daily.step(due: due, nowMs: next * 1000 + 600_001)
                == .passOver(occurrence: next, missed: 2, next: next + 86_400))
        // The latest is what counts, not the first.
        #expect(daily.step(due: due, nowMs: next * 1000 + 1) == .run(occurrence: next, missed: 1, lateMs: 1))
        #expect(
            try schedule("2026-11-27").step(due: due - 32_400, nowMs: next * 1000)
                == .run(occurrence: due - 32_400, missed: 0, lateMs: 118_800_000))
    }

    @Test func owedAfterAPause() throws {
        var daily = try schedule("03:00")
        let night = try at("2026-11-27T03:00:00Z")
        let now = (night + 4 * 3600) * 1000
        let longAgo = night - 30 * 86_400
        #expect(daily.owed(lastRun: night - 86_400, firstSeen: longAgo, nowMs: now) == night)
        #expect(daily.owed(lastRun: night - 10 * 86_400, firstSeen: longAgo, nowMs: now) == night)
        // It has run already, however often the host is started again.
        #expect(daily.owed(lastRun: night, firstSeen: longAgo, nowMs: now) == nil)
        // Neither a new nor an edited schedule runs at once.
        #expect(daily.owed(lastRun: nil, firstSeen: night + 1, nowMs: now) == nil)
        #expect(daily.owed(lastRun: night - 86_400, firstSeen: night + 1, nowMs: now) == nil)
        #expect(daily.owed(lastRun: nil, firstSeen: night - 1, nowMs: now) == night)
        // The clock was set back: what lies ahead is not owed.
        #expect(daily.owed(lastRun: night + 86_400, firstSeen: longAgo, nowMs: now) == nil)
        daily.deadlineMs = 3_600_000
        #expect(daily.owed(lastRun: night - 86_400, firstSeen: longAgo, nowMs: now) == nil)
        #expect(
            try schedule("2003-1-1").owed(lastRun: nil, firstSeen: 0, nowMs: now) == (try at("2003-01-01T00:00:00Z")))
        #expect(try schedule("2150-1-1").owed(lastRun: nil, firstSeen: 0, nowMs: now) == nil)
    }

    /// The latest is found among more than are counted: after a pause it is the one run, never a burst.
    @Test func theLatestOfVeryMany() throws {
        let wednesdays = try schedule("Wed *-*-* *:*:*")
        let due = try at("2026-11-25T00:00:00Z")
        let now = try at("2026-11-30T12:00:00Z") * 1000
        let latest = try at("2026-11-25T23:59:59Z")
        #expect(
            wednesdays.step(due: due, nowMs: now)
                == .run(
                    occurrence: latest, missed: CalendarSchedule.mostMissed, lateMs: now - latest * 1000))
        #expect(wednesdays.owed(lastRun: due, firstSeen: due, nowMs: now) == latest)
        var hours = try schedule("Mon..Fri *-*-* 09..17:*:*")
        let monday = try at("2026-11-30T08:00:00Z") * 1000
        let friday = try at("2026-11-27T17:59:59Z")
        #expect(hours.owed(lastRun: nil, firstSeen: due, nowMs: monday) == friday)
        hours.jitterMs = 60_000
        let found = try #require(hours.owed(lastRun: nil, firstSeen: due, nowMs: monday))
        #expect(found == friday)
    }

    @Test func delaysAreTheSameEverywhere() throws {
        var spread = try schedule("hourly")
        spread.jitterMs = 60_000
        let due = try at("2026-11-27T10:00:00Z")
        // A number that is written down: another host, of another version, waits as long.
        #expect(spread.startMs(of: due) - due * 1000 == 16_596)
        #expect(try schedule("hourly").startMs(of: due) == due * 1000)
        var delays: [Int64] = []
        for hour in 0..<1000 {
            let delay = spread.startMs(of: due + Int64(hour) * 3600) - (due + Int64(hour) * 3600) * 1000
            #expect((0...60_000).contains(delay))
            delays.append(delay)
        }
        #expect(Set(delays).count > 900 && abs(delays.reduce(0, +) / 1000 - 30_000) < 3000)
        var other = try schedule("hourly", routine: "p/s")
        other.jitterMs = 60_000
        #expect(other.startMs(of: due) != spread.startMs(of: due))
        // The delay belongs to the start alone: what comes next is counted from the occurrence.
        let start = spread.startMs(of: due)
        #expect(spread.step(due: due, nowMs: start - 1) == .wait(untilMs: start, occurrence: due))
        #expect(spread.step(due: due, nowMs: start) == .run(occurrence: due, missed: 0, lateMs: 0))
        #expect(spread.next(after: due) == due + 3600)
    }

    @Test func delaysLongerThanTheInterval() throws {
        var spread = try schedule("minutely")
        spread.jitterMs = 150_000
        var due = try at("2026-11-27T10:00:00Z")
        var now = due * 1000
        let end = now + 86_400_000
        var runs = 0
        var missed = 0
        while now < end {
            switch spread.step(due: due, nowMs: now) {
            case .wait(let until, let occurrence):
                #expect(until > now && occurrence == due)
                now = until
            case .run(let occurrence, let passed, let late):
                #expect(occurrence >= due && late >= 0)
                (runs, missed) = (runs + 1, missed + passed)
                due = try #require(spread.next(after: occurrence))
            case .passOver: Issue.record("it has no deadline")
            }
        }
        #expect(runs + missed >= 1438 && runs > 500)
    }

    @Test(
        arguments: [
            (5000, 0, 12_345, 15_000), (5000, 0, 15_000, 20_000), (5000, 0, -1, 0), (5000, 0, -5000, 0),
            (60_000, 10_000, 10_000, 70_000), (60_000, 10_000, 9999, 10_000), (60_000, 70_000, 9999, 10_000),
            (1, 0, 7, 8),
        ] as [(Int64, Int64, Int64, Int64)])
    func alignedGrid(wait: Int64, offset: Int64, after: Int64, next: Int64) throws {
        #expect(try #require(AlignedGrid(waitMs: wait, offsetMs: offset)).next(afterMs: after) == next)
    }

    @Test func noGridWithoutAnInterval() throws {
        #expect(AlignedGrid(waitMs: 0, offsetMs: 0) == nil)
        let grid = try #require(AlignedGrid(waitMs: .max, offsetMs: .max))
        for time in [Int64.min, -1, 0, .max] { _ = grid.next(afterMs: time) }
    }

    /// However much the clocks differ, within what the kernel does, nobody wakes too late, and few wake-ups are needed.
    @Test(arguments: [-500.0, -100, 0, 100, 500]) func sleepsAreNeverTooLong(partsInAMillion: Double) {
        for remaining: Int64 in [1, 1_000_000, 3_000_000, 1_000_000_000, 86_400_000_000_000, 40_000_000_000_000_000] {
            var left = remaining
            var sleeps = 0
            while left > 0 {
                let sleep = WallWait.sleep(remaining: left)
                #expect(sleep > 0 && sleep <= WallWait.longest)
                let passed = Int64(Double(sleep) * (1 + partsInAMillion / 1e6))
                // At the end a sleep is so short that the difference is nothing.
                #expect(passed <= left + 1100)
                left -= passed
                sleeps += 1
                if left < 2000 { break }
            }
            #expect(sleeps <= Int(remaining / WallWait.longest * 1001 / 1000) + 6, "\(remaining)")
        }
    }
}
