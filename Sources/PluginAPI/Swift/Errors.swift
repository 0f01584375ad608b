internal import CPluginAPI

/// An error with a number of the author's own, for an `onError` that tells causes apart or a record that is searched.
///
/// Any other error that a closure throws has the code 1; its description becomes the error's text in both cases.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    /// From 1; 0 is taken for 1, since an error is never a success.
    public let code: Int32
    /// What the log and the record show.
    public let description: String

    /// An error with a number and a text.
    public init(code: Int32 = 1, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// What to do about an error: the answer of `onError`.
public enum ErrorDecision: Sendable, Equatable {
    /// What the host's configuration says; without one, end the session.
    case `default`
    /// Count it; the next cycle comes when due.
    case `continue`
    /// The same cycle again after a while (at most a day), as the next attempt.
    case retry(after: Duration)
    /// End the session; the restart policy applies.
    case endSession
    /// End the session; the routine stays stopped until a person or a new file starts it.
    case stop
    /// Shut the routine out until its file changes or a person resumes it.
    case quarantine

    var number: UInt32 {
        switch self {
        case .default: UInt32(SCHEDHOST_DECIDE_DEFAULT)
        case .continue: UInt32(SCHEDHOST_DECIDE_CONTINUE)
        case .retry: UInt32(SCHEDHOST_DECIDE_RETRY)
        case .endSession: UInt32(SCHEDHOST_DECIDE_END_SESSION)
        case .stop: UInt32(SCHEDHOST_DECIDE_STOP)
        case .quarantine: UInt32(SCHEDHOST_DECIDE_QUARANTINE)
        }
    }
}

/// Where an error came up.
public enum ErrorPhase: UInt32, Sendable {
    /// None, or one that this overlay does not know yet.
    case none = 0
    /// In the plugin's `load`.
    case load = 1
    /// In the routine's `start`.
    case start = 2
    /// In a cycle.
    case routine = 3
    /// In the wait between cycles.
    case sleep = 4
    /// In a cache.
    case cache = 5
    /// In `stats`.
    case stats = 6
    /// In `stop`.
    case stop = 7
    /// In `onError` itself.
    case hook = 8
}

/// An error of a routine, as its `onError` sees it.
public struct RoutineError: Sendable {
    /// Where it came up.
    public let phase: ErrorPhase
    /// The number: that of a `Failure` or a `CacheError`, 1 for other Swift errors.
    public let code: Int32
    /// The description of what was thrown.
    public let message: String
    /// The cycle, from 0.
    public let cycle: UInt64
    /// The attempt at that cycle, from 1.
    public let attempt: Int
    /// What was thrown, when it came from a closure of this routine.
    public let underlying: (any Error)?
}

/// How the session before this one ended.
public enum SessionBefore: UInt32, Sendable {
    /// There was none, or it ended in a way that this overlay does not know yet.
    case none = 0
    /// Complete or stopped.
    case clean = 1
    /// An error ended it.
    case error = 2
    /// The worker died: a signal, an exit, a dead peer or a dead host.
    case crash = 3
    /// A cycle hung and was ended.
    case timeout = 4
}
