/// One line of a host's log.
public struct LogLine: Equatable, Sendable {
    /// Its number among all log lines of the host, from 1.
    public var number: UInt64
    /// Its number among the lines of the same subject, from 1. A gap means that lines were lost.
    public var ordinal: UInt64
    /// When it was logged, in ms since 1970, UTC.
    public var ms: Int64
    /// Its severity.
    public var level: LogLevel
    /// `plugin/routine`, a plugin, or empty for the host itself.
    public var subject: String
    /// The message.
    public var text: String

    /// Creates a line.
    public init(number: UInt64 = 0, ordinal: UInt64 = 0, ms: Int64, level: LogLevel, subject: String, text: String) {
        self.number = number
        self.ordinal = ordinal
        self.ms = ms
        self.level = level
        self.subject = subject
        self.text = text
    }

    /// Writes the line as a JSON object; with its two numbers if `isNumbered`.
    public func write(to writer: inout JSONWriter, isNumbered: Bool = false) {
        writer.open()
        if isNumbered {
            writer.field("n", number)
            writer.field("i", ordinal)
        }
        writeFields(to: &writer)
        writer.close()
    }

    /// Writes the fields without the numbers into an open object.
    public func writeFields(to writer: inout JSONWriter) {
        writer.field("ms", ms)
        writer.field("level", level.rawValue)
        writer.field("subject", subject)
        writer.field("text", text)
    }

    /// Reads an object that `write` wrote. Skips unknown fields.
    public init(from cursor: inout JSONCursor) throws(JSONFault) {
        var line = LogLine(ms: 0, level: .info, subject: "", text: "")
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "n": line.number = try cursor.unsigned()
            case "i": line.ordinal = try cursor.unsigned()
            case "ms": line.ms = try cursor.signed()
            case "level": line.level = LogLevel(rawValue: try cursor.string()) ?? .info
            case "subject": line.subject = try cursor.string()
            case "text": line.text = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = line
    }
}

/// Selects lines of a log.
public struct LogQuery: Equatable, Sendable {
    /// The largest number of lines: the newest ones, or the first ones past `after` if that is set.
    public var last = 100
    /// Only lines whose number is greater than this.
    public var after: UInt64 = 0
    /// The lowest severity.
    public var level = LogLevel.trace

    /// Creates a query for the newest 100 lines.
    public init() {}
}
