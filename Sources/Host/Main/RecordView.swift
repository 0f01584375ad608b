internal import HostCommandLine
internal import HostStore
internal import HostSupervisor
internal import HostSystem
internal import HostValues
internal import HostViews

/// `records --show`: shows one record in full, with its crash report.
enum RecordView {
    static func show(_ session: SessionID, in directory: borrowing Directory, isJSON: Bool) throws -> ExitStatus {
        let (records, _) = try SessionFiles.last(1, in: directory, among: RecordTexts(session: session)) {
            $0.session == session
        }
        guard let record = records.first else {
            Complaint.say("there is no record of session \(session)")
            return .failure
        }
        let lines = LastLines.read(of: record, in: directory)
        if isJSON {
            StandardStream.output.write(
                RecordTable.json(
                    record, report: record.report.map { CrashReportText.read($0, in: directory) }, lines: lines))
            return .success
        }
        StandardStream.output.write(text(record))
        if let report = record.report {
            StandardStream.output.write("\n" + CrashReportText.read(report, in: directory))
        }
        if !lines.isEmpty {
            StandardStream.output.write("\nits last lines:\n" + LastLines.text(lines, before: record.finishMs))
        }
        return .success
    }

    private static func text(_ record: SessionRecord) -> String {
        func time(_ ms: Int64) -> String { Timestamp.format(ms) }
        var lines: [(String, String)] = [
            ("session", "\(record.session)"),
            ("routine", record.identifier),
            ("version", record.pluginVersion ?? "-"),
            ("build", record.build ?? "-"),
            ("host", (record.host ?? "-") + (record.hostID.map { " (\($0))" } ?? "")),
            ("pid", record.pid.map { "\($0)" } ?? "-"),
            ("start", time(record.startMs)),
            ("finish", time(record.finishMs)),
            ("duration", DurationText.format(milliseconds: record.durationMs)),
        ]
        if let step = record.clockStepMs { lines.append(("clock set by", DurationText.format(milliseconds: step))) }
        lines += [
            ("cycles", "\(record.cycles)"),
            ("errors", "\(record.failures)"),
            ("missed", "\(record.missed)"),
            ("lifetime", record.lifetimeCycles.map { "\($0) cycles" } ?? "-"),
        ]
        if let times = record.cycleTimes {
            func text(_ nanoseconds: Int64) -> String { DurationText.measured(nanoseconds: max(0, nanoseconds)) }
            lines += [
                ("took", "p50 \(text(times.p50)), p99 \(text(times.p99)), longest \(text(times.longest))"),
                ("late", "p50 \(text(times.lateP50)), p99 \(text(times.lateP99))"),
            ]
        }
        lines.append(("reason", RecordTable.reason(record.reason)))
        if let token = record.leaseToken { lines.append(("lease", "token \(token)")) }
        if let shard = record.shard { lines.append(("shard", "\(shard.index) of \(shard.count)")) }
        for (name, value) in record.stats.columns { lines.append((name, "\(value)")) }
        if let report = record.report { lines.append(("report", report)) }
        return lines.map { name, value in
            TerminalText.pad(TerminalText.clean(name), to: 13) + " " + TerminalText.clean(value) + "\n"
        }.joined()
    }
}
