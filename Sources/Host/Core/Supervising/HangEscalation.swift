/// Ends a worker in which a routine hangs: SIGABRT to that very thread, so that the crash report shows where, and
/// SIGKILL 2 s later. Pure, one for each worker; times are monotonic, in nanoseconds.
public struct HangEscalation: Equatable, Sendable {
    /// How far it has gone.
    public enum State: Equatable, Sendable {
        /// Nothing hangs.
        case idle
        /// The thread was told to abort; the kill is due at that time.
        case aborting(killAt: Int64)
        /// The worker was killed.
        case killed
        /// The worker is dead.
        case dead
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// A routine hangs, in the thread with that id of the kernel's (0 or less: not known).
        case hang(thread: Int32)
        /// The signal could not be sent to the thread.
        case abortFailed
        /// The time of `nextDeadline` has come.
        case timerFired
        /// The worker died.
        case workerDied
    }

    /// What to do.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case none
        /// SIGABRT to this thread of the worker. tgkill(2).
        case abort(thread: Int32)
        /// SIGKILL to the worker.
        case kill
    }

    /// The time between SIGABRT and SIGKILL, ns.
    public static let patience: Int64 = 2_000_000_000

    /// How far it has gone.
    public private(set) var state = State.idle

    /// A worker in which nothing hangs.
    public init() {}

    /// When `timerFired` is due, monotonic.
    public var nextDeadline: Int64? {
        switch state {
        case .aborting(let killAt): killAt
        case .idle, .killed, .dead: nil
        }
    }

    /// Takes one event at a monotonic time; returns what to do.
    public mutating func handle(_ event: Event, at now: Int64) -> Action {
        switch (state, event) {
        case (.idle, .hang(let thread)) where thread > 0:
            state = .aborting(killAt: now.clampedPlus(Self.patience))
            return .abort(thread: thread)
        case (.idle, .hang), (.aborting, .abortFailed):
            state = .killed
            return .kill
        case (.aborting(let killAt), .timerFired):
            guard now >= killAt else { return .none }
            state = .killed
            return .kill
        case (.idle, .workerDied), (.aborting, .workerDied), (.killed, .workerDied):
            state = .dead
            return .none
        case (.idle, .abortFailed), (.idle, .timerFired), (.aborting, .hang), (.killed, .hang), (.killed, .abortFailed),
            (.killed, .timerFired), (.dead, .hang), (.dead, .abortFailed), (.dead, .timerFired), (.dead, .workerDied):
            return .none
        }
    }
}
