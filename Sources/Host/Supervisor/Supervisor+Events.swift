internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// What the answers of each component mean for the others.
extension Supervisor {
    // MARK: Plugins

    func perform(_ change: PluginCatalog.Change) {
        switch change {
        case .describe(let number): fleet.enqueue(number)
        case .forget(let number): fleet.leaveQueue(number)
        case .ready(let program):
            cluster?.ready(program)
            book.add(program)
            for (position, part) in program.parts.enumerated() {
                let place = SilenceMonitor.Place(program: program.number, position: position)
                quiet.begin(part.identifier, part.settings, at: place)
            }
        case .reworded(let program): book.reword(program)
        case .refused: hasFailed = true
        case .retire(let number, let kind, let text):
            cluster?.retired(number)
            book.retire(number, as: kind, text)
            fleet.retire(number)
        }
    }

    /// Forgets plugins of which nothing runs any more. Only then their successors begin, so that two sessions of one
    /// routine never overlap.
    func letGo() {
        let gone = catalog.retiring.filter { !fleet.holds($0) && !book.hasSessions($0) }
        guard !gone.isEmpty else { return }
        quiet.forget(Set(gone))
        book.forget(Set(gone))
        catalog.ended(gone)
    }

    /// Grants the cycles whose turn it is.
    func grantTurns() {
        guard turns.waitingCount > 0 else { return }
        for wish in turns.take(at: clock.boot()) {
            guard let seat = book.running[wish.session]?.session?.seat else { continue }
            fleet.send(.go(slot: seat.slot, number: wish.number), to: seat)
        }
    }

    // MARK: Workers

    func perform(_ event: WorkerFleet.Event) {
        switch event {
        case .described(let number, let description): catalog.described(number, description)
        case .loaded(let number, let key):
            for store in stores { store.loaded(key) }
            book.goOn(number, in: key)
        case .store(let event): cluster?.heard(event)
        case .wantsShared(let worker, let plugin):
            cluster?.sharedCaches.wants(worker, plugin: plugin, home: fleet.home(of: worker))
        case .refused(let failed): fail(failed)
        case .noWorker(let number, let why):
            hasFailed = true
            catalog.couldNotDescribe(number, why)
        case .ended(let ended, let counts, let wasTold):
            turns.forget(ended.session)
            if let routine = book.running[ended.session] {
                quiet.ended(routine.identifier, session: ended.session.rawValue, good: ended.goodCycles)
            }
            book.ended(ended, counts, wasTold: wasTold)
        case .wantsTurn(let wish, let due):
            if let routine = book.running[wish.session], let session = routine.session {
                turns.want(wish, due: due, begun: session.startBoot, routine.settings.turns)
            }
        case .turnOver(let session): turns.over(session)
        case .wantsHistory(let session):
            guard let routine = book.running[session], let seat = routine.session?.seat else { break }
            let past = keeper.past(of: routine.identifier)
            fleet.send(.history(.init(slot: seat.slot, session: session, past: past)), to: seat)
        case .died(let obituary):
            keeper.spent(ledger: obituary.ledger)
            for store in stores { store.died(obituary.key) }
            book.died(obituary)
            turns.keep { book.running[$0] != nil }
            if let failed = obituary.failedLoad { fail(failed) }
        case .gone(let worker): LeasedRoutines(book: book).gone(worker)
        case .line(let line, let shard):
            guard var subject = catalog.subject(line.plugin, routine: line.routine) else { break }
            if let shard { subject += "#\(shard)" }
            let time = LineTime.shown(line.ms, now: clock.wallMilliseconds())
            log.write(LogLevel(number: line.level), subject, line.text, ms: time)
        case .leftovers(let count):
            let what = count == 1 ? "a process" : "\(count) processes"
            log.write(.warning, "", "ended \(what) that workers of a host before this one had left behind")
        case .said(let key, let level, let text): log.write(level, view.name(of: key), text)
        }
    }

    private func fail(_ failed: FailedLoad) {
        let number = failed.load.plugin
        if case .store = failed.load.key {
            for store in stores { store.failed(failed.load.key, failed.text) }
            return keeper.drop(failed.report)
        }
        if failed.load.isForRunning { return book.loadFailed(failed) }
        guard let name = catalog.subject(number) else { return keeper.drop(failed.report) }
        book.record(failed, of: name, version: catalog.version(number), for: ["-"])
        if failed.wasKilledFromOutside {
            catalog.killedWhileDescribed(number, failed.text)
        } else {
            catalog.couldNotDescribe(number, failed.text)
        }
    }

    // MARK: Routines

    func perform(_ action: RoutineBook.Action) {
        switch action {
        case .start(let start): begin(start)
        case .send(let command, let seat): fleet.send(command, to: seat)
        case .endOverdue(let seat, let identifier, let say):
            if fleet.overdue(seat) { log.write(.warning, identifier, say) }
        case .endHung(let seat, let standstill, let identifier, let say):
            if fleet.end(seat, standstill) { log.write(.error, identifier, say) }
        case .release(let key): fleet.release(key)
        case .record(let record, let report, let settings): keep(record, report, settings)
        case .say(let level, let identifier, let text): log.write(level, identifier, text)
        case .dropReport(let report): keeper.drop(report)
        case .quarantined(let identifier, let why): quarantined(identifier, why)
        }
    }

    /// Begins a session in a worker that has its plugin, or has a worker load the plugin first.
    private func begin(_ start: RoutineBook.Start) {
        guard book.isWaiting(start.routine) else { return }
        if !fleet.hasLoaded(start.load) { catalog.keepCopy(of: start.load.plugin) }
        let worker: WorkerID
        do throws(SystemError) {
            guard case .ready(let present) = try fleet.prepare(start.load) else { return }
            worker = present
        } catch {
            return error.isUnderWay
                ? book.couldNotBegin(start.routine, "no worker yet: \(error)", level: .info)
                : book.couldNotBegin(start.routine, "no worker: \(error)")
        }
        let id = book.nextSession()
        do throws(SystemError) {
            let seat = try fleet.seat(id, plugin: start.load.plugin, routine: start.index, in: worker)
            guard let session = book.begin(start.routine, id, in: seat) else { return fleet.unseat(id, seat) }
            do throws(SystemError) {
                try keeper.open(session)
            } catch {
                fleet.unseat(id, seat)
                throw error
            }
            let identifier = session.plugin + "/" + session.routine
            book.began(
                start.routine,
                RoutineBook.Past(cycles: keeper.lifetimeCycles(of: identifier), end: keeper.lastEnd(of: identifier)))
        } catch {
            book.couldNotBegin(start.routine, "no session: \(error)")
        }
    }

    /// Keeps a record, and notifies everyone who is told of each record.
    private func keep(_ finished: SessionRecord, _ report: String?, _ settings: EffectiveSettings?) {
        var record = finished
        record.hostID = cluster?.hostID
        desk.sessionEnds(record.identifier)
        if record.reason.isFailure {
            let lines = log.recorder.last(LastLines.most, of: record.identifier, in: record.plugin)
            lastLines.keep(lines, of: record, at: clock.monotonic())
        }
        let line = keeper.keep(record, report: report)
        desk.take(line)
        cluster?.desk.add(line.record)
        let settings = settings ?? catalog.settings(plugin: record.plugin, routine: record.routine)
        runHook(\.onEndCommand, line, settings)
        guard record.reason.isFailure else { return }
        hasFailed = true
        quiet.failed(record.identifier)
        runHook(\.onFailureCommand, line, settings)
    }

    /// What a routine is doing, for the watch for silence and recovery; nil if it is gone.
    func activity(at place: SilenceMonitor.Place) -> SilenceMonitor.Activity? {
        guard let routine = routine(at: place), !routine.owner.isRetired else { return nil }
        if routine.isPaused || !routine.settings.isEnabled || book.mustWait(routine) { return .rests }
        switch routine.policy.state {
        case .complete, .stopped: return .rests
        case .idle, .waiting, .starting, .running, .ending, .quarantined: break
        }
        guard let session = routine.session, let counted = fleet.snapshot(session.seat) else {
            return .works(session: 0, good: 0)
        }
        return .works(session: session.id.rawValue, good: counted.goodCycles)
    }

    private func routine(at place: SilenceMonitor.Place) -> RoutineEntry? {
        guard let routines = book.programs[place.program]?.routines, routines.indices.contains(place.position) else {
            return nil
        }
        return routines[place.position]
    }

    /// Runs the command that is configured for silence or recovery of a routine, with a record of what is known.
    func tell(_ identifier: String, _ place: SilenceMonitor.Place, _ notice: QuietWatch.Notice) {
        let parts = identifier.split(separator: "/", maxSplits: 1).map { String($0) }
        guard parts.count == 2 else { return }
        let running = routine(at: place)?.session
        let now = clock.wallMilliseconds()
        var record = SessionRecord(
            session: running?.id ?? keeper.last(of: identifier)?.session ?? SessionID(rawValue: 0), plugin: parts[0],
            routine: parts[1], startMs: running?.startMs ?? now, finishMs: now, durationMs: 0, cycles: 0,
            reason: SessionRecord.Reason(named: "recovered"))
        switch notice {
        case .recovered:
            record.reason.text = "a good cycle after failures"
            log.write(.info, identifier, record.reason.text)
            runHook(\.onRecoveryCommand, of: record)
        case .silent(let time):
            record.reason = SessionRecord.Reason(named: "silent")
            record.reason.text = "no good cycle for \(DurationText.format(milliseconds: time / 1_000_000))"
            log.write(.warning, identifier, record.reason.text)
            runHook(\.silenceCommand, of: record)
        }
    }

    /// Runs the command that is configured for the failure of a quarantined routine, with its last record and the
    /// reason.
    private func quarantined(_ identifier: String, _ why: String) {
        hasFailed = true
        guard var record = keeper.last(of: identifier) else { return }
        record.reason.kind = .known(.quarantined)
        record.reason.text = why
        runHook(\.onFailureCommand, of: record)
    }

    /// Runs the command of the settings that apply to the record's routine now.
    private func runHook(_ words: (EffectiveSettings) -> [String], of record: SessionRecord) {
        runHook(words, RecordLine(record), catalog.settings(plugin: record.plugin, routine: record.routine))
    }

    private func runHook(
        _ words: (EffectiveSettings) -> [String], _ line: RecordLine, _ settings: EffectiveSettings?
    ) {
        guard let settings else { return }
        desk.run(
            FailureHook.Command(words: words(settings), timeoutMs: settings.onFailureTimeoutMs), for: line)
    }
}
