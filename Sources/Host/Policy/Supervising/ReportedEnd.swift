public import HostValues

/// Validates the end of a session that a worker reports on its channel or in its ledger, because plugin code can write
/// to both.
///
/// Some ends are decided by the host alone, and lead to an immediate new session, or to none at all, without being
/// counted. If a worker could report them, it could evade the restart policy. So an impossible end is treated as an
/// error of the routine, and counted like any other error.
public struct ReportedEnd: Sendable {
    /// Whether the session has a maximum number of cycles.
    public var hasMaxCycles: Bool
    /// Whether the session has an end time, or a schedule that may come to its end.
    public var hasEndTime: Bool
    /// Whether the session or its worker was asked to end.
    public var wasAsked: Bool

    /// Creates a description of the session.
    public init(hasMaxCycles: Bool, hasEndTime: Bool, wasAsked: Bool) {
        self.hasMaxCycles = hasMaxCycles
        self.hasEndTime = hasEndTime
        self.wasAsked = wasAsked
    }

    /// The reason to record.
    public func checked(_ reason: SessionRecord.Reason) -> SessionRecord.Reason {
        if isPossible(reason.end) { return reason }
        return SessionRecord.Reason(
            .error, text: "its worker reports an end that is not its to report: \(reason.kind.name.cut(to: 64))")
    }

    /// Whether a worker may report this end for this session.
    public func isPossible(_ end: SessionEnd?) -> Bool {
        switch end {
        case .maxCycles: hasMaxCycles
        case .until: hasEndTime
        case .stopped: wasAsked
        case .endedByRoutine, .error: true
        case .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied, .quarantined, .leaseLost,
            .handedOver, nil:
            false
        }
    }
}
