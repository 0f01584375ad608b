/// Ends a worker: asks it, gives its running cycles the grace, then SIGTERM, then SIGKILL 2 s later.
///
/// Pure, one for each worker, so that all of them end at the same time. Times are monotonic, in nanoseconds.
public struct Teardown: Equatable, Sendable {
    /// How far it has gone.
    public enum State: Equatable, Sendable {
        /// Nobody wants it to end.
        case idle
        /// It was asked; SIGTERM is due at that time.
        case asked(terminateAt: Int64)
        /// It has its SIGTERM; SIGKILL is due at that time.
        case terminating(killAt: Int64)
        /// It has its SIGKILL.
        case killed
        /// It is dead.
        case dead
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// It is to end when its cycles have. Asking again changes nothing: the first grace counts.
        case stopGracefully
        /// It is to end at once, whatever it does.
        case stopNow
        /// The time of `nextDeadline` has come.
        case timerFired
        /// The worker died.
        case workerDied
    }

    /// What to do.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case none
        /// Tell the worker to stop: no new cycle, `stop_requested` in those that run.
        case ask
        /// SIGTERM to the worker.
        case terminate
        /// SIGKILL to the worker.
        case kill
    }

    /// The time between SIGTERM and SIGKILL, ns.
    public static let patience: Int64 = 2_000_000_000

    /// What a running cycle gets before SIGTERM, ns.
    public let grace: Int64
    /// How far it has gone.
    public private(set) var state = State.idle

    /// A worker that nobody wants to end yet. `grace` is in ns; below 0 is 0.
    public init(grace: Int64 = 10_000_000_000) {
        self.grace = max(grace, 0)
    }

    /// When `timerFired` is due, monotonic.
    public var nextDeadline: Int64? {
        switch state {
        case .asked(let terminateAt): terminateAt
        case .terminating(let killAt): killAt
        case .idle, .killed, .dead: nil
        }
    }

    /// Takes one event at a monotonic time; returns what to do.
    public mutating func handle(_ event: Event, at now: Int64) -> Action {
        switch (state, event) {
        case (.idle, .stopGracefully):
            state = .asked(terminateAt: now.clampedPlus(grace))
            return .ask
        case (.asked(let terminateAt), .timerFired):
            guard now >= terminateAt else { return .none }
            state = .terminating(killAt: now.clampedPlus(Self.patience))
            return .terminate
        case (.terminating(let killAt), .timerFired):
            guard now >= killAt else { return .none }
            state = .killed
            return .kill
        case (.idle, .stopNow), (.asked, .stopNow), (.terminating, .stopNow):
            state = .killed
            return .kill
        case (.idle, .workerDied), (.asked, .workerDied), (.terminating, .workerDied), (.killed, .workerDied):
            state = .dead
            return .none
        case (.idle, .timerFired), (.asked, .stopGracefully), (.terminating, .stopGracefully),
            (.killed, .stopGracefully), (.killed, .stopNow), (.killed, .timerFired),
            (.dead, .stopGracefully), (.dead, .stopNow), (.dead, .timerFired), (.dead, .workerDied):
            return .none
        }
    }
}
