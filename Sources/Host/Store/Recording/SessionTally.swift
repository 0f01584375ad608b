internal import HostValues

/// Totals over all records up to one of them: cycles, and how each routine's last session ended. With it, opening the store
/// need only read the records after that one.
struct SessionTally: Equatable {
    /// The session of that record. The totals are valid only if its line still ends where `size` says, or is the last one
    /// of the file before the newest.
    var through: SessionID
    /// The size in bytes that the newest file had then; nil if it is not known.
    var size: Int?
    /// Total cycles by `plugin/routine`.
    var cycles: [String: UInt64]
    /// How the last session ended, by `plugin/routine`.
    var ends: [String: SessionEnd]

    /// The name of its file in the state directory.
    static let name = "sessions.tally"
    /// The largest size in bytes; a larger file is ignored.
    static let limit = 64 << 20

    init(through: SessionID, size: Int? = nil, cycles: [String: UInt64], ends: [String: SessionEnd] = [:]) {
        self.through = through
        self.size = size
        self.cycles = cycles
        self.ends = ends
    }

    /// Parses the file's content; nil if it is damaged. Then all records are read instead, so no cycles in them are
    /// lost.
    init?(_ bytes: [UInt8]) {
        var through: SessionID?
        var size: Int?
        var cycles: [String: UInt64] = [:]
        var ends: [String: SessionEnd] = [:]
        do throws(JSONFault) {
            var cursor = JSONCursor(bytes, in: 0..<bytes.count)
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "through": through = SessionID(try cursor.string())
                case "size": size = Int(exactly: try cursor.unsigned())
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
        self.size = size
        self.cycles = cycles
        self.ends = ends
    }

    /// The file's content.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("through", through.description)
        if let size { writer.field("size", UInt64(size)) }
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
