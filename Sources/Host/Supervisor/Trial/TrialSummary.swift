internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// The result of a trial: counts, records and log lines, as text for people and as JSON.
public struct TrialSummary {
    /// The counts of one routine.
    struct Routine {
        var name: String
        var sessions: UInt64
        var failedSessions: UInt64
        var cycles: UInt64
        var failures: UInt64
        var missed: UInt64
        var cache: RoutineStatus.Cache
        var caches: [Cache]
    }

    /// The counters of one cache of a routine.
    public struct Cache: Sendable {
        /// The cache's name.
        public let name: String
        /// Whether it is a disk cache.
        public let isOnDisk: Bool
        /// Whether the plugin's routines share it; the counters are then what this routine has to do with.
        public let isOfPlugin: Bool
        /// The counters, with their names.
        public let counts: [(name: String, count: UInt64)]

        /// Makes the counters of a cache.
        public init(
            name: String, isOnDisk: Bool, isOfPlugin: Bool = false, counts: [(name: String, count: UInt64)]
        ) {
            self.name = name
            self.isOnDisk = isOnDisk
            self.isOfPlugin = isOfPlugin
            self.counts = counts
        }
    }

    let plugin: String
    let version: String
    let fromMs: Int64
    let toMs: Int64
    /// The seed of the random numbers; nil if they came from the system.
    let seed: UInt64?
    let routines: [Routine]
    /// The newest records.
    let records: [SessionRecord]
    /// The number of records before these.
    let droppedRecords: UInt64
    let entries: [TrialLog.Entry]
    let droppedLines: UInt64

    /// Whether a session has failed.
    public var hasFailed: Bool { routines.contains { $0.failedSessions > 0 } }

    // MARK: Text

    /// A table of the routines, with the records below it. `took`: the real duration of the trial in ms, if it ran in
    /// virtual time.
    public func text(took: Int64?, width: Int?, isColored: Bool) -> String {
        var text = table
        text += "\n" + RecordTable.text(Array(records.suffix(20)), format: .table, width: width, isColored: isColored)
        let older = droppedRecords + UInt64(max(0, records.count - 20))
        if older > 0 { text += "and \(older) before these; --json has the newest 1000\n" }
        let passed = DurationText.format(milliseconds: toMs - fromMs)
        if let took {
            text +=
                "\n\(passed) of virtual time in \(DurationText.format(milliseconds: took)): "
                + "\(Timestamp.format(fromMs)) to \(Timestamp.format(toMs))"
            if let seed { text += ", seed \(seed)" }
            text += "\n"
        }
        return text
    }

    private var table: String {
        let titles = [
            "ROUTINE", "SESSIONS", "FAILED", "CYCLES", "ERRORS", "MISSED", "HITS", "LOADS", "STALE", "NOT LOADED",
        ]
        let rows = routines.map { routine in
            [plugin + "/" + routine.name]
                + [
                    routine.sessions, routine.failedSessions, routine.cycles, routine.failures, routine.missed,
                    routine.cache.hits, routine.cache.loads, routine.cache.stale, routine.cache.failures,
                ].map { "\($0)" }
        }
        let widths = titles.indices.map { column in
            ([titles] + rows).reduce(0) { max($0, TerminalText.width($1[column])) }
        }
        return ([titles] + rows).map { row in
            zip(row, widths).enumerated().map { index, cell in
                TerminalText.pad(TerminalText.clean(cell.0), to: cell.1, isNumber: index > 0)
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    // MARK: JSON

    /// The result as one JSON object and a line break.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("plugin", plugin)
        writer.field("version", version)
        writer.field("from_ms", fromMs)
        writer.field("to_ms", toMs)
        if let seed { writer.field("seed", seed) }
        writer.list("routines", of: routines) { Self.write($0, to: &$1) }
        writer.objects("records", of: records) { record, writer in
            record.write(to: &writer)
        }
        writer.field("records_dropped", droppedRecords)
        writer.list("log", of: entries) { Self.write($0, to: &$1) }
        writer.field("log_dropped", droppedLines)
        writer.close()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private static func write(_ entry: TrialLog.Entry, to writer: inout JSONWriter) {
        writer.open()
        entry.line.writeFields(to: &writer)
        if !entry.isPlugins { writer.field("host", true) }
        writer.close()
    }

    private static func write(_ routine: Routine, to writer: inout JSONWriter) {
        writer.open()
        writer.field("name", routine.name)
        writer.field("sessions", routine.sessions)
        writer.field("failed_sessions", routine.failedSessions)
        writer.field("cycles", routine.cycles)
        writer.field("failures", routine.failures)
        writer.field("missed", routine.missed)
        writer.open("cache")
        writer.field("hits", routine.cache.hits)
        writer.field("loads", routine.cache.loads)
        writer.field("failures", routine.cache.failures)
        writer.field("stale", routine.cache.stale)
        writer.field("evictions", routine.cache.evictions)
        writer.close()
        writer.objects("caches", of: routine.caches) { cache, writer in
            writer.field("name", cache.name)
            writer.field("disk", cache.isOnDisk)
            if cache.isOfPlugin { writer.field("of_plugin", true) }
            for (name, count) in cache.counts { writer.field(name, count) }
        }
        writer.close()
    }
}
