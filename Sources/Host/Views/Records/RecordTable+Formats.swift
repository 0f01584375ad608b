public import HostValues

extension RecordTable {
    /// A JSON array with one record a line. The fields are those of the store, plus `start` and `finish` in RFC 3339,
    /// UTC.
    public static func json(_ records: [SessionRecord]) -> String {
        if records.isEmpty { return "[]\n" }
        return "[\n" + records.map { "  " + object($0) }.joined(separator: ",\n") + "\n]\n"
    }

    /// One record as a line of JSON. `report_text` is the text of its crash report, if there is one; `lines` are the
    /// log lines before its end.
    public static func json(_ record: SessionRecord, report: String?, lines: [LogLine] = []) -> String {
        object(record, report: report, lines: lines) + "\n"
    }

    private static func object(_ record: SessionRecord, report: String? = nil, lines: [LogLine] = []) -> String {
        var writer = JSONWriter()
        writer.open()
        record.write(to: &writer)
        writer.field("start", Timestamp.format(record.startMs))
        writer.field("finish", Timestamp.format(record.finishMs))
        if let report { writer.field("report_text", report, limit: 1 << 20) }
        if !lines.isEmpty {
            writer.list("lines", of: lines) { $0.write(to: &$1) }
        }
        writer.close()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// CSV after RFC 4180, with a header line. Stats are columns `stats.NAME`: all names that occur in any record, in
    /// the order of their first appearance.
    public static func csv(_ records: [SessionRecord]) -> String {
        var names: [String] = []
        var seen: Set<String> = []
        for record in records {
            for (name, _) in record.stats.columns where seen.insert(name).inserted { names.append(name) }
        }
        var text = row(fields.map(\.name) + names.map { "stats." + $0 })
        for record in records {
            text += row(fields.map { $0.value(record) ?? "" } + names.map { record.stats[$0]?.description ?? "" })
        }
        return text
    }

    private static let fields: [(name: String, value: @Sendable (SessionRecord) -> String?)] = [
        ("session", { $0.session.description }),
        ("plugin", { $0.plugin }),
        ("plugin_version", { $0.pluginVersion }),
        ("build", { $0.build }),
        ("routine", { $0.routine }),
        ("host", { $0.host }),
        ("pid", { $0.pid.map { String($0) } }),
        ("start", { Timestamp.format($0.startMs) }),
        ("finish", { Timestamp.format($0.finishMs) }),
        ("start_ms", { String($0.startMs) }),
        ("finish_ms", { String($0.finishMs) }),
        ("duration_ms", { String($0.durationMs) }),
        ("clock_step_ms", { $0.clockStepMs.map { String($0) } }),
        ("cycles", { String($0.cycles) }),
        ("failures", { String($0.failures) }),
        ("missed", { String($0.missed) }),
        ("lifetime_cycles", { $0.lifetimeCycles.map { String($0) } }),
        ("cycle.p50_ns", { $0.cycleTimes.map { String($0.p50) } }),
        ("cycle.p99_ns", { $0.cycleTimes.map { String($0.p99) } }),
        ("cycle.longest_ns", { $0.cycleTimes.map { String($0.longest) } }),
        ("cycle.late_p50_ns", { $0.cycleTimes.map { String($0.lateP50) } }),
        ("cycle.late_p99_ns", { $0.cycleTimes.map { String($0.lateP99) } }),
        ("reason.kind", { $0.reason.kind.name }),
        ("reason.text", { $0.reason.text }),
        ("reason.signal", { $0.reason.signal }),
        ("reason.cycle", { $0.reason.cycle.map { String($0) } }),
        ("reason.phase", { $0.reason.phase }),
        ("reason.frame", { $0.reason.frame }),
        ("report", { $0.report }),
        ("lease_token", { $0.leaseToken.map { String($0) } }),
        ("shard", { $0.shard.map { String($0.index) } }),
        ("shards", { $0.shard.map { String($0.count) } }),
        ("host_id", { $0.hostID }),
    ]

    private static func row(_ cells: [String]) -> String {
        cells.map(quoted).joined(separator: ",") + "\r\n"
    }

    /// A quoted CSV cell. Spreadsheets execute text that begins like a formula, so such a text is prefixed with an
    /// apostrophe; numbers stay numbers.
    private static func quoted(_ text: String) -> String {
        let isFormula = text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let cell = isFormula && Double(text) == nil ? "'" + text : text
        // Searches by bytes, because Swift treats CR and LF together as one character.
        let needsQuotes = cell.utf8.contains { [UInt8(ascii: "\""), UInt8(ascii: ","), 0x0A, 0x0D].contains($0) }
        guard needsQuotes else { return cell }
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in cell.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
