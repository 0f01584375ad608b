public import HostValues

/// A copy of one slot of a worker's ledger. It may contain any numbers, because the plugin can write there.
public struct LedgerSnapshot: Equatable, Sendable {
    /// The session's id.
    public var session: UInt64
    /// What the routine's thread is doing; nil if the number is not a valid state.
    public var state: LedgerState?
    /// The current or next cycle.
    public var cycle: UInt64
    /// When the current callback began.
    public var began: BootTime
    /// When the next cycle is due.
    public var due: BootTime
    /// When the next cycle is due by a calendar or a grid of the wall clock, in ms since 1970, UTC; 0 if the routine
    /// runs at its interval.
    public var wallDue: Int64 = 0
    /// The kernel's id of the thread.
    public var thread: Int32
    /// The number of failed attempts.
    public var failures: UInt64
    /// The number of completed cycles that failed but whose error was ignored.
    public var passed: UInt64 = 0
    /// The number of grid points that were skipped.
    public var missed: UInt64
    /// How the session ended; nil while it runs.
    public var end: SessionEnd?
    /// Whether it is from a replica that was whole, times excepted, and not from a slot alone.
    public var isSealed = false

    /// Creates a snapshot.
    public init(
        session: UInt64, state: LedgerState?, cycle: UInt64, began: BootTime = .longAgo,
        due: BootTime = .longAgo, thread: Int32 = 0,
        failures: UInt64 = 0, missed: UInt64 = 0, end: SessionEnd? = nil
    ) {
        self.session = session
        self.state = state
        self.cycle = cycle
        self.began = began
        self.due = due
        self.thread = thread
        self.failures = failures
        self.missed = missed
        self.end = end
    }

    /// The number of cycles that succeeded, possibly after retries.
    public var goodCycles: UInt64 { cycle - min(passed, cycle) }

    /// Whether the routine's thread is inside the plugin's code, or was when the worker died.
    public var isInPlugin: Bool {
        switch state {
        case .starting, .running, .inHook, .inStats, .stopping, .loading, .unloading, .refreshing: true
        case .idle, .waiting, .ended, nil: false
        }
    }

    /// The callback that the routine's thread executes; nil if there is none.
    public var phase: Phase? {
        switch state {
        case .starting: .start
        case .running: .routine
        case .inHook: .hook
        case .inStats: .stats
        case .stopping: .stop
        case .loading: .load
        case .unloading: .unload
        case .refreshing: .cache
        case .idle, .waiting, .ended, nil: nil
        }
    }

    /// The snapshot in the form that the hang watch takes.
    public func hangSnapshot(timeout: Int64?) -> HangWatch.Snapshot {
        let state: HangWatch.Snapshot.State =
            switch self.state {
            case .waiting: .waiting
            case .running, .starting, .inHook, .inStats, .stopping, .loading, .unloading, .refreshing: .busy
            case .ended: .over
            case .idle, nil: .idle
            }
        return .init(state: state, session: session, cycle: cycle, began: began, due: due, timeout: timeout)
    }
}
