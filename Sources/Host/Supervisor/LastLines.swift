internal import HostPolicy
public import HostSystem
public import HostValues

/// Saves the last log lines before a session failed, in a file beside the crash reports: `PLUGIN@SESSION.lines`, with a
/// JSON object in each line.
public struct LastLines: ~Copyable {
    /// The number of lines saved for a session.
    static let most = 50
    /// The number of files kept for each plugin.
    private static let mostFiles = 20
    /// The budget of a plugin whose sessions fail continuously: so many files at once, then one each second.
    private static let atOnce = 20
    private static let second: Int64 = 1_000_000_000
    private static let suffix = ".lines"

    private let state: Directory
    /// For each plugin, the time up to which its budget is used up.
    private var spent: [String: MonotonicTime] = [:]
    /// At how many plugins those are forgotten that have their whole budget again: there may be ever new names.
    private var sweepAt = leastSwept
    private static let leastSwept = 256
    /// The number of plugins that are remembered.
    var spentCount: Int { spent.count }

    /// Makes a saver for that state directory.
    init(in state: borrowing Directory) throws(SystemError) { self.state = try Directory(state.path) }

    /// Saves the lines of a session that failed. If they cannot be written they are lost, unlike the record.
    mutating func keep(_ lines: [LogLine], of record: SessionRecord, at now: MonotonicTime) {
        let earliest = now - Int64(Self.atOnce) * Self.second
        let before = max(spent[record.plugin] ?? earliest, earliest)
        guard !lines.isEmpty, before + Self.second <= now else { return }
        spent[record.plugin] = before + Self.second
        if spent.count >= sweepAt {
            spent = spent.filter { $0.value > earliest }
            sweepAt = max(Self.leastSwept, spent.count * 2)
        }
        var bytes: [UInt8] = []
        for line in lines {
            var writer = JSONWriter()
            line.write(to: &writer)
            bytes += writer.bytes + [UInt8(ascii: "\n")]
        }
        guard let folder = try? state.directory("reports", create: true) else { return }
        try? folder.save(bytes, as: Self.name(of: record.plugin, record.session), isSynchronized: false)
        let surplus = ReportName.surplus(
            (try? folder.names()) ?? [], of: record.plugin, ending: Self.suffix, after: record.session,
            most: Self.mostFiles)
        for old in surplus { try? folder.remove(old) }
    }

    private static func name(of plugin: String, _ session: SessionID) -> String {
        ReportName.make(plugin, session, ending: suffix)
    }

    /// The saved lines of a record's session; empty if none were saved.
    public static func read(of record: SessionRecord, in state: borrowing Directory) -> [LogLine] {
        read(name(of: record.plugin, record.session), in: state)
    }

    /// The saved lines of a session of any plugin; empty if none were saved.
    static func read(of session: SessionID, in state: borrowing Directory) -> [LogLine] {
        let names = (try? state.directory("reports").names()) ?? []
        return names.first { $0.hasSuffix("@\(session)" + suffix) }.map { read($0, in: state) } ?? []
    }

    private static func read(_ name: String, in state: borrowing Directory) -> [LogLine] {
        guard let folder = try? state.directory("reports"),
            let file = try? folder.openForReading(name),
            let bytes = try? file.readAll(limit: 1 << 20, subject: "last lines")
        else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { text in
            let text = Array(text)
            var cursor = JSONCursor(text, in: 0..<text.count)
            return try? LogLine(from: &cursor)
        }
    }

    /// The lines as text for people: how long before the end each was written, its level and its text.
    public static func text(_ lines: [LogLine], before end: Int64) -> String {
        lines.map { line in
            let before = max(0, end.clampedMinus(line.ms))
            let time = "-\(before / 1000).\(String(before % 1000 + 1000).suffix(3)) s"
            return "  " + TerminalText.pad(time, to: 10, isNumber: true) + "  "
                + TerminalText.pad("\(line.level)", to: 9)
                + TerminalText.clean(line.text) + "\n"
        }
        .joined()
    }
}
