internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// Where people and tools ask a running host and give it orders: the control socket, the page and the metrics, the service
/// manager, the line of progress, and the command that is run when a session fails.
///
/// It knows nothing of plugins and workers: `ControlledHost` has the answers.
final class ControlDesk {
    /// How long an answer is good, ns: many clients at once cost as much as one.
    static let freshness: Int64 = 50_000_000

    /// What is opened.
    struct Settings {
        /// The state directory.
        var state: String
        /// Where the page and the metrics are served; nil: nowhere.
        var listen: ListenAddress?
        /// Whether others than this machine may be served.
        var listensAnywhere = false
        /// A file that is replaced by the metrics every 10 s.
        var metricsFile: String?
        /// Whether the log goes to a person, who is shown how far long runs are.
        var showsProgress = false
    }

    let settings: Settings
    let clock: any HostClock
    let log: any ConsoleLog
    let loop: EventLoop
    let deadlines: Deadlines
    private unowned let host: any ControlledHost
    /// The worker that was refused last: each is told once, not each of its attempts.
    private var refusedWorker: Int32 = 0
    private let state: Directory
    private let hook: FailureHook
    private let manager: ServiceManager?
    private let progress: ProgressDisplay?
    private var control: SocketServer?
    var web: SocketServer?
    private var metricsFile: MetricsFile?
    /// The newest records, where a page shows them.
    var recent: RecentRecords?
    /// Answers that were made a moment ago.
    private var status = KeptAnswer<HostStatus>()
    private var statusLine = KeptAnswer<[UInt8]>()
    private var metricsText = KeptAnswer<[UInt8]>()
    private var statusText = KeptAnswer<[UInt8]>()

    /// A desk that nobody can reach yet.
    init(
        _ settings: Settings, host: any ControlledHost, manager: ServiceManager?, loop: EventLoop, deadlines: Deadlines,
        clock: any HostClock, log: any ConsoleLog
    ) throws(SystemError) {
        self.settings = settings
        self.host = host
        self.manager = manager
        self.loop = loop
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
        state = try Directory(settings.state)
        hook = FailureHook(loop: loop, deadlines: deadlines, clock: clock, log: log)
        progress = settings.showsProgress ? ProgressDisplay(host, deadlines: deadlines, clock: clock, log: log) : nil
    }

    /// Opens what the host is asked by. `history` are the records of this host so far. A control socket that cannot be had
    /// is said, and the host runs on; throws what the user can mend.
    func open(history: [SessionRecord]) throws {
        openControlSocket()
        manager?.begin(deadlines, clock) { [unowned self] in host.summary }
        if let address = settings.listen { try listen(at: address, history: history) }
        guard let path = settings.metricsFile else { return }
        metricsFile = try MetricsFile(path: path, deadlines: deadlines, clock: clock, log: log) { [unowned self] in
            metrics()
        }
    }

    /// Makes the control socket, in the place of one that is gone.
    func openControlSocket() {
        control?.close()
        control = nil
        // The name is ours, whatever lies there.
        try? state.remove(HostState.controlSocket)
        do throws(SystemError) {
            control = try SocketServer(
                try UnixSocket.listen(state, name: HostState.controlSocket), loop: loop, deadlines: deadlines,
                clock: clock,
                bounds: SocketServer.Bounds()
            ) { [unowned self] socket in converse(socket) }
        } catch {
            log.write(.error, "", "no control socket, so status and the like cannot be had: \(error)")
        }
    }

    /// Only who runs the host, and root, may ask: beside the file's mode, since a descriptor can be handed on. Plugins run as
    /// the same user, and what a plugin asks for is none of its operator's wishes: neither a worker nor what it has started
    /// is answered.
    private func converse(_ socket: borrowing Descriptor) -> (any SocketConversation)? {
        guard let (user, process) = try? socket.peer(), user == HostProcess.user || user == 0 else { return nil }
        let family = [process] + ProcessFamily.ancestors(of: process, most: 64)
        if let worker = family.first(where: { host.isWorker($0) }) {
            if worker != refusedWorker {
                log.write(
                    .warning, "", "worker \(worker) asks on the control socket, which is for people: not answered")
            }
            refusedWorker = worker
            return nil
        }
        return ControlConversation { [unowned self] request in answer(request) }
    }

    /// Closes what `open` opened.
    func close() {
        log.footer = ""
        control?.close()
        control = nil
        web?.close()
        web = nil
        if case .unix(let path) = settings.listen {
            let (folder, name) = Directory.split(path)
            try? Directory(folder).remove(name)
        }
        metricsFile?.write()
        try? state.remove(HostState.controlSocket)
    }

    // MARK: What it is told

    /// A session is over: how far it was is not shown under the line that says so.
    func sessionEnds(_ identifier: String) {
        forget()  // who was told of the end sees it in the next status
        progress?.sessionEnds(identifier)
    }

    /// A record is complete.
    func take(_ line: RecordLine) { recent?.add(line) }

    /// Runs what is configured for a failure, with the record of it.
    func run(_ command: FailureHook.Command, for line: RecordLine) { hook.call(command, line) }

    /// Something happened in this round of the loop. Costs nothing where nobody is to be told.
    func notify() {
        manager?.notify()
        progress?.look()
    }

    /// Whether somebody waits to be told that the host is ready.
    var awaitsReadiness: Bool { manager.map { !$0.hasSaidReady } ?? false }

    /// A reload begins; `notify` says when it is over.
    func reloadBegins() { manager?.reloadBegins() }

    /// The host ends: commands that still run do not keep it long.
    func beginShutdown() { hook.beginShutdown() }

    /// Whether no command runs.
    var isIdle: Bool { hook.isDone }

    /// Whether a command has run.
    var hasRunCommand: Bool { hook.hasRun }

    /// The process ids of the commands that run.
    var processes: Set<Int32> { hook.processes }

    // MARK: Answers

    /// The answer to one request, as a line.
    func answer(_ request: ControlRequest) -> [UInt8] {
        switch request.action {
        case .status: return statusLine.get(at: clock.monotonic()) { ControlResponse.status(currentStatus()).line() }
        case .logs: return host.perform(request).line()
        case .runNow, .pause, .resume, .restart, .stop, .reload, .logLevel, .dropCached:
            forget()
            if request.action == .reload, !host.summary.isStopping { reloadBegins() }
            return host.perform(request).line()
        }
    }

    /// The status, at most `freshness` old.
    func currentStatus() -> HostStatus { status.get(at: clock.monotonic()) { host.freshStatus() } }

    /// The metrics, at most `freshness` old.
    func metrics() -> [UInt8] { metricsText.get(at: clock.monotonic()) { MetricsText.text(currentStatus()) } }

    /// The status as JSON, at most `freshness` old.
    func statusJSON() -> [UInt8] { statusText.get(at: clock.monotonic()) { currentStatus().json() } }

    /// The status in a few numbers.
    var summary: HostSummary { host.summary }

    /// Invalidates answers that were kept.
    private func forget() {
        status.forget()
        statusLine.forget()
        statusText.forget()
        metricsText.forget()
    }
}

/// An answer that holds for a moment.
private struct KeptAnswer<Value> {
    private var kept: (made: MonotonicTime, value: Value)?

    /// The answer that was made a moment ago, or a new one.
    mutating func get(at now: MonotonicTime, _ make: () -> Value) -> Value {
        if let kept, now - kept.made < ControlDesk.freshness { return kept.value }
        let value = make()
        kept = (now, value)
        return value
    }

    mutating func forget() { kept = nil }
}
