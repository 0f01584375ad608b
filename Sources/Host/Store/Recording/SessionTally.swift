internal import HostValues

/// Totals over the files that were rotated: cycles, and how each routine's last session ended. With it, opening the
/// store need not read those files.
struct SessionTally: Equatable {
    /// The last session in those files. The tally is valid only if that session is still the last one there.
    var through: SessionID
    /// Total cycles by `plugin/routine`.
    var cycles: [String: UInt64]
    /// How the last session ended, by `plugin/routine`.
    var ends: [String: SessionEnd]

    /// The name of its file in the state directory.
    static let name = "sessions.tally"
    /// The largest size in bytes; a larger file is ignored.
    static let limit = 64 << 20

    init(through: SessionID, cycles: [String: UInt64], ends: [String: SessionEnd] = [:]) {
        self.through = through
        self.cycles = cycles
        self.ends = ends
    }

    /// Parses the file's content; nil if it is damaged. Then all records are read instead, so no cycles in them are
    /// lost.
    init?(_ bytes: [UInt8]) {
        var through: SessionID?
        var cycles: [String: UInt64] = [:]
        var ends: [String: SessionEnd] = [:]
        do throws(JSONFault) {
            var cursor = JSONCursor(bytes, in: 0..<bytes.count)
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "through": through = SessionID(try cursor.string())
                case "cycles":
                    try cursor.object { (cursor, name) throws(JSONFault) in cycles[name] = try cursor.unsigned() }
                case "ends":
                    try cursor.object { (cursor, name) throws(JSONFault) in
                        ends[name] = SessionEnd(name: try cursor.string())
                    }
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let through else { return nil }
        self.through = through
        self.cycles = cycles
        self.ends = ends
    }

    /// The file's content.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("through", through.description)
        writer.open("cycles")
        for (name, count) in cycles.sorted(by: { $0.key < $1.key }) { writer.field(name, count) }
        writer.close()
        writer.open("ends")
        for (name, end) in ends.sorted(by: { $0.key < $1.key }) { writer.field(name, end.name) }
        writer.close()
        writer.close()
        return writer.bytes
    }
}
