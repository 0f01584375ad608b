public import HostValues

/// The newest lines of the log, for the page: a bounded number of lines of bounded length. Pure.
public struct RecentLines: Sendable {
    /// The maximum number of lines that are shown.
    public static let most = 200
    /// The maximum length of a text, in bytes.
    static let longest = 1000

    private var lines: [LogLine] = []

    /// Creates an empty list.
    public init() {}

    /// Appends a line that was logged at `ms` since 1970, UTC.
    public mutating func add(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) {
        // Old lines are removed many at a time, so that the cost for each added line is constant.
        if lines.count >= 2 * Self.most { lines.removeFirst(Self.most) }
        let subject = String(subject.cut(to: 200))
        lines.append(LogLine(ms: ms, level: level, subject: subject, text: String(text.cut(to: Self.longest))))
    }

    /// The newest lines as a JSON list, oldest first.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.list(of: lines.suffix(Self.most)) { $0.write(to: &$1) }
        return writer.bytes
    }
}
