public import HostValues

/// The newest lines of a log, for the page: so many of them, and each cut to a bound. Pure.
public struct RecentLines: Sendable {
    /// How many are shown.
    public static let most = 200
    /// Bytes of a text at most.
    static let longest = 1000

    private var lines: [LogLine] = []

    /// None yet.
    public init() {}

    /// Takes the next line, said at that time, UTC ms.
    public mutating func add(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64) {
        // Old ones go many at a time, so that a line costs no more than its own copy.
        if lines.count >= 2 * Self.most { lines.removeFirst(Self.most) }
        let subject = String(subject.cut(to: 200))
        lines.append(LogLine(ms: ms, level: level, subject: subject, text: String(text.cut(to: Self.longest))))
    }

    /// The newest as a JSON list, oldest first.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.openList()
        for line in lines.suffix(Self.most) { line.write(to: &writer) }
        writer.closeList()
        return writer.bytes
    }
}
