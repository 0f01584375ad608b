internal import HostValues

/// What the host needs to know of all records without reading them again: the total cycles of each routine, and how its
/// last session ended.
struct RecordTotals {
    /// Total cycles by `plugin/routine`.
    private(set) var cycles: [String: UInt64] = [:]
    /// How the last session ended, by `plugin/routine`.
    private(set) var ends: [String: SessionEnd] = [:]
    /// The session of the newest record; nil if there is none.
    private(set) var last: SessionID?

    /// Those of no record.
    init() {}

    /// Those that were saved.
    init(_ tally: SessionTally) {
        cycles = tally.cycles
        ends = tally.ends
        last = tally.through
    }

    /// Adds a record's cycles. If the record has a greater total itself, that total counts, since older records may be
    /// gone. A routine without a total starts from the one in `base`.
    mutating func add(_ entry: Entry, to base: [String: UInt64] = [:]) {
        let before = cycles[entry.identifier] ?? base[entry.identifier] ?? 0
        cycles[entry.identifier] = max(before.clampedPlus(entry.cycles), entry.lifetimeCycles ?? 0)
        if let end = entry.end { ends[entry.identifier] = end }
        last = entry.session
    }

    /// Adds the record of a line; returns false if it is none.
    mutating func add(_ bytes: [UInt8], in line: Range<Int>) -> Bool {
        guard let entry = Entry(bytes, in: line) else { return false }
        add(entry)
        return true
    }

    /// Adds those of the files as they are now: the greater total counts, and what is newer replaces what is here.
    mutating func merge(_ files: RecordTotals) {
        cycles.merge(files.cycles) { max($0, $1) }
        ends.merge(files.ends) { $1 }
        last = files.last
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
