internal import HostCore
internal import HostSystem

/// The host's status, read from the ledgers and from the kernel: workers are not asked, and do not notice.
extension Supervisor: ControlledHost {
    var summary: HostSummary {
        var summary = HostSummary(isReady: isReady, isStopping: isStopping, routines: routines.count)
        summary.readyPlugins = plugins.values.count(where: { $0.state == .ready })
        summary.running = routines.values.count(where: { $0.session != nil })
        summary.quarantined = routines.values.filter { $0.policy.state == .quarantined }.map(\.identifier)
        return summary
    }

    var hasProgress: Bool { routines.values.contains { hasEnd($0) } }

    private func hasEnd(_ routine: RoutineEntry) -> Bool {
        routine.session != nil && (routine.settings.maxCycles > 0 || routine.untilMs != nil)
    }

    func progress(most: Int) -> [RoutineStatus] {
        routines.values.filter { hasEnd($0) }.sorted { $0.key < $1.key }.prefix(most).map { status(of: [$0]) }
    }

    func freshStatus() -> HostStatus {
        let boot = clock.boot()
        var status = HostStatus(
            version: HostVersion.text, pid: HostProcess.pid, host: hostName, nowMs: clock.wall() / 1_000_000,
            startMs: startMs, uptimeMs: max(0, boot - startBoot) / 1_000_000,
            pluginsPath: options.plugins, statePath: options.state, logLevel: log.level.rawValue)
        status.isStopping = isStopping
        status.isReady = isReady
        let own = ProcessUsage(of: HostProcess.pid)
        status.residentBytes = own?.residentBytes
        status.cpuMs = own?.cpuMs
        status.plugins = plugins.values.filter { $0.state != .removed }.map { plugin in
            let (state, why) = Self.words(plugin.state)
            return HostStatus.Plugin(
                id: plugin.name, file: plugin.fileName, version: plugin.description?.version ?? "", state: state,
                why: why, routines: plugin.routines.count)
        }
        .sorted { ($0.id, $0.file) < ($1.id, $1.file) }
        // The sessions of a replaced file end while those of the new one begin: they are one routine here.
        status.routines = Dictionary(grouping: routines.values) { $0.identifier }
            .sorted { $0.key < $1.key }
            .map(\.value)
            .filter { entries in entries.contains { $0.plugin.state != .removed || $0.session != nil } }
            .map { self.status(of: $0) }
        var sessions: [Int32: Int] = [:]
        for routine in status.routines { if let pid = routine.worker { sessions[pid, default: 0] += 1 } }
        status.workers = (Array(workers.values) + Array(leaving.values)).map { worker in
            var entry = HostStatus.Worker(
                pid: worker.pid, name: subject(of: worker),
                uptimeMs: max(0, clock.monotonic() - worker.startedAt) / 1_000_000, sessions: sessions[worker.pid] ?? 0)
            let usage = ProcessUsage(of: worker.pid)
            entry.residentBytes = usage?.residentBytes
            entry.cpuMs = usage?.cpuMs
            return entry
        }
        .sorted { $0.pid < $1.pid }
        return status
    }

    /// Whether every plugin file that is there was looked at.
    var isReady: Bool { hasStarted && plugins.values.allSatisfy { $0.state != .describing && $0.state != .waiting } }

    private static func words(_ state: PluginEntry.State) -> (String, String?) {
        switch state {
        case .waiting, .describing: ("loading", nil)
        case .ready: ("ready", nil)
        case .refused(let why): ("refused", why)
        case .removed: ("removed", nil)
        }
    }

    /// The status of the entries of one id: the newest one's, with what the sessions of older ones count.
    func status(of entries: [RoutineEntry]) -> RoutineStatus {
        guard let routine = entries.max(by: { Self.rank($0) < Self.rank($1) }) else {
            return RoutineStatus(plugin: "", routine: "", state: .idle)
        }
        var status = status(of: routine)
        for other in entries where other !== routine && other.session != nil {
            status.sessionsTotal = status.sessionsTotal.clampedSum(1)
            guard let (snapshot, counts) = reading(of: other) else { continue }
            addTotals(snapshot, counts, to: &status)
            if let pid = other.session?.worker.pid, routine.session == nil {
                status.cache = (totals[routine.identifier] ?? RoutineTotals()).cache(
                    counts.cache, worker: pid)
            } else {
                status.cache = status.cache.adding(counts.cache)
            }
        }
        return status
    }

    private static func rank(_ routine: RoutineEntry) -> (Int, Int) {
        (routine.plugin.state == .removed ? 0 : 1, routine.key)
    }

    /// What the ledger says of its session; nil when it cannot be read, or is of another session. A slot that a plugin
    /// has spoiled is told from its twin, without histograms.
    private func reading(of routine: RoutineEntry) -> (LedgerSnapshot, LedgerCounts)? {
        guard let session = routine.session, let bytes = session.worker.slotBytes(session.slot) else { return nil }
        let snapshot = LedgerReader.snapshot(bytes)
        if snapshot.session == session.id.rawValue { return (snapshot, LedgerCounts(bytes)) }
        guard let twin = session.worker.snapshot(slot: session.slot), twin.session == session.id.rawValue else {
            return nil
        }
        return (twin, LedgerCounts([UInt8](repeating: 0, count: LedgerSlot.size)))
    }

    private func status(of routine: RoutineEntry) -> RoutineStatus {
        let totals = totals[routine.identifier] ?? RoutineTotals()
        var status = RoutineStatus(plugin: routine.plugin.name, routine: routine.name, state: .idle)
        status.maxCycles = routine.settings.maxCycles
        status.untilMs = routine.untilMs
        status.waitMs = routine.settings.waitMs
        status.sessionsTotal = totals.sessions
        status.failedSessionsTotal = totals.failedSessions
        status.cyclesTotal = totals.cycles
        status.failuresTotal = totals.failures
        status.missedTotal = totals.missed
        status.durationTotalNs = totals.duration
        status.durations = totals.durations
        status.lateness = totals.lateness
        status.lifetimeCycles = keeper.lifetimeCycles(of: routine.identifier)
        status.cache = totals.cache(nil, worker: nil)
        setState(&status, of: routine)
        guard let session = routine.session else { return status }
        status.session = session.id
        status.sessionStartMs = session.startMs
        status.worker = session.worker.pid
        status.sessionsTotal = status.sessionsTotal.clampedSum(1)
        guard let (snapshot, counts) = reading(of: routine) else { return status }
        status.cache = totals.cache(counts.cache, worker: session.worker.pid)
        addTotals(snapshot, counts, to: &status)
        add(snapshot, counts, to: &status, of: routine)
        return status
    }

    private func addTotals(_ snapshot: LedgerSnapshot, _ counts: LedgerCounts, to status: inout RoutineStatus) {
        status.cyclesTotal = status.cyclesTotal.clampedSum(snapshot.cycle)
        status.failuresTotal = status.failuresTotal.clampedSum(snapshot.failures)
        status.missedTotal = status.missedTotal.clampedSum(snapshot.missed)
        status.durationTotalNs = status.durationTotalNs.clampedSum(counts.totalDuration)
        status.lifetimeCycles = status.lifetimeCycles.clampedSum(snapshot.cycle)
        status.durations.add(counts.durations)
        status.lateness.add(counts.lateness)
    }

    private func add(
        _ snapshot: LedgerSnapshot, _ counts: LedgerCounts, to status: inout RoutineStatus, of routine: RoutineEntry
    ) {
        status.cycle = snapshot.cycle
        status.longestNs = counts.longest
        if counts.durations.total > 0 { status.lastDurationNs = counts.lastDuration }
        status.lastStartMs = wallMs(boot: snapshot.began)
        guard routine.session?.endAs == nil, routine.policy.state != .ending else { return }
        defer {
            // The first good cycle ends the row; the policy hears of it a little later.
            if snapshot.cycle <= snapshot.failures, snapshot.state != .ended, !routine.isPaused {
                explainTrouble(&status, of: routine)
            }
        }
        if snapshot.isInPlugin {
            status.state = .running
            status.phase = snapshot.phase
        } else if snapshot.state == .ended {
            status.state = .ending
        } else if routine.isPaused {
            status.state = .paused
        } else {
            status.state = .waiting
            status.nextStartMs = wallMs(boot: snapshot.due)
        }
    }

    /// What the policy and the session alone say of its state.
    private func setState(_ status: inout RoutineStatus, of routine: RoutineEntry) {
        if routine.session != nil {
            status.state = routine.session?.endAs != nil || !routine.policy.isAlive ? .ending : .starting
            if routine.policy.state == .ending { status.state = .ending }
            return
        }
        switch routine.policy.state {
        case .idle: status.state = .idle
        case .complete: status.state = .complete
        case .stopped: status.state = .stopped
        case .waiting(let until):
            status.state = .backingOff
            status.nextStartMs = wallMs(monotonic: until)
            explainTrouble(&status, of: routine)
        case .starting, .running: status.state = .starting
        case .ending: status.state = .ending
        case .quarantined:
            status.state = .quarantined
            status.why = routine.policy.quarantine?.why
            status.nextStartMs = routine.policy.quarantine?.probeAt.map { wallMs(monotonic: $0) } ?? nil
        }
    }

    /// What goes wrong with it at present. Errors are a state of their own, also while the next attempt runs.
    private func explainTrouble(_ status: inout RoutineStatus, of routine: RoutineEntry) {
        guard let trouble = routine.policy.trouble else { return }
        switch trouble.fault {
        case .error: status.state = .failing
        case .death, .host: if routine.session != nil { return }
        }
        status.why = trouble.cause
        status.failingSinceMs = wallMs(monotonic: trouble.since)
        status.failuresInRow = UInt64(trouble.count)
    }

    /// A time of the boot clock as UTC ms; nil for never, and for what no plugin can mean.
    private func wallMs(boot time: Int64) -> Int64? {
        guard time > 0, time < 1 << 60 else { return nil }
        return (clock.wall() + (time - clock.boot())) / 1_000_000
    }

    private func wallMs(monotonic time: Int64) -> Int64? {
        guard time > 0, time < 1 << 60 else { return nil }
        return (clock.wall() + (time - clock.monotonic())) / 1_000_000
    }

    /// Keeps what a session counted that is about to be forgotten. To be called while its slot is still its own.
    func count(_ record: SessionRecord, of routine: RoutineEntry) {
        guard let session = routine.session else { return }
        let bytes = session.worker.slotBytes(session.slot)
        let isIts = bytes.map { LedgerReader.snapshot($0).session == session.id.rawValue } ?? false
        totals[routine.identifier, default: RoutineTotals()].end(
            record, isIts ? bytes.map { LedgerCounts($0) } : nil, worker: session.worker.pid)
    }
}
