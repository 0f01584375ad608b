internal import HostCore
internal import HostSystem

/// Sessions: their start, their end, and the record that each leaves.
extension Supervisor {
    /// How long changed tallies wait for more changes, ns.
    private static let tallyDelay: Int64 = 1_000_000_000

    /// Tells a routine's policy what happened, and does what it answers.
    func tell(_ routine: RoutineEntry, _ event: RestartPolicy.Event) {
        if event == .timerFired, routine.policy.isDoubted, let session = routine.session,
            let snapshot = session.worker.snapshot(slot: session.slot), snapshot.session == session.id.rawValue,
            snapshot.cycle > snapshot.failures
        {
            perform(routine.policy.handle(.goodCycle, at: clock.monotonic(), using: &random), for: routine)
        }
        perform(routine.policy.handle(event, at: clock.monotonic(), using: &random), for: routine)
        arm(routine, at: isStopping ? nil : routine.policy.nextDeadline)
        hasNewTallies = true
    }

    /// Sets when the routine's policy wants to be told the time. Its timer is made the first time that it wants one.
    private func arm(_ routine: RoutineEntry, at time: Int64?) {
        guard routine.timer != nil || time != nil else { return }
        let timer = routine.timer ?? deadlines.make { [unowned self, unowned routine] _ in tell(routine, .timerFired) }
        routine.timer = timer
        deadlines.set(timer, at: time)
    }

    private func perform(_ actions: [RestartPolicy.Action], for routine: RoutineEntry) {
        for action in actions {
            switch action {
            case .startNow: start(routine)
            case .startAt(let time):
                let delay = max(0, time - clock.monotonic()) / 1_000_000
                if let until = routine.untilMs, clock.wall() / 1_000_000 + delay >= until {
                    log.write(.info, routine.identifier, "not started again: its until comes before that")
                    tell(routine, .tooLate)
                    continue
                }
                // What the host lacks is said once, not at each try.
                if let trouble = routine.policy.trouble, trouble.fault == .host, trouble.count > 1 { continue }
                log.write(.info, routine.identifier, "starts again in \(DurationText.format(milliseconds: delay))")
            case .quarantine(let message):
                hasFailed = true
                log.write(.error, routine.identifier, message)
                saveTallies()
                endSession(of: routine, as: .quarantined, message)
                quarantined(routine, message)
            case .lift: log.write(.info, routine.identifier, "no longer quarantined")
            case .recover(let trouble):
                let time = DurationText.format(milliseconds: max(0, clock.monotonic() - trouble.since) / 1_000_000)
                let what = "\(trouble.count) \(trouble.count == 1 ? "failure" : "failures")"
                log.write(.success, routine.identifier, "good again after \(what) in \(time): \(trouble.cause)")
            }
        }
    }

    /// Starts a session as soon as a worker has the plugin.
    func start(_ routine: RoutineEntry) {
        guard !isStopping, routine.plugin.state == .ready else { return }
        routine.isStartPending = true
        let worker: WorkerLink
        do throws(SystemError) {
            worker = try self.worker(key(for: routine), for: routine.plugin)
        } catch {
            routine.isStartPending = false
            return lack("no worker: \(error)", for: routine)
        }
        if worker.loaded.contains(routine.plugin.number) { begin(routine, in: worker) }
    }

    /// The host lacks what a session needs. Told once, also when it is tried again and again.
    private func lack(_ what: String, for routine: RoutineEntry) {
        if routine.policy.trouble?.fault != .host { log.write(.error, routine.identifier, what) }
        tell(routine, .startFailed(.host, cause: what))
    }

    /// Begins a session in a worker that has the plugin.
    func begin(_ routine: RoutineEntry, in worker: WorkerLink) {
        guard !isStopping else { return }
        routine.isStartPending = false
        let wall = clock.wall() / 1_000_000
        let boot = clock.boot()
        let id = sessionIDs.next(milliseconds: wall)
        do throws(SystemError) {
            guard let slot = try worker.slot(plugin: routine.plugin.number, routine: routine.index) else {
                throw SystemError("slot", "ledger \(worker.ledgerName)", number: 28)
            }
            let session = RoutineEntry.Session(id: id, startMs: wall, startBoot: boot, worker: worker, slot: slot)
            try keeper.open(entry(of: session, of: routine))
            routine.session = session
        } catch {
            return lack("no session: \(error)", for: routine)
        }
        routine.sessions += 1
        sendStart(routine, id, to: worker)
        watch(routine, boot: boot)
        tell(routine, .started)
    }

    /// What the next host must know of a session should this one die.
    private func entry(of session: RoutineEntry.Session, of routine: RoutineEntry) -> OpenSession {
        OpenSession(
            session: session.id, plugin: routine.plugin.name, version: routine.plugin.description?.version ?? "",
            build: routine.plugin.file.buildID, routine: routine.name, pid: session.worker.pid,
            startMs: session.startMs, boot: boot, startBoot: session.startBoot, ledger: session.worker.ledgerName,
            slot: session.slot)
    }

    private func sendStart(_ routine: RoutineEntry, _ id: SessionID, to worker: WorkerLink) {
        guard let slot = routine.session?.slot else { return }
        worker.send(
            .start(
                WorkerCommand.Start(
                    slot: slot, plugin: routine.plugin.number, routine: routine.index, session: id,
                    waitMs: routine.settings.waitMs, maxCycles: routine.settings.maxCycles, untilMs: routine.untilMs,
                    maxAttempts: 3, lifetimeCycles: keeper.lifetimeCycles(of: routine.identifier),
                    before: Self.before(keeper.lastEnd(of: routine.identifier)),
                    parameters: routine.settings.paramsJSON, isPaused: routine.isPaused,
                    caches: routine.settings.caches)))
    }

    private func watch(_ routine: RoutineEntry, boot: Int64) {
        guard let session = routine.session else { return }
        let now = ClockReading(boot: boot, monotonic: clock.monotonic())
        _ = hangs.observe(
            routine.key,
            .init(
                state: .waiting, session: session.id.rawValue, cycle: 0, began: boot, due: boot,
                timeout: routine.settings.timeoutNanoseconds), at: now)
        hasNewHangs = true
    }

    /// Asks a routine's session to end, for this reason.
    func endSession(of routine: RoutineEntry, as kind: SessionRecord.Kind, _ text: String = "") {
        routine.isStartPending = false
        guard routine.session != nil else { return }
        routine.session?.endAs = kind
        routine.session?.endText = text
        routine.session?.worker.send(.stop(slot: routine.session?.slot ?? -1))
        let timer = routine.stopTimer ?? deadlines.make { [unowned self, unowned routine] _ in endOverdue(routine) }
        routine.stopTimer = timer
        deadlines.set(timer, at: clock.monotonic() + options.grace)
    }

    /// A cycle that was asked to stop has had its grace, and goes on: its worker is ended, as at the host's own end.
    private func endOverdue(_ routine: RoutineEntry) {
        guard let session = routine.session, session.endAs != nil, !session.worker.isQuitting else { return }
        let worker = session.worker
        let grace = DurationText.format(milliseconds: options.grace / 1_000_000)
        log.write(.warning, routine.identifier, "its cycle does not end within \(grace): ending its worker")
        worker.overdueSlot = session.slot
        worker.signal(Signals.terminate)
        worker.dyingDeadline = worker.dyingDeadline ?? clock.monotonic() + Teardown.patience
        armWorkerTimer(worker)
    }

    /// A worker says that a session is over.
    func sessionEnded(_ ended: WorkerEvent.Ended, in worker: WorkerLink) {
        guard let routine = worker.sessions[ended.slot], let session = routine.session, session.id == ended.session
        else { return garbage(from: worker) }
        var reason = ended.reason
        if reason.kind == .stopped, let kind = session.endAs {
            reason.kind = kind
            reason.text = session.endText
        }
        var record = record(of: routine, session, reason: reason)
        record.startMs = session.startMs
        record.finishMs = max(ended.finishMs, 0)
        record.durationMs = max(0, ended.durationNs) / 1_000_000
        record.cycles = ended.cycles
        record.failures = ended.failures
        record.missed = ended.missed
        record.stats = ended.stats
        close(routine, record, hasGoodCycle: ended.goodCycles > 0, disposition: ended.disposition)
        if !routine.policy.isAlive || workers[worker.key] !== worker { retire(worker, ifUnused: true) }
    }

    /// A record with what the supervisor knows by itself.
    func record(of routine: RoutineEntry, _ session: RoutineEntry.Session, reason: SessionRecord.Reason)
        -> SessionRecord
    {
        SessionRecord(
            session: session.id, plugin: routine.plugin.name, pluginVersion: routine.plugin.description?.version,
            build: routine.plugin.file.buildID, routine: routine.name, host: hostName, pid: session.worker.pid,
            startMs: session.startMs, finishMs: clock.wall() / 1_000_000,
            durationMs: max(0, clock.boot() - session.startBoot) / 1_000_000, cycles: 0, reason: reason)
    }

    /// The session is over: the record is kept, and the policy decides what follows.
    func close(
        _ routine: RoutineEntry, _ finished: SessionRecord, hasGoodCycle: Bool,
        disposition: WorkerEvent.Ended.Disposition = .policy
    ) {
        var record = finished
        let step = record.finishMs - record.startMs - record.durationMs
        if abs(step) > 1000 { record.clockStepMs = step }
        count(record, of: routine)
        routine.session = nil
        hangs.remove(routine.key)
        if let timer = routine.stopTimer { deadlines.set(timer, at: nil) }
        keep(record)
        if record.reason.kind.isFailure {
            routine.failures += 1
            hasFailed = true
        }
        if hasGoodCycle { tell(routine, .goodCycle) }
        switch disposition {
        case .policy: break
        case .stop: tell(routine, .stopDecided)
        case .quarantine: tell(routine, .quarantineDecided(why: record.reason.text))
        }
        // A kind that no version of ours writes comes from a plugin on the channel: it failed.
        let ending = RestartPolicy.Ending(rawValue: record.reason.kind.rawValue) ?? .error
        tell(routine, .sessionEnded(ending, cause: Self.cause(record)))
    }

    /// What groups failures: the kind with the signal, frame or text, in which numbers do not count.
    private static func cause(_ record: SessionRecord) -> String {
        let reason = record.reason
        let text = reason.text.split(whereSeparator: \.isNumber).joined(separator: "#")
        return [reason.kind.rawValue, reason.signal, reason.frame ?? (reason.signal == nil ? text : nil)]
            .compactMap { $0 }.joined(separator: " ")
    }

    /// How a session ended, in the ABI's numbers.
    private static func before(_ kind: SessionRecord.Kind?) -> UInt32 {
        switch kind {
        case nil: 0
        case .maxCycles, .until, .endedByRoutine, .stopped, .reloaded, .removed, .quarantined, .other: 1
        case .error: 2
        case .crash, .exit, .peerFailed, .hostDied: 3
        case .timeout: 4
        }
    }

    // MARK: Records

    /// Keeps a record, and tells those who are told of each.
    func keep(_ record: SessionRecord) {
        desk.sessionEnds(record.identifier)
        let line = keeper.keep(record)
        desk.take(line)
        if let command = command(for: record) { desk.run(command, for: line) }
    }

    /// Runs the configured command for a routine that was shut out, with its last record and why.
    private func quarantined(_ routine: RoutineEntry, _ message: String) {
        guard routine.session == nil, var record = keeper.last(of: routine.identifier) else { return }
        record.reason.kind = .quarantined
        record.reason.text = message
        if let command = command(for: record) { desk.run(command, for: RecordLine(record)) }
    }

    /// What is to be run when a session failed; nil when it did not.
    private func command(for record: SessionRecord) -> FailureHook.Command? {
        guard record.reason.kind.isFailure else { return nil }
        let plugin = plugins.values.first { $0.name == record.plugin && $0.state != .removed }
        let routine = plugin?.routines.first { $0.name == record.routine }
        guard let settings = routine?.settings ?? plugin.map({ settingsBeforeDescription(of: $0) }) else { return nil }
        return FailureHook.Command(words: settings.onFailureCommand, timeoutMs: settings.onFailureTimeoutMs)
    }

    /// The sessions that have begun and have no record.
    var openSessions: [OpenSession] {
        routines.values.compactMap { routine in routine.session.map { entry(of: $0, of: routine) } }
    }

    /// What sessions left to be done once a round of the loop: saving tallies, looking for hangs.
    func settleSessions() {
        if hasNewTallies, !isTallySaveDue {
            isTallySaveDue = true
            let timer = tallyTimer ?? deadlines.make { [unowned self] _ in saveTallies() }
            tallyTimer = timer
            // A save waits for the disk: many changes within a moment share one.
            deadlines.set(timer, at: clock.monotonic() + Self.tallyDelay)
        }
        if hasNewHangs {
            hasNewHangs = false
            armHangs()
        }
    }

    func saveTallies() {
        hasNewTallies = false
        isTallySaveDue = false
        let now = clock.monotonic()
        let wall = clock.wall()
        var tallies = savedTallies
        for routine in routines.values {
            tallies[routine.identifier] = routine.policy.tally(at: now, wall: wall, isPaused: routine.isPaused)
        }
        guard tallies != savedTallies else { return }
        do throws(SystemError) {
            try self.tallies.save(tallies, in: state.directory)
            savedTallies = tallies
        } catch {
            log.write(.error, "", "\(error)")
        }
    }
}
