public import HostValues

/// Formats lines of the log for people, in aligned columns. Pure.
public struct LogText {
    private let isColored: Bool
    /// Lines in a file need the date; a person at a terminal knows it.
    private let isDated: Bool
    private let zone: CivilTime.Zone
    /// The width of the widest name so far, up to a bound, so that the texts are aligned.
    private var subjectWidth = 24

    /// Creates a formatter with or without colours, and with or without the date.
    public init(isColored: Bool, isDated: Bool, zone: CivilTime.Zone = .local) {
        self.isColored = isColored
        self.isDated = isDated
        self.zone = zone
    }

    /// One line, including its line break. An empty subject means the host itself.
    public mutating func line(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) -> String {
        let name = subject.isEmpty ? "schedhost" : TerminalText.clean(subject)
        subjectWidth = min(max(subjectWidth, TerminalText.width(name)), 32)
        let civil = CivilTime(seconds: ms / 1000, zone: zone)
        let time = isDated ? civil.description : civil.clock
        let milliseconds = String(ms % 1000 + 1000).suffix(3)
        let head = "\(time).\(milliseconds) \(TerminalText.pad(level.rawValue.uppercased(), to: 8)) "
        let body = TerminalText.pad(name, to: subjectWidth) + "  " + TerminalText.clean(text)
        return isColored ? head + level.color + body + "\u{1B}[0m\n" : head + body + "\n"
    }
}

extension LogLevel {
    /// The colour in which its lines are shown.
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
