internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// Sessions: how they begin, and what follows from their end.
extension RoutineBook {
    // MARK: The beginning of a session

    /// Starts a session as soon as a worker has the plugin.
    func start(_ routine: RoutineEntry) {
        guard !isStopping, !routine.owner.isRetired else { return }
        routine.isStartPending = true
        if mustWait(routine) { return }
        actions.append(
            .start(
                Start(routine: routine.key, index: routine.index, load: routine.load)))
    }

    /// Whether the routine runs on one host only, and that is another one or is not known.
    func mustWait(_ routine: RoutineEntry) -> Bool {
        routine.claim.map { leases.gate.grant(of: $0, at: clock.boot()) == nil } ?? false
    }

    /// Retries the pending starts, because a worker of that key has loaded the plugin, or the load there was
    /// interrupted.
    func goOn(_ number: Int, in key: WorkerKey) {
        for routine in pending(number, in: key) { start(routine) }
    }

    private func pending(_ number: Int, in key: WorkerKey) -> [RoutineEntry] {
        programs[number]?.routines.filter { $0.isStartPending && $0.place == key } ?? []
    }

    /// Whether a routine still wants the session that it has asked for, and may begin one.
    func isWaiting(_ key: Int) -> Bool {
        guard !isStopping, let routine = routines[key], routine.isStartPending else { return false }
        return !mustWait(routine)
    }

    /// The id for a session that is about to get a seat.
    func nextSession() -> SessionID { sessionIDs.next(milliseconds: clock.wallMilliseconds(), using: &random) }

    /// Begins a session, and returns what the next host must know of it; nil if its lease has run out meanwhile.
    func begin(_ key: Int, _ id: SessionID, in seat: Seat) -> OpenSession? {
        guard let routine = routines[key] else { return nil }
        let boot = clock.boot()
        let lease = routine.claim.flatMap { leases.gate.grant(of: $0, at: boot) }
        if routine.claim != nil, lease == nil { return nil }
        let session = RoutineEntry.Session(
            id: id, startMs: clock.wallMilliseconds(), startBoot: boot, seat: seat, lease: lease)
        routine.isStartPending = false
        routine.session = session
        routine.owner.sessions += 1
        running[id] = routine
        return routine.openSession(of: host)
    }

    /// Tells the session's worker to start, after the session was noted for the next host.
    func began(_ key: Int, _ past: Past) {
        guard let routine = routines[key], let session = routine.session else { return }
        var order = routine.order(for: session, past)
        order.timing = memory.timing(
            routine.settings.timing, of: routine.identifier, nowMs: clock.wallMilliseconds())
        actions.append(.send(.start(order), session.seat))
        hangs.begin(routine.key, session.id, at: session.startBoot, routine.settings.timeoutNanoseconds)
        tell(routine, .started)
    }

    /// Handles a session that cannot begin because the host lacks something. Logged once, however often it is retried.
    func couldNotBegin(_ key: Int, _ what: String, level: LogLevel = .error) {
        guard let routine = routines[key] else { return }
        routine.isStartPending = false
        if let session = routine.session {
            running[session.id] = nil
            routine.owner.sessions -= 1
        }
        routine.session = nil
        if routine.policy.trouble?.fault != .host { log.write(level, routine.identifier, what) }
        tell(routine, .startFailed(.host, cause: what))
    }

    // MARK: The end of a session

    /// Asks a routine's session to end, for this reason.
    func endSession(of routine: RoutineEntry, as kind: SessionEnd, _ text: String = "") {
        routine.isStartPending = false
        guard let session = routine.session else { return }
        routine.session?.end(as: kind, text)
        actions.append(.send(.stop(slot: session.seat.slot), session.seat))
        // Whoever asks again gives it no more time.
        guard session.endAs == nil || routine.stopTimer == nil else { return }
        let timer =
            routine.stopTimer
            ?? deadlines.make(isPatient: true) { [unowned self, unowned routine] _ in endOverdue(routine) }
        routine.stopTimer = timer
        deadlines.set(timer, at: clock.monotonic() + host.grace)
    }

    /// Ends the worker of a session that still runs after its grace period, as at the end of the host.
    private func endOverdue(_ routine: RoutineEntry) {
        guard let session = routine.session, session.endAs != nil else { return }
        let grace = DurationText.format(milliseconds: host.grace / 1_000_000)
        actions.append(
            .endOverdue(
                session.seat, identifier: routine.identifier,
                say: "its cycle does not end within \(grace): ending its worker"))
    }

    /// Handles a worker's report that a session has ended; `wasTold`: the worker had been told to end.
    func ended(_ ended: WorkerEvent.Ended, _ counts: LedgerCounts?, wasTold: Bool) {
        guard let routine = running[ended.session], let session = routine.session else { return }
        var reason = routine.reportedEnd(of: session, wasTold: wasTold).checked(ended.reason)
        if reason.end == .stopped, let kind = session.endAs {
            reason.kind = .known(kind)
            reason.text = session.endText
        }
        var record = routine.record(of: session, reason, by: host, clock)
        record.finishMs = max(ended.finishMs, 0)
        record.durationMs = max(0, ended.durationNs) / 1_000_000
        record.cycles = ended.cycles
        record.failures = ended.failures
        record.missed = ended.missed
        record.stats = ended.stats
        close(
            routine, record, counts, lastRunMs: ended.lastRunMs, hasGoodCycle: ended.goodCycles > 0,
            disposition: ended.disposition,
            leftAloneNs: reason.end == .error ? ended.leftAloneNs : nil)
    }

    /// Handles the death of a worker: makes the records of its sessions.
    func died(_ obituary: Obituary) {
        var report = obituary.failedLoad == nil ? obituary.verdict.report : nil
        var kept: String?
        for verdict in obituary.verdict.sessions {
            guard let routine = running[verdict.id], let session = routine.session else { continue }
            var reason = verdict.reason
            if verdict.isReported { reason = routine.reportedEnd(of: session, wasTold: true).checked(reason) }
            if verdict.isLate { reason.kind = .known(session.endAs ?? .stopped) }
            let leaseEnd = obituary.counts[verdict.slot]?.leaseEnd
            reason = routine.judged(reason, of: session, leases.gate, end: leaseEnd, at: clock.boot())
            if let worker = obituary.undead { LeasedRoutines(book: self).ended(routine, before: worker, obituary.pid) }
            var record = routine.record(of: session, reason, by: host, clock)
            record.cycles = verdict.counts?.cycle ?? 0
            record.failures = verdict.counts?.failures ?? 0
            record.missed = verdict.counts?.missed ?? 0
            var own: String?
            if verdict.isCulprit {
                own = report
                report = nil
                kept = kept ?? own.map { _ in CrashReports.name(of: record.plugin, record.session) }
                record.report = kept
            }
            let counts = obituary.counts[verdict.slot]
            close(
                routine, record, counts, lastRunMs: ScheduleMemory.lastRunMs(record, counts, clock), report: own,
                hasGoodCycle: verdict.counts.map { $0.goodCycles > 0 } ?? false)
        }
        // If the worker died of a load, the report belongs to no session.
        if let report { actions.append(.dropReport(report)) }
        for number in obituary.interrupted { goOn(number, in: obituary.key) }
    }

    /// Closes a session: passes its record on, and lets the policy decide what follows.
    private func close(
        _ routine: RoutineEntry, _ finished: SessionRecord, _ counts: LedgerCounts?, lastRunMs: Int64?,
        report: String? = nil, hasGoodCycle: Bool, disposition: WorkerEvent.Ended.Disposition = .policy,
        leftAloneNs: Int64? = nil
    ) {
        var record = finished.timed(counts?.cycleTimes)
        let step = record.finishMs.clampedMinus(record.startMs).clampedMinus(record.durationMs)
        if step.magnitude > 1000 { record.clockStepMs = step }
        if let pid = routine.session?.seat.pid {
            totals.change(routine.identifier) { $0.end(record, counts, worker: pid) }
        }
        if let lastRunMs, routine.settings.timing.dependsOnHistory {
            memory.ran(routine.identifier, atMs: lastRunMs)
        }
        if routine.session != nil { routine.owner.sessions -= 1 }
        routine.session = nil
        running[record.session] = nil
        hangs.remove(routine.key)
        if let timer = routine.stopTimer { deadlines.set(timer, at: nil) }
        actions.append(.record(record, report: report, settings: routine.settings))
        if hasGoodCycle { tell(routine, .goodCycle) }
        switch disposition {
        case .policy: break
        case .stop: tell(routine, .stopDecided)
        case .quarantine: tell(routine, .quarantineDecided(why: record.reason.text))
        }
        if let leftAloneNs {
            let until = clock.monotonic() + min(max(leftAloneNs, 0), 1 << 60)
            return tell(routine, .errorRepeated(cause: record.reason.cause, until: until))
        }
        // An unknown kind of end was written by a plugin to the channel itself, and counts as a failure.
        tell(routine, .sessionEnded(record.reason.end ?? .error, cause: record.reason.cause))
    }

    /// Notes the last cycle of a session of the previous host, which has its record now.
    func recovered(_ record: SessionRecord) {
        guard record.cycles > 0 || record.failures > 0 || record.reason.phase == "routine" else { return }
        memory.ran(record.identifier, atMs: record.finishMs)
    }

    // MARK: Failed loads

    /// Handles a failed load for running: the policies of the waiting routines decide what follows.
    func loadFailed(_ failed: FailedLoad) {
        guard let entry = programs[failed.load.plugin] else {
            return failed.report.map { actions.append(.dropReport($0)) } ?? ()
        }
        let program = entry.program
        let waiting = pending(failed.load.plugin, in: failed.load.key)
        let names = waiting.isEmpty ? ["-"] : waiting.map(\.name)
        record(failed, of: program.name, version: program.version, for: names, waiting)
        if entry.isRetired { return }
        if !failed.wasKilledFromOutside { log.write(.error, program.name, failed.text) }
        for routine in waiting {
            routine.isStartPending = false
            let cause = failed.wasKilledFromOutside ? "killed while it was loaded" : failed.text
            if failed.isRecorded { totals.change(routine.identifier) { $0.failures += 1 } }
            switch (failed.fault, routine.settings.onError.decision) {
            case (.error, .stop): tell(routine, .stopDecided)
            case (.error, .quarantine): tell(routine, .quarantineDecided(why: cause))
            case (.error, .goOn), (.error, .retry), (.error, .endSession), (.death, _), (.host, _), (nil, _): break
            }
            tell(routine, failed.fault.map { .startFailed($0, cause: cause) } ?? .loadError(cause))
        }
    }

    /// Makes the records of a failed load for these routines; `-` stands for unknown routines.
    func record(
        _ failed: FailedLoad, of plugin: String, version: String?, for routines: [String],
        _ waiting: [RoutineEntry] = []
    ) {
        let records = failed.records(
            of: plugin, version: version, for: routines, by: host, at: clock.monotonic(),
            wallMs: clock.wallMilliseconds()
        ) { nextSession() }
        for (place, record) in records.enumerated() {
            let settings = waiting.first { $0.name == record.routine }?.settings
            actions.append(.record(record, report: place == 0 ? failed.report : nil, settings: settings))
        }
    }
}
