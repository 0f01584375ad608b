public import HostValues

/// Lines of the log as people read them, one under the other. Pure.
public struct LogText {
    private let isColored: Bool
    /// In a file a line must be told from one of the day before; who looks at a terminal knows the day.
    private let isDated: Bool
    private let zone: CivilTime.Zone
    /// As wide as the widest name so far, so that texts stand under each other.
    private var subjectWidth = 24

    /// Lines with or without colours, and with or without the date in their time.
    public init(isColored: Bool, isDated: Bool, zone: CivilTime.Zone = .local) {
        self.isColored = isColored
        self.isDated = isDated
        self.zone = zone
    }

    /// One line, with its end. An empty subject is the host itself.
    public mutating func line(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) -> String {
        let name = subject.isEmpty ? "schedhost" : TerminalText.clean(subject)
        subjectWidth = min(max(subjectWidth, TerminalText.width(name)), 32)
        let civil = CivilTime(seconds: ms / 1000, zone: zone)
        let time = isDated ? civil.description : civil.clock
        let milliseconds = String(ms % 1000 + 1000).suffix(3)
        let head = "\(time).\(milliseconds) \(TerminalText.pad("\(level)".uppercased(), to: 8)) "
        let body = TerminalText.pad(name, to: subjectWidth) + "  " + TerminalText.clean(text)
        return isColored ? head + level.color + body + "\u{1B}[0m\n" : head + body + "\n"
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
