public import HostValues

/// The newest records as JSON, kept in memory so that they can be shown without reading a file. Pure.
///
/// Their number and their total size are limited. When the limit is exceeded, the oldest records go, from the plugins
/// with the most records first (`FairCut`), so that a plugin whose sessions fail in quick succession does not displace
/// the records of others.
public struct RecentRecords {
    /// The largest number of records.
    public let most: Int
    /// The largest total size of their JSON in bytes.
    public let mostBytes: Int

    private struct Item {
        let session: SessionID
        let plugin: String
        let routine: String
        let report: String?
        let text: [UInt8]
    }

    private var items: [Item] = []
    private var size = 0
    private var reports: [SessionID: String] = [:]
    private var joined: [UInt8]?

    /// Makes an empty list.
    public init(most: Int, mostBytes: Int) {
        self.most = max(1, most)
        self.mostBytes = mostBytes
    }

    /// The number of records within both limits.
    public var count: Int { kept().count }

    /// Adds the next record.
    public mutating func add(_ line: RecordLine) {
        let record = line.record
        let text = line.object
        items.append(
            Item(
                session: record.session, plugin: record.plugin, routine: record.routine, report: record.report,
                text: text))
        size += text.count
        if let report = record.report { reports[record.session] = report }
        joined = nil
        // Trims only at twice the limit, so that the cost per record does not depend on the number of records.
        if items.count >= most * 2 || size >= mostBytes * 2 { trim() }
    }

    /// The file name of a session's crash report; nil if the session is not in the list or has no report.
    public func report(of session: SessionID) -> String? { reports[session] }

    /// The newest record of a routine; nil if none is in the list.
    public func newest(of plugin: String, _ routine: String) -> SessionRecord? {
        items.last { $0.plugin == plugin && $0.routine == routine }.flatMap { try? SessionRecord(line: $0.text) }
    }

    /// All records as a JSON list, oldest first, in the format of `RecordTable.json`.
    public mutating func json() -> [UInt8] {
        if let joined { return joined }
        trim()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + items.count * 4 + 8)
        bytes.append(UInt8(ascii: "["))
        for (number, item) in items.enumerated() {
            bytes += number == 0 ? "\n  ".utf8 : ",\n  ".utf8
            bytes += item.text
        }
        bytes += items.isEmpty ? "]\n".utf8 : "\n]\n".utf8
        joined = bytes
        return bytes
    }

    private mutating func trim() {
        let kept = kept()
        guard kept.count < items.count else { return }
        items = kept.map { items[$0] }
        size = items.reduce(0) { $0 + $1.text.count }
        reports = [:]
        for item in items { if let report = item.report { reports[item.session] = report } }
    }

    /// The indices of the items within both limits.
    private func kept() -> [Int] {
        var kept = Array(items.indices)
        if items.count > most { kept = FairCut.kept(items.map { ($0.plugin, 1) }, most: most) }
        guard size > mostBytes else { return kept }
        return FairCut.kept(kept.map { (items[$0].plugin, items[$0].text.count) }, most: mostBytes).map { kept[$0] }
    }
}

extension RecentRecords {
    /// The newest of some records, which are given oldest first: at most so many, and so many bytes by
    /// `SessionRecord.estimatedSize`, selected fairly among the plugins.
    public static func newest(_ records: [SessionRecord], most: Int, mostBytes: Int) -> [SessionRecord] {
        let newest = FairCut.kept(records.map { ($0.plugin, 1) }, most: most).map { records[$0] }
        return FairCut.kept(newest.map { ($0.plugin, $0.estimatedSize) }, most: mostBytes).map { newest[$0] }
    }
}
