internal import HostCore
internal import HostSystem

/// Worker processes: which routine is in which, their start, their events and their end.
extension Supervisor {
    /// How long a `load` may take, ns.
    static let loadTimeout: Int64 = 60_000_000_000

    /// Where a routine runs.
    func key(for routine: RoutineEntry) -> WorkerLink.Key {
        switch isolation(of: routine.plugin) {
        case .plugin: .plugin(routine.plugin.number)
        case .routine: .routine(routine.plugin.number, routine.index)
        case .shared: .shared
        }
    }

    /// The worker of that key, with the plugin loaded or being loaded; nil when none can be had.
    func worker(_ key: WorkerLink.Key, for plugin: PluginEntry) -> WorkerLink? {
        let worker: WorkerLink
        if let present = workers[key] {
            worker = present
        } else {
            do throws(SystemError) {
                worker = try startWorker(key, name: key == .shared ? "shared" : plugin.fileName)
            } catch {
                log.write(.error, plugin.name, "no worker: \(error)")
                hasFailed = true
                if plugin.state == .describing { refuse(plugin, "no worker for it: \(error)") }
                return nil
            }
        }
        if !worker.loaded.contains(plugin.number), !worker.loading.contains(plugin.number) {
            worker.loading.append(plugin.number)
            worker.send(
                .load(
                    WorkerCommand.Load(
                        plugin: plugin.number, path: plugin.loadPath, name: plugin.fileName,
                        parameters: plugin.routines.first?.settings.paramsJSON ?? settingsBeforeDescription(of: plugin).paramsJSON,
                        isForRunning: true, build: plugin.file.buildID, state: options.state)))
            armWorkerTimer(worker)
        }
        return worker
    }

    private func startWorker(_ key: WorkerLink.Key, name: String) throws(SystemError) -> WorkerLink {
        nextWorker += 1
        let unique = "\(HostProcess.pid)-\(nextWorker)"
        let report = "\(unique).json"
        let worker = try WorkerLink(
            WorkerLink.Setup(
                key: key, name: name, ledgerName: "\(unique).ledger", reportName: report,
                reportPath: options.keepsReports ? absoluteReportPath(report) : nil,
                logLevel: log.level.number, now: clock.monotonic(), limits: []),
            ledger: try state.ledgers.create("\(unique).ledger"), loop: loop
        ) { [unowned self] worker, report in
            handle(report, from: worker)
        }
        worker.teardown = Teardown(grace: options.grace)
        worker.timer = deadlines.make { [unowned self, unowned worker] now in workerTimerFired(worker, now) }
        workers[key] = worker
        return worker
    }

    private func absoluteReportPath(_ name: String) -> String { state.reports.child(name) }

    private func handle(_ report: WorkerLink.Report, from worker: WorkerLink) {
        switch report {
        case .event(let event): handle(event, from: worker)
        case .output(let isError, let text):
            log.write(isError ? .warning : .info, subject(of: worker), text)
        case .outputDropped(let count):
            log.write(.warning, subject(of: worker), "\(count) lines of its output dropped: they came too fast")
        case .garbage: garbage(from: worker)
        case .died(let end): died(worker, end)
        }
    }

    private func handle(_ event: WorkerEvent, from worker: WorkerLink) {
        switch event {
        case .loaded(let plugin, let description): loaded(plugin, description, by: worker)
        case .refused(let plugin, let phase, let text): refused(plugin, phase, text, by: worker)
        case .ended(let ended): sessionEnded(ended, in: worker)
        case .log(let line): write(line, from: worker)
        case .dropped(let count):
            log.write(.warning, subject(of: worker), "\(max(0, count)) log lines dropped: they came too fast")
        case .goodbye: worker.hasSaidGoodbye = true
        }
    }

    private func write(_ line: WorkerEvent.Log, from worker: WorkerLink) {
        guard let plugin = plugins[line.plugin] else { return garbage(from: worker) }
        let routines = plugin.description?.routines ?? []
        let name = line.routine.flatMap { routines.indices.contains($0) ? routines[$0].name : nil }
        log.write(
            LogLevel(number: line.level), name.map { plugin.name + "/" + $0 } ?? plugin.name, line.text,
            ms: line.ms)
    }

    /// What a worker cannot have said: a plugin has written on its channel. Told once a worker.
    func garbage(from worker: WorkerLink) {
        guard !worker.hasSpoiledChannel else { return }
        worker.hasSpoiledChannel = true
        log.write(.warning, subject(of: worker), "something was written on its channel that is no event: ignored")
    }

    /// What to call a worker in the log.
    func subject(of worker: WorkerLink) -> String {
        switch worker.key {
        case .plugin(let number): plugins[number]?.name ?? ""
        case .routine(let number, let index):
            plugins[number].map { plugin in
                plugin.routines.indices.contains(index) ? plugin.routines[index].identifier : plugin.name
            } ?? ""
        case .shared: "shared"
        }
    }

    /// A plugin cannot be loaded by a worker.
    private func refused(_ number: Int, _ phase: String, _ text: String, by worker: WorkerLink) {
        guard worker.loading.first == number, let plugin = plugins[number] else { return garbage(from: worker) }
        worker.loading.removeFirst()
        failToLoad(plugin, phase == "load" ? "its load failed: \(text)" : text, in: worker)
        retire(worker, ifUnused: true)
        loadNext()
    }

    /// A load came to nothing.
    func failToLoad(_ plugin: PluginEntry, _ text: String, in worker: WorkerLink) {
        if plugin.state == .describing { return refuse(plugin, text) }
        log.write(.error, plugin.name, text)
        for routine in plugin.routines where routine.isStartPending && key(for: routine) == worker.key {
            routine.isStartPending = false
            tell(routine, .loadError(text))
        }
    }

    // MARK: Ending workers

    /// Ends a worker in order; with `ifUnused` only when it has no session and no load in progress.
    func retire(_ worker: WorkerLink, ifUnused: Bool = false) {
        if ifUnused, !worker.loading.isEmpty || hasSessions(worker) || isWanted(worker) { return }
        if workers[worker.key] === worker {
            workers[worker.key] = nil
            leaving[ObjectIdentifier(worker)] = worker
        }
        perform(worker.teardown.handle(.stopGracefully, at: clock.monotonic()), on: worker)
        armWorkerTimer(worker)
    }

    private func hasSessions(_ worker: WorkerLink) -> Bool {
        routines.values.contains { $0.session?.worker === worker }
    }

    private func isWanted(_ worker: WorkerLink) -> Bool {
        worker.loaded.contains { number in
            plugins[number]?.routines.contains { key(for: $0) == worker.key && $0.policy.isAlive } ?? false
        }
    }

    func perform(_ action: Teardown.Action, on worker: WorkerLink) {
        switch action {
        case .none: break
        case .ask:
            worker.isQuitting = true
            worker.send(.quit)
        case .terminate: worker.signal(Signals.terminate)
        case .kill: worker.signal(Signals.kill)
        }
    }

    func perform(_ action: HangEscalation.Action, on worker: WorkerLink) {
        switch action {
        case .none: break
        case .abort(let thread):
            if !worker.signal(Signals.abort, thread: thread) {
                perform(worker.escalation.handle(.abortFailed, at: clock.monotonic()), on: worker)
            }
        case .kill: worker.signal(Signals.kill)
        }
    }

    /// One timer a worker, for the earliest of its deadlines.
    func armWorkerTimer(_ worker: WorkerLink) {
        guard let timer = worker.timer else { return }
        var times = [worker.teardown.nextDeadline, worker.escalation.nextDeadline].compactMap { $0 }
        if worker.loading.isEmpty {
            worker.loadDeadline = nil
        } else {
            let deadline = worker.loadDeadline ?? clock.monotonic() + Self.loadTimeout
            worker.loadDeadline = deadline
            times.append(deadline)
        }
        deadlines.set(timer, at: times.min())
    }

    private func workerTimerFired(_ worker: WorkerLink, _ now: Int64) {
        perform(worker.teardown.handle(.timerFired, at: now), on: worker)
        perform(worker.escalation.handle(.timerFired, at: now), on: worker)
        if let deadline = worker.loadDeadline, now >= deadline {
            worker.loadDeadline = .max
            worker.hasHungInLoad = true
            perform(worker.escalation.handle(.hang(thread: worker.pid), at: now), on: worker)
        }
        armWorkerTimer(worker)
    }
}

extension RestartPolicy {
    /// Whether a session runs or will, as things stand.
    var isAlive: Bool {
        switch state {
        case .waiting, .starting, .running, .ending: true
        case .idle, .complete, .stopped, .quarantined: false
        }
    }
}
