/// A session that has ended, as a later session of the same routine learns of it: the essence of its record.
public struct EndedSession: Equatable, Sendable {
    /// The largest number of such sessions that a session learns of.
    public static let most = 10
    /// The longest text in bytes; of a longer one the beginning is kept.
    public static let longestText = 240

    /// The session's id.
    public var session: SessionID
    /// How it ended, by the name that records have: `max_cycles`, `error`, `crash` and so on.
    public var reason: String
    /// The words for that: an error's message, or what the routine has given as its reason; may be empty.
    public var text: String
    /// Whether that was a failure.
    public var isFailure: Bool
    /// When it began, in ms since 1970, UTC.
    public var startMs: Int64
    /// When it ended, in ms since 1970, UTC.
    public var finishMs: Int64
    /// How long it took, in ms, by a clock that is never set.
    public var durationMs: Int64
    /// Its completed cycles.
    public var cycles: UInt64
    /// Its failed attempts.
    public var failures: UInt64
    /// The points of its grid that were passed over.
    public var missed: UInt64

    /// Makes it from the parts that records have.
    public init(
        session: SessionID, reason: SessionRecord.Reason, startMs: Int64, finishMs: Int64, durationMs: Int64,
        cycles: UInt64, failures: UInt64, missed: UInt64
    ) {
        self.session = session
        self.reason = reason.kind.name
        text = String(reason.text.cut(to: Self.longestText))
        isFailure = reason.isFailure
        self.startMs = startMs
        self.finishMs = finishMs
        self.durationMs = durationMs
        self.cycles = cycles
        self.failures = failures
        self.missed = missed
    }

    /// Makes it from a record.
    public init(_ record: SessionRecord) {
        self.init(
            session: record.session, reason: record.reason, startMs: record.startMs, finishMs: record.finishMs,
            durationMs: record.durationMs, cycles: record.cycles, failures: record.failures, missed: record.missed)
    }
}

extension EndedSession {
    /// Writes it as an object.
    public func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("session", session.rawValue)
        writer.field("reason", reason)
        writer.field("text", text)
        writer.field("failure", isFailure)
        writer.field("start_ms", startMs)
        writer.field("finish_ms", finishMs)
        writer.field("duration_ms", durationMs)
        writer.field("cycles", cycles)
        writer.field("failures", failures)
        writer.field("missed", missed)
        writer.close()
    }

    /// Reads such an object. What is missing is zero; texts are cut.
    public init(from cursor: inout JSONCursor) throws(JSONFault) {
        var past = EndedSession(
            session: SessionID(rawValue: 0), reason: .init(named: ""), startMs: 0, finishMs: 0, durationMs: 0,
            cycles: 0, failures: 0, missed: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "session": past.session = SessionID(rawValue: try cursor.unsigned())
            case "reason": past.reason = String(try cursor.string().cut(to: Self.longestText))
            case "text": past.text = String(try cursor.string().cut(to: Self.longestText))
            case "failure": past.isFailure = try cursor.bool()
            case "start_ms": past.startMs = try cursor.signed()
            case "finish_ms": past.finishMs = try cursor.signed()
            case "duration_ms": past.durationMs = try cursor.signed()
            case "cycles": past.cycles = try cursor.unsigned()
            case "failures": past.failures = try cursor.unsigned()
            case "missed": past.missed = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        self = past
    }
}
