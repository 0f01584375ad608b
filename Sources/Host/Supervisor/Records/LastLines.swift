internal import HostPolicy
public import HostSystem
public import HostValues

/// The last lines before a session failed, in a file beside the crash reports: `PLUGIN@SESSION.lines`, an object a line.
public struct LastLines: ~Copyable {
    /// How many lines are kept of one session.
    static let most = 50
    /// Files that are kept of each plugin.
    private static let mostFiles = 20
    /// What a plugin whose sessions fail without pause may cost: so many files at once, and one a second.
    private static let atOnce = 20
    private static let second: Int64 = 1_000_000_000
    private static let suffix = ".lines"

    private let state: Directory
    /// When each plugin had its last files, as if one a second had been written.
    private var spent: [String: MonotonicTime] = [:]

    /// In that state directory.
    init(in state: borrowing Directory) throws(SystemError) { self.state = try Directory(state.path) }

    /// Keeps the lines of a session that failed. What cannot be written is lost: the record is not.
    mutating func keep(_ lines: [LogLine], of record: SessionRecord, at now: MonotonicTime) {
        let earliest = now - Int64(Self.atOnce) * Self.second
        let before = max(spent[record.plugin] ?? earliest, earliest)
        guard !lines.isEmpty, before + Self.second <= now else { return }
        spent[record.plugin] = before + Self.second
        var bytes: [UInt8] = []
        for line in lines {
            var writer = JSONWriter()
            line.write(to: &writer)
            bytes += writer.bytes + [UInt8(ascii: "\n")]
        }
        guard let folder = try? state.directory("reports", create: true) else { return }
        try? folder.save(bytes, as: Self.name(of: record.plugin, record.session), isSynchronized: false)
        let kept = ((try? folder.names()) ?? []).filter {
            $0.hasPrefix(record.plugin + "@") && $0.hasSuffix(Self.suffix)
        }
        for old in kept.dropLast(Self.mostFiles) { try? folder.remove(old) }
    }

    private static func name(of plugin: String, _ session: SessionID) -> String { "\(plugin)@\(session)\(suffix)" }

    /// Those of a record, from the state directory; none where nothing was kept.
    public static func read(of record: SessionRecord, in state: borrowing Directory) -> [LogLine] {
        guard let folder = try? state.directory("reports"),
            let file = try? folder.openForReading(name(of: record.plugin, record.session)),
            let bytes = try? file.readAll(limit: 1 << 20, subject: "last lines")
        else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { text in
            let text = Array(text)
            var cursor = JSONCursor(text, in: 0..<text.count)
            return try? LogLine(from: &cursor)
        }
    }

    /// As people read them: how long before the end each was said, its level and text.
    public static func text(_ lines: [LogLine], before end: Int64) -> String {
        lines.map { line in
            let before = max(0, end - line.ms)
            let time = "-\(before / 1000).\(String(before % 1000 + 1000).suffix(3)) s"
            return "  " + TerminalText.pad(time, to: 10, isNumber: true) + "  "
                + TerminalText.pad("\(line.level)", to: 9)
                + TerminalText.clean(line.text) + "\n"
        }
        .joined()
    }
}
