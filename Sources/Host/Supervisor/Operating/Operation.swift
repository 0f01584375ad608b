internal import HostCore
internal import HostSystem

/// What operating a host needs beside what the supervisor knows: totals, servers, and answers that are kept for a moment.
final class Operation {
    /// How long an answer is good, ns: many clients at once cost as much as one.
    static let freshness: Int64 = 50_000_000

    /// What ended sessions counted, by `plugin/routine`.
    var totals: [String: RoutineTotals] = [:]
    /// The host's start, UTC ms and boot ns.
    var startMs: Int64 = 0
    var startBoot: Int64 = 0
    /// The control socket.
    var control: SocketServer?
    /// A status that was made a moment ago.
    var status: (made: Int64, value: HostStatus)?
    /// The same as an answer of the control socket.
    var statusLine: (made: Int64, bytes: [UInt8])?

    /// The page and the metrics over HTTP.
    var web: SocketServer?
    /// The metrics, and the status as JSON.
    var metrics: (made: Int64, bytes: [UInt8])?
    var statusJSON: (made: Int64, bytes: [UInt8])?
    /// The newest records, where a page shows them.
    var recent: RecentRecords?

    /// The directory and the name of the file for the metrics, and its timer.
    var metricsFile: MetricsFile?

    /// systemd, if it is there, and the timer of the signs of life that it wants.
    var manager: ServiceManager?
    var watchdogTimer: Deadlines.Timer?
    /// Set where progress can be shown; whether there is any.
    var progressTimer: Deadlines.Timer?
    var hasProgress = false

    /// What is kept of the past is not true any more.
    func forget() {
        status = nil
        statusLine = nil
        statusJSON = nil
        metrics = nil
    }
}
