internal import HostValues
internal import HostViews
internal import HostWire

/// What the control desk needs from the host.
protocol ControlledHost: AnyObject {
    /// The complete status, computed now.
    func freshStatus() -> HostStatus
    /// What the page shows of one routine, computed now, at a cost that does not grow with the number of workers; nil if
    /// there is no such routine. `last` is the record of its last session.
    func freshSheet(of plugin: String, _ routine: String, last: SessionRecord?) -> RoutineSheet?
    /// Whether the process is a worker.
    func isWorker(_ pid: Int32) -> Bool
    /// Whether a child of the host that is neither a worker nor a command was left behind by a worker.
    func isOrphan(_ child: Int32) -> Bool
    /// Whether a routine that has an end is in a session, so that its progress can be shown.
    var hasProgress: Bool { get }
    /// The status of such routines, at most `most` of them.
    func progress(most: Int) -> [RoutineStatus]
    /// Whether every plugin file was described or refused.
    var isReady: Bool { get }
    var isStopping: Bool { get }
    /// A summary of the status in a few numbers. Its cost grows with the number of plugins.
    var summary: HostSummary { get }
    /// Performs a person's order and returns the response. Requests for the status are answered by the desk itself.
    func perform(_ order: ControlRequest) -> ControlResponse
}

/// A summary of the host's status, for one line.
struct HostSummary: Equatable {
    /// Whether every plugin file was described or refused.
    var isReady = false
    var isStopping = false
    var readyPlugins = 0
    var routines = 0
    var running = 0
    /// The ids of the quarantined routines.
    var quarantined: [String] = []

    /// The status line for a service manager.
    var line: String {
        var text = "\(readyPlugins) plugins, \(running) of \(routines) routines in a session"
        if let first = quarantined.min() {
            text += ", quarantined: \(first)" + (quarantined.count > 1 ? " and \(quarantined.count - 1) more" : "")
        }
        return text
    }
}
