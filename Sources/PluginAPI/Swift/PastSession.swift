internal import CPluginAPI

/// A session of a routine that has ended, as its record has it.
public struct PastSession: Sendable, Equatable {
    /// Its id.
    public let session: String
    /// How it ended, by the names in records: `max_cycles`, `stopped`, `error`, `crash` and so on.
    public let reason: String
    /// The words for that: an error's message, or what `endSession` was given; up to 240 bytes, and may be empty.
    public let text: String
    /// Whether it ended by an error, a crash, an exit, a timeout or the like.
    public let isFailure: Bool
    /// When it began, in milliseconds since 1970, UTC.
    public let startMilliseconds: Int64
    /// When it ended, in milliseconds since 1970, UTC.
    public let finishMilliseconds: Int64
    /// How long it took, by a clock that is never set.
    public let duration: Duration
    /// Its cycles.
    public let cycles: UInt64
    /// Its attempts that failed.
    public let failures: UInt64
    /// The points of its grid that were passed over.
    public let missed: UInt64

    init(_ past: schedhost_past_session) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String {
            unsafe pointer.map { unsafe String(cString: $0) } ?? ""
        }
        session = unsafe text(past.session)
        reason = unsafe text(past.reason)
        self.text = unsafe text(past.text)
        isFailure = unsafe past.is_failure != 0
        startMilliseconds = unsafe past.start_ms
        finishMilliseconds = unsafe past.finish_ms
        duration = unsafe .milliseconds(past.duration_ms)
        cycles = unsafe past.cycles
        failures = unsafe past.failures
        missed = unsafe past.missed
    }
}

extension Scheduler {
    /// The sessions of this routine that ended before this one began, the last one first; at most ten. Callback.
    ///
    /// The first use in a session asks the host and waits for its answer; the others cost no more than the copy. Empty where
    /// there were none, in `load` and `unload`, and under a host of ABI 1.0.
    public var history: [PastSession] {
        guard let history = unsafe table.history else { return [] }
        var past: [PastSession] = []
        while past.count < Int(SCHEDHOST_MAX_HISTORY), let next = unsafe history(pointer, UInt32(past.count)) {
            past.append(unsafe PastSession(copy(of: next, into: schedhost_past_session())))
        }
        return past
    }
}
