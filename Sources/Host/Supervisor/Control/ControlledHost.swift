internal import HostWire

/// What the control desk asks of the host, and tells it.
protocol ControlledHost: AnyObject {
    /// The whole status, made now.
    func freshStatus() -> HostStatus
    /// Whether a process is a worker.
    func isWorker(_ pid: Int32) -> Bool
    /// Whether a routine with an end is in a session.
    var hasProgress: Bool { get }
    /// The status of such routines, at most so many.
    func progress(most: Int) -> [RoutineStatus]
    /// The status in a few numbers.
    var summary: HostSummary { get }
    /// A person wants something: the answer. Requests for the status do not come here.
    func perform(_ order: ControlRequest) -> ControlResponse
}

/// The status in a few numbers, for a line.
struct HostSummary: Equatable {
    /// Whether every plugin file that is there was looked at.
    var isReady = false
    var isStopping = false
    var readyPlugins = 0
    var routines = 0
    var running = 0
    /// The ids of those that are shut out.
    var quarantined: [String] = []

    /// The line that a service manager shows.
    var line: String {
        let shown = quarantined.sorted()
        var text = "\(readyPlugins) plugins, \(running) of \(routines) routines in a session"
        if let first = shown.first {
            text += ", quarantined: \(first)" + (shown.count > 1 ? " and \(shown.count - 1) more" : "")
        }
        return text
    }
}
