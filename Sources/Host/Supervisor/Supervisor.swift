internal import HostPolicy
public import HostSystem
internal import HostValues
internal import HostViews

/// The host: manages plugins, workers and sessions on one thread, and runs no plugin code. Crash reports are read on
/// other threads (`ReportReader`).
///
/// Its components make the decisions, each about its own state: `PluginCatalog` about plugins, `WorkerFleet` about
/// workers, `RoutineBook` about sessions, `RecordKeeper` about records, `ControlDesk` about the interfaces for people.
/// No component knows another. They are asked here in turn, and the others are told each one's answers.
public final class Supervisor {
    private let options: HostOptions
    private let state: HostState
    private let loop: EventLoop
    let deadlines = Deadlines()
    let launcher: ProcessLauncher
    let log: HostLog
    let catalog: PluginCatalog
    let fleet: WorkerFleet
    let book: RoutineBook
    let keeper: RecordKeeper
    let view: HostView
    let desk: ControlDesk
    let quiet: SilenceMonitor
    /// Decides whose cycle may begin, where the number of concurrent cycles is limited.
    var turns = CycleTurns()
    /// Saves the last log lines of sessions that failed.
    var lastLines: LastLines
    private let crashReports: CrashReports
    private let groups: WorkerGroups
    private let marks: HostMarks
    /// What the host has of its cluster; nil if it is in none.
    var cluster: ClusterParts?
    let clock: any HostClock
    /// How long the start may wait for killing what an earlier host has left, in ns.
    private static let patience: Int64 = 2_000_000_000
    private var signals = HostSignals { [terminal = ControllingTerminal()] in terminal.isGone }
    private var stateGuard: StateGuard?
    var hasFailed = false
    private var hasCaughtUp = false

    /// Makes a host, which takes its state directory. Throws errors that the user can remedy.
    public init(_ options: HostOptions, clock: any HostClock) throws {
        // From here on signals are blocked until the loop reads them, so that one that comes while many records are
        // read is neither lost nor ends the process.
        _ = try SignalDescriptor(HostSignals.all)
        self.options = options
        self.clock = clock
        let machine = HostProcess.hostName
        log = HostLog(format: options.logFormat, level: options.logLevel, clock: clock)
        _ = try Directory(options.plugins)
        if !options.allowsUnsafePermissions { try HostState.requireParents(of: options.plugins) }
        state = try HostState.open(options.state, allowsUnsafePermissions: options.allowsUnsafePermissions)
        try state.requireLock()
        try state.requireExecution()
        loop = try EventLoop(clock: clock)
        let folder = try SystemPluginFolder(
            options.plugins, state: state.directory, allowsUnsafePermissions: options.allowsUnsafePermissions,
            polls: options.polls, loop: loop, deadlines: deadlines, clock: clock, log: log)
        catalog = PluginCatalog(
            PluginCatalog.Settings(options), folder: folder, clock: clock, deadlines: deadlines, log: log)
        lastLines = try LastLines(in: state.directory)
        crashReports = try CrashReports(in: state.directory, keepsReports: options.keepsReports)
        let sandboxes = SandboxMaker(
            hidden: [options.state] + HostSurroundings.credentials, configuration: options.configuration,
            plugins: catalog.settings.plugins, clock: clock, deadlines: deadlines,
            tell: { [log] in log.write(.info, "", $0) }, changes: { folder.changes }
        ) { folder.libraryNames }
        let mark = HostMark(pid: HostProcess.pid, number: UInt64.random(in: 0 ... .max))
        marks = HostMarks(options.state, own: mark)
        groups = WorkerGroups(SystemGroupFiles(), owner: mark) { [log] in
            log.write(.warning, "", $0)
        }
        launcher = try ProcessLauncher(
            loop: loop, clock: clock, state: state.directory, backtracer: crashReports.backtracer,
            mark: mark,
            sandboxes: sandboxes, groups: groups,
            users: WorkerUsers(in: state.directory, tell: { [log] in log.write(.warning, "", $0) }) { [catalog] in
                catalog.resolver.host.users?.value
            })
        fleet = WorkerFleet(
            launcher: launcher,
            orphans: Orphans(SystemProcesses(own: mark, groups: groups), clock: clock, deadlines: deadlines),
            clock: clock,
            deadlines: deadlines, grace: options.grace, logLevel: options.logLevel.number)
        book = RoutineBook(
            host: RoutineBook.Host(name: machine, boot: bootIdentifier(), grace: options.grace), ledgers: fleet,
            tallies: try StateTallies(in: options.state),
            memory: try ScheduleMemory(in: options.state, log: log), clock: clock, deadlines: deadlines, log: log)
        keeper = RecordKeeper(
            try StateRecords(in: options.state, log: log), reports: crashReports, host: machine,
            boot: bootIdentifier(), clock: clock, deadlines: deadlines, log: log)
        view = HostView(
            options, machine: machine, catalog: catalog, fleet: fleet, book: book, keeper: keeper, clock: clock,
            log: log)
        desk = try ControlDesk(
            ControlDesk.Settings(options), host: view, manager: ServiceManager(), loop: loop, deadlines: deadlines,
            clock: clock, log: log)
        quiet = SilenceMonitor(clock: clock, deadlines: deadlines)
        quiet.activity = { [unowned self] in activity(at: $0) }
        quiet.tell = { [unowned self] in tell($0, $1, $2) }
        stateGuard = StateGuard(options.state, loop: loop, deadlines: deadlines, clock: clock, log: log) {
            [unowned self] in
            if view.phase != .stopping { desk.openControlSocket() }
        } writeSessions: { [unowned self] in
            keeper.openSessionsAreGone()
        } giveUp: { [unowned self] in
            hasFailed = true
            stop()
        }
    }

    /// The outcome of a host's run.
    public enum Completion: Sendable {
        case success
        /// A failure that was logged: of a session, if the host was to end when idle, or of writing records.
        case failure
    }

    /// Runs until the host is told to stop, or until it is idle if it is to end then.
    public func run() throws -> Completion {
        let arriving = try SignalDescriptor(HostSignals.all)
        HostProcess.becomeHost()
        fleet.orphans.adoption = Adoption(
            isFirstProcess: HostProcess.pid == 1, inherited: HostProcess.children(),
            gainsNoPrivileges: ProcessFamily.gainsNoPrivileges(HostProcess.pid) ?? true)
        HostProcess.adoptOrphans()
        _ = try loop.watch(arriving.descriptor) { [unowned self] _ in
            while let signal = arriving.next() { receive(signal) }
        }
        try prepare()
        try desk.open(history: keeper.history)
        try catalog.begin()
        view.phase = .running
        try loop.run { now in
            deadlines.settle(now: now)
            settle()
            catchUpOnce()
            if book.takeChange() || desk.awaitsReadiness || view.phase == .stopping { desk.notify() }
            keeper.write { book.openSessions }
            if isDone { loop.stop() }
            return deadlines.earliest
        }
        desk.close()
        book.saveTallies()
        if fleet.orphans.isOver { marks.remove() }
        let lost = keeper.finish { book.openSessions }
        // The journal already has a line for each session.
        if !keeper.history.isEmpty, !StandardStream.output.isJournal {
            let width = StandardStream.output.isTerminal ? TerminalSize.columns : nil
            StandardStream.output.write(
                RecordTable.table(keeper.history, width: width, isColored: StandardStream.output.showsColors))
        }
        return lost > 0 || hasFailed && options.exitsWhenIdle ? .failure : .success
    }

    private func prepare() throws {
        try endLeftovers()
        for record in keeper.recover() { book.recovered(record) }
        if let fault = marks.note() {
            log.write(
                .warning, "", "should this host be killed, the next one will not find what its workers leave: \(fault)")
        }
        try catalog.loadHostConfiguration()
        try joinCluster(state: options.state)
        log.write(
            .info, "",
            "schedhost \(HostVersion.text), pid \(HostProcess.pid), plugins \(options.plugins), state \(options.state)")
        let sandbox = catalog.resolver.sharedLimits.sandbox
        if sandbox.level != .off, log.level <= .info,
            let text = WorkerEnvironment.notice(of: WorkerLink.inherited, with: sandbox.environment)
        {
            log.write(.info, "", text)
        }
        if let want = crashReports.want { log.write(.warning, "", want) }
    }

    /// Kills what workers of an earlier host have left, before new workers do the same work beside it.
    private func endLeftovers() throws {
        let deadline = clock.monotonic() + Self.patience
        let nothing = try Poller()
        fleet.orphans.inherit(from: marks.predecessors)
        while true {
            fleet.huntOrphans(sparing: [])
            if fleet.orphans.isOver || clock.monotonic() >= deadline { return }
            _ = try nothing.wait(milliseconds: 2) { _, _ in }
            fleet.orphans.mayHaveCome()
        }
    }

    /// Does once what the first workers, which are starting by now, need not wait for: reserves disk space before records are
    /// written, and removes empty groups of dead hosts.
    private func catchUpOnce() {
        guard !hasCaughtUp else { return }
        hasCaughtUp = true
        keeper.reserveSpace()
        _ = groups.sweep(owners: [])
    }

    /// Performs the components' answers until there are no more.
    private func settle() {
        repeat {
            for change in catalog.take() { perform(change) }
            for event in fleet.take() { perform(event) }
            for action in book.take() { perform(action) }
            settleCluster()
            letGo()
            grantTurns()
            if view.phase != .stopping { fleet.describeWaiting(catalog.order) }
            if !isUnsettled {
                fleet.retireUnused { key, count in stores.contains { $0.key == key } || book.wants(key, count) }
            }
        } while isUnsettled
        if desk.hasRunCommand { fleet.orphans.adoption.hookHasRun() }
        fleet.huntOrphans(sparing: desk.processes)
        if isUnsettled { settle() }
        book.settle()
    }

    private var isUnsettled: Bool {
        !catalog.changes.isEmpty || !fleet.events.isEmpty || !book.actions.isEmpty || cluster?.hasOrders == true
    }

    /// Whether the host can end: everything was told to stop or is complete, and nothing is running any more.
    private var isDone: Bool {
        let isIdle = options.exitsWhenIdle && view.phase != .preparing && isIdle
        if !fleet.isEmpty, isIdle, view.phase == .running { stop() }
        guard fleet.isGone else { return false }
        return (view.phase == .stopping || isIdle) && desk.isIdle
    }

    /// Whether no plugin is being scanned or described, and no routine runs or is about to.
    private var isIdle: Bool { !fleet.hasSessions && catalog.isSettled && book.isIdle }

    // MARK: The end

    private func receive(_ signal: Int32) {
        switch signals.wish(of: signal, at: clock.monotonic()) {
        case .again, .errorTells: break
        case .stopAtOnce:
            log.write(.warning, "", "\(signalName(signal)) again: ending at once")
            fleet.endAll(atOnce: true)
        case .stop:
            log.write(.info, "", "\(signalName(signal)): stopping")
            stop()
        case .childEnded: fleet.childEnded()
        case .ignore:
            log.write(.info, "", "\(signalName(signal)) means nothing to a host; SIGHUP reloads, SIGTERM stops")
        case .reload:
            guard view.phase != .stopping else { break }
            desk.reloadBegins()
            catalog.reload()
        }
    }

    /// Stops everything gracefully.
    private func stop() {
        view.phase = .stopping
        catalog.stop()
        desk.beginShutdown()
        book.stop()
        // The stores' workers end last: by them leases are given back, and caches are shared until the last session's end.
        fleet.endAll(but: cluster?.storeKeys ?? [])
        cluster?.stop()
    }
}
