/// What follows an error of a callback: what a routine's error hook decides, or where it has none, the configuration.
public enum ErrorAction: String, CaseIterable, Sendable {
    /// It is counted; the next cycle comes when it is due.
    case goOn = "continue"
    /// The same cycle again a little later, a few times.
    case retry
    /// The session ends, and the restart policy decides.
    case endSession = "end_session"
    /// The session ends, and the routine stays stopped.
    case stop
    /// The routine is shut out.
    case quarantine
}

/// The decision that the host takes by itself, with its numbers.
public struct ErrorDefault: Equatable, Sendable {
    /// What follows.
    public var decision: ErrorAction
    /// After how long a retry comes, ms.
    public var retryMs: UInt64
    /// Attempts at one cycle at most.
    public var attempts: UInt32

    /// The session ends; a hook that wants a retry gets three attempts.
    public init(decision: ErrorAction = .endSession, retryMs: UInt64 = 1000, attempts: UInt32 = 3) {
        self.decision = decision
        self.retryMs = retryMs
        self.attempts = attempts
    }
}
