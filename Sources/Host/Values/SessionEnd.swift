/// How a session ends: one list for the schedule, the ledger, the restart policy and the record.
///
/// The raw value is its number in a ledger, which a later version may only add to.
public enum SessionEnd: UInt64, CaseIterable, Sendable {
    /// Complete: it has had its bound of cycles.
    case maxCycles = 1
    /// Complete: the wall clock has reached its end time.
    case until = 2
    /// Ended in order, by a person or with the host.
    case stopped = 3
    /// Complete: its routine asked for the end.
    case endedByRoutine = 4
    /// Failed: a callback returned an error, and the decision was to end.
    case error = 5
    /// Failed: its worker was ended by a signal.
    case crash = 6
    /// Failed: its worker called `exit`, or left the host in another way.
    case exit = 7
    /// Failed: a callback was over its time.
    case timeout = 8
    /// Failed: another routine of its worker died.
    case peerFailed = 9
    /// Ended in order, since its file was replaced.
    case reloaded = 10
    /// Ended in order, since its file was removed.
    case removed = 11
    /// Failed: its host died.
    case hostDied = 12
    /// Shut out after too many failures.
    case quarantined = 13

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// The end of that name; nil when this version knows none.
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
        }
    }

    /// Whether a worker can know of it: all others are what becomes of a worker, or what the host decides.
    public var isWorkers: Bool {
        switch self {
        case .maxCycles, .until, .stopped, .endedByRoutine, .error: true
        case .crash, .exit, .timeout, .peerFailed, .reloaded, .removed, .hostDied, .quarantined: false
        }
    }

    /// Whether something went wrong.
    public var isFailure: Bool {
        switch self {
        case .error, .crash, .exit, .timeout, .peerFailed, .hostDied, .quarantined: true
        case .maxCycles, .until, .endedByRoutine, .stopped, .reloaded, .removed: false
        }
    }
}
