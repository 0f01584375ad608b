internal import HostCore
internal import HostSystem

/// Deaths: of workers, which become records of what died, and of the host before this one.
extension Supervisor {
    /// A worker is dead, and all that it said is known.
    func died(_ worker: WorkerLink, _ end: ProcessEnd) {
        if workers[worker.key] === worker { workers[worker.key] = nil }
        leaving[ObjectIdentifier(worker)] = nil
        if let timer = worker.timer { deadlines.remove(timer) }
        let report = takeReport(worker)
        let victims = routines.values.filter { $0.session?.worker === worker }.sorted { $0.key < $1.key }
        let snapshots = victims.map { routine in
            routine.session.flatMap { session in
                session.worker.snapshot(slot: session.slot).flatMap { $0.session == session.id.rawValue ? $0 : nil }
            }
        }
        try? state.ledgers.remove(worker.ledgerName)
        let culprits = Self.culprits(snapshots, slots: victims.map { $0.session?.slot }, worker: worker, report: report)
        var records: [(RoutineEntry, SessionRecord)] = []
        for (index, routine) in victims.enumerated() {
            guard let session = routine.session else { continue }
            let isGuilty = culprits.contains(index)
            var record = record(
                of: routine, session,
                reason: reason(end, worker, session, snapshots[index], isGuilty: isGuilty, report: report))
            record.cycles = snapshots[index]?.cycle ?? 0
            record.failures = snapshots[index]?.failures ?? 0
            record.missed = snapshots[index]?.missed ?? 0
            if isGuilty { record.report = report?.name }
            records.append((routine, record))
        }
        sayDeath(worker, end, victims: victims.count)
        loadsDied(worker, end, report)
        for (routine, record) in records { close(routine, record) }
        loadNext()
    }

    /// Which of the victims were in the plugin's code when the worker died, by their index; all, when none was.
    private static func culprits(
        _ snapshots: [LedgerSnapshot?], slots: [Int?], worker: WorkerLink, report: CrashReport?
    ) -> Set<Int> {
        if let hung = worker.hungSlot, let index = slots.firstIndex(of: hung) { return [index] }
        let busy = snapshots.indices.filter { snapshots[$0]?.isInPlugin == true }
        if let thread = report?.thread, let index = busy.first(where: { snapshots[$0]?.thread == thread }) {
            return [index]
        }
        return busy.isEmpty ? Set(snapshots.indices) : Set(busy)
    }

    private func reason(
        _ end: ProcessEnd, _ worker: WorkerLink, _ session: RoutineEntry.Session, _ snapshot: LedgerSnapshot?,
        isGuilty: Bool, report: CrashReport?
    ) -> SessionRecord.Reason {
        if let kind = snapshot?.end, snapshot?.state == .ended {
            return SessionRecord.Reason(kind, text: "its worker died before it could say more")
        }
        let phase = snapshot?.phase
        if worker.hungSlot == session.slot {
            return SessionRecord.Reason(
                .timeout, text: "over its time", cycle: snapshot?.cycle, phase: phase, frame: report?.frame)
        }
        if worker.isQuitting || session.endAs != nil {
            return SessionRecord.Reason(
                session.endAs ?? .stopped, text: "did not end in time: \(end)", cycle: snapshot?.cycle, phase: phase)
        }
        guard isGuilty else { return SessionRecord.Reason(.peerFailed, text: "another routine of its worker died: \(end)") }
        let words = worker.lastWords.isEmpty ? "" : ": \(worker.lastWords)"
        switch end {
        case .exited(let status):
            return SessionRecord.Reason(
                .exit, text: "exit status \(status)\(words)", cycle: snapshot?.cycle, phase: phase)
        case .signaled(let number):
            return SessionRecord.Reason(
                .crash, text: report?.text ?? String(words.dropFirst(2)), signal: signalName(number),
                cycle: snapshot?.cycle, phase: phase, frame: report?.frame)
        }
    }

    private func sayDeath(_ worker: WorkerLink, _ end: ProcessEnd, victims: Int) {
        if worker.hasSaidGoodbye, end == .exited(0) { return }
        if worker.isQuitting {
            log.write(.warning, subject(of: worker), "its worker (pid \(worker.pid)) did not end in order: \(end)")
        } else {
            log.write(.error, subject(of: worker), "its worker (pid \(worker.pid)) died: \(end)")
        }
    }

    /// The loads that a dead worker owed: the one in progress failed, those behind it are tried again elsewhere.
    private func loadsDied(_ worker: WorkerLink, _ end: ProcessEnd, _ report: CrashReport?) {
        let owed = worker.loading
        worker.loading = []
        for (position, number) in owed.enumerated() {
            guard let plugin = plugins[number] else { continue }
            if position == 0, !worker.isQuitting {
                let place = report?.frame.map { " at \($0)" } ?? ""
                let what =
                    worker.hasHungInLoad
                    ? "its load took longer than \(Self.loadTimeout / 1_000_000_000) s\(place)"
                    : "its worker died while loading it: \(end)\(place)"
                failToLoad(plugin, what, in: worker)
            } else if plugin.state == .describing {
                loads.leave(number)
                loads.add(number)
            } else {
                for routine in plugin.routines where routine.isStartPending {
                    _ = self.worker(key(for: routine), for: plugin)
                }
            }
        }
    }

    /// The crash report that the worker left, if any; an empty one is removed.
    private func takeReport(_ worker: WorkerLink) -> CrashReport? {
        guard options.keepsReports, let report = CrashReport(state.reports, name: worker.reportName) else { return nil }
        return report
    }

    // MARK: After the death of a host

    /// Writes the records that the host before this one owes.
    func recover() {
        var records: [SessionRecord] = []
        for entry in open.owed where !store.contains(entry.session) {
            var snapshot: LedgerSnapshot?
            if let file = try? state.ledgers.openForReading(entry.ledger) {
                snapshot = LedgerReader.read(file, slot: entry.slot)
            }
            if snapshot?.session != entry.session.rawValue { snapshot = nil }
            records.append(recovered(entry, snapshot))
        }
        do throws(SystemError) {
            try store.append(records)
            for name in try state.ledgers.names() { try state.ledgers.remove(name) }
            try open.settled()
        } catch {
            log.write(.error, "", "\(error)")
        }
        if !records.isEmpty {
            log.write(
                .warning, "",
                "the host before this one died: \(records.count) of its sessions recorded as \(SessionRecord.Kind.hostDied.rawValue)")
        }
    }

    private func recovered(_ entry: OpenSessions.Entry, _ snapshot: LedgerSnapshot?) -> SessionRecord {
        // The last sign of life: when the last callback began.
        let last = max(snapshot?.began ?? entry.startBoot, entry.startBoot)
        let duration = min(max(0, last &- entry.startBoot) / 1_000_000, max(0, clock.boot() / 1_000_000))
        let kind = snapshot?.state == .ended ? snapshot?.end ?? .hostDied : .hostDied
        let isInPlugin = snapshot?.isInPlugin ?? false
        let identifier = entry.plugin + "/" + entry.routine
        let cycles = snapshot?.cycle ?? 0
        lifetimes[identifier] = lifetime(identifier) &+ cycles
        return SessionRecord(
            session: entry.session, plugin: entry.plugin, pluginVersion: entry.version, build: entry.build,
            routine: entry.routine, host: hostName, pid: entry.pid, startMs: entry.startMs,
            finishMs: entry.startMs &+ duration, durationMs: duration, cycles: cycles,
            failures: snapshot?.failures ?? 0, missed: snapshot?.missed ?? 0,
            lifetimeCycles: lifetimes[identifier],
            reason: SessionRecord.Reason(
                kind, text: "the host died", cycle: isInPlugin ? snapshot?.cycle : nil,
                phase: isInPlugin ? snapshot?.phase : nil))
    }

    // MARK: The host's own end

    /// A signal asks the host to end: the first time in order, the second time at once.
    func stop(_ signal: Int32) {
        if isStopping {
            log.write(.warning, "", "\(signalName(signal)) again: ending at once")
            for worker in Array(workers.values) + Array(leaving.values) {
                perform(worker.teardown.handle(.stopNow, at: clock.monotonic()), on: worker)
                armWorkerTimer(worker)
            }
            return
        }
        log.write(.info, "", "\(signalName(signal)): stopping")
        stopWorkers()
    }

    /// Ends all workers in order.
    func stopWorkers() {
        isStopping = true
        for routine in routines.values {
            routine.isStartPending = false
            if let timer = routine.timer { deadlines.set(timer, at: nil) }
        }
        for worker in Array(workers.values) + Array(leaving.values) { retire(worker) }
    }
}
