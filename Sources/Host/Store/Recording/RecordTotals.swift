internal import HostValues

/// What the host needs to know of all records without reading them again: the total cycles of each routine, and how its
/// last session ended.
struct RecordTotals {
    /// Total cycles by `plugin/routine`.
    private(set) var cycles: [String: UInt64] = [:]
    /// How the last session ended, by `plugin/routine`.
    private(set) var ends: [String: SessionEnd] = [:]

    /// Adds a record's cycles. If the record has a greater total itself, that total counts, since older records may be
    /// gone. A routine without a total starts from the one in `base`.
    mutating func add(_ entry: Entry, to base: [String: UInt64] = [:]) {
        let before = cycles[entry.identifier] ?? base[entry.identifier] ?? 0
        cycles[entry.identifier] = max(before.clampedPlus(entry.cycles), entry.lifetimeCycles ?? 0)
        if let end = entry.end { ends[entry.identifier] = end }
    }

    /// Merges other totals, of which the greater counts, and other ends, which replace those here.
    mutating func merge(_ sums: [String: UInt64], ends newer: [String: SessionEnd]) {
        cycles.merge(sums) { max($0, $1) }
        ends.merge(newer) { $1 }
    }

    /// The fields of a record that the totals need.
    struct Entry {
        var session: SessionID
        var identifier: String
        var cycles: UInt64
        var lifetimeCycles: UInt64?
        /// How the session ended; nil for a failed load, which had no session.
        var end: SessionEnd?

        init(_ record: SessionRecord) {
            session = record.session
            identifier = record.identifier
            cycles = record.cycles
            lifetimeCycles = record.lifetimeCycles
            end = record.reason.phase == Self.load ? nil : record.reason.end
        }

        private static let load = Phase.load.word

        private static let head = Array("{\"session\":\"".utf8)

        /// The session that a line is about, if it begins as the host's own do; what follows is not looked at.
        static func session(_ bytes: [UInt8], in range: Range<Int>) -> SessionID? {
            let start = range.lowerBound + head.count
            let end = start + SessionID.length
            guard end < range.upperBound, bytes[end] == UInt8(ascii: "\""),
                bytes[range.lowerBound..<start].elementsEqual(head)
            else { return nil }
            return SessionID(String(decoding: bytes[start..<end], as: UTF8.self))
        }

        /// Parses these fields from a line and skips the others; nil if the line is not a record.
        init?(_ bytes: [UInt8], in range: Range<Int>) {
            guard range.count <= SessionRecord.longestLine else { return nil }
            var session: SessionID?
            var plugin: String?
            var routine: String?
            var cycles: UInt64 = 0
            var lifetime: UInt64?
            var end: SessionEnd?
            var phase: String?
            do throws(JSONFault) {
                var cursor = JSONCursor(bytes, in: range)
                try cursor.object { (cursor, name) throws(JSONFault) in
                    switch name {
                    case "session": session = SessionID(try cursor.string())
                    case "plugin": plugin = try cursor.string()
                    case "routine": routine = try cursor.string()
                    case "cycles": cycles = try cursor.unsigned()
                    case "reason":
                        try cursor.object { (cursor, name) throws(JSONFault) in
                            switch name {
                            case "kind": end = SessionEnd(name: try cursor.string())
                            case "phase": phase = try cursor.null() ? nil : try cursor.string()
                            default: try cursor.skip()
                            }
                        }
                    case "lifetime_cycles": lifetime = try cursor.null() ? nil : try cursor.unsigned()
                    default: try cursor.skip()
                    }
                }
                try cursor.finish()
            } catch {
                return nil
            }
            guard let session, let plugin, let routine else { return nil }
            self.session = session
            identifier = plugin + "/" + routine
            self.cycles = cycles
            lifetimeCycles = lifetime
            self.end = phase == Self.load ? nil : end
        }
    }
}
