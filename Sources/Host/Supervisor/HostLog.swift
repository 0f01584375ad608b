internal import FoundationEssentials
public import HostSystem
public import HostValues
internal import HostViews

/// The host's log: lines to standard error, for people or as JSON.
///
/// Never blocks the supervisor: what the reader does not take is dropped and counted.
public final class HostLog {
    private let format: LogFormat
    private var text: LogText
    private let clock: any HostClock
    /// Lines below it are left out.
    public var level: LogLevel
    /// The line under the log, for a terminal; empty for none.
    public var footer = "" {
        didSet { if footer != oldValue { emit("") } }
    }
    private let isJournal: Bool
    /// The newest lines, whatever became of them.
    private(set) var recent = RecentLines()
    /// The last lines of each routine.
    private(set) var recorder = FlightRecorder()
    private var hasFooter = false
    private var dropped = 0

    /// The time that entries have which name none, UTC ms.
    var now: Int64 { clock.wallMilliseconds() }

    /// A log. Colour only on a terminal, and never with `NO_COLOR` in the environment. `isDated`: whether its times have a
    /// date on a terminal too.
    public init(format: LogFormat, level: LogLevel, clock: any HostClock, isDated: Bool = false) {
        self.format = format
        self.level = level
        self.clock = clock
        text = LogText(
            isColored: StandardStream.error.showsColors, isDated: isDated || !StandardStream.error.isTerminal)
        isJournal = format == .text && StandardStream.error.isJournal
    }

    /// Writes one entry. `subject` is a plugin or `plugin/routine`; empty for the host itself.
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

    private struct Entry: Encodable {
        let time: String
        let level: String
        let subject: String
        let text: String
    }

    private func json(_ level: LogLevel, _ subject: String, _ text: String, _ ms: Int64) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let entry = Entry(time: Timestamp.format(ms), level: "\(level)", subject: subject, text: text)
        guard let data = try? encoder.encode(entry) else { return "" }
        return String(decoding: data, as: UTF8.self) + "\n"
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
