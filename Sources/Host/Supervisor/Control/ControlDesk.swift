internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// The interfaces of a running host for people and tools: the control socket, the page and the metrics, the service
/// manager, the progress line, and the command that runs when a session fails.
///
/// It knows nothing of plugins and workers, but asks `ControlledHost`.
final class ControlDesk {
    /// How long an answer is cached, in ns, so that many clients at once cost as much as one.
    static let freshness: Int64 = 50_000_000

    /// The options of a desk.
    struct Settings {
        /// The state directory.
        var state: String
        /// The address of the page and the metrics; nil if they are not served.
        var listen: ListenAddress?
        /// Whether other machines may be served.
        var listensAnywhere = false
        /// The names under which other machines reach the page.
        var listenNames: [String] = []
        /// A file that is replaced with the current metrics every 10 s.
        var metricsFile: String?
        /// Whether the log goes to a terminal, where the progress of long runs is shown.
        var showsProgress = false
    }

    let settings: Settings
    let clock: any HostClock
    let log: any ConsoleLog
    let loop: EventLoop
    let deadlines: Deadlines
    unowned let host: any ControlledHost
    /// The refusals of requests that were logged, each once and not at each attempt.
    private var toldRefusals: Set<ControlPeer.Refusal> = []
    private let peers = ControlPeer(
        host: HostProcess.pid, hostGainsNoPrivileges: ProcessFamily.gainsNoPrivileges(HostProcess.pid) ?? true)
    /// Who got an answer last.
    private var known: KnownPeer?

    private final class KnownPeer {
        let process: PeerProcess
        init(_ process: consuming PeerProcess) { self.process = process }
    }

    private let state: Directory
    private let hook: FailureHook
    private let manager: ServiceManager?
    private let progress: ProgressDisplay?
    private var control: SocketServer?
    var web: SocketServer?
    private var metricsFile: MetricsFile?
    /// The newest records, if there is a page that shows them.
    var recent: RecentRecords?
    /// Cached answers; see `freshness`.
    private var status = KeptAnswer<HostStatus>()
    private var statusLine = KeptAnswer<[UInt8]>()
    private var metricsText = KeptAnswer<[UInt8]>()
    private var statusText = KeptAnswer<[UInt8]>()

    /// Makes a desk that is not reachable yet.
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

    /// Opens the interfaces. `history` has this host's records so far. If the control socket cannot be opened, that is
    /// logged and the host continues; other errors, which the user can remedy, are thrown.
    func open(history: [SessionRecord]) throws {
        openControlSocket()
        do { try openOthers(history) } catch {
            // The host ends: its socket would look as if it had been killed.
            closeControlSocket()
            throw error
        }
    }

    private func openOthers(_ history: [SessionRecord]) throws {
        manager?.begin(
            deadlines, clock,
            ServiceManager.Host(
                isReady: { [unowned self] in host.isReady }, isStopping: { [unowned self] in host.isStopping },
                summary: { [unowned self] in host.summary }))
        if let address = settings.listen { try listen(at: address, history: history) }
        guard let path = settings.metricsFile else { return }
        metricsFile = try MetricsFile(path: path, deadlines: deadlines, clock: clock, log: log) { [unowned self] in
            metrics()
        }
    }

    /// Opens the control socket, replacing a former one.
    func openControlSocket() {
        control?.close()
        control = nil
        // The name belongs to the host, so whatever file has it is removed.
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

    /// Accepts a connection from the host's own user or root. The check complements the socket's mode, since a
    /// descriptor can be passed on.
    ///
    /// Processes of plugins get no answer: see `ControlPeer`.
    private func converse(_ socket: borrowing Descriptor) -> (any SocketConversation)? {
        guard let (user, process) = try? socket.peer(), user == HostProcess.user || user == 0 else { return nil }
        // A plugin cannot become root where the host is not, so root needs no closer look: its processes may be hidden.
        if user == HostProcess.user, let refusal = refusal(of: process, at: socket) {
            if toldRefusals.insert(refusal).inserted { log.write(.warning, "", refusal.line(process)) }
            return nil
        }
        return ControlConversation { [unowned self] request in answer(request) }
    }

    private func refusal(of pid: Int32, at socket: borrowing Descriptor) -> ControlPeer.Refusal? {
        // It is the same process, and no other one has its id: to look at it again would cost a crowd's share.
        if let known, known.process.isStill(pid) { return nil }
        guard let peer = PeerProcess(of: socket, pid: pid) else { return .gone }
        // One of them may just end, and the next one take its place.
        let ancestors = ProcessFamily.ancestors(of: pid, most: 1000) ?? ProcessFamily.ancestors(of: pid, most: 1000)
        let refusal = peers.refusal(
            of: pid, ancestors: ancestors,
            gainsNoPrivileges: ProcessFamily.gainsNoPrivileges(pid), isWorker: host.isWorker
        ) { child in !hook.processes.contains(child) && host.isOrphan(child) }
        // What was read counts only if the process is still there.
        if let refusal = refusal ?? (peer.isGone ? .gone : nil) { return refusal }
        known = KnownPeer(peer)
        return nil
    }

    /// Closes the interfaces that `open` has opened.
    func close() {
        log.footer = ""
        closeControlSocket()
        web?.close()
        web = nil
        if case .unix(let path) = settings.listen {
            let (folder, name) = Directory.split(path)
            try? Directory(folder).remove(name)
        }
        metricsFile?.write()
    }

    private func closeControlSocket() {
        control?.close()
        control = nil
        try? state.remove(HostState.controlSocket)
    }

    // MARK: Notifications

    /// Notes the end of a session, so that its progress is not shown below the log line about the end.
    func sessionEnds(_ identifier: String) {
        forget()  // a client that has learned of the end sees it in the next status
        progress?.sessionEnds(identifier)
    }

    /// Adds a complete record.
    func take(_ line: RecordLine) { recent?.add(line) }

    /// Runs the command that is configured for a failure, with its record.
    func run(_ command: FailureHook.Command, for line: RecordLine) { hook.call(command, line) }

    /// Updates service manager and progress line after a round of the loop; cheap when nothing changed.
    func notify() {
        manager?.notify()
        progress?.look()
    }

    /// Whether the service manager has yet to be told that the host is ready.
    var awaitsReadiness: Bool { manager.map { !$0.hasSaidReady } ?? false }

    /// Tells the service manager that a reload begins; `notify` reports its end.
    func reloadBegins() { manager?.reloadBegins() }

    /// Prepares for the end of the host: commands that still run get only a short time.
    func beginShutdown() { hook.beginShutdown() }

    /// Whether no command is running.
    var isIdle: Bool { hook.isDone }

    /// Whether any command has run.
    var hasRunCommand: Bool { hook.hasRun }

    /// The process ids of the running commands.
    var processes: Set<Int32> { hook.processes }

    // MARK: Answers

    /// The response line to one request.
    func answer(_ request: ControlRequest) -> [UInt8] {
        switch request.action {
        case .status: return statusLine.get(at: clock.monotonic()) { ControlResponse.status(currentStatus()).line() }
        case .logs, .fleet, .clearShared: return host.perform(request).line()
        case .runNow, .pause, .resume, .restart, .stop, .reload, .logLevel, .dropCached, .drain, .undrain,
            .move:
            forget()
            if request.action == .reload, !host.isStopping { reloadBegins() }
            return host.perform(request).line()
        }
    }

    /// The status, at most `freshness` old.
    func currentStatus() -> HostStatus { status.get(at: clock.monotonic()) { host.freshStatus() } }

    /// The metrics, at most `freshness` old.
    func metrics() -> [UInt8] { metricsText.get(at: clock.monotonic()) { MetricsText.text(currentStatus()) } }

    /// The status as JSON, at most `freshness` old.
    func statusJSON() -> [UInt8] { statusText.get(at: clock.monotonic()) { currentStatus().json() } }

    /// A summary of the status in a few numbers.
    var summary: HostSummary { host.summary }

    /// Discards the cached answers.
    private func forget() {
        status.forget()
        statusLine.forget()
        statusText.forget()
        metricsText.forget()
    }
}

/// Caches an answer for `ControlDesk.freshness`.
private struct KeptAnswer<Value> {
    private var kept: (made: MonotonicTime, value: Value)?

    /// The cached answer if it is recent enough, else a new one.
    mutating func get(at now: MonotonicTime, _ make: () -> Value) -> Value {
        if let kept, now - kept.made < ControlDesk.freshness { return kept.value }
        let value = make()
        kept = (now, value)
        return value
    }

    mutating func forget() { kept = nil }
}
