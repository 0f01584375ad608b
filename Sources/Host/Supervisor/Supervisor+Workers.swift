internal import HostCore
internal import HostSystem

/// Worker processes: which routine is in which, their start, their events and their end.
extension Supervisor {
    /// How long a `load` may take when nobody says, ns.
    private static let loadTimeout: Int64 = 60_000_000_000
    /// Dead children at which a worker gets no further session.
    private static let mostDead = 16

    /// When the load that a worker begins now is over its time: `timeout_ms` bounds it, where that is set.
    private func loadDeadline(of plugin: PluginEntry?) -> Int64 {
        guard let plugin else { return clock.monotonic() + Self.loadTimeout }
        let settings =
            plugin.routines.isEmpty ? [settingsBeforeDescription(of: plugin)] : plugin.routines.map(\.settings)
        guard settings.contains(where: { $0.settings[.timeoutMs] != nil }) else {
            return clock.monotonic() + Self.loadTimeout
        }
        let month: Int64 = 2_678_400_000_000_000
        return clock.monotonic() + (settings.map { min($0.timeoutNanoseconds ?? month, month) }.max() ?? month)
    }

    /// Where a routine runs.
    func key(for routine: RoutineEntry) -> WorkerLink.Key {
        switch isolation(of: routine.plugin) {
        case .plugin: .plugin(routine.plugin.number)
        case .routine: .routine(routine.plugin.number, routine.index)
        case .shared: .shared
        }
    }

    /// The worker of that key, with the plugin loaded or being loaded; throws when none can be had, which is never the
    /// plugin's fault.
    ///
    /// A plugin without a description is only asked for it: its parameters are not known before, and its `load` needs
    /// them.
    func worker(_ key: WorkerLink.Key, for plugin: PluginEntry) throws(SystemError) -> WorkerLink {
        let worker: WorkerLink
        if let present = workers[key], present.limits == limits(key, plugin), !isCrowded(present) {
            worker = present
        } else {
            // It looked at the file before its limits were known, or is crowded.
            if let unfit = workers[key] { retire(unfit) }
            do throws(SystemError) {
                worker = try startWorker(key, for: plugin, limits: limits(key, plugin))
            } catch {
                hasFailed = true
                throw error
            }
        }
        if !worker.loaded.contains(plugin.number), !worker.loading.contains(plugin.number) {
            worker.loading.append(plugin.number)
            worker.send(
                .load(
                    WorkerCommand.Load(
                        plugin: plugin.number, path: plugin.loadPath, name: plugin.fileName,
                        parameters: plugin.routines.first?.settings.paramsJSON ?? "{}",
                        isForRunning: plugin.state != .describing, build: plugin.file.buildID,
                        state: HostProcess.absolute(options.state), isShared: worker.key == .shared)))
            armWorkerTimer(worker)
        }
        return worker
    }

    /// Whether a worker that has no session now holds so many dead processes that the next one had better be elsewhere.
    ///
    /// It is the parent of what its plugin's children leave behind, and may not reap the dead: the system does not tell
    /// those from children that the plugin wants to wait for. They count in its limit of processes.
    private func isCrowded(_ worker: WorkerLink) -> Bool {
        guard worker.sessions.isEmpty, worker.loading.isEmpty, worker.hasHadSession else { return false }
        return HostProcess.deadChildren(of: worker.pid, most: Self.mostDead) >= Self.mostDead
    }

    /// A plugin's limits are its configuration's, which is known once it is described; those of a shared worker are
    /// the host's, since no plugin of it may have its own.
    private func limits(_ key: WorkerLink.Key, _ plugin: PluginEntry) -> WorkerLimits {
        switch key {
        case .shared: hostLimits
        case .plugin: (plugin.routines.first?.settings ?? settingsBeforeDescription(of: plugin)).limits
        case .routine(_, let index):
            plugin.routines.indices.contains(index)
                ? plugin.routines[index].settings.limits : settingsBeforeDescription(of: plugin).limits
        }
    }

    private var hostLimits: WorkerLimits {
        let nobody = PluginDescription(
            id: "", version: "", description: nil, isSerial: false, parameters: [],
            routines: [.init(name: "", description: nil, waitMs: 0, maxCycles: 0, timeoutMs: 0)])
        return EffectiveSettings(
            of: nobody.routines[0], in: nobody, host: hostConfiguration, commandLine: options.overrides
        ).limits
    }

    private func startWorker(_ key: WorkerLink.Key, for plugin: PluginEntry, limits: WorkerLimits) throws(SystemError)
        -> WorkerLink
    {
        nextWorker += 1
        let unique = "\(HostProcess.pid)-\(nextWorker)"
        let report = "\(unique).json"
        let worker = try WorkerLink(
            WorkerLink.Setup(
                key: key, name: key == .shared ? "shared" : plugin.fileName, ledgerName: "\(unique).ledger",
                reportName: report,
                crashReport: backtracer.map { (reportPlace(report), $0) },
                logLevel: log.level.number, now: clock.monotonic(), limits: limits,
                libraryPath: LibraryPath.folders(
                    for: key == .shared ? nil : plugin.file, in: HostProcess.absolute(options.plugins))),
            ledger: try WorkerLedger("\(unique).ledger", in: state.ledgers), loop: loop
        ) { [unowned self] worker, report in
            handle(report, from: worker)
        }
        worker.teardown = Teardown(grace: options.grace)
        worker.timer = deadlines.make { [unowned self, unowned worker] now in workerTimerFired(worker, now) }
        workers[key] = worker
        return worker
    }

    private func handle(_ report: WorkerLink.Report, from worker: WorkerLink) {
        switch report {
        case .event(let event): handle(event, from: worker)
        case .output(let isError, let text):
            log.write(isError ? .warning : .info, subject(of: worker), text)
        case .outputDropped(let count):
            log.write(.warning, subject(of: worker), "\(count) lines of its output dropped: they came too fast")
        case .garbage: garbage(from: worker)
        case .left: left(worker)
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
        if phase == "load" {
            recordLoad(plugin, SessionRecord.Reason(.error, text: text, phase: "load"), in: worker, Autopsy())
        }
        worker.loading.removeFirst()
        // What `load` returns is about the world, and may be good the next time; the rest is about the file.
        let isError = phase == "load"
        failToLoad(plugin, isError ? "its load failed: \(text)" : text, fault: isError ? .error : nil, in: worker)
        retire(worker, ifUnused: true)
        loadNext()
    }

    /// A load came to nothing; `fault` is nil when that is in the file, and will be so until another one is there.
    func failToLoad(_ plugin: PluginEntry, _ text: String, fault: RestartPolicy.Fault?, in worker: WorkerLink) {
        if plugin.state == .describing { return refuse(plugin, text) }
        if plugin.state == .removed { return }
        log.write(.error, plugin.name, text)
        for routine in plugin.routines where routine.isStartPending && key(for: routine) == worker.key {
            routine.isStartPending = false
            tell(routine, fault.map { .startFailed($0, cause: text) } ?? .loadError(text))
        }
    }

    // MARK: Ending workers

    /// Ends a worker in order; with `ifUnused` only when it has no session and no load in progress.
    func retire(_ worker: WorkerLink, ifUnused: Bool = false) {
        if ifUnused, !worker.loading.isEmpty || !worker.sessions.isEmpty || isWanted(worker) { return }
        if workers[worker.key] === worker {
            workers[worker.key] = nil
            leaving[ObjectIdentifier(worker)] = worker
        }
        perform(worker.teardown.handle(.stopGracefully, at: clock.monotonic()), on: worker)
        armWorkerTimer(worker)
    }

    private func isWanted(_ worker: WorkerLink) -> Bool {
        guard workers[worker.key] === worker else { return false }
        return worker.loaded.contains { number in
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
        if case .idle = worker.teardown.state { return }
        if case .asked = worker.teardown.state { return }
        worker.hasBeenKilled = true
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
        var times = [
            worker.teardown.nextDeadline, worker.escalation.nextDeadline, worker.leftDeadline, worker.dyingDeadline,
        ]
        .compactMap { $0 }
        if worker.loading.first != worker.loadDeadline?.plugin {
            worker.loadDeadline = worker.loading.first.map { ($0, loadDeadline(of: plugins[$0])) }
        }
        if let load = worker.loadDeadline { times.append(load.time) }
        deadlines.set(timer, at: times.min())
    }

    private func workerTimerFired(_ worker: WorkerLink, _ now: Int64) {
        perform(worker.teardown.handle(.timerFired, at: now), on: worker)
        perform(worker.escalation.handle(.timerFired, at: now), on: worker)
        if let deadline = worker.dyingDeadline, now >= deadline {
            worker.dyingDeadline = nil
            worker.signal(Signals.kill)
        }
        if let deadline = worker.leftDeadline, now >= deadline {
            worker.leftDeadline = nil
            worker.hasLeft = true
            worker.signal(Signals.kill)
        }
        if let load = worker.loadDeadline, now >= load.time {
            worker.loadDeadline = (load.plugin, .max)
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
