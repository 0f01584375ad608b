public import HostValues

/// Decides when the next cycle of a routine is due that follows a calendar or a grid of the wall clock, rather than its
/// interval. Pure. Times without a type are of the wall clock as well, in ns unless stated otherwise.
public struct RoutinePlan: Sendable {
    /// What determines the times.
    private enum Source {
        /// A calendar. `due` is the awaited occurrence; nil if there is none left. Occurrences up to `past`, in
        /// seconds, are over.
        case calendar(CalendarSchedule, due: Due?, past: Int64)
        /// A grid of multiples of the interval, with the awaited grid point in ms.
        case grid(offsetMs: Int64, dueMs: Int64, waitMs: Int64)
    }

    /// An occurrence in seconds, with the start of its run. The start is stored, so that merely waiting evaluates no
    /// rules.
    private struct Due {
        let occurrence: Int64
        let startMs: Int64

        init(_ occurrence: Int64, of schedule: CalendarSchedule) {
            self.occurrence = occurrence
            startMs = schedule.startMs(of: occurrence)
        }
    }

    private var source: Source
    /// How far the clock may be set back, in seconds, so that past occurrences still do not run again. If it is set
    /// back further, occurrences from the new time on count as new.
    private static let mostSetBack: Int64 = 86_400

    /// What a session does next.
    public enum Step: Equatable, Sendable {
        /// Wait for this many ns.
        case wait(Int64)
        /// Run a cycle for the time `dueMs`, in ms since 1970, UTC. It is `late` ns late, and `missed` times before it
        /// were skipped. The next time is in `next` ns; nil means never.
        case run(dueMs: Int64, late: Int64, missed: UInt64, next: Int64?)
        /// `missed` times were skipped, because they were too late. Ask again.
        case passOver(missed: UInt64)
        /// There is no further cycle.
        case over
    }

    /// Creates a plan for a calendar, from now on. An owed occurrence, if the timing catches up, is due at once. One
    /// that has come but whose start is delayed by jitter is due at the end of its delay.
    public init(_ schedule: CalendarSchedule, _ timing: RoutineTiming, wall: WallTime) {
        let now = wall.seconds
        let lastRun = timing.lastRunMs.map { $0 / 1000 }
        // If the last run is slightly in the future, the clock has been set back since then.
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

    /// Creates a plan for a grid of the wall clock.
    public init(waitMs: Int64, offsetMs: Int64, wall: WallTime) {
        let waitMs = max(waitMs, 1)
        let due = AlignedGrid(waitMs: waitMs, offsetMs: offsetMs)?.next(afterMs: wall.milliseconds) ?? 0
        source = .grid(offsetMs: offsetMs, dueMs: due, waitMs: waitMs)
    }

    /// The calendar; nil for a grid.
    public var calendar: CalendarSchedule? {
        switch source {
        case .calendar(let schedule, _, _): schedule
        case .grid: nil
        }
    }

    /// When the next cycle begins, in ms since 1970, UTC; nil means never.
    public var nextMs: Int64? {
        switch source {
        case .calendar(_, let due, _): due?.startMs
        case .grid(_, let due, _): due
        }
    }

    /// Decides what to do now.
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
        // The grid is computed anew after a step of the clock, and if the routine has changed its interval.
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

    /// Makes a time due again that `step` has named for a run which has not begun.
    public mutating func giveBack(dueMs: Int64) {
        switch source {
        case .calendar(let schedule, _, let past):
            source = .calendar(schedule, due: Due(dueMs / 1000, of: schedule), past: past)
        case .grid(let offset, _, let wait): source = .grid(offsetMs: offset, dueMs: dueMs, waitMs: wait)
        }
    }

    /// Takes a schedule with new zone rules, and computes the occurrences that have not come yet anew.
    public mutating func take(_ schedule: CalendarSchedule, wall: WallTime) {
        switch source {
        case .calendar(_, let waitedFor, let past):
            let (now, due) = (wall.seconds, waitedFor?.occurrence)
            // An occurrence that has already come stays, whether due or in its delay. Occurrences before the awaited
            // one do not come again.
            let isToCome = due.map { $0 > now } ?? true
            let been = min(max(now, past), (due ?? .max) - 1)
            let next = isToCome ? schedule.next(after: been) : due
            source = .calendar(schedule, due: next.map { Due($0, of: schedule) }, past: past)
        case .grid: break
        }
    }
}
