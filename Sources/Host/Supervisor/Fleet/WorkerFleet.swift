internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The workers of a host: which there are, what each is to load and which sessions it runs, and the end of each.
///
/// It is told what to load and to start, and hears the processes that its launcher starts. What comes of that waits in
/// `take`. It knows plugins by their numbers only, and no routine: sessions have ids, and sit in slots of a worker.
final class WorkerFleet {
    /// A worker as it is kept.
    final class Worker {
        let id: WorkerID
        let key: WorkerKey
        let limits: WorkerLimits
        let home: WorkerHome?
        let ledgerName: String
        let reportName: String
        let startedAt: MonotonicTime
        var life: WorkerLifecycle
        /// What was sent to load and is not answered, as `life` has it, and what for.
        var pending: [Load] = []
        /// Plugins that are loaded for running.
        var loaded: Set<Int> = []
        /// The files of what it loads or has loaded.
        var files: Set<String> = []
        var hasHadSession = false
        var refusals = ToldRefusals()
        var timer: Deadlines.Timer?
        fileprivate(set) var process: (any WorkerProcess)?

        init(id: WorkerID, load: Load, ledger: String, report: String, grace: Int64, now: MonotonicTime) {
            self.id = id
            key = load.key
            limits = load.limits
            home = load.home
            ledgerName = ledger
            reportName = report
            startedAt = now
            life = WorkerLifecycle(grace: grace)
        }
    }

    /// Dead children at which a worker gets no further session.
    private static let mostDead = 16

    let launcher: any WorkerLauncher
    let clock: any HostClock
    let deadlines: Deadlines
    private let grace: Int64
    private var logLevel: Int32
    var workers: [WorkerID: Worker] = [:]
    /// Where what comes next for a key is loaded; a worker that is to end is in `workers` only.
    var current: [WorkerKey: WorkerID] = [:]
    /// Workers that may have nothing to do any more.
    var candidates: Set<WorkerID> = []
    var queue = LoadQueue()
    private let queueTimer: Deadlines.Timer
    var events: [Event] = []
    private var lastNumber = 0
    /// What dead workers have left behind.
    let orphans: Orphans

    /// A fleet without workers. `grace` is what running cycles get at a stop, ns.
    init(
        launcher: any WorkerLauncher, orphans: Orphans, clock: any HostClock, deadlines: Deadlines, grace: Int64,
        logLevel: Int32
    ) {
        self.orphans = orphans
        self.launcher = launcher
        self.clock = clock
        self.deadlines = deadlines
        self.grace = grace
        self.logLevel = logLevel
        queueTimer = deadlines.make { _ in }  // the round that it begins asks `nextToDescribe`
    }

    /// What has happened since this was asked last, in order.
    func take() -> [Event] {
        defer { events = [] }
        return events
    }

    // MARK: What is asked of it

    /// Whether no worker is there.
    var isEmpty: Bool { workers.isEmpty }

    /// Whether no worker is there, nor anything that dead ones have left, as far as that can be ended.
    var isGone: Bool { workers.isEmpty && orphans.isQuiet }

    /// Whether a session runs in any worker that is not told to end.
    var hasSessions: Bool { workers.values.contains { $0.life.isOpen && !$0.life.sessions.isEmpty } }

    /// What the ledger says of a session's slot: of whichever session.
    func snapshot(_ seat: Seat) -> LedgerSnapshot? { workers[seat.worker]?.process?.snapshot(slot: seat.slot) }

    /// The bytes of a session's slot.
    func slotBytes(_ seat: Seat) -> [UInt8]? { workers[seat.worker]?.process?.slotBytes(seat.slot) }

    /// Whether a plugin that is to go is still in a worker that serves it alone, or is being loaded.
    func holds(_ plugin: Int) -> Bool {
        workers.values.contains { worker in
            switch worker.key {
            case .plugin(plugin), .routine(plugin, _): true
            case .shared: worker.life.loading.contains(plugin)
            case .plugin, .routine: false
            }
        }
    }

    // MARK: The queue of descriptions

    /// A plugin waits to be described.
    func enqueue(_ plugin: Int) {
        queue.leave(plugin)
        queue.add(plugin)
    }

    /// A plugin waits no more.
    func leaveQueue(_ plugin: Int) { queue.leave(plugin) }

    /// The next plugin whose turn it is; nil when none has it now.
    func nextToDescribe() -> Int? {
        let next = queue.take(at: clock.monotonic())
        if next == nil { deadlines.set(queueTimer, at: queue.deadline) }
        return next
    }

    /// No worker can be had: nothing is described before that time. Whether that is new.
    func haltQueue(at time: MonotonicTime, for plugin: Int) -> Bool {
        let isNew = !queue.isHalted
        queue.leave(plugin)
        queue.halt(at: time, for: plugin)
        return isNew
    }

    /// A worker could be had.
    func queueGoesOn() { queue.goOn() }

    /// No plugin is described any more: the host stops.
    func closeQueue() { deadlines.set(queueTimer, at: nil) }

    // MARK: Loading

    /// What can be begun for a load.
    enum Readiness: Equatable {
        /// That worker has the plugin loaded.
        case ready(WorkerID)
        /// It is being loaded: an event tells when it is.
        case loading
    }

    /// Sees to it that a worker of the key has the plugin, or describes it.
    @discardableResult
    func prepare(_ load: Load) throws(SystemError) -> Readiness {
        var load = load
        if let present = openWorker(load.key) {
            let fit = present.limits.fit(for: load.limits, isShared: load.key == .shared)
            if fit == .lacksPaths {
                // What others run there goes on; what is loaded from now on is in a worker with the paths of all.
                current[load.key] = nil
                candidates.insert(present.id)
                load.limits = present.limits.naming(load.limits.sandbox.named)
            } else if fit == .bad || present.home != load.home || isCrowded(present) {
                // It looked at the file before its limits and its name were known, or is crowded.
                retire(present)
            }
        }
        let worker = if let present = openWorker(load.key) { present } else { try start(load) }
        if load.isForRunning, worker.loaded.contains(load.plugin) { return .ready(worker.id) }
        if !worker.pending.contains(where: { $0.plugin == load.plugin && $0.isForRunning == load.isForRunning }) {
            worker.pending.append(load)
            worker.files.insert(load.path)
            worker.process?.send(.load(load.command(caches: worker.process?.caches)))
            tell(worker, .load(plugin: load.plugin, limit: load.limit))
        }
        return .loading
    }

    private func openWorker(_ key: WorkerKey) -> Worker? {
        guard let id = current[key], let worker = workers[id], worker.life.isOpen else { return nil }
        return worker
    }

    /// Whether a worker that has no session now holds so many dead processes that the next one had better be elsewhere.
    ///
    /// It is the parent of what its plugin's children leave behind, and may not reap the dead: the system does not tell
    /// those from children that the plugin wants to wait for. They count in its limit of processes.
    private func isCrowded(_ worker: Worker) -> Bool {
        guard worker.life.sessions.isEmpty, worker.pending.isEmpty, worker.hasHadSession, let process = worker.process
        else { return false }
        return process.deadChildren(most: Self.mostDead) >= Self.mostDead
    }

    private func start(_ load: Load) throws(SystemError) -> Worker {
        lastNumber += 1
        let unique = "\(HostProcess.pid)-\(lastNumber)"
        let worker = Worker(
            id: WorkerID(number: lastNumber), load: load, ledger: "\(unique).ledger", report: "\(unique).json",
            grace: grace, now: clock.monotonic())
        worker.process = try launcher.launch(
            WorkerLink.Setup(
                name: load.key == .shared ? "shared" : InstanceName.whole(load.name, load.instance),
                ledgerName: worker.ledgerName,
                reportName: worker.reportName, logLevel: logLevel, limits: load.limits,
                home: load.home, copy: load.path, libraries: load.libraries)
        ) { [unowned self, unowned worker] report in
            handle(report, from: worker)
        }
        worker.timer = deadlines.make(isPatient: true) { [unowned self, unowned worker] _ in deadlineCame(worker) }
        workers[worker.id] = worker
        current[load.key] = worker.id
        return worker
    }

    // MARK: Sessions

    /// A place for a session in a worker that has its plugin. Nothing is sent yet.
    func seat(_ session: SessionID, plugin: Int, routine: Int, in id: WorkerID) throws(SystemError) -> Seat {
        guard let worker = workers[id], let process = worker.process else {
            throw SystemError("slot", "worker \(id.number)", number: 3)
        }
        guard let slot = try process.slot(plugin: plugin, routine: routine) else {
            throw SystemError("slot", "ledger \(worker.ledgerName)", number: 28)
        }
        worker.hasHadSession = true
        tell(worker, .session(slot: slot, session))
        return Seat(worker: id, slot: slot, pid: process.pid, ledger: worker.ledgerName)
    }

    /// A session that was given a place is not begun.
    func unseat(_ session: SessionID, _ seat: Seat) {
        guard let worker = workers[seat.worker] else { return }
        tell(worker, .sessionOver(slot: seat.slot, session))
        candidates.insert(seat.worker)
    }

    /// Tells the worker of a session something.
    func send(_ command: WorkerCommand, to seat: Seat) { workers[seat.worker]?.process?.send(command) }

    /// Sends a command to all workers that have loaded the plugin.
    func send(_ command: WorkerCommand, toWorkersOf plugin: Int) {
        for worker in workers.values where worker.loaded.contains(plugin) { worker.process?.send(command) }
    }

    /// A session was asked to end and had its grace: whether its worker is ended for it now.
    func overdue(_ seat: Seat) -> Bool {
        workers[seat.worker].map { tell($0, .overdue(slot: seat.slot)) == .changed } ?? false
    }

    /// How a session does not go on.
    enum Standstill: Equatable {
        /// Its callback is over its time, in that thread; 0: none is known, or nothing runs at all.
        case hang(thread: Int32)
        /// It is over by the ledger, and its worker does not say so.
        case mute
    }

    /// A session does not go on: whether its worker is ended for it now.
    func end(_ seat: Seat, _ standstill: Standstill) -> Bool {
        guard let worker = workers[seat.worker] else { return false }
        // What has a fatal signal already writes its report, and is dead soon.
        if hasFatalSignal(worker) {
            tell(worker, .fatalSignal)
            return false
        }
        switch standstill {
        case .hang(let thread): return tell(worker, .hang(slot: seat.slot, thread: thread)) == .changed
        case .mute: return tell(worker, .mute(slot: seat.slot)) == .changed
        }
    }

    func hasFatalSignal(_ worker: Worker) -> Bool { worker.process?.crash.map { $0.signal != 0 } ?? false }

    // MARK: Ending workers

    /// Ends the workers of a plugin that is to go. Code is never unloaded: a worker that others share loads nothing new
    /// beside the old, and ends with the last of its sessions.
    func retire(_ plugin: Int) {
        queue.leave(plugin)
        for worker in workers.values where current[worker.key] == worker.id {
            switch worker.key {
            case .plugin(plugin), .routine(plugin, _): retire(worker)
            case .shared where worker.loaded.contains(plugin) || worker.life.loading.contains(plugin):
                current[worker.key] = nil
                candidates.insert(worker.id)
            case .plugin, .routine, .shared: break
            }
        }
    }

    /// Nobody may want a key's worker any more.
    func release(_ key: WorkerKey) { if let id = current[key] { candidates.insert(id) } }

    /// Ends the workers that have nothing to do and nothing to wait for. To be called when all events were dealt with.
    func retireUnused(isWanted: (WorkerKey, Set<Int>) -> Bool) {
        guard !candidates.isEmpty else { return }
        for id in candidates {
            guard let worker = workers[id], worker.life.isOpen, worker.pending.isEmpty, worker.life.sessions.isEmpty
            else { continue }
            if current[worker.key] == id, isWanted(worker.key, worker.loaded) { continue }
            retire(worker)
        }
        candidates = []
    }

    /// Ends all workers in order, or at once.
    func endAll(atOnce: Bool = false) {
        closeQueue()
        for worker in Array(workers.values) {
            if atOnce { tell(worker, .endNow) } else { retire(worker) }
        }
    }

    private func retire(_ worker: Worker) {
        if current[worker.key] == worker.id { current[worker.key] = nil }
        tell(worker, .end)
    }

    /// Sets from which level on plugins' lines are shown.
    func setLogLevel(_ level: Int32) {
        logLevel = level
        for worker in workers.values { worker.process?.send(.logLevel(level)) }
    }

    // MARK: A worker's life

    private func deadlineCame(_ worker: Worker) {
        // A load that has crashed is no load that hangs: its report may take as long as any.
        if case .describing = worker.life.state, hasFatalSignal(worker) {
            tell(worker, .fatalSignal)
        } else {
            tell(worker, .deadline)
        }
    }

    /// What its life makes of an event.
    enum Reception {
        case nothing
        case passed
        case changed
    }

    @discardableResult
    func tell(_ worker: Worker, _ event: WorkerLifecycle.Event) -> Reception {
        let actions = worker.life.handle(event, at: clock.monotonic())
        if let timer = worker.timer { deadlines.set(timer, at: worker.life.nextDeadline) }
        for action in actions { perform(action, on: worker) }
        return actions == [.pass] ? .passed : actions.isEmpty ? .nothing : .changed
    }

    private func perform(_ action: WorkerLifecycle.Action, on worker: Worker) {
        switch action {
        case .pass: break
        case .sayGarbage:
            say(worker, .warning, "something was written on its channel that is no event: ignored")
        case .quit: worker.process?.send(.quit)
        case .terminate: worker.process?.signal(Signals.terminate)
        case .kill: worker.process?.kill()
        case .abort(let thread):
            guard let process = worker.process else { break }
            if !process.signal(Signals.abort, thread: thread == 0 ? process.pid : thread) { tell(worker, .noThread) }
        case .giveUp:
            worker.process?.abandon()
            tell(worker, .exited(.unreaped, remains(of: worker)))
        case .examine:
            let subject = ReportReader.Subject(
                report: worker.reportName, page: worker.process?.crash, files: worker.files)
            launcher.examine(subject) { [weak self] report in
                self?.tell(worker, .report(report)) == .changed
            }
        case .verdict(let verdict): bury(worker, verdict)
        }
    }
}
