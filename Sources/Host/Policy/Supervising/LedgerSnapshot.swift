public import HostValues

/// One slot of a worker's ledger, as it was read. Any number may be in it: the plugin can write there.
public struct LedgerSnapshot: Equatable, Sendable {
    /// The session's id.
    public var session: UInt64
    /// What its thread is doing; nil for a number that is no state.
    public var state: LedgerState?
    /// The cycle in progress or next.
    public var cycle: UInt64
    /// When the callback in progress began.
    public var began: BootTime
    /// When the next cycle is due.
    public var due: BootTime
    /// When the next cycle is due by a calendar or a grid of the wall clock, UTC ms; 0: it goes by its wait.
    public var wallDue: Int64 = 0
    /// The thread, by the kernel's id.
    public var thread: Int32
    /// Failed attempts.
    public var failures: UInt64
    /// Of the cycles that count, those that failed and were let pass.
    public var passed: UInt64 = 0
    /// Grid points passed over.
    public var missed: UInt64
    /// How the session ended.
    public var end: SessionEnd?

    /// A slot that says this.
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

    /// How many cycles were good, also at a later attempt.
    public var goodCycles: UInt64 { cycle - min(passed, cycle) }

    /// Whether the routine's thread is in the plugin's code, or was when the worker died.
    public var isInPlugin: Bool {
        switch state {
        case .starting, .running, .inHook, .inStats, .stopping, .loading, .unloading, .refreshing: true
        case .idle, .waiting, .ended, nil: false
        }
    }

    /// The callback that the routine's thread is in.
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

    /// What the hang watch makes of it.
    public func hangSnapshot(timeout: Int64?) -> HangWatch<Int>.Snapshot {
        let state: HangWatch<Int>.Snapshot.State =
            switch self.state {
            case .waiting: .waiting
            case .running, .starting, .inHook, .inStats, .stopping, .loading, .unloading, .refreshing: .busy
            case .ended: .over
            case .idle, nil: .idle
            }
        return .init(state: state, session: session, cycle: cycle, began: began, due: due, timeout: timeout)
    }
}
