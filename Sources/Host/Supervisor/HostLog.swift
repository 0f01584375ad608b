internal import FoundationEssentials
public import HostSystem
public import HostValues
internal import HostViews

/// The host's log: lines to standard error, for people or as JSON.
///
/// Never blocks the supervisor: what the reader does not take is dropped and counted.
public final class HostLog {
    private let format: LogFormat
    private let isColored: Bool
    private let zone: CivilTime.Zone
    private let clock: any HostClock
    /// Lines below it are left out.
    public var level: LogLevel
    /// The line under the log, for a terminal; empty for none.
    public var footer = "" {
        didSet { if footer != oldValue { emit("") } }
    }
    private let isJournal: Bool
    /// In a file a line must be told from one of the day before; who looks at a terminal knows the day.
    private let isDated: Bool
    /// The newest lines, whatever became of them.
    private(set) var recent = RecentLines()
    private var hasFooter = false
    private var dropped = 0
    private var subjectWidth = 24

    /// The time that entries have which name none, UTC ms.
    var now: Int64 { clock.wallMilliseconds() }

    /// A log. Colour only on a terminal, and never with `NO_COLOR` in the environment. `isDated`: whether its times have a
    /// date on a terminal too.
    public init(format: LogFormat, level: LogLevel, clock: any HostClock, isDated: Bool = false) {
        self.format = format
        self.level = level
        self.clock = clock
        zone = .local
        self.isDated = isDated || !StandardStream.error.isTerminal
        isJournal = format == .text && StandardStream.error.isJournal
        isColored = StandardStream.error.showsColors
    }

    /// Writes one entry. `subject` is a plugin or `plugin/routine`; empty for the host itself.
    public func write(_ level: LogLevel, _ subject: String = "", _ text: String, ms: Int64? = nil) {
        guard level >= self.level else { return }
        let time = ms ?? clock.wallMilliseconds()
        recent.add(level, subject, text, ms: time)
        if isJournal,
            (try? UnixSocket.sendDatagram(
                JournalEntry.bytes(level, subject: subject, text: text), to: Journal.socket)) != nil
        {
            return
        }
        switch format {
        case .text: emit(line(level, subject, text, time))
        case .json: emit(json(level, subject, text, time))
        }
    }

    private func line(_ level: LogLevel, _ subject: String, _ text: String, _ ms: Int64) -> String {
        let name = subject.isEmpty ? "schedhost" : TerminalText.clean(subject)
        subjectWidth = min(max(subjectWidth, TerminalText.width(name)), 32)
        let civil = CivilTime(seconds: ms / 1000, zone: zone)
        let time = isDated ? civil.description : civil.clock
        let milliseconds = String(ms % 1000 + 1000).suffix(3)
        let head = "\(time).\(milliseconds) \(TerminalText.pad("\(level)".uppercased(), to: 8)) "
        let body = TerminalText.pad(name, to: subjectWidth) + "  " + TerminalText.clean(text)
        return isColored ? head + level.color + body + "\u{1B}[0m\n" : head + body + "\n"
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

extension LogLevel {
    /// The colour of its lines.
    fileprivate var color: String {
        switch self {
        case .trace, .debug: "\u{1B}[2m"
        case .info: ""
        case .success: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error, .critical: "\u{1B}[31m"
        }
    }
}
