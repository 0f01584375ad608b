internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// How the fleet handles the events and the deaths of workers.
extension WorkerFleet {
    func handle(_ report: WorkerLink.Report, from worker: Worker) {
        switch report {
        case .event(let event): hear(event, from: worker)
        case .output(let isError, let text): say(worker, isError ? .warning : .info, text)
        case .flood(let road, let news): say(worker, .warning, road.text(news))
        case .channelAbused(let abuse): tell(worker, .channelAbuse(abuse))
        case .garbage: tell(worker, .nonsense)
        // A fatal signal also closes the channel; so a crash is known at once, even if its report is never completed.
        case .left:
            guard hasFatalSignal(worker), let process = worker.process else {
                tell(worker, .channelClosed)
                return
            }
            launcher.makeRoomForReport(of: process.pid)
            process.sayRoomIsMade()
            tell(worker, .fatalSignal)
        case .stuck: tell(worker, .stuck)
        case .died(let end): tell(worker, .exited(WorkerEnd(end), remains(of: worker)))
        }
    }

    private func hear(_ event: WorkerEvent, from worker: Worker) {
        switch event {
        case .described(let plugin, let description):
            guard answered(plugin, isForRunning: false, by: worker) != nil else { return }
            events.append(.described(plugin: plugin, description))
        case .loaded(let plugin):
            guard answered(plugin, isForRunning: true, by: worker) != nil else { return }
            worker.loaded.insert(plugin)
            events.append(.loaded(plugin: plugin, worker.key))
        case .refused(let plugin, let stage, let text):
            guard let load = answered(plugin, by: worker) else { return }
            let text = text + tellRefusals(of: worker, SessionRecord.Reason(.error, text: text))
            let failed = FailedLoad(
                refusing: load, at: stage, text: text, hasCopy: stage != .open || launcher.canOpen(load.path),
                pid: worker.process?.pid ?? 0, startedAt: worker.startedAt)
            events.append(.refused(failed))
        case .ended(var ended):
            guard tell(worker, .sessionOver(slot: ended.slot, ended.session)) == .passed else { return }
            ended.reason.text += tellRefusals(of: worker, ended.reason)
            let counts = worker.process?.slotBytes(ended.slot).flatMap { LedgerCounts($0, of: ended.session) }
            candidates.insert(worker.id)
            events.append(.ended(ended, counts, wasTold: !worker.life.isOpen))
        case .log(let line):
            guard worker.loaded.contains(line.plugin) || worker.life.loading.contains(line.plugin) else {
                tell(worker, .nonsense)
                return
            }
            events.append(.line(line, shard: worker.key.shard(of: line.routine)))
        case .dropped: break  // counted with all that were dropped
        case .wantsTurn(let slot, let session, let number, let due):
            guard worker.life.sessions[slot] == session else {
                tell(worker, .nonsense)
                return
            }
            events.append(.wantsTurn(CycleTurns.Request(session: session, number: number), due: due))
        case .turnOver(let slot, let session):
            let isRunning = worker.life.sessions[slot] == session
            if isRunning { events.append(.turnOver(session)) } else { tell(worker, .nonsense) }
        case .wantsHistory(let slot, let session):
            if worker.life.sessions[slot] == session { events.append(.wantsHistory(session)) }
        case .wantsShared(let plugin):
            let isLoaded = worker.loaded.contains(plugin)
            if isLoaded { events.append(.wantsShared(worker.id, plugin: plugin)) } else { tell(worker, .nonsense) }
        case .store(let event):
            guard case .store = worker.key else {
                tell(worker, .nonsense)
                return
            }
            if current[worker.key] == worker.id { events.append(.store(event)) }
        case .goodbye: tell(worker, .goodbye)
        }
    }

    /// Logs system calls that the worker's sandbox has refused; returns the text to append to a reason.
    private func tellRefusals(of worker: Worker, _ reason: SessionRecord.Reason) -> String {
        guard worker.limits.sandbox.level != .off, let process = worker.process else { return "" }
        // Each end of a session comes here, and the page is large.
        let isError = reason.kind == .known(.error)
        guard worker.refusals.mayBeNew(process.refusals, or: isError), let page = process.crash else {
            // Where no call was refused, it may have been a path or a port.
            return isError ? SandboxRefusal.suffix([], of: reason.text) : ""
        }
        if let subject = worker.refusals.news(in: page, of: worker.files) {
            launcher.examine(subject) { [weak self, weak worker] report in
                if let self, let worker {
                    for line in worker.refusals.take(report.refusals) { say(worker, .warning, line) }
                }
                return true
            }
        }
        return isError ? SandboxRefusal.suffix(page.refusals, of: reason.text) : ""
    }

    /// Removes and returns the load that a worker's answer is about; nil if the answer cannot be right.
    private func answered(_ plugin: Int, isForRunning: Bool? = nil, by worker: Worker) -> Load? {
        if let load = worker.pending.first, let isForRunning, load.isForRunning != isForRunning {
            tell(worker, .nonsense)
            return nil
        }
        guard tell(worker, .answer(plugin: plugin)) == .passed, !worker.pending.isEmpty else { return nil }
        queue.leave(plugin)
        candidates.insert(worker.id)
        return worker.pending.removeFirst()
    }

    func say(_ worker: Worker, _ level: LogLevel, _ text: String) { events.append(.said(worker.key, level, text)) }

    // MARK: The death of a worker

    func remains(of worker: Worker) -> Remains {
        guard let process = worker.process else { return Remains() }
        var remains = Remains(of: process, sessions: worker.life.sessions, now: clock.monotonic())
        remains.memoryKills = launcher.memoryKills(of: process.pid)
        remains.memoryMb = worker.limits.memoryMb
        return remains
    }

    func bury(_ worker: Worker, _ verdict: Verdict) {
        let pid = worker.process?.pid ?? 0
        for line in worker.refusals.take(verdict.refusals) { say(worker, .warning, line) }
        if let line = verdict.line(pid: pid) { say(worker, line.isError ? .error : .warning, line.text) }
        workers[worker.id] = nil
        if current[worker.key] == worker.id { current[worker.key] = nil }
        if let timer = worker.timer { deadlines.remove(timer) }
        orphans.workerDied(pid, hasGroup: worker.limits.hasGroups)
        var obituary = Obituary(
            key: worker.key, pid: pid, startedAt: worker.startedAt, ledger: worker.ledgerName, verdict: verdict)
        if undead.contains(worker.id) { obituary.undead = worker.id }
        removeFolders(of: worker)
        for session in verdict.sessions {
            let bytes = worker.process?.slotBytes(session.slot)
            obituary.counts[session.slot] = bytes.flatMap { LedgerCounts($0, of: session.id) }
        }
        for load in worker.pending {
            queue.leave(load.plugin)
            if let failed = verdict.failedLoad, failed.plugin == load.plugin, obituary.failedLoad == nil {
                obituary.failedLoad = FailedLoad(
                    load: load, manner: .died, text: failed.text, reason: failed.reason, pid: pid,
                    startedAt: worker.startedAt, wasKilledFromOutside: failed.wasKilledFromOutside,
                    report: verdict.report)
            } else if load.isForRunning {
                obituary.interrupted.append(load.plugin)
            } else {
                queue.add(load.plugin)
            }
        }
        events.append(.died(obituary))
    }
}

extension WorkerLink.Road {
    /// What is said of a flood.
    func text(_ news: FloodWatch.News) -> String {
        let lines =
            switch self {
            case .log: "log lines"
            case .output: "lines of its output"
            }
        switch news {
        case .began(let count):
            return "\(count) \(lines) dropped: they come too fast, and more are dropped until they are fewer"
        case .ended(let count, let time):
            return "\(count) \(lines) were dropped in \(DurationText.format(milliseconds: time)): now they are fewer"
        }
    }
}
