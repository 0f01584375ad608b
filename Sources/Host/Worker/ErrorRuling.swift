internal import CPluginAPI
internal import HostPolicy
internal import HostValues
internal import HostWire

/// What follows a failure of a routine: for its session now, and for the next one.
struct ErrorRuling: Equatable {
    /// What the session does.
    let next: Schedule.Decision
    /// What becomes of the routine.
    let disposition: WorkerEvent.Ended.Disposition

    /// As the configuration has it, where no hook decides.
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

    /// As the routine's hook decides, which `hook` calls: it is told of the failure, finds the configuration's decision as
    /// its own, and may change that. One that this host does not know counts for nothing.
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
    /// As the ABI numbers it.
    fileprivate var number: UInt32 {
        switch self {
        case .goOn: UInt32(SCHEDHOST_DECIDE_CONTINUE)
        case .retry: UInt32(SCHEDHOST_DECIDE_RETRY)
        case .endSession: UInt32(SCHEDHOST_DECIDE_END_SESSION)
        case .stop: UInt32(SCHEDHOST_DECIDE_STOP)
        case .quarantine: UInt32(SCHEDHOST_DECIDE_QUARANTINE)
        }
    }

    /// A plugin's answer; nil when it is none that this host knows.
    fileprivate init?(number: UInt32) {
        guard let decision = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = decision
    }
}
