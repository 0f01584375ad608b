internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// The host's life-cycle phase.
enum HostPhase {
    case preparing, running, stopping
}

/// Answers the control desk's questions about the host by asking the components.
final class HostView: ControlledHost {
    private let options: HostOptions
    private let clock: any HostClock
    private let log: HostLog
    private let catalog: PluginCatalog
    private let fleet: WorkerFleet
    private let book: RoutineBook
    private let keeper: RecordKeeper
    private let machine: String
    /// The start of the host, in UTC ms and by the boot clock.
    private let startMs: Int64
    private let startBoot: BootTime
    var phase = HostPhase.preparing
    /// Why a routine that runs on one host only does not run here now, in a few words, as `plugin/routine`.
    var standbyReason: (RoutineStatus) -> String? = { _ in nil }
    /// Performs a person's order about the cluster.
    var clusterOrder: (ControlRequest) -> ControlResponse = { _ in .failed(HostView.noCluster) }
    /// Says what all hosts of the cluster run.
    var fleetStatus: (ControlRequest) -> ControlResponse = { _ in .failed(HostView.noCluster) }
    /// Removes values from the store of shared caches; nil if the host is in no cluster.
    var clearShared: (ControlRequest) -> SharedClearAnswer? = { _ in nil }
    private static let noCluster =
        "this host is in no cluster: cluster: { store: \"redis-store\" } in schedhost.json5 would be one"
    /// The host's part in its cluster; nil if it is in none.
    var cluster: () -> ClusterStatus? = { nil }

    init(
        _ options: HostOptions, machine: String, catalog: PluginCatalog, fleet: WorkerFleet, book: RoutineBook,
        keeper: RecordKeeper, clock: any HostClock, log: HostLog
    ) {
        self.options = options
        self.machine = machine
        self.catalog = catalog
        self.fleet = fleet
        self.book = book
        self.keeper = keeper
        self.clock = clock
        self.log = log
        startMs = clock.wallMilliseconds()
        startBoot = clock.boot()
    }

    var isStopping: Bool { phase == .stopping }
    var isReady: Bool { phase != .preparing && catalog.isReady }

    var summary: HostSummary {
        let (routines, running, quarantined) = book.tally
        return HostSummary(
            isReady: isReady, isStopping: isStopping, readyPlugins: catalog.readyCount, routines: routines,
            running: running, quarantined: quarantined)
    }

    func isWorker(_ pid: Int32) -> Bool { fleet.isWorker(pid) }
    func isOrphan(_ child: Int32) -> Bool { fleet.orphans.fate(of: child) == .kill }

    var hasProgress: Bool { book.hasProgress }

    func progress(most: Int) -> [RoutineStatus] {
        book.progress(most: most) { [keeper] in keeper.lifetimeCycles(of: $0) }
    }

    /// The status, read from the ledgers and from the kernel, so that workers are not disturbed.
    func freshStatus() -> HostStatus {
        var status = ownStatus()
        status.plugins = catalog.status()
        status.routines = book.status { [keeper] in keeper.lifetimeCycles(of: $0) }
        for index in status.routines.indices { explainStandby(&status.routines[index]) }
        status.cluster = cluster()
        status.workers = fleet.status { name(of: $0) }
        return status
    }

    func freshSheet(of plugin: String, _ routine: String, last: SessionRecord?) -> RoutineSheet? {
        guard var found = book.status(of: plugin, routine, lifetime: { [keeper] in keeper.lifetimeCycles(of: $0) })
        else { return nil }
        explainStandby(&found.routine)
        var status = ownStatus()
        status.plugins = catalog.status().filter { $0.id == plugin }
        status.routines = [found.routine]
        status.workers = found.routine.worker.map { fleet.status(only: $0) { name(of: $0) } } ?? []
        return RoutineSheet(found.routine, at: status, sharing: found.sharing, last: last)
    }

    private func explainStandby(_ routine: inout RoutineStatus) {
        if routine.state == .standby { routine.why = standbyReason(routine) }
    }

    /// What the status says of the host itself.
    private func ownStatus() -> HostStatus {
        var status = HostStatus(
            version: HostVersion.text, pid: HostProcess.pid, host: machine, nowMs: clock.wallMilliseconds(),
            startMs: startMs, uptimeMs: max(0, clock.boot() - startBoot) / 1_000_000, pluginsPath: options.plugins,
            statePath: options.state, logLevel: log.level.rawValue)
        status.isStopping = isStopping
        status.isReady = isReady
        let own = ProcessUsage(of: HostProcess.pid)
        status.residentBytes = own?.residentBytes
        status.cpuMs = own?.cpuMs
        status.sandboxABI = SandboxMaker.support.abi
        status.sandboxGaps = SandboxMaker.support.missing
        status.refusedConfigurations = catalog.refused.all(of: catalog.entries.values)
        return status
    }

    func perform(_ order: ControlRequest) -> ControlResponse {
        switch order.action {
        case .status: .status(freshStatus())
        case .reload: reload()
        case .logLevel: setLogLevel(order.level)
        case .dropCached: dropCached(order)
        case .logs: lines(order)
        case .resume: resume(order)
        case .drain, .undrain, .move: clusterOrder(order)
        case .fleet: fleetStatus(order)
        case .clearShared: .clearShared(clearShared(order))
        case .runNow, .pause, .restart, .stop: RoutineOrders(book: book).perform(order)
        }
    }

    /// The name of a worker in the log.
    func name(of key: WorkerKey) -> String {
        switch key {
        case .plugin(let number): catalog.name(number)
        case .routine(let number, let index): catalog.subject(number, routine: index) ?? ""
        case .shard(let number, let index, let shard):
            catalog.subject(number, routine: index).map { "\($0)#\(shard)" } ?? ""
        case .shared: "shared"
        case .store(let number): catalog.name(number) + " (store)"
        }
    }

    /// Resumes routines, and lets plugins have names that other files had before.
    private func resume(_ order: ControlRequest) -> ControlResponse {
        let orders = RoutineOrders(book: book)
        let given = phase == .stopping ? [] : catalog.giveNames(Set(order.identifiers))
        let rest = order.identifiers.filter { !given.contains($0) }
        let outcomes = given.map {
            ControlResponse.Outcome(id: $0, isDone: true, text: "its file has that name from now on")
        }
        if given.isEmpty || !rest.isEmpty {
            switch orders.perform(ControlRequest(.resume, identifiers: rest)) {
            case .outcomes(let others): return .outcomes(outcomes + others)
            case .failed(let text) where !given.isEmpty:
                return .outcomes(outcomes + [.init(id: "", isDone: false, text: text)])
            case let other: return other
            }
        }
        return .outcomes(outcomes)
    }

    private func reload() -> ControlResponse {
        let isDone = phase != .stopping
        if isDone { catalog.reload() }
        let text = isDone ? "plugins and configurations are looked at again" : "the host is stopping"
        return .outcomes([.init(id: "", isDone: isDone, text: text)])
    }

    /// Makes workers drop values of disk caches whose files were removed: of the named routines, or of all. Unknown
    /// names are ignored, since their files may belong to a plugin that is gone.
    private func dropCached(_ order: ControlRequest) -> ControlResponse {
        let places = RoutineOrders(book: book).places(of: order.identifiers)
        // Whoever names a plugin, and no routine, means what its routines share as well.
        let isWide = order.identifiers.isEmpty || order.identifiers.contains { !$0.contains("/") }
        let plugins = isWide ? Set(places.map(\.plugin)) : []
        for (plugin, routine) in places.map({ ($0.plugin, $0.routine) }) + plugins.sorted().map({ ($0, -1) }) {
            fleet.send(
                .dropCached(.init(plugin: plugin, routine: routine, name: order.name, key: order.key)),
                toWorkersOf: plugin)
        }
        return .outcomes([.init(id: "", isDone: true, text: "the workers load anew")])
    }

    /// The log lines that an order asks for. An unknown name is an error, unless there are lines with it.
    private func lines(_ order: ControlRequest) -> ControlResponse {
        let words = order.identifiers
        func isMeant(_ subject: String) -> Bool {
            if subject.contains("/") { return words.contains { RoutineSelection.isMeant(subject, by: $0) } }
            return words.contains { InstanceName.matches(subject, by: String($0.prefix { $0 != "/" })) }
        }
        let plugins = Set(catalog.status().flatMap { [$0.id, $0.file] } + log.recorder.subjects)
        let known = Set(book.routines.values.map(\.identifier) + log.recorder.subjects.filter { $0.contains("/") })
        do throws(RoutineSelection.Unknown) {
            _ = try RoutineSelection.resolve(words.filter { !plugins.contains($0) }, among: Array(known))
        } catch {
            return .failed("\(error)")
        }
        return .lines(log.recorder.lines(order.query) { words.isEmpty || isMeant($0) })
    }

    /// Sets the log level; nil only returns it.
    private func setLogLevel(_ level: LogLevel?) -> ControlResponse {
        guard let level else { return .level(log.level) }
        log.level = level
        fleet.setLogLevel(level.number)
        log.write(.info, "", "log level \(level.rawValue)")
        return .level(level)
    }
}
