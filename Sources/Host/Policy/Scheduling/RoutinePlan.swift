public import HostValues

/// When the next cycle of a routine is due that does not run by its wait alone: by a calendar, or on a grid of the wall
/// clock. Pure; times without a type are of the wall clock too, in ns except where another unit is said.
public struct RoutinePlan: Sendable {
    /// What it goes by.
    private enum Source {
        /// The occurrence that is waited for; nil: there is none any more. What comes up to `past`, in seconds, has been.
        case calendar(CalendarSchedule, due: Due?, past: Int64)
        /// Multiples of the wait, and the one that is waited for, in ms.
        case grid(offsetMs: Int64, dueMs: Int64, waitMs: Int64)
    }

    /// An occurrence in seconds, and when its run begins. That is kept, so that whoever only has to wait touches no rules.
    private struct Due {
        let occurrence: Int64
        let startMs: Int64

        init(_ occurrence: Int64, of schedule: CalendarSchedule) {
            self.occurrence = occurrence
            startMs = schedule.startMs(of: occurrence)
        }
    }

    private var source: Source
    /// Whoever sets the clock back by more than that means that what comes now has not been.
    private static let mostSetBack: Int64 = 86_400

    /// What a session does next.
    public enum Step: Equatable, Sendable {
        /// Nothing for so many ns.
        case wait(Int64)
        /// A cycle for that time, UTC ms, which is so late, ns, after so many that were passed over; then one in so many
        /// ns, or never.
        case run(dueMs: Int64, late: Int64, missed: UInt64, next: Int64?)
        /// So many were passed over, since they were too late. Ask again.
        case passOver(missed: UInt64)
        /// There is no further cycle.
        case over
    }

    /// By a calendar, from now on. What is owed from before, if the timing wants that, is due at once, and what is in its
    /// delay when that is over.
    public init(_ schedule: CalendarSchedule, _ timing: RoutineTiming, wall: WallTime) {
        let now = wall.seconds
        let lastRun = timing.lastRunMs.map { $0 / 1000 }
        // A last run a little ahead was before the clock was set back.
        let past = lastRun.map { $0 > now && $0 - now <= Self.mostSetBack ? $0 : now } ?? now
        var due = schedule.next(after: past)
        if let firstSeen = timing.firstSeenMs.map({ $0 / 1000 }) {
            due = schedule.delayed(after: max(firstSeen, lastRun ?? .min), nowMs: wall.milliseconds) ?? due
            switch timing.catchUp {
            case .once:
                due = schedule.owed(lastRun: lastRun, firstSeen: firstSeen, nowMs: wall.milliseconds) ?? due
            case .none: break
            }
        }
        source = .calendar(schedule, due: due.map { Due($0, of: schedule) }, past: past)
    }

    /// On a grid of the wall clock.
    public init(waitMs: Int64, offsetMs: Int64, wall: WallTime) {
        let waitMs = max(waitMs, 1)
        let due = AlignedGrid(waitMs: waitMs, offsetMs: offsetMs)?.next(afterMs: wall.milliseconds) ?? 0
        source = .grid(offsetMs: offsetMs, dueMs: due, waitMs: waitMs)
    }

    /// The calendar, if it goes by one.
    public var calendar: CalendarSchedule? {
        switch source {
        case .calendar(let schedule, _, _): schedule
        case .grid: nil
        }
    }

    /// When the next cycle begins, UTC ms; nil: never.
    public var nextMs: Int64? {
        switch source {
        case .calendar(_, let due, _): due?.startMs
        case .grid(_, let due, _): due
        }
    }

    /// What is to be done now.
    public mutating func step(wall: WallTime, waitMs: Int64) -> Step {
        switch source {
        case .calendar(_, let due?, let past)
        where due.startMs > wall.milliseconds && wall.seconds >= past - Self.mostSetBack:
            .wait(max(WallTime(milliseconds: due.startMs) - wall, 1))
        case .calendar(let schedule, let due, let past): calendarStep(schedule, due?.occurrence, past, wall)
        case .grid(let offset, let due, let wait): gridStep(offset, due, wait, wall, max(waitMs, 1))
        }
    }

    private mutating func calendarStep(
        _ schedule: CalendarSchedule, _ waitedFor: Int64?, _ before: Int64, _ wall: WallTime
    ) -> Step {
        var (due, past) = (waitedFor, before)
        let now = wall.seconds
        if now < past - Self.mostSetBack { (due, past) = (schedule.next(after: now), now) }
        guard let occurrence = due else {
            source = .calendar(schedule, due: nil, past: past)
            return .over
        }
        switch schedule.step(due: occurrence, nowMs: wall.milliseconds) {
        case .wait(let untilMs, _):
            source = .calendar(schedule, due: Due(occurrence, of: schedule), past: past)
            return .wait(max(WallTime(milliseconds: untilMs) - wall, 1))
        case .run(let occurrence, let missed, _):
            let next = schedule.next(after: occurrence)
            let following = next.map { Due($0, of: schedule) }
            source = .calendar(schedule, due: following, past: max(past, occurrence))
            let late = wall - WallTime(milliseconds: schedule.startMs(of: occurrence))
            return .run(
                dueMs: occurrence.clampedTimes(1000), late: max(0, late), missed: UInt64(missed),
                next: following.map { max(0, WallTime(milliseconds: $0.startMs) - wall) })
        case .passOver(let occurrence, let missed, let next):
            source = .calendar(schedule, due: next.map { Due($0, of: schedule) }, past: max(past, occurrence))
            return .passOver(missed: UInt64(missed))
        }
    }

    private mutating func gridStep(_ offset: Int64, _ dueMs: Int64, _ oldWait: Int64, _ wall: WallTime, _ wait: Int64)
        -> Step
    {
        let now = wall.milliseconds
        var due = dueMs
        // After a step of the clock, and when the routine has changed its wait, the grid is laid anew.
        if due - now > wait || wait != oldWait {
            due = AlignedGrid(waitMs: wait, offsetMs: offset)?.next(afterMs: now) ?? now
        }
        if now < due {
            source = .grid(offsetMs: offset, dueMs: due, waitMs: wait)
            return .wait(max(WallTime(milliseconds: due) - wall, 1))
        }
        let next = AlignedGrid(waitMs: wait, offsetMs: offset)?.next(afterMs: now) ?? now
        source = .grid(offsetMs: offset, dueMs: next, waitMs: wait)
        return .run(
            dueMs: due, late: wall - WallTime(milliseconds: due), missed: UInt64((now - due) / wait),
            next: WallTime(milliseconds: next) - wall)
    }

    /// The zones have changed: what has not come yet is looked for anew.
    public mutating func take(_ schedule: CalendarSchedule, wall: WallTime) {
        switch source {
        case .calendar(_, let waitedFor, let past):
            let (now, due) = (wall.seconds, waitedFor?.occurrence)
            // What has come already stays, due or in its delay; what has been, before that which is waited for, does not
            // come again.
            let isToCome = due.map { $0 > now } ?? true
            let been = min(max(now, past), (due ?? .max) - 1)
            let next = isToCome ? schedule.next(after: been) : due
            source = .calendar(schedule, due: next.map { Due($0, of: schedule) }, past: past)
        case .grid: break
        }
    }
}
