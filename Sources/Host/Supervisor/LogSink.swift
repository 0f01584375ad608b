internal import HostValues
internal import HostViews

/// Where the components of the supervisor say what people shall read: the host's log, or a test's list.
protocol LogSink: AnyObject {
    /// Writes one entry. `subject` is a plugin or `plugin/routine`, empty for the host itself; `ms` is when it was said, UTC,
    /// nil for now.
    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?)
}

extension LogSink {
    /// Writes one entry, of now.
    func write(_ level: LogLevel, _ subject: String, _ text: String) { write(level, subject, text, ms: nil) }
}

/// A log with a line under it that is replaced and not kept, for a terminal.
protocol ConsoleLog: LogSink {
    /// The line; empty for none.
    var footer: String { get set }
    /// The newest lines.
    var recent: RecentLines { get }
}

extension HostLog: ConsoleLog {}
