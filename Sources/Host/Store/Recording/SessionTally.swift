internal import HostValues

/// The sums of cycles over the files that were rotated, and how each routine's last session in them ended, so that opening the store reads the newest file only.
struct SessionTally: Equatable {
    /// The last session in those files: the tally is taken for what it is only where that one still stands there.
    var through: SessionID
    /// Cycles by `plugin/routine`.
    var cycles: [String: UInt64]
    /// Likewise, how the last session ended.
    var ends: [String: SessionEnd]

    /// Its file in the state directory.
    static let name = "sessions.tally"
    /// Bytes at most; a larger file is not read.
    static let limit = 64 << 20

    init(through: SessionID, cycles: [String: UInt64], ends: [String: SessionEnd] = [:]) {
        self.through = through
        self.cycles = cycles
        self.ends = ends
    }

    /// Reads the file's content; nil when it is damaged, which costs time and no cycles that the records know.
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
