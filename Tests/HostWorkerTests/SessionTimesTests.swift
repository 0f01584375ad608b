import HostPolicy
import HostStore
import HostTestKit
import HostValues
import Testing

@testable import HostWorker

/// When a session's cycles come, told the time.
@Suite("SessionTimes")
struct SessionTimesTests {
    private static let second: Int64 = 1_000_000_000
    /// 2001-09-09T01:46:40Z
    private static let wall = WallTime(nanoseconds: 1_000_000_000 * second)

    private static func timing(_ change: (inout RoutineTiming) -> Void) -> RoutineTiming {
        var timing = RoutineTiming()
        change(&timing)
        return timing
    }

    /// A calendar in UTC.
    private static func calendar(_ text: String) -> CalendarSchedule {
        let timing = Self.timing { $0.schedules = [text] }
        return timing.schedule(routine: "p/r", zone: { _ in .utc }, isZone: { _ in true })
    }

    private static func noCalendar() throws(TimeZones.Failure) -> CalendarSchedule {
        Issue.record("nobody needs a calendar")
        return calendar("daily UTC")
    }

    /// No calendar, since its zone is not on this machine.
    private static func noZone() throws(TimeZones.Failure) -> CalendarSchedule {
        _ = try TimeZones.zone("No/Where", from: 0)
        return calendar("daily UTC")
    }

    @Test("by the wait alone there is no plan, and no next time of the wall clock")
    func wait() throws {
        let times = try SessionTimes(
            RoutineTiming(), waitMs: 60_000, boot: 0, wall: Self.wall, calendar: Self.noCalendar)
        #expect(!times.isPlanned && times.nextMs == 0)
        #expect(times.first(wait: 60 * Self.second, boot: 5, wall: Self.wall) == .now)
    }

    @Test("the first cycle of a session without a plan")
    func first() throws {
        func first(_ change: (inout RoutineTiming) -> Void) throws -> SessionTimes.First {
            try SessionTimes(
                Self.timing(change), waitMs: 60_000, boot: 0, wall: Self.wall, calendar: Self.noCalendar
            ).first(wait: 60 * Self.second, boot: BootTime(nanoseconds: 1000 * Self.second), wall: Self.wall)
        }
        #expect(try first { $0.first = .now } == .now)
        #expect(try first { $0.first = .afterWait } == .at(BootTime(nanoseconds: 1060 * Self.second)))
        #expect(try first { $0.first = .due } == .now)
        for (passed, due) in [(20, 1040), (70, 1000), (-50, 1060)] as [(Int64, Int64)] {
            let expected = SessionTimes.First.at(BootTime(nanoseconds: due * Self.second))
            let found = try first {
                $0.first = .due
                $0.lastRunMs = (Self.wall.seconds - passed) * 1000
            }
            #expect(found == expected)
        }
    }

    @Test("a grid and a calendar say when cycles come")
    func planned() throws {
        let grid = try SessionTimes(
            Self.timing { $0.aligns = true }, waitMs: 60_000, boot: 0, wall: Self.wall, calendar: Self.noCalendar)
        #expect(grid.isPlanned && grid.nextMs == 1_000_000_020_000)
        #expect(grid.first(wait: 60 * Self.second, boot: 0, wall: Self.wall) == .byPlan)
        let step = grid.step(waitMs: 60_000, boot: 0, wall: Self.wall, calendar: Self.noCalendar)
        #expect(step == .wait(20 * Self.second))
        let calendar = try SessionTimes(
            Self.timing { $0.schedules = ["*:0/5 UTC"] }, waitMs: 0, boot: 0, wall: Self.wall
        ) { Self.calendar("*:0/5 UTC") }
        #expect(calendar.isPlanned && calendar.nextMs == 1_000_000_200_000)
    }

    @Test("the rules of its zones are asked for anew once an hour, and hold where there are none")
    func zones() throws {
        var asked = 0
        let times = try SessionTimes(
            Self.timing { $0.schedules = ["*:0/5 UTC"] }, waitMs: 0, boot: 0, wall: Self.wall
        ) { Self.calendar("*:0/5 UTC") }
        let hour = BootTime(nanoseconds: 3600 * Self.second)
        func step(_ boot: BootTime, _ text: String?) -> RoutinePlan.Step {
            times.step(waitMs: 0, boot: boot, wall: Self.wall) { () throws(TimeZones.Failure) in
                asked += 1
                guard let text else { return try Self.noZone() }
                return Self.calendar(text)
            }
        }
        #expect(step(hour - 1, "01:52:30 UTC") == .wait(200 * Self.second) && asked == 0)
        #expect(step(hour, nil) == .wait(200 * Self.second) && asked == 1)
        #expect(step(hour + 1, "01:52:30 UTC") == .wait(200 * Self.second) && asked == 1)
        #expect(step(hour + 3600 * Self.second, "01:52:30 UTC") == .wait(350 * Self.second) && asked == 2)
        #expect(times.nextMs == 1_000_000_350_000)
    }

    @Test("without its calendar a session cannot begin")
    func noZone() {
        #expect(throws: TimeZones.Failure.self) {
            try SessionTimes(Self.timing { $0.schedules = ["10:00"] }, waitMs: 0, boot: 0, wall: Self.wall) {
                () throws(TimeZones.Failure) in try Self.noZone()
            }
        }
    }
}
