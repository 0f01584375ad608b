/// What the host does after a callback returned an error. The routine's error hook decides, or the configuration where
/// there is no hook.
public enum ErrorAction: String, CaseIterable, Sendable {
    /// The error is counted, and the next cycle starts when it is due.
    case goOn = "continue"
    /// The same cycle is run again after a delay, for a limited number of attempts.
    case retry
    /// The session ends, and the restart policy decides.
    case endSession = "end_session"
    /// The session ends, and the routine stays stopped.
    case stop
    /// The routine is quarantined: only a person or a changed file starts it again.
    case quarantine
}

/// The decision that applies when a routine's error hook decides nothing, with its limits.
public struct ErrorDefault: Equatable, Sendable {
    /// What the host does after an error.
    public var decision: ErrorAction
    /// Delay before a retry, in ms.
    public var retryMs: UInt64
    /// The largest number of attempts at one cycle, the first one included.
    public var attempts: UInt32

    /// Creates a default decision: the session ends, and a hook that asks for retries gets three attempts.
    public init(decision: ErrorAction = .endSession, retryMs: UInt64 = 1000, attempts: UInt32 = 3) {
        self.decision = decision
        self.retryMs = retryMs
        self.attempts = attempts
    }
}
