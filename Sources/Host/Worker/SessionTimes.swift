internal import HostPolicy
internal import HostStore
internal import HostValues

/// When the cycles of one session come, where its wait alone does not say so: by a calendar or on a grid of the wall clock,
/// and the first one perhaps later than at once.
///
/// Told the time. It reads no files: who reads the rules of time zones gives
/// the calendar, when the session begins and then once in a while.
struct SessionTimes {
    /// The calendar of the session by the rules of now.
    typealias Calendar = () throws(TimeZones.Failure) -> CalendarSchedule

    /// When the first cycle comes.
    enum First: Equatable {
        case now
        /// At this time of the boot clock; the wait goes on from there.
        case at(BootTime)
        /// When `step` says so.
        case byPlan
    }

    /// What the wait alone does not say. Apart, since most routines go by their wait, and a worker may have 100 000.
    private final class Settings {
        let timing: RoutineTiming
        var plan: RoutinePlan?
        /// When the rules of its zones were last asked for.
        var lookedAt: BootTime

        init(_ timing: RoutineTiming, _ plan: RoutinePlan?, lookedAt: BootTime) {
            self.timing = timing
            self.plan = plan
            self.lookedAt = lookedAt
        }
    }

    private let settings: Settings?
    private var plan: RoutinePlan? { settings?.plan }

    /// By the wait alone.
    init() { settings = nil }

    /// As the routine's settings say. Fails when there is no calendar.
    init(_ timing: RoutineTiming, waitMs: UInt64, boot: BootTime, wall: WallTime, calendar: Calendar)
        throws(TimeZones.Failure)
    {
        if timing == RoutineTiming() {
            settings = nil
            return
        }
        var plan: RoutinePlan?
        if !timing.schedules.isEmpty {
            plan = RoutinePlan(try calendar(), timing, wall: wall)
        } else if timing.aligns, waitMs > 0 {
            plan = RoutinePlan(waitMs: Int64(clamping: waitMs), offsetMs: timing.alignOffsetMs, wall: wall)
        }
        settings = Settings(timing, plan, lookedAt: boot)
    }

    /// What was set.
    var timing: RoutineTiming { settings?.timing ?? RoutineTiming() }

    /// Whether `step` says when cycles come, and not the wait.
    var isPlanned: Bool { plan != nil }

    /// When the next cycle comes by the wall clock, UTC ms; 0 when it goes by its wait, or none comes.
    var nextMs: Int64 { plan?.nextMs ?? 0 }

    /// When the first cycle comes of a session that is about to begin them, with this wait in ns.
    func first(wait: Int64, boot: BootTime, wall: WallTime) -> First {
        if timing.beginsNow { return .now }
        if isPlanned { return .byPlan }
        switch timing.first {
        case .now, nil: return .now
        case .afterWait: return .at(boot + wait)
        case .due:
            guard let last = timing.lastRunMs else { return .now }
            // A last cycle in the future is of a clock that was wrong.
            let passed = max(0, wall - WallTime(milliseconds: last))
            return .at(boot + max(0, wait - passed))
        }
    }

    /// What comes next by the plan. Rules that are an hour old are asked for anew; where there are none, they still hold.
    func step(waitMs: Int64, boot: BootTime, wall: WallTime, calendar: Calendar) -> RoutinePlan.Step {
        guard let settings else { return .over }
        if boot - settings.lookedAt >= ZoneShelf.patience, settings.plan?.calendar != nil {
            settings.lookedAt = boot
            if let calendar = try? calendar() { settings.plan?.take(calendar, wall: wall) }
        }
        return settings.plan?.step(wall: wall, waitMs: waitMs) ?? .over
    }
}
