/// The newest records as JSON, kept as they come, so that showing them reads no file. Pure.
///
/// Bounded in number and in bytes: of what is too much the oldest go.
public struct RecentRecords {
    /// Records at most.
    public let most: Int
    /// Bytes of JSON at most.
    public let mostBytes: Int

    private struct Item {
        let session: SessionID
        let report: String?
        let text: [UInt8]
    }

    private var items: [Item] = []
    private var start = 0
    private var size = 0
    private var reports: [SessionID: String] = [:]
    private var joined: [UInt8]?

    /// No record yet.
    public init(most: Int, mostBytes: Int) {
        self.most = max(1, most)
        self.mostBytes = mostBytes
    }

    /// How many there are.
    public var count: Int { items.count - start }

    /// Takes the next one.
    public mutating func add(_ record: SessionRecord) {
        let text = Array(RecordTable.object(record).utf8)
        items.append(Item(session: record.session, report: record.report, text: text))
        size += text.count
        if let report = record.report { reports[record.session] = report }
        while count > most || (size > mostBytes && count > 1) {
            size -= items[start].text.count
            reports[items[start].session] = nil
            start += 1
        }
        if start > most {
            items.removeFirst(start)
            start = 0
        }
        joined = nil
    }

    /// The crash report's file of a session that is among them and has one.
    public func report(of session: SessionID) -> String? { reports[session] }

    /// All of them as a list, oldest first, as `RecordTable.json` writes it.
    public mutating func json() -> [UInt8] {
        if let joined { return joined }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + count * 4 + 8)
        bytes.append(UInt8(ascii: "["))
        for (number, item) in items[start...].enumerated() {
            bytes += number == 0 ? "\n  ".utf8 : ",\n  ".utf8
            bytes += item.text
        }
        bytes += count == 0 ? "]\n".utf8 : "\n]\n".utf8
        joined = bytes
        return bytes
    }
}
