/// One line of a host's log.
public struct LogLine: Equatable, Sendable {
    /// Its number among all lines of the host, from 1.
    public var number: UInt64
    /// Its number among those of its subject, from 1: where one is missing, lines were lost.
    public var ordinal: UInt64
    /// When it was said, UTC ms.
    public var ms: Int64
    /// How much it weighs.
    public var level: LogLevel
    /// `plugin/routine`, a plugin, or empty for the host itself.
    public var subject: String
    /// What was said.
    public var text: String

    /// A line.
    public init(number: UInt64 = 0, ordinal: UInt64 = 0, ms: Int64, level: LogLevel, subject: String, text: String) {
        self.number = number
        self.ordinal = ordinal
        self.ms = ms
        self.level = level
        self.subject = subject
        self.text = text
    }

    /// Writes it as an object; `isNumbered`: with its two numbers.
    public func write(to writer: inout JSONWriter, isNumbered: Bool = false) {
        writer.open()
        if isNumbered {
            writer.field("n", number)
            writer.field("i", ordinal)
        }
        writer.field("ms", ms)
        writer.field("level", level.rawValue)
        writer.field("subject", subject)
        writer.field("text", text)
        writer.close()
    }

    /// Reads such an object.
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

/// Which lines of a log are wanted.
public struct LogQuery: Equatable, Sendable {
    /// So many at most: the newest ones, or with `after` the next ones.
    public var last = 100
    /// Those with a greater number only.
    public var after: UInt64 = 0
    /// From this level on.
    public var level = LogLevel.trace

    /// The newest hundred.
    public init() {}
}
