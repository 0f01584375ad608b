internal import HostCore
internal import HostSystem

/// What the workers are to describe, and what follows from what they say.
extension Supervisor {
    /// How long a `load` may take when nobody says, ns.
    private static let loadTimeout: Int64 = 60_000_000_000
    /// After how long it is tried again to get a worker, where there was none to be had, ns.
    private static let retry: Int64 = 2_000_000_000

    // MARK: Orders

    /// The order to load a plugin; for running, the book fills in where each routine runs.
    func load(_ plugin: PluginEntry, isForRunning: Bool) -> Load {
        let first = plugin.settings.first ?? settingsBeforeDescription(of: plugin)
        let key: WorkerKey =
            switch first.isolation {
            case .plugin: .plugin(plugin.number)
            case .routine: .routine(plugin.number, 0)
            case .shared: .shared
            }
        let limits = plugin.settings.isEmpty ? [first] : plugin.settings
        return Load(
            plugin: plugin.number, path: plugin.loadPath, name: plugin.fileName, build: plugin.file.buildID,
            parameters: plugin.settings.first?.paramsJSON ?? "{}", isForRunning: isForRunning,
            state: HostProcess.absolute(options.state), key: key,
            limits: key == .shared ? sharedLimits : first.limits,
            libraryPath: LibraryPath.folders(
                for: key == .shared ? nil : plugin.file, in: HostProcess.absolute(options.plugins)),
            limit: Self.loadLimit(limits))
    }

    /// How long a load may take: `timeout_ms` bounds it, where that is set.
    private static func loadLimit(_ settings: [EffectiveSettings]) -> Int64 {
        guard settings.contains(where: { $0.settings[.timeoutMs] != nil }) else { return loadTimeout }
        let month: Int64 = 2_678_400_000_000_000
        return settings.map { min($0.timeoutNanoseconds ?? month, month) }.max() ?? month
    }

    /// Those of a shared worker are the host's, since no plugin of it may have its own.
    var sharedLimits: WorkerLimits {
        let nobody = PluginDescription.unknown("")
        return EffectiveSettings(
            of: nobody.routines[0], in: nobody, host: hostConfiguration, commandLine: options.overrides
        ).limits
    }

    /// Has the plugins described that wait for it, as many as may load at once.
    private func describeNext() {
        guard !isStopping else { return fleet.closeQueue() }
        while let number = fleet.nextToDescribe() {
            guard let plugin = plugins[number], plugin.state == .describing else {
                fleet.leaveQueue(number)
                continue
            }
            expectConfiguration(of: plugin)
            do throws(SystemError) {
                try fleet.prepare(load(plugin, isForRunning: false))
                fleet.queueGoesOn()
            } catch {
                guard error.isShortage else {
                    hasFailed = true
                    refuse(plugin, "no worker for it: \(error)")
                    continue
                }
                // The host's own want says nothing about the file.
                if fleet.haltQueue(at: clock.monotonic() + Self.retry, for: number) {
                    log.write(.error, plugin.name, "no worker for it: \(error); it is tried again until there is one")
                }
            }
        }
    }

    // MARK: What they say

    /// Does what follows from what happened, until there is nothing more.
    func settle() {
        repeat {
            for event in fleet.take() { perform(event) }
            for action in book.take() { perform(action) }
            settleDepartures()
            describeNext()
            if book.actions.isEmpty, fleet.events.isEmpty { fleet.retireUnused { book.wants($0, $1) } }
        } while !book.actions.isEmpty || !fleet.events.isEmpty
        fleet.reapOrphans(sparing: desk.processes, hasRunHooks: desk.hasRunCommand)
        book.settle()
    }

    private func perform(_ event: WorkerFleet.Event) {
        switch event {
        case .described(let number, let description):
            if let plugin = plugins[number], plugin.state == .describing { describe(plugin, description) }
        case .loaded(let number, let key): book.goOn(number, in: key)
        case .refused(let failed): failed.load.isForRunning ? book.loadFailed(failed) : couldNotDescribe(failed)
        case .ended(let ended, let counts): book.ended(ended, counts)
        case .died(let obituary):
            keeper.spent(ledger: obituary.ledger)
            book.died(obituary)
            if let failed = obituary.failedLoad {
                failed.load.isForRunning ? book.loadFailed(failed) : couldNotDescribe(failed)
            }
        case .line(let line): write(line)
        case .said(let key, let level, let text): log.write(level, name(of: key), text)
        }
    }

    /// A plugin could not be described. A SIGKILL from outside says nothing about its file: it is tried a few times.
    private func couldNotDescribe(_ failed: FailedLoad) {
        guard let plugin = plugins[failed.load.plugin] else {
            return failed.report.map { crashReports.drop($0) } ?? ()
        }
        book.record(failed, of: plugin.name, version: plugin.description?.version, for: ["-"])
        guard plugin.state == .describing else { return }
        if failed.isInnocent { plugin.killedLooks += 1 }
        if failed.isInnocent, plugin.killedLooks <= 5 {
            fleet.enqueue(plugin.number)
        } else {
            refuse(plugin, failed.text)
        }
    }

    private func write(_ line: WorkerEvent.Log) {
        guard let plugin = plugins[line.plugin] else { return }
        let routines = plugin.description?.routines ?? []
        let name = line.routine.flatMap { routines.indices.contains($0) ? routines[$0].name : nil }
        log.write(
            LogLevel(number: line.level), name.map { plugin.name + "/" + $0 } ?? plugin.name, line.text,
            ms: line.ms)
    }

    /// What to call a worker in the log.
    func name(of key: WorkerKey) -> String {
        switch key {
        case .plugin(let number): plugins[number]?.name ?? ""
        case .routine(let number, let index):
            plugins[number].map { plugin in
                let routines = plugin.description?.routines ?? []
                return routines.indices.contains(index) ? plugin.name + "/" + routines[index].name : plugin.name
            } ?? ""
        case .shared: "shared"
        }
    }

    // MARK: The host's own end

    /// A signal asks the host to end: the first time in order, the second time at once.
    func stop(_ signal: Int32) {
        if isStopping {
            log.write(.warning, "", "\(signalName(signal)) again: ending at once")
            return fleet.endAll(atOnce: true)
        }
        log.write(.info, "", "\(signalName(signal)): stopping")
        stopWorkers()
    }

    /// Ends all workers in order.
    func stopWorkers() {
        isStopping = true
        desk.beginShutdown()
        book.stop()
        fleet.endAll()
    }
}
