public import HostValues

/// Formats records for people and for other tools: as a table, CSV or JSON. Pure.
public enum RecordTable {
    /// The output formats for records.
    public enum Format: String, CaseIterable, Sendable {
        case table, json, csv
    }

    /// All records in the given format, ending with a line break.
    public static func text(
        _ records: [SessionRecord], format: Format, width: Int? = nil, isColored: Bool = false,
        zone: CivilTime.Zone = .local
    ) -> String {
        switch format {
        case .table: table(records, width: width, isColored: isColored, zone: zone)
        case .json: json(records)
        case .csv: csv(records)
        }
    }

    // MARK: Table

    private struct Column {
        let title: String
        var isNumber = false
        /// The smallest width in cells; nil if the column must not shrink.
        var least: Int?
        let text: (SessionRecord) -> String
    }

    /// How much a line of the table shows, from a wide terminal to a narrow one.
    private enum Layout: CaseIterable {
        /// Everything in one line.
        case full
        /// Times have no year, and the stats have a line of their own.
        case short
        /// Like `short`, but without the finish, and for `withoutSum` also without the lifetime cycles.
        case withoutFinish, withoutSum
    }

    /// A table with a header and one line for each record; times are local, without milliseconds.
    ///
    /// With a width, uses the first layout that can be made to fit, and cuts its longest texts. Without one (output
    /// into a pipe), omits nothing. With colours, failed sessions are red. `host` names the host of each, where there are
    /// several.
    public static func table(
        _ records: [SessionRecord], width: Int? = nil, isColored: Bool = false, zone: CivilTime.Zone = .local,
        host: ((SessionRecord) -> String)? = nil
    ) -> String {
        func look(_ look: LineStyle, _ line: String) -> String { (isColored ? look.around(line) : line) + "\n" }
        if records.isEmpty { return "no sessions\n" }
        for layout in Layout.allCases {
            var columns = columns(layout, of: records, zone)
            if let host { columns.insert(Column(title: "HOST", least: 8, text: host), at: 1) }
            let rows = records.map { record in columns.map { TerminalText.clean($0.text(record)) } }
            var widths = columns.indices.map { index in
                rows.reduce(TerminalText.width(columns[index].title)) { max($0, TerminalText.width($1[index])) }
            }
            guard shrink(&widths, columns, to: width ?? .max) || layout == Layout.allCases.last else { continue }
            var text = look(.heading, line(columns.map(\.title), widths, columns))
            for (record, row) in zip(records, rows) {
                text += look(record.reason.isFailure ? .bad : .plain, line(row, widths, columns))
                if layout != .full, !record.stats.columns.isEmpty {
                    let stats = TerminalText.clean(stats(record.stats))
                    text += "    " + TerminalText.cut(stats, to: max(10, (width ?? .max) - 4)) + "\n"
                }
            }
            return text
        }
        return ""
    }

    private static func columns(_ layout: Layout, of records: [SessionRecord], _ zone: CivilTime.Zone) -> [Column] {
        let skip = layout == .full ? 0 : 5  // `2026-`
        var columns = [
            Column(title: "ROUTINE", least: 12) { $0.identifier },
            Column(title: "START") { String(time($0.startMs, zone).description.dropFirst(skip)) },
        ]
        if layout == .full || layout == .short {
            columns.append(Column(title: "FINISH") { finish($0, zone, skip) })
        }
        columns.append(Column(title: "DURATION", isNumber: true) { DurationText.format(milliseconds: $0.durationMs) })
        columns.append(Column(title: "CYCLES", isNumber: true) { String($0.cycles) })
        if layout != .withoutSum {
            columns.append(Column(title: "LIFETIME", isNumber: true) { $0.lifetimeCycles.map { String($0) } ?? "-" })
        }
        if records.contains(where: { $0.failures > 0 }) {
            // These are errors of attempts; the error that ended the session is in the reason.
            columns.append(Column(title: "ERRORS", isNumber: true) { String($0.failures) })
        }
        columns.append(Column(title: "REASON", least: 10) { reason($0.reason) })
        if layout == .full, records.contains(where: { !$0.stats.columns.isEmpty }) {
            columns.append(Column(title: "STATS", least: 10) { stats($0.stats) })
        }
        return columns
    }

    /// Takes cells from the widest column that can still shrink until a line fits; false if the columns cannot shrink
    /// enough.
    private static func shrink(_ widths: inout [Int], _ columns: [Column], to width: Int) -> Bool {
        while widths.reduce(2 * (widths.count - 1), +) > width {
            let able = columns.indices.filter { index in columns[index].least.map { widths[index] > $0 } ?? false }
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { return false }
            widths[widest] -= 1
        }
        return true
    }

    private static func line(_ cells: [String], _ widths: [Int], _ columns: [Column]) -> String {
        var text = ""
        for index in columns.indices {
            let cell = TerminalText.cut(cells[index], to: widths[index])
            text += TerminalText.pad(cell, to: widths[index], isNumber: columns[index].isNumber)
            text += "  "
        }
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    private static func time(_ milliseconds: Int64, _ zone: CivilTime.Zone) -> CivilTime {
        CivilTime(seconds: milliseconds / 1000, zone: zone)
    }

    /// The finish, without the date if that equals the date of the start.
    private static func finish(_ record: SessionRecord, _ zone: CivilTime.Zone, _ skip: Int) -> String {
        let (start, finish) = (time(record.startMs, zone), time(record.finishMs, zone))
        return start.date == finish.date ? finish.clock : String(finish.description.dropFirst(skip))
    }

    /// The level at which the log reports the end of the session.
    public static func level(of record: SessionRecord) -> LogLevel {
        record.reason.isFailure ? .error : record.reason.end == .maxCycles ? .success : .info
    }

    /// The log message for the end of the session.
    public static func ending(of record: SessionRecord) -> String {
        var text = "session \(record.session) ended: \(reason(record.reason))"
        text += ", \(record.cycles) \(record.cycles == 1 ? "cycle" : "cycles") in "
        text += DurationText.format(milliseconds: record.durationMs)
        if !record.stats.columns.isEmpty { text += ", \(stats(record.stats))" }
        return text
    }

    /// The kind of end with its details, such as `crash SIGSEGV in cycle 4 at parse (feed.c:12)`.
    public static func reason(_ reason: SessionRecord.Reason) -> String {
        var text = reason.kind.name
        if let signal = reason.signal { text += " " + signal }
        if let cycle = reason.cycle { text += " in cycle \(cycle)" }
        if let phase = reason.phase, phase != "routine" { text += " in \(phase)" }
        if let frame = reason.frame { text += " at " + frame }
        return reason.text.isEmpty ? text : text + ": " + reason.text
    }

    /// The stats as `name=value`. Each value carries its name, because rows of different routines have different
    /// columns.
    public static func stats(_ stats: SessionRecord.Stats) -> String {
        stats.columns.map { "\($0.name)=\(short($0.value))" }.joined(separator: " ")
    }

    /// A value for people, with at most four decimal places. JSON and CSV have the exact number.
    private static func short(_ value: SessionRecord.Value) -> String {
        guard case .double(let number) = value, number.magnitude >= 0.01, number.magnitude < 1e11 else {
            return value.description
        }
        return String((number * 10_000).rounded() / 10_000)
    }
}
