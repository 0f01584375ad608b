public import HostValues

/// A record with its line of JSON. It is made once, where the record is complete; the store, the command of `on_failure`
/// and the page get the same bytes.
public struct RecordLine: Equatable, Sendable {
    /// What the line says.
    public let record: SessionRecord
    /// The line, without its break.
    public let bytes: [UInt8]

    /// The line of a record to which nothing is added any more.
    public init(_ record: SessionRecord) {
        self.record = record
        bytes = record.line()
    }

    /// The object that `RecordTable.json` writes: the line's fields, then start and finish as texts.
    var object: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("start", Timestamp.format(record.startMs))
        writer.field("finish", Timestamp.format(record.finishMs))
        writer.close()
        return bytes.dropLast() + [UInt8(ascii: ",")] + writer.bytes.dropFirst()
    }
}
