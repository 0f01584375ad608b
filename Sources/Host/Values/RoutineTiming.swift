/// How a schedule treats times that are skipped or repeated when the clocks of its zone are set for daylight saving.
public enum DaylightSaving: String, CaseIterable, Sendable {
    /// A named hour happens exactly once a day: a time inside a gap runs once, at the end of the gap, and of a repeated
    /// hour only the first pass counts. A rule for every hour is a cadence and continues through both gap and
    /// repetition. A rule whose minutes are a cadence (`*` or a step) continues through the second pass.
    case once
    /// Times inside a gap do not run; of a repeated hour only the first pass counts.
    case skip
    /// Times run as the wall clock shows them: those inside a gap do not run, and repeated ones run twice.
    case wall
}

/// The settings for when a routine runs, apart from its interval: schedules, deadline, jitter and catch-up.
public struct RoutineTiming: Equatable, Sendable {
    /// When the first cycle of a session starts.
    public enum First: String, CaseIterable, Sendable {
        /// At once.
        case now
        /// After one interval; with a schedule, at its next time.
        case afterWait = "after_wait"
        /// One interval after the routine's last cycle, even if an earlier host ran that; with a schedule, at its next
        /// time.
        case due
    }

    /// What happens to scheduled times that passed while no host ran.
    public enum CatchUp: String, CaseIterable, Sendable {
        /// The routine runs once if it missed at least one time.
        case once
        /// Missed times are dropped.
        case none
    }

    /// The longest interval, timeout or sleep that may be set, in ms: 31 days. The ABI's header has the same number as
    /// `SCHEDHOST_MAX_WAIT_MS`; a test compares them.
    public static let longestMs: UInt64 = 31 * 86_400_000

    /// The texts of its schedules, whose times are combined; if empty, it runs at the interval `wait_ms`.
    public var schedules: [String] = []
    /// The time zone of schedules that name none; nil means the machine's zone.
    public var zone: String?
    /// How schedules treat times that daylight saving skips or repeats.
    public var dst = DaylightSaving.once
    /// How late a run may begin, in ms; 0 means no limit.
    public var deadlineMs: Int64 = 0
    /// The largest pseudo-random delay of a start, in ms.
    public var jitterMs: Int64 = 0
    /// What happens to times that passed while no host ran.
    public var catchUp = CatchUp.once
    /// Whether cycles start on a grid of the wall clock, at multiples of the interval.
    public var aligns = false
    /// The offset of that grid from the multiples of the interval, in ms.
    public var alignOffsetMs: Int64 = 0
    /// When the first cycle starts. Nil means at once for a plain interval, otherwise at the next time of the schedule
    /// or grid.
    public var first: First?
    /// The time that the last cycle of an earlier session was for, or else when it began, in ms since 1970, UTC; nil if unknown.
    public var lastRunMs: Int64?
    /// When the host first saw these schedule texts, in ms since 1970, UTC; nil means now.
    public var firstSeenMs: Int64?

    /// Creates the timing of a routine that runs at its interval alone.
    public init() {}

    /// Whether the interval alone decides when the routine runs.
    public var isPlain: Bool { schedules.isEmpty && !aligns }

    /// Whether the first cycle of a session starts at once.
    public var beginsNow: Bool { first == .now || first == nil && isPlain }

    /// Whether cycles before this session influence when its first one starts.
    public var dependsOnHistory: Bool { !schedules.isEmpty || first == .due }
}
