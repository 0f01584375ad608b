/// What happens to an occurrence at which the clocks of its zone are set.
public enum DaylightSaving: String, CaseIterable, Sendable {
    /// An hour that is named happens once a day. Times that are named in a gap happen once, at its end; of two passes
    /// through an hour the first counts. A rule that names every hour is a cadence, and goes on through both; one whose
    /// minutes are a cadence (`*`, or a step) goes on through the second pass.
    case once
    /// Times in a gap are lost; of two passes the first counts.
    case skip
    /// As the clock on the wall shows it: times in a gap are lost, those that come twice happen twice.
    case wall
}

/// What is set about when a routine runs, beside how long it waits: its schedule, and what becomes of a late run.
public struct RoutineTiming: Equatable, Sendable {
    /// When the first cycle of a session comes.
    public enum First: String, CaseIterable, Sendable {
        /// At once.
        case now
        /// After one wait; with a schedule, at its next time.
        case afterWait = "after_wait"
        /// One wait after the last cycle that there was, also in an earlier host; with a schedule, at its next time.
        case due
    }

    /// What happens to the times that passed while no host ran.
    public enum CatchUp: String, CaseIterable, Sendable {
        /// One run, if there was any.
        case once
        /// Nothing.
        case none
    }

    /// The longest wait, timeout or sleep that may be set, ms: 31 days. `SCHEDHOST_MAX_WAIT_MS` in the ABI's header, to which a
    /// test compares it.
    public static let longestMs: UInt64 = 31 * 86_400_000

    /// The texts of its schedule, of which each counts; empty: it runs by `wait_ms`.
    public var schedules: [String] = []
    /// The zone of those that name none; nil: the machine's.
    public var zone: String?
    /// What happens when the clocks are set.
    public var dst = DaylightSaving.once
    /// How late a run may begin, ms; 0: as late as it is.
    public var deadlineMs: Int64 = 0
    /// By how much starts are spread at most, ms.
    public var jitterMs: Int64 = 0
    /// See `CatchUp`.
    public var catchUp = CatchUp.once
    /// Whether the waits are laid on a grid of the wall clock.
    public var aligns = false
    /// By how much that grid is past the multiples of the wait.
    public var alignOffsetMs: Int64 = 0
    /// See `First`; nil: now without a schedule and grid, else by those.
    public var first: First?
    /// When the last cycle of an earlier session began, UTC ms; nil: not known.
    public var lastRunMs: Int64?
    /// When these texts were first seen, UTC ms; nil: now.
    public var firstSeenMs: Int64?

    /// A routine that runs by its wait alone.
    public init() {}

    /// Whether the wait alone says when it runs.
    public var isPlain: Bool { schedules.isEmpty && !aligns }

    /// Whether the first cycle of a session comes at once.
    public var beginsNow: Bool { first == .now || first == nil && isPlain }

    /// Whether what was before this session matters to it.
    public var looksBack: Bool { !schedules.isEmpty || first == .due }
}
