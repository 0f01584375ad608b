/// How a session ends. The schedule, the ledger, the restart policy and the record all use this list.
///
/// The raw value is the number in a ledger; later versions may add numbers but never change one.
public enum SessionEnd: UInt64, CaseIterable, Sendable {
    /// Completed: the session ran its maximum number of cycles.
    case maxCycles = 1
    /// Completed: the wall clock reached the session's end time.
    case until = 2
    /// Stopped in order, by a person or because the host stopped.
    case stopped = 3
    /// Completed: the routine asked to end.
    case endedByRoutine = 4
    /// Failed: a callback returned an error, and the decision was to end the session.
    case error = 5
    /// Failed: a signal terminated the worker.
    case crash = 6
    /// Failed: the worker called `exit` or abandoned the host in another way.
    case exit = 7
    /// Failed: a callback exceeded its timeout.
    case timeout = 8
    /// Failed: another routine brought down the worker that they share.
    case peerFailed = 9
    /// Stopped in order, because the plugin's file was replaced.
    case reloaded = 10
    /// Stopped in order, because the plugin's file was removed.
    case removed = 11
    /// Failed: the host died.
    case hostDied = 12
    /// Quarantined after too many failures.
    case quarantined = 13
    /// Stopped, because this host does not hold the routine's lease any more.
    case leaseLost = 14
    /// Stopped in order, to be run by another host.
    case handedOver = 15

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// Creates the end with that name; nil if this version does not know it.
    public init?(name: String) {
        guard let end = Self.byName[name] else { return nil }
        self = end
    }

    /// The name in a record, such as `max_cycles`.
    public var name: String {
        switch self {
        case .maxCycles: "max_cycles"
        case .until: "until"
        case .stopped: "stopped"
        case .endedByRoutine: "ended_by_routine"
        case .error: "error"
        case .crash: "crash"
        case .exit: "exit"
        case .timeout: "timeout"
        case .peerFailed: "peer_failed"
        case .reloaded: "reloaded"
        case .removed: "removed"
        case .hostDied: "host_died"
        case .quarantined: "quarantined"
        case .leaseLost: "lease_lost"
        case .handedOver: "handed_over"
        }
    }

    /// Whether a worker itself can report this end. The others describe the death of a worker or a decision of the
    /// host.
    public var isReportableByWorker: Bool {
        switch self {
        case .maxCycles, .until, .stopped, .endedByRoutine, .error: true
        case .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied, .quarantined, .leaseLost,
            .handedOver:
            false
        }
    }

    /// Whether the end is a failure.
    public var isFailure: Bool {
        switch self {
        case .error, .crash, .exit, .timeout, .peerFailed, .hostDied, .quarantined: true
        case .maxCycles, .until, .endedByRoutine, .stopped, .reloaded, .removed, .leaseLost, .handedOver: false
        }
    }
}
