internal import CPluginAPI
internal import HostPolicy
internal import HostValues
internal import HostWire

/// The consequences of a routine's failure: for its current session, and for the sessions after it.
struct FailureDecision: Equatable {
    /// What the session does next.
    let next: Schedule.Decision
    /// What happens to the routine after the session.
    let disposition: WorkerEvent.Ended.Disposition

    /// The ruling of the configuration, for failures that no hook decides.
    init(_ byDefault: ErrorDefault) {
        self.init(byDefault.decision, retryMs: byDefault.retryMs)
    }

    private init(_ decision: ErrorAction, retryMs: UInt64) {
        switch decision {
        case .goOn: (next, disposition) = (.goOn, .policy)
        case .retry:
            let delay = Int64(min(retryMs, UInt64(SCHEDHOST_MAX_RETRY_MS))) * 1_000_000
            (next, disposition) = (.retry(after: delay), .policy)
        case .endSession: (next, disposition) = (.end, .policy)
        case .stop: (next, disposition) = (.end, .stop)
        case .quarantine: (next, disposition) = (.end, .quarantine)
        }
    }

    /// The ruling of the routine's hook, which the closure `hook` calls. The hook receives the failure and, as its
    /// default, the configuration's decision, which it may change. A decision that this host does not know is ignored.
    init(
        _ failure: Session.Failure, byDefault: ErrorDefault,
        hook: (UnsafePointer<schedhost_error>, UnsafeMutablePointer<schedhost_decision>) -> Void
    ) {
        var decision = schedhost_decision()
        decision.struct_size = UInt32(MemoryLayout<schedhost_decision>.size)
        decision.decision = byDefault.decision.number
        decision.retry_ms = byDefault.decision == .retry ? byDefault.retryMs : 0
        let message = CText(failure.message)
        var error = unsafe schedhost_error()
        unsafe error.struct_size = UInt32(MemoryLayout<schedhost_error>.size)
        unsafe error.phase = failure.phase.rawValue
        unsafe error.code = failure.code
        unsafe error.attempt = failure.attempt
        unsafe error.cycle = failure.cycle
        unsafe error.message = unsafe message.pointer
        withExtendedLifetime(message) { unsafe hook(&error, &decision) }
        if let decided = ErrorAction(number: decision.decision) {
            self.init(decided, retryMs: decision.retry_ms)
        } else {
            self.init(byDefault)
        }
    }
}

extension ErrorAction {
    /// The decision's number in the ABI.
    fileprivate var number: UInt32 {
        switch self {
        case .goOn: UInt32(SCHEDHOST_DECIDE_CONTINUE)
        case .retry: UInt32(SCHEDHOST_DECIDE_RETRY)
        case .endSession: UInt32(SCHEDHOST_DECIDE_END_SESSION)
        case .stop: UInt32(SCHEDHOST_DECIDE_STOP)
        case .quarantine: UInt32(SCHEDHOST_DECIDE_QUARANTINE)
        }
    }

    /// The decision with that number in the ABI; nil if this host does not know it.
    fileprivate init?(number: UInt32) {
        guard let decision = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = decision
    }
}
