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

    private static let head = Array("{\"session\":\"".utf8)

    /// Where the session's id stands, in a line that begins as the host's own do; nil in another one.
    static func session(in bytes: [UInt8], _ line: Range<Int>) -> Range<Int>? {
        let start = line.lowerBound + head.count
        let end = start + SessionID.length
        guard end < line.upperBound, bytes[end] == UInt8(ascii: "\""),
            bytes[line.lowerBound..<start].elementsEqual(head)
        else { return nil }
        return start..<end
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
