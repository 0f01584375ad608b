internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews

/// Keeps the records of ended sessions: writes each of them once, retries if that fails, and deletes the data from
/// which the next host would make the record only when the record is on disk.
final class RecordKeeper {
    /// After how long a failed write is retried, in ns.
    static let retry: Int64 = 2_000_000_000
    /// The number of records kept for the table at the end.
    private static let mostInHistory = 10_000
    /// Their size in bytes, as `SessionRecord.estimatedSize` has it.
    static let mostBytesInHistory = 16 << 20
    /// The size in bytes of a record above which its stats are not kept in memory.
    static let mostOfOneInHistory = 16 << 10

    private let storage: any RecordStorage
    private let reports: any ReportStorage
    private let host: String
    private let boot: String
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let log: any LogSink
    private let timer: Deadlines.Timer
    private var budget = RecordBudget()
    /// Plugins that were told that they are over their budget.
    private var isBrief: Set<String> = []
    /// When to retry after a failed write; nil if the last write succeeded.
    private var notBefore: MonotonicTime?
    /// Sessions whose records are waiting or written, and ledgers of dead workers; their data is deleted when all
    /// records are written.
    private var recorded: [SessionID] = []
    private var spentLedgers: [String] = []
    private var mustRewrite = false
    /// The records of this host, oldest first; if there are many, the newest of each plugin.
    private(set) var history: [SessionRecord] = []
    private var historySize = 0
    /// The newest sessions of each routine; nil until a routine asks for its own.
    private var pastSessions: EndedSessions?

    /// Makes a keeper. `host` is the machine's name and `boot` the present boot's id, for the records that the previous
    /// host has left to write.
    init(
        _ storage: any RecordStorage, reports: any ReportStorage, host: String, boot: String, clock: any HostClock,
        deadlines: Deadlines, log: any LogSink
    ) {
        self.storage = storage
        self.reports = reports
        self.host = host
        self.boot = boot
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        timer = deadlines.make { _ in }  // the timer wakes the loop, which calls `write`
    }

    /// Reserves disk space for records. To be called before the first `write`.
    func reserveSpace() { storage.reserveSpace() }

    // MARK: Sessions and their records

    /// Notes that a session begins, before its worker is told.
    func open(_ session: OpenSession) throws(SystemError) { try storage.begin(session) }

    /// Notes that somebody has removed the list of open sessions: the next `write` makes it anew, if no record waits.
    func openSessionsAreGone() { mustRewrite = true }

    /// Notes that a worker is dead, so that its ledger is no longer needed once the records are written.
    func spent(ledger: String) { spentLedgers.append(ledger) }

    /// Keeps a record for the next write, logs it, and returns it with the fields that only the keeper knows. `report`
    /// is the file of the crash report that belongs to it.
    @discardableResult
    func keep(_ finished: SessionRecord, report: String? = nil) -> RecordLine {
        var record = finished
        if let report { record.report = keepReport(report, of: record) }
        record.lifetimeCycles = lifetimeCycles(of: record.identifier).clampedPlus(record.cycles)
        if budget.take(record.estimatedSize, of: record.plugin, at: clock.monotonic()) {
            isBrief.remove(record.plugin)
        } else {
            record = record.brief
            if isBrief.insert(record.plugin).inserted {
                log.write(
                    .warning, record.plugin,
                    "its records are over \(RecordBudget.perSecond >> 10) KiB a second: they are kept without stats and with "
                        + "texts cut short, so that they do not push out those of others")
            }
        }
        let line = RecordLine(record)
        add(line)
        say(record)
        return line
    }

    private func keepReport(_ report: String, of record: SessionRecord) -> String? {
        do throws(SystemError) {
            return try reports.keep(report, of: record.plugin, session: record.session)
        } catch {
            log.write(.warning, record.plugin, "its crash report is lost: \(error)")
            return nil
        }
    }

    /// Removes a crash report that belongs to no record.
    func drop(_ report: String?) { if let report { reports.drop(report) } }

    private func add(_ line: RecordLine) {
        storage.add(line)
        recorded.append(line.record.session)
        pastSessions?.add(line.record)
        // Of a large record only the brief form is kept in memory, which is scarcer than space in the files.
        let kept = line.bytes.count > Self.mostOfOneInHistory ? line.record.brief : line.record
        history.append(kept)
        historySize += kept.estimatedSize
        if history.count > Self.mostInHistory || historySize > Self.mostBytesInHistory {
            history = RecentRecords.newest(
                history, most: Self.mostInHistory / 2, mostBytes: Self.mostBytesInHistory / 2)
            historySize = history.reduce(0) { $0 + $1.estimatedSize }
        }
    }

    private func say(_ record: SessionRecord) {
        log.write(RecordTable.level(of: record), record.identifier, RecordTable.ending(of: record))
    }

    /// A routine's total cycles over all its records, including those that wait to be written.
    func lifetimeCycles(of identifier: String) -> UInt64 {
        let parts = identifier.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return 0 }
        return storage.lifetimeCycles(plugin: String(parts[0]), routine: String(parts[1]))
    }

    /// How a routine's last session ended, in this or an earlier host; nil if there was none.
    func lastEnd(of identifier: String) -> SessionEnd? {
        let parts = identifier.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return storage.lastEnd(plugin: String(parts[0]), routine: String(parts[1]))
    }

    /// The last record of a routine in this host.
    func last(of identifier: String) -> SessionRecord? { history.last { $0.identifier == identifier } }

    /// The newest sessions of a routine, the newest first, of this host and of those before it.
    func past(of identifier: String) -> [EndedSession] {
        if let pastSessions { return pastSessions.newest(of: identifier) }
        // What waits to be written is in no file yet.
        let made = EndedSessions(storage.newest() + history)
        pastSessions = made
        return made.newest(of: identifier)
    }

    // MARK: Writing

    /// Writes the waiting records with a single sync, unless a retry is not due yet. Call it in each round of the loop.
    /// `running` returns the sessions without a record, for rewriting their file.
    func write(running: () -> [OpenSession]) {
        if storage.waiting > 0 {
            if let notBefore, clock.monotonic() < notBefore { return }
            do throws(SystemError) { try flush() } catch { return }
        }
        forgetRecorded(running)
    }

    private func flush() throws(SystemError) {
        do throws(SystemError) {
            try storage.flush()
        } catch {
            if notBefore == nil {
                log.write(.critical, "", "records cannot be written, and are kept in memory: \(error)")
            }
            let next = clock.monotonic() + Self.retry
            notBefore = next
            deadlines.set(timer, at: next)
            throw error
        }
        if notBefore != nil { log.write(.info, "", "records can be written again") }
        notBefore = nil
    }

    /// Deletes the data from which the next host would make the records. Called only when all records are on disk, so
    /// that a host killed before leaves that data to its successor.
    private func forgetRecorded(_ running: () -> [OpenSession]) {
        for session in recorded { storage.end(session) }
        recorded.removeAll()
        for ledger in spentLedgers { storage.removeLedger(ledger) }
        spentLedgers.removeAll()
        guard mustRewrite || storage.isOvergrown else { return }
        mustRewrite = false
        do throws(SystemError) { try storage.rewrite(running()) } catch { log.write(.error, "", "\(error)") }
    }

    /// Writes the waiting records when the host ends, and leaves the next host no session that has its record: that host
    /// may find the files of the records gone. Returns the number of records that are lost, which it also logs.
    func finish(running: () -> [OpenSession]) -> Int {
        notBefore = notBefore.map { min($0, clock.monotonic()) }
        var why = ""
        if storage.waiting > 0 {
            do throws(SystemError) { try flush() } catch { why = ": \(error)" }
        }
        let lost = storage.waiting + storage.lost
        if lost == 0 {
            mustRewrite = true
            forgetRecorded(running)
        } else {
            log.write(
                .critical, "",
                "\(lost) \(lost == 1 ? "record is" : "records are") lost, since \(lost == 1 ? "it" : "they") could not be "
                    + "written\(why); the next host records what it still finds of them as "
                    + SessionEnd.hostDied.name)
        }
        return lost
    }

    // MARK: The previous host

    /// Makes the records that a killed host has left to write, from the sessions that it noted and the counts of their
    /// workers. Each session's end is its last sign of life. Returns the records.
    @discardableResult
    func recover() -> [SessionRecord] {
        reports.sweep()
        spentLedgers += storage.ledgers
        let owed = storage.owed
        var records: [SessionRecord] = []
        for session in owed {
            // One by one: each has the cycles of those before it in its total.
            let record = recovered(session)
            records.append(record)
            add(RecordLine(record))
        }
        history.removeAll()  // these are the other host's
        historySize = 0
        mustRewrite = true
        write { [] }
        if !owed.isEmpty {
            log.write(
                .warning, "",
                "the host before this one died: \(owed.count) of its sessions recorded as \(SessionEnd.hostDied.name)"
            )
        }
        return records
    }

    private func recovered(_ session: OpenSession) -> SessionRecord {
        var snapshot: LedgerSnapshot?
        var text = "the host died"
        switch storage.account(of: session) {
        case .counted(let counted): snapshot = counted
        case .none: break
        case .spoiled: text += SessionRecord.Reason.overwritten
        }
        // The last sign of life is the beginning of the last callback.
        let last = max(snapshot?.began ?? session.startBoot, session.startBoot)
        let duration = min(max(0, last - session.startBoot) / 1_000_000, max(0, clock.boot().nanoseconds / 1_000_000))
        // The wall clock may have been set since the session began. Within the same boot, the boot clock tells what the
        // wall clock as it is now would have shown at that moment, which is what a schedule needs to catch up.
        let isThisBoot = session.boot == boot && !boot.isEmpty && last <= clock.boot()
        let finish =
            isThisBoot ? (clock.wall() - (clock.boot() - last)).milliseconds : session.startMs.clampedPlus(duration)
        let reported = snapshot?.state == .ended ? snapshot?.end : nil
        let kind = reported.map { $0.isReportableByWorker ? $0 : .error } ?? .hostDied
        let isInPlugin = snapshot?.isInPlugin ?? false
        let cycles = snapshot?.cycle ?? 0
        var record = SessionRecord(
            session: session.session, plugin: session.plugin, pluginVersion: session.version, build: session.build,
            routine: session.routine, host: host, pid: session.pid, startMs: session.startMs,
            finishMs: finish, durationMs: duration, cycles: cycles,
            failures: snapshot?.failures ?? 0, missed: snapshot?.missed ?? 0,
            lifetimeCycles: storage.lifetimeCycles(plugin: session.plugin, routine: session.routine).clampedPlus(
                cycles),
            reason: SessionRecord.Reason(
                kind, text: text, cycle: isInPlugin ? snapshot?.cycle : nil,
                phase: isInPlugin ? snapshot?.phase : nil),
            leaseToken: session.leaseToken, shard: session.shard)
        let step = finish.clampedMinus(session.startMs).clampedMinus(duration)
        if step.magnitude > 1000 { record.clockStepMs = step }
        return record
    }
}
