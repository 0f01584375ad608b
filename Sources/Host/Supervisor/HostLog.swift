public import HostSystem
public import HostValues
internal import HostViews

/// The host's log: lines to standard error, as text for people or as JSON.
///
/// It never blocks the supervisor: lines that the reader does not take are dropped and counted.
public final class HostLog {
    private let format: LogFormat
    private var text: LogText
    let clock: any HostClock
    /// The minimum level of lines that are written.
    public var level: LogLevel
    /// The line below the log on a terminal; empty if there is none.
    public var footer = "" {
        didSet { if footer != oldValue { emit("") } }
    }
    private let isJournal: Bool
    /// The newest lines, including those that could not be written.
    private(set) var recent = RecentLines()
    /// The last lines of each routine.
    private(set) var recorder = FlightRecorder()
    private var hasFooter = false
    private var dropped = 0

    /// Makes a log. It uses colours only on a terminal, and not if `NO_COLOR` is set in the environment. `isDated`:
    /// whether times include the date on a terminal too.
    public init(format: LogFormat, level: LogLevel, clock: any HostClock, isDated: Bool = false) {
        self.format = format
        self.level = level
        self.clock = clock
        text = LogText(
            isColored: StandardStream.error.showsColors, isDated: isDated || !StandardStream.error.isTerminal)
        isJournal = format == .text && StandardStream.error.isJournal
    }

    /// Writes one entry. `subject` is a plugin or `plugin/routine`; empty for the host itself. `ms` is the entry's time
    /// in UTC ms; nil for the present time.
    public func write(_ level: LogLevel, _ subject: String = "", _ text: String, ms: Int64? = nil) {
        guard level >= self.level else { return }
        let time = ms ?? clock.wallMilliseconds()
        recent.add(level, subject, text, ms: time)
        recorder.add(level, subject, text, ms: time)
        if isJournal,
            (try? UnixSocket.sendDatagram(
                JournalEntry.bytes(level, subject: subject, text: text), to: Journal.socket)) != nil
        {
            return
        }
        switch format {
        case .text: emit(self.text.line(level, subject, text, ms: time))
        case .json: emit(json(level, subject, text, time))
        }
    }

    private func json(_ level: LogLevel, _ subject: String, _ text: String, _ ms: Int64) -> String {
        var writer = JSONWriter()
        writer.open()
        writer.field("level", level.rawValue)
        writer.field("subject", subject)
        writer.field("text", text)
        writer.field("time", Timestamp.format(ms))
        writer.close()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    private func emit(_ text: String) {
        let line = footer.isEmpty && !hasFooter ? text : "\r\u{1B}[K" + text + footer
        hasFooter = !footer.isEmpty
        if dropped > 0, StandardStream.error.writeIfReady(Array("schedhost: \(dropped) log lines dropped\n".utf8)) {
            dropped = 0
        }
        if dropped > 0 || !StandardStream.error.writeIfReady(Array(line.utf8)) { dropped += 1 }
    }
}
