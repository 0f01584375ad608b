public import HostCore
public import HostSystem

/// The host: watches over plugins, workers and sessions, on one thread, and runs no plugin code.
///
/// Pure state machines decide (`RestartPolicy`, `HangWatch`, `Teardown`); this performs.
public final class Supervisor {
    /// How a host is run.
    public struct Options: Sendable {
        /// The directory of the plugins.
        public var plugins: String
        /// The state directory.
        public var state: String
        /// `schedhost.json5`; nil: the one in the plugins directory, if there is one.
        public var configuration: String?
        /// What the command line sets for all routines.
        public var overrides = ConfigurationLayer()
        /// Whether the host ends when nothing runs and nothing will.
        public var exitsWhenIdle = false
        /// Grace of a running cycle at a stop, ns.
        public var grace: Int64 = 10_000_000_000
        /// Whether files that others can write are taken.
        public var allowsUnsafePermissions = false
        /// Whether a crash leaves a report.
        public var keepsReports = true
        /// Lines from this level on are shown.
        public var logLevel = LogLevel.info
        /// The form of the log.
        public var logFormat = LogFormat.text
        /// Where the page and the metrics are served; nil: nowhere.
        public var listen: ListenAddress?
        /// Whether others than this machine may be served.
        public var listensAnywhere = false
        /// A file that is replaced by the metrics every 10 s.
        public var metricsFile: String?

        /// The defaults for these directories.
        public init(plugins: String, state: String) {
            self.plugins = plugins
            self.state = state
        }
    }

    let options: Options
    let state: HostState
    let log: HostLog
    let loop: EventLoop
    let clock: any HostClock
    let deadlines = Deadlines()
    private var controlDesk: ControlDesk?
    /// The host's start, UTC ms and boot ns.
    let startMs: Int64
    let startBoot: Int64
    let hostName = HostProcess.hostName
    let keeper: RecordKeeper
    let fleet: WorkerFleet
    let book: RoutineBook
    let crashReports: CrashReports
    private let hasBacktracer: Bool
    var hostConfiguration = HostConfiguration()

    var plugins: [Int: PluginEntry] = [:]
    let copies: PrivateCopies
    var watch: DirectoryWatch?
    var looks = PluginLooks()
    /// Plugins that are ending because their file is gone or another one.
    var departing: [PluginEntry] = []
    var hasDepartures = false
    var nextNumber = 0
    var isStopping = false
    var hasFailed = false
    var hasStarted = false

    /// A host that has its state directory. Throws what the user can mend.
    public init(_ options: Options, clock: any HostClock) throws {
        self.options = options
        self.clock = clock
        log = HostLog(format: options.logFormat, level: options.logLevel, clock: clock)
        _ = try Directory(options.plugins)
        state = try HostState.open(options.state)
        try state.requireLock()
        copies = try PrivateCopies(in: state.directory)
        let records = try StateRecords(in: options.state)
        for warning in records.warnings { log.write(.warning, "", warning) }
        keeper = RecordKeeper(records, host: hostName, clock: clock, deadlines: deadlines, log: log)
        loop = try EventLoop(clock: clock)
        crashReports = try CrashReports(in: state.directory, keepsReports: options.keepsReports)
        let backtracer = options.keepsReports ? Backtracer.find() : nil
        hasBacktracer = backtracer != nil
        fleet = WorkerFleet(
            launcher: try ProcessLauncher(
                loop: loop, clock: clock, state: state.directory, reports: crashReports, backtracer: backtracer),
            clock: clock, deadlines: deadlines, grace: options.grace, logLevel: options.logLevel.number)
        book = RoutineBook(
            host: RoutineBook.Host(name: hostName, boot: bootIdentifier(), grace: options.grace), ledgers: fleet,
            tallies: try StateTallies(in: options.state), clock: clock, deadlines: deadlines, log: log)
        startMs = clock.wall() / 1_000_000
        startBoot = clock.boot()
        var settings = ControlDesk.Settings(state: options.state)
        settings.listen = options.listen
        settings.listensAnywhere = options.listensAnywhere
        settings.metricsFile = options.metricsFile
        settings.showsProgress = StandardStream.error.isTerminal && options.logFormat == .text
        controlDesk = try ControlDesk(
            settings, host: self, manager: ServiceManager(), loop: loop, deadlines: deadlines, clock: clock, log: log)
    }

    /// The desk, which is there from the end of `init` on.
    var desk: ControlDesk {
        guard let controlDesk else { preconditionFailure("asked in init") }
        return controlDesk
    }

    /// What a host comes to.
    public enum Completion: Sendable {
        case success
        /// Something failed and was said: a session, where the host was to end when idle, or the writing of records.
        case failure
    }

    /// Runs until it is told to stop, or is idle and shall end then.
    public func run() throws -> Completion {
        let signals = try SignalDescriptor(Self.stopSignals + Self.ignoredSignals + [Signals.hangup, Signals.child])
        Signals.ignoreBrokenPipes()
        HostProcess.raiseOpenFiles()
        HostProcess.keepLittleFreeMemory()  // what many routines take when they begin
        // Swift's handler returns from a SIGABRT that somebody else sent, such as systemd's watchdog: to be killed by it
        // is what is meant.
        Signals.restoreDefault(Signals.abort)
        fleet.adoption = Adoption(isFirstProcess: HostProcess.pid == 1, inherited: HostProcess.children())
        HostProcess.adoptOrphans()
        _ = try loop.watch(signals.descriptor) { [unowned self] _ in
            while let signal = signals.next() { receive(signal) }
        }
        try prepare()
        try desk.open(history: keeper.history)
        try watchPlugins()
        hasStarted = true
        try loop.run { now in
            deadlines.settle(now: now)
            settle()
            if book.takeChange() || desk.awaitsReadiness || isStopping { desk.notify() }
            keeper.write { book.openSessions }
            if isDone { loop.stop() }
            return deadlines.earliest
        }
        desk.close()
        book.saveTallies()
        let lost = keeper.finish()
        if !keeper.history.isEmpty {
            let width = StandardStream.output.isTerminal ? TerminalSize.columns : nil
            StandardStream.output.write(RecordTable.table(keeper.history, width: width))
        }
        return lost > 0 || hasFailed && options.exitsWhenIdle ? .failure : .success
    }

    private func prepare() throws {
        keeper.recover()
        crashReports.sweep()
        ControlGroup.sweep()
        try loadHostConfiguration()
        log.write(
            .info, "",
            "schedhost \(HostVersion.text), pid \(HostProcess.pid), plugins \(options.plugins), state \(options.state)")
        if options.keepsReports, !hasBacktracer {
            log.write(
                .warning, "",
                "no crash reports: swift-backtrace is not found; scripts/install puts it beside the host, or have the "
                    + "toolchain's swift in PATH")
        }
    }

    /// Signals that end the host in order. SIGPWR is what a machine or container whose power fails is sent.
    private static let stopSignals = [Signals.interrupt, Signals.terminate, Signals.powerFailure]
    /// Signals whose default would end the host by surprise: a wrong pkill, or a timer that a parent left behind.
    private static let ignoredSignals = [
        Signals.user1, Signals.user2, Signals.alarm, Signals.virtualAlarm, Signals.profile, Signals.processorTime,
        Signals.fileSize,
    ]

    func receive(_ signal: Int32) {
        switch signal {
        case _ where Self.stopSignals.contains(signal): stop(signal)
        case Signals.child: fleet.childEnded()
        case _ where Self.ignoredSignals.contains(signal):
            log.write(.info, "", "\(signalName(signal)) means nothing to a host; SIGHUP reloads, SIGTERM stops")
        default:
            desk.reloadBegins()
            for plugin in plugins.values { if case .refused = plugin.state { tryAgain(plugin) } }
            scan()
        }
    }

    /// Nothing runs and nothing will: either everything was told to stop, or all is complete.
    private var isDone: Bool {
        guard fleet.isEmpty else {
            if options.exitsWhenIdle, !isStopping, hasStarted, isIdle { stopWorkers() }
            return false
        }
        guard isStopping || (options.exitsWhenIdle && isIdle) else { return false }
        return desk.isIdle
    }

    /// No plugin is being looked at, and no routine runs or is about to.
    private var isIdle: Bool {
        !fleet.hasSessions && looks.isSettled && departing.isEmpty
            && plugins.values.allSatisfy { $0.state != .describing && $0.state != .waiting }
            && book.isIdle
    }
}
