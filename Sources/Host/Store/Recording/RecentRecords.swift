public import HostValues

/// The newest records as JSON, kept as they come, so that showing them reads no file. Pure.
///
/// Bounded in number and in bytes. Of what is too much the oldest go, first of the plugins that have the most: one whose
/// sessions end in a storm does not push out the others' (`FairCut`).
public struct RecentRecords {
    /// Records at most.
    public let most: Int
    /// Bytes of JSON at most.
    public let mostBytes: Int

    private struct Item {
        let session: SessionID
        let plugin: String
        let report: String?
        let text: [UInt8]
    }

    private var items: [Item] = []
    private var size = 0
    private var reports: [SessionID: String] = [:]
    private var joined: [UInt8]?

    /// No record yet.
    public init(most: Int, mostBytes: Int) {
        self.most = max(1, most)
        self.mostBytes = mostBytes
    }

    /// How many are shown.
    public var count: Int { kept().count }

    /// Takes the next one.
    public mutating func add(_ line: RecordLine) {
        let record = line.record
        let text = line.object
        items.append(Item(session: record.session, plugin: record.plugin, report: record.report, text: text))
        size += text.count
        if let report = record.report { reports[record.session] = report }
        joined = nil
        // Twice as much before anything goes, so that a record costs the same however many there are.
        if items.count >= most * 2 || size >= mostBytes * 2 { trim() }
    }

    /// The crash report's file of a session that is among them and has one.
    public func report(of session: SessionID) -> String? { reports[session] }

    /// All of them as a list, oldest first, as `RecordTable.json` writes it.
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

    /// The indices of those that are within both bounds.
    private func kept() -> [Int] {
        var kept = Array(items.indices)
        if items.count > most { kept = FairCut.kept(items.map { ($0.plugin, 1) }, most: most) }
        guard size > mostBytes else { return kept }
        return FairCut.kept(kept.map { (items[$0].plugin, items[$0].text.count) }, most: mostBytes).map { kept[$0] }
    }
}

extension RecentRecords {
    /// Of records, the oldest first, the newest so many: of each plugin its newest ones.
    public static func newest(_ records: [SessionRecord], most: Int) -> [SessionRecord] {
        FairCut.kept(records.map { ($0.plugin, 1) }, most: most).map { records[$0] }
    }
}
