internal import HostValues

/// What is kept of the record file that is oldest when a new one begins: of each plugin the newest, so that none pushes the
/// others' history out, however many sessions it has.
///
/// In a file of its own, behind the numbered ones, a quarter as large as one of them.
enum RecordArchive {
    /// The file's name.
    static let name = "sessions.kept.jsonl"

    /// What the file is to hold: of what it held, and then of the file that goes, at most so many bytes. nil where all is of
    /// one plugin: nobody is pushed out by that.
    static func content(of held: [UInt8], and leaving: [UInt8], most: Int) -> [UInt8]? {
        let bytes = held + (held.isEmpty || held.last == newline ? [] : [newline]) + leaving
        var lines: [Range<Int>] = []
        var items: [(owner: String, size: Int)] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: newline) ?? bytes.count
            if end > start {
                lines.append(start..<end)
                items.append((owner(of: start..<end, in: bytes), end - start + 1))
            }
            start = end + 1
        }
        guard let first = items.first, items.contains(where: { $0.owner != first.owner }) else { return nil }
        var content: [UInt8] = []
        for index in FairCut.kept(items, most: most) {
            content += bytes[lines[index]]
            content.append(newline)
        }
        return content
    }

    private static let newline = UInt8(ascii: "\n")
    private static let key = Array("\"plugin\":\"".utf8)

    /// The plugin that a line names, which stands near its beginning; empty where it is no record of ours.
    private static func owner(of line: Range<Int>, in bytes: [UInt8]) -> String {
        var place = line.lowerBound
        let end = min(line.upperBound, line.lowerBound + 128)
        while place + key.count < end {
            if bytes[place] == key[0], bytes[place..<place + key.count].elementsEqual(key) {
                let name = place + key.count
                return String(
                    decoding: bytes[name..<line.upperBound].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            }
            place += 1
        }
        return ""
    }
}
