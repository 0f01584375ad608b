internal import HostValues
internal import HostViews

/// Receives the messages of the supervisor's components for people: the host's log, or a test's list.
protocol LogSink: AnyObject {
    /// Writes one entry. `subject` is a plugin or `plugin/routine`, empty for the host itself; `ms` is the entry's time
    /// in UTC ms, nil for the present time.
    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?)
}

extension LogSink {
    /// Writes one entry stamped with the current time.
    func write(_ level: LogLevel, _ subject: String, _ text: String) { write(level, subject, text, ms: nil) }
}

/// A log with a footer line on a terminal, which is replaced and not kept.
protocol ConsoleLog: LogSink {
    /// The footer line; empty if there is none.
    var footer: String { get set }
    /// The newest lines.
    var recent: RecentLines { get }
    /// The last lines of each routine.
    var recorder: FlightRecorder { get }
}

extension HostLog: ConsoleLog {}
