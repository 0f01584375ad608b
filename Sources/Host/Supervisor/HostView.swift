internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// How far the life of a host is.
enum HostPhase {
    case preparing, running, stopping
}

/// What people see of the host and want of it: the control desk asks here, and the components answer.
final class HostView: ControlledHost {
    private let options: HostOptions
    private let clock: any HostClock
    private let log: HostLog
    private let catalog: PluginCatalog
    private let fleet: WorkerFleet
    private let book: RoutineBook
    private let keeper: RecordKeeper
    private let machine: String
    /// The start, UTC ms and since the boot.
    private let startMs: Int64
    private let startBoot: BootTime
    var phase = HostPhase.preparing

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

    /// Whether every plugin file that is there was looked at.
    private var isReady: Bool { phase != .preparing && catalog.isReady }

    var summary: HostSummary {
        let (routines, running, quarantined) = book.tally
        return HostSummary(
            isReady: isReady, isStopping: phase == .stopping, readyPlugins: catalog.readyCount, routines: routines,
            running: running, quarantined: quarantined)
    }

    func isWorker(_ pid: Int32) -> Bool { fleet.isWorker(pid) }

    var hasProgress: Bool { book.hasProgress }

    func progress(most: Int) -> [RoutineStatus] {
        book.progress(most: most) { [keeper] in keeper.lifetimeCycles(of: $0) }
    }

    /// The status, read from the ledgers and from the kernel: workers are not asked, and do not notice.
    func freshStatus() -> HostStatus {
        var status = HostStatus(
            version: HostVersion.text, pid: HostProcess.pid, host: machine, nowMs: clock.wallMilliseconds(),
            startMs: startMs, uptimeMs: max(0, clock.boot() - startBoot) / 1_000_000, pluginsPath: options.plugins,
            statePath: options.state, logLevel: log.level.rawValue)
        status.isStopping = phase == .stopping
        status.isReady = isReady
        let own = ProcessUsage(of: HostProcess.pid)
        status.residentBytes = own?.residentBytes
        status.cpuMs = own?.cpuMs
        status.sandboxABI = SandboxMaker.support.abi
        status.sandboxGaps = SandboxMaker.support.missing
        status.plugins = catalog.status()
        status.routines = book.status { [keeper] in keeper.lifetimeCycles(of: $0) }
        status.workers = fleet.status { name(of: $0) }
        return status
    }

    func perform(_ order: ControlRequest) -> ControlResponse {
        switch order.action {
        case .status: .status(freshStatus())
        case .reload: reload()
        case .logLevel: setLogLevel(order.level)
        case .dropCached: dropCached(order)
        case .logs: lines(order)
        case .runNow, .pause, .resume, .restart, .stop: RoutineOrders(book: book).perform(order)
        }
    }

    /// What to call a worker in the log.
    func name(of key: WorkerKey) -> String {
        switch key {
        case .plugin(let number): catalog.name(number)
        case .routine(let number, let index): catalog.subject(number, routine: index) ?? ""
        case .shared: "shared"
        }
    }

    private func reload() -> ControlResponse {
        let isDone = phase != .stopping
        if isDone { catalog.reload() }
        let text = isDone ? "plugins and configurations are looked at again" : "the host is stopping"
        return .outcomes([.init(id: "", isDone: isDone, text: text)])
    }

    /// Lets the workers go of what they hold of disk caches whose files were removed: of the routines named, or of all.
    /// Names that no plugin has are none of its affair: their files may be left of one that is gone.
    private func dropCached(_ order: ControlRequest) -> ControlResponse {
        for (plugin, routine) in RoutineOrders(book: book).places(of: order.identifiers) {
            fleet.send(
                .dropCached(.init(plugin: plugin, routine: routine, name: order.name, key: order.key)),
                toWorkersOf: plugin)
        }
        return .outcomes([.init(id: "", isDone: true, text: "the workers load anew")])
    }

    /// The lines that are asked for. A name that no routine and no plugin has is a mistake, unless there are lines of it.
    private func lines(_ order: ControlRequest) -> ControlResponse {
        let words = order.identifiers
        func isMeant(_ subject: String) -> Bool {
            if subject.contains("/") { return words.contains { RoutineSelection.isMeant(subject, by: $0) } }
            return words.contains { InstanceName.isMeant(subject, by: String($0.prefix { $0 != "/" })) }
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

    /// Sets the level, or with nil only tells it.
    private func setLogLevel(_ level: LogLevel?) -> ControlResponse {
        guard let level else { return .level(log.level) }
        log.level = level
        fleet.setLogLevel(level.number)
        log.write(.info, "", "log level \(level.rawValue)")
        return .level(level)
    }
}
