internal import HostValues

extension FailedLoad {
    /// The records of these routines, for which the load was; none if it has none. They share its crash report, which
    /// belongs to the first one.
    func records(
        of plugin: String, version: String?, for routines: [String], by host: RoutineBook.Host, at now: MonotonicTime,
        wallMs: Int64, id: () -> SessionID
    ) -> [SessionRecord] {
        guard isRecorded else { return [] }
        let duration = max(0, now - startedAt) / 1_000_000
        var records: [SessionRecord] = []
        for routine in routines {
            var record = SessionRecord(
                session: id(), plugin: plugin, pluginVersion: version, build: load.build, routine: routine,
                host: host.name, pid: pid, startMs: wallMs - duration, finishMs: wallMs, durationMs: duration,
                cycles: 0,
                reason: reason)
            let owner = records.first ?? record
            record.report = owner.report ?? report.map { _ in CrashReports.name(of: plugin, owner.session) }
            records.append(record)
        }
        return records
    }
}
