public import HostValues

/// What is believed of an end that a worker reports, on its channel or in its ledger: plugin code can write both.
///
/// An end that only the host can know leads to a new session at once, or to none ever, without being counted: reported by a
/// worker it would pass by the restart policy. So what cannot be is an error of the routine, which is counted as any.
public struct ReportedEnd: Sendable {
    /// Whether its session is to end after so many cycles.
    public var hasMaxCycles: Bool
    /// Whether its session is to end at some time, or has a schedule, which may come to its end.
    public var hasEndTime: Bool
    /// Whether the session, or its worker, was asked to end.
    public var wasAsked: Bool

    /// What is known of the session.
    public init(hasMaxCycles: Bool, hasEndTime: Bool, wasAsked: Bool) {
        self.hasMaxCycles = hasMaxCycles
        self.hasEndTime = hasEndTime
        self.wasAsked = wasAsked
    }

    /// The reason as it is recorded.
    public func checked(_ reason: SessionRecord.Reason) -> SessionRecord.Reason {
        if isPossible(reason.end) { return reason }
        return SessionRecord.Reason(
            .error, text: "its worker reports an end that is not its to report: \(reason.kind.name.cut(to: 64))")
    }

    /// Whether the reason is one that a worker in that state may give.
    public func isPossible(_ end: SessionEnd?) -> Bool {
        switch end {
        case .maxCycles: hasMaxCycles
        case .until: hasEndTime
        case .stopped: wasAsked
        case .endedByRoutine, .error: true
        case .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied, .quarantined, nil: false
        }
    }
}
