internal import HostCore
internal import HostSystem

/// Deaths of workers, which become records of what died; and the end of the host.
extension Supervisor {
    /// A worker is dead, and all that it said is known.
    func died(_ worker: WorkerLink, _ end: ProcessEnd) {
        if workers[worker.key] === worker { workers[worker.key] = nil }
        leaving[ObjectIdentifier(worker)] = nil
        if let timer = worker.timer { deadlines.remove(timer) }
        if worker.limits.processes > 0 { groups.insert(worker.pid) }
        let autopsy = examine(worker)
        let victims = worker.sessions.values.sorted { $0.key < $1.key }
        let snapshots = victims.map { routine in
            routine.session.flatMap { session in
                session.worker.snapshot(slot: session.slot).flatMap { $0.session == session.id.rawValue ? $0 : nil }
            }
        }
        keeper.spent(ledger: worker.ledgerName)
        let culprits = Self.culprits(
            snapshots, slots: victims.map { $0.session?.slot }, hung: worker.overdueSlot ?? worker.hungSlot,
            thread: autopsy.thread)
        sayDeath(worker, end, autopsy)
        var records: [(RoutineEntry, SessionRecord)] = []
        var report: String?
        for (index, routine) in victims.enumerated() {
            guard let session = routine.session else { continue }
            let isGuilty = culprits.contains(index)
            var record = record(
                of: routine, session,
                reason: reason(end, worker, session, snapshots[index], isGuilty: isGuilty, autopsy))
            record.cycles = snapshots[index]?.cycle ?? 0
            record.failures = snapshots[index]?.failures ?? 0
            record.missed = snapshots[index]?.missed ?? 0
            if snapshots[index] == nil, session.worker.isSpoiled(slot: session.slot) {
                record.reason.text += SessionRecord.Reason.overwritten
            }
            if isGuilty {
                report = report ?? keepReport(autopsy, of: record.plugin, session: record.session)
                record.report = report
            }
            records.append((routine, record))
        }
        loadsDied(worker, end, autopsy, hasReport: report == nil)
        for (routine, record) in records {
            close(routine, record, hasGoodCycle: record.cycles > record.failures)
        }
        mayHaveOrphans = true
        loadNext()
    }

    /// Which of the victims were in the plugin's code when the worker died, by their index; all, when none was.
    static func culprits(
        _ snapshots: [LedgerSnapshot?], slots: [Int?], hung: Int?, thread: Int32
    ) -> Set<Int> {
        if let hung, let index = slots.firstIndex(of: hung) { return [index] }
        let busy = snapshots.indices.filter { snapshots[$0]?.isInPlugin == true }
        if thread > 0, let index = busy.first(where: { snapshots[$0]?.thread == thread }) { return [index] }
        return busy.isEmpty ? Set(snapshots.indices) : Set(busy)
    }

    private func reason(
        _ end: ProcessEnd, _ worker: WorkerLink, _ session: RoutineEntry.Session, _ snapshot: LedgerSnapshot?,
        isGuilty: Bool, _ autopsy: Autopsy
    ) -> SessionRecord.Reason {
        if let kind = snapshot?.end, snapshot?.state == .ended {
            return SessionRecord.Reason(kind, text: "its worker died before it could say more")
        }
        if worker.hungSlot == session.slot {
            return SessionRecord.Reason(
                .timeout, text: "over its time", cycle: snapshot?.cycle, phase: snapshot?.phase, frame: autopsy.frame)
        }
        // What we killed did not end in time; what died of itself on the way out has failed.
        if (worker.isQuitting && (worker.hasBeenKilled || end == .exited(0))) || worker.overdueSlot == session.slot {
            return SessionRecord.Reason(
                session.endAs ?? .stopped, text: "did not end in time: \(end)", cycle: snapshot?.cycle,
                phase: snapshot?.phase)
        }
        guard isGuilty else {
            return SessionRecord.Reason(.peerFailed, text: "another routine of its worker died: \(end)")
        }
        var reason = reason(end, worker, autopsy)
        reason.cycle = snapshot?.cycle
        reason.phase = snapshot?.phase
        return reason
    }

    /// Why a worker died that nobody killed.
    private func reason(_ end: ProcessEnd, _ worker: WorkerLink, _ autopsy: Autopsy) -> SessionRecord.Reason {
        if worker.hasLeft {
            return SessionRecord.Reason(
                .exit, text: "it left the host: it executed another program, or closed its channel")
        }
        let words = worker.lastWords(now: clock.monotonic())
        switch end {
        case .exited(let status):
            if status == 70, !autopsy.words.isEmpty { return SessionRecord.Reason(.exit, text: autopsy.words) }
            return SessionRecord.Reason(.exit, text: "exit status \(status)" + (words.isEmpty ? "" : ": \(words)"))
        case .signaled(let last):
            // A worker that is killed while it writes its report has died of what the report is about.
            let number = last == Signals.kill && autopsy.signal > 0 ? autopsy.signal : last
            var texts = [autopsy.text, words].compactMap { $0 }.filter { !$0.isEmpty }
            if number == Signals.kill, texts.isEmpty {
                texts = ["killed from outside, or by the kernel for want of memory"]
            }
            return SessionRecord.Reason(
                .crash, text: texts.joined(separator: ": "), signal: signalName(number), frame: autopsy.frame)
        }
    }

    private func sayDeath(_ worker: WorkerLink, _ end: ProcessEnd, _ autopsy: Autopsy) {
        if worker.hasSaidGoodbye, end == .exited(0) { return }
        let place = autopsy.frame.map { " at \($0)" } ?? ""
        if worker.isQuitting {
            log.write(
                .warning, subject(of: worker), "its worker (pid \(worker.pid)) did not end in order: \(end)\(place)")
        } else {
            log.write(.error, subject(of: worker), "its worker (pid \(worker.pid)) died: \(end)")
        }
    }

    /// A worker has closed its channel: if it is not about to die, it is no worker any more.
    func left(_ worker: WorkerLink) {
        worker.leftDeadline = clock.monotonic() + 200_000_000
        armWorkerTimer(worker)
    }

    /// Kills and reaps what dead workers left behind: as their subreaper we are its parent now. What does not descend from
    /// a worker is reaped when it is dead, and otherwise left alone. Once a round of the loop: it looks at all children,
    /// and many may die at once.
    func putAwayOrphans() {
        guard mayHaveOrphans else { return }
        mayHaveOrphans = false
        let known = Set((Array(workers.values) + Array(leaving.values)).map(\.pid)).union(desk.processes)
        if desk.hasRunCommand { adoption.hookHasRun() }
        for child in HostProcess.children() where !known.contains(child) {
            let isMarked = HostProcess.environment(of: child).map { Adoption.isMarked($0, byHost: HostProcess.pid) }
            switch adoption.fate(of: child, isMarked: isMarked) {
            case .kill: _ = HostProcess.putAway(child)
            case .leave: _ = HostProcess.reap(child)
            }
        }
        groups = groups.filter { !ControlGroup.remove(of: $0) }
    }

    // MARK: Loads

    /// The loads that a dead worker owed: the one in progress failed, those behind it are tried again elsewhere.
    private func loadsDied(_ worker: WorkerLink, _ end: ProcessEnd, _ autopsy: Autopsy, hasReport: Bool) {
        let owed = worker.loading
        worker.loading = []
        let isDead = !owed.isEmpty && !worker.isQuitting
        if !isDead, hasReport { dropReport(autopsy) }
        for (position, number) in owed.enumerated() {
            guard let plugin = plugins[number] else { continue }
            if position == 0, isDead {
                var reason = reason(end, worker, autopsy)
                if worker.hasHungInLoad {
                    reason = SessionRecord.Reason(.timeout, text: "over its time", frame: autopsy.frame)
                }
                reason.phase = "load"
                recordLoad(plugin, reason, in: worker, hasReport ? autopsy : Autopsy())
                let place = autopsy.frame.map { " at \($0)" } ?? ""
                let what =
                    worker.hasHungInLoad
                    ? "its load took longer than it may\(place)"
                    : "its worker died while loading it: \(end)\(place)"
                if end == .signaled(Signals.kill), autopsy.signal == 0, !worker.hasHungInLoad, !worker.hasLeft {
                    wasKilledInLoad(plugin, what, in: worker)
                } else {
                    failToLoad(plugin, what, fault: .death, in: worker)
                }
            } else if plugin.state == .describing {
                loads.leave(number)
                loads.add(number)
            } else {
                for routine in plugin.routines where routine.isStartPending {
                    start(routine)
                }
            }
        }
    }

    /// A SIGKILL from outside says nothing about the file: it is tried again, as the policy says; the first look at it
    /// a few times only.
    private func wasKilledInLoad(_ plugin: PluginEntry, _ text: String, in worker: WorkerLink) {
        guard plugin.state != .describing else {
            plugin.killedLooks += 1
            if plugin.killedLooks > 5 { return failToLoad(plugin, text, fault: .death, in: worker) }
            loads.leave(plugin.number)
            return loads.add(plugin.number)
        }
        for routine in plugin.routines where routine.isStartPending && key(for: routine) == worker.key {
            routine.isStartPending = false
            tell(routine, .startFailed(.death, cause: "killed while it was loaded"))
        }
    }

    /// Records that a plugin could not be loaded: for each routine that waits for it, or for `-` when none is known.
    func recordLoad(_ plugin: PluginEntry, _ reason: SessionRecord.Reason, in worker: WorkerLink, _ autopsy: Autopsy) {
        let waiting = plugin.routines.filter { $0.isStartPending && key(for: $0) == worker.key }.map(\.name)
        let wall = clock.wall() / 1_000_000
        let duration = max(0, clock.monotonic() - worker.startedAt) / 1_000_000
        var report: String?
        for name in waiting.isEmpty ? ["-"] : waiting {
            let session = sessionIDs.next(milliseconds: wall)
            report = report ?? keepReport(autopsy, of: plugin.name, session: session)
            hasFailed = true
            keep(
                SessionRecord(
                    session: session, plugin: plugin.name, pluginVersion: plugin.description?.version,
                    build: plugin.file.buildID, routine: name, host: hostName, pid: worker.pid,
                    startMs: wall - duration, finishMs: wall, durationMs: duration, cycles: 0,
                    reason: reason, report: report))
        }
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
        desk.beginShutdown()
        for routine in routines.values {
            routine.isStartPending = false
            if let timer = routine.timer { deadlines.set(timer, at: nil) }
        }
        for worker in Array(workers.values) + Array(leaving.values) { retire(worker) }
    }
}
