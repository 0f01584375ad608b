public import HostValues

/// A record with its line of JSON, which is made once when the record is complete. The store, the command of
/// `on_failure` and the page all use the same bytes.
public struct RecordLine: Equatable, Sendable {
    /// The record.
    public let record: SessionRecord
    /// The line, without the line break.
    public let bytes: [UInt8]

    /// Makes the line of a complete record.
    public init(_ record: SessionRecord) {
        self.record = record
        bytes = record.line()
    }

    /// The JSON object that `RecordTable.json` writes: the line's fields, then start and finish as texts.
    var object: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("start", Timestamp.format(record.startMs))
        writer.field("finish", Timestamp.format(record.finishMs))
        writer.close()
        return bytes.dropLast() + [UInt8(ascii: ",")] + writer.bytes.dropFirst()
    }
}
