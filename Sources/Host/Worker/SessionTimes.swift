internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// The times of a session's cycles where the wait alone does not determine them: by a calendar, on a grid of the wall
/// clock, or with a delayed first cycle.
///
/// It is told the time and reads no files. The caller, which reads the time zones' rules, provides the calendar at the
/// beginning of the session and then about once an hour.
struct SessionTimes {
    /// Returns the session's calendar by the present time zone rules.
    typealias Calendar = () throws(TimeZones.Failure) -> CalendarSchedule

    /// When the first cycle is due.
    enum First: Equatable {
        case now
        /// At this time of the boot clock; later cycles follow by the wait.
        case at(BootTime)
        /// When `step` says so.
        case byPlan
    }

    /// The settings other than the wait. They are a separate object, since most routines have only a wait, and a worker
    /// may have 100 000 routines.
    private final class Settings {
        let timing: RoutineTiming
        var plan: RoutinePlan?
        /// When the time zones' rules were last read.
        var lookedAt: BootTime
        /// The time that the cycle in progress is for, in ms UTC; 0 if the plan names none.
        var cycleMs: Int64 = 0
        /// What the plan's last cycle was for, in ms UTC; nil if there was none.
        var lastRunMs: Int64?

        init(_ timing: RoutineTiming, _ plan: RoutinePlan?, lookedAt: BootTime) {
            self.timing = timing
            self.plan = plan
            self.lookedAt = lookedAt
        }
    }

    private let settings: Settings?
    private var plan: RoutinePlan? { settings?.plan }

    /// Has the processor bring near what a plan needs, if there is one.
    @inline(__always)
    func fetch() {
        if let settings { unsafe ProcessorCache.fetch(Unmanaged.passUnretained(settings).toOpaque(), bytes: 128) }
    }

    /// Makes times that are determined by the wait alone.
    init() { settings = nil }

    /// Makes times from the routine's settings. Throws if the calendar cannot be had.
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

    /// The settings that it was made from.
    var timing: RoutineTiming { settings?.timing ?? RoutineTiming() }

    /// Whether `step` determines when cycles are due, instead of the wait.
    var isPlanned: Bool { plan != nil }

    /// When the next cycle is due by the wall clock, in ms UTC; 0 if the wait determines it, or there is no further
    /// cycle.
    var nextMs: Int64 { plan?.nextMs ?? 0 }

    /// The time that the cycle in progress is for, in ms UTC; 0 if it has none.
    var cycleMs: Int64 { settings?.cycleMs ?? 0 }

    /// What the plan's last cycle was for, in ms UTC; nil if there was none.
    var lastRunMs: Int64? { settings?.lastRunMs }

    /// Notes that the cycle begins which the plan has for that time.
    func cycleBegins(for ms: Int64) { settings?.cycleMs = ms }

    /// Gives back the time that the plan has named for the cycle which does not begin yet: `step` decides about it once
    /// more. Returns false if the cycle has none.
    func giveBack() -> Bool {
        guard let settings, settings.cycleMs != 0 else { return false }
        settings.plan?.giveBack(dueMs: settings.cycleMs)
        settings.cycleMs = 0
        return true
    }

    /// Notes that it is over.
    @inline(__always)
    func cycleEnds() {
        guard let settings, settings.cycleMs != 0 else { return }
        settings.lastRunMs = settings.cycleMs
        settings.cycleMs = 0
    }

    /// When the first cycle is due, for a session that begins its cycles now; `wait` is in ns.
    func first(wait: Int64, boot: BootTime, wall: WallTime) -> First {
        if timing.beginsNow { return .now }
        if isPlanned { return .byPlan }
        switch timing.first {
        case .now, nil: return .now
        case .afterWait: return .at(boot + wait)
        case .due:
            guard let last = timing.lastRunMs else { return .now }
            // A last cycle in the future was dated by a wrong clock.
            let passed = max(0, wall - WallTime(milliseconds: last))
            return .at(boot + max(0, wait - passed))
        }
    }

    /// The next step of the plan. Rules that are an hour old are read again; if that fails, the former rules stay in
    /// force.
    func step(waitMs: Int64, boot: BootTime, wall: WallTime, calendar: Calendar) -> RoutinePlan.Step {
        guard let settings else { return .over }
        if boot - settings.lookedAt >= TimeZoneCache.patience, settings.plan?.calendar != nil {
            settings.lookedAt = boot
            if let calendar = try? calendar() { settings.plan?.take(calendar, wall: wall) }
        }
        return settings.plan?.step(wall: wall, waitMs: waitMs) ?? .over
    }
}
