internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The workers of a host: which exist, what each must load, which sessions each runs, and how each ends.
///
/// It is told what to load and start, and observes the processes that its launcher starts. The resulting events wait in
/// `take`. It knows plugins only by their numbers and sessions by their ids and slots; it does not know routines.
final class WorkerFleet {
    /// The fleet's state for one worker.
    final class Worker {
        let id: WorkerID
        let key: WorkerKey
        let limits: WorkerLimits
        let home: WorkerHome?
        let ledgerName: String
        let reportName: String
        let startedAt: MonotonicTime
        var life: WorkerLifecycle
        /// The loads that were sent and not answered, in order; `life` has the same ones.
        var pending: [Load] = []
        /// Plugins that are loaded for running.
        var loaded: Set<Int> = []
        /// The paths of the files that it loads or has loaded.
        var files: Set<String> = []
        var hasHadSession = false
        var refusals = ToldRefusals()
        var timer: Deadlines.Timer?
        fileprivate(set) var process: (any WorkerProcess)?
        fileprivate var seats = Seats()

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

    /// The number of zombie children from which on a worker gets no further session.
    private static let mostDead = 16

    let launcher: any WorkerLauncher
    let clock: any HostClock
    let deadlines: Deadlines
    private let grace: Int64
    private var logLevel: Int32
    var workers: [WorkerID: Worker] = [:]
    /// The worker that new loads of a key go to. A worker that is to end is only in `workers`.
    var current: [WorkerKey: WorkerID] = [:]
    /// Workers that may have become unused.
    var candidates: Set<WorkerID> = []
    var queue = LoadQueue()
    private let queueTimer: Deadlines.Timer
    var events: [Event] = []
    private var lastNumber = 0
    /// The processes that dead workers have left behind.
    let orphans: Orphans
    var undead = UndeadWorkers()

    /// Makes a fleet without workers. `grace` is the time in ns that running cycles get at a stop.
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
        queueTimer = deadlines.make { _ in }  // its round of the loop calls `nextToDescribe`
    }

    /// The events since the last call, in order.
    func take() -> [Event] {
        defer { events = [] }
        return events
    }

    // MARK: Queries

    /// Whether there are no workers.
    var isEmpty: Bool { workers.isEmpty }

    /// Whether there are no workers and no orphans of dead ones, apart from those that cannot be killed.
    var isGone: Bool { workers.isEmpty && orphans.isQuiet }

    /// Whether a session runs in any worker that was not told to end.
    var hasSessions: Bool { workers.values.contains { $0.life.isOpen && !$0.life.sessions.isEmpty } }

    /// The state in a session's slot of the ledger. The caller must check whose session it is.
    func snapshot(_ seat: Seat) -> LedgerSnapshot? { workers[seat.worker]?.process?.snapshot(slot: seat.slot) }

    /// The bytes of a session's slot.
    func slotBytes(_ seat: Seat) -> LedgerBytes? { workers[seat.worker]?.process?.slotBytes(seat.slot) }

    /// Whether a plugin that must end is still in a worker of its own, or is being loaded in a shared one.
    func holds(_ plugin: Int) -> Bool {
        workers.values.contains { worker in
            switch worker.key {
            case .plugin(plugin), .routine(plugin, _), .shard(plugin, _, _), .store(plugin): true
            case .shared: worker.life.loading.contains(plugin)
            case .plugin, .routine, .shard, .store: false
            }
        }
    }

    // MARK: The queue of descriptions

    /// Adds a plugin to the queue.
    func enqueue(_ plugin: Int) {
        queue.leave(plugin)
        queue.add(plugin)
    }

    /// Notes that a plugin needs no description any more.
    func leaveQueue(_ plugin: Int) { queue.leave(plugin) }

    /// The next plugin to describe; nil if none may be described now.
    func nextToDescribe() -> Int? {
        let next = queue.take(at: clock.monotonic())
        if next == nil { deadlines.set(queueTimer, at: queue.deadline) }
        return next
    }

    /// Stops the queue until `time`, because no worker can be started. Returns whether it was running before.
    func haltQueue(at time: MonotonicTime, for plugin: Int) -> Bool {
        let isNew = !queue.isHalted
        queue.leave(plugin)
        queue.halt(at: time, for: plugin)
        return isNew
    }

    /// Notes that a worker could be started.
    func queueGoesOn() { queue.goOn() }

    /// Stops the queue for good, because the host stops.
    func closeQueue() { deadlines.set(queueTimer, at: nil) }

    // MARK: Loading

    /// The result of `prepare`.
    enum Readiness: Equatable {
        /// That worker has the plugin loaded.
        case ready(WorkerID)
        /// The plugin is being loaded; an event reports when it is.
        case loading
    }

    /// Ensures that a worker of the key loads the plugin, or describes it. Starts a worker if necessary.
    @discardableResult
    func prepare(_ load: Load) throws(SystemError) -> Readiness {
        var load = load
        if let present = openWorker(load.key) {
            let fit = present.limits.fit(for: load.limits, isShared: load.key == .shared)
            if fit == .lacksPaths {
                // Other plugins' sessions go on there; later loads go to a worker whose sandbox allows all paths.
                current[load.key] = nil
                candidates.insert(present.id)
                load.limits = present.limits.naming(load.limits.sandbox)
            } else if fit == .bad || present.home != load.home || isCrowded(present) {
                // Its limits or its owner were guessed wrongly before the description, or it is crowded.
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

    /// Whether the worker that a load is for has the plugin already.
    func hasLoaded(_ load: Load) -> Bool { openWorker(load.key)?.loaded.contains(load.plugin) == true }

    private func openWorker(_ key: WorkerKey) -> Worker? {
        guard let id = current[key], let worker = workers[id], worker.life.isOpen else { return nil }
        return worker
    }

    /// Whether a worker without sessions has so many zombies that its next session should run in another worker. It
    /// must not reap orphans of its plugin's children: the kernel does not tell them from children that the plugin
    /// waits for.
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
                name: load.key == .shared ? "shared" : InstanceName.fullName(load.name, load.instance),
                ledgerName: worker.ledgerName,
                logLevel: logLevel, limits: load.limits,
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

    /// Reserves a slot for a session in a worker that has its plugin. Sends nothing yet.
    func seat(_ session: SessionID, plugin: Int, routine: Int, in id: WorkerID) throws(SystemError) -> Seat {
        guard let worker = workers[id], let process = worker.process else {
            throw SystemError("slot", "worker \(id.number)", number: 3)
        }
        guard let slot = try process.slot(plugin: plugin, routine: routine) else {
            throw SystemError("slot", "ledger \(worker.ledgerName)", number: 28)
        }
        worker.hasHadSession = true
        tell(worker, .session(slot: slot, session))
        return worker.seats.seat(slot, of: id, pid: process.pid, ledger: worker.ledgerName)
    }

    /// Releases the slot of a session that is not started after all.
    func unseat(_ session: SessionID, _ seat: Seat) {
        guard let worker = workers[seat.worker] else { return }
        tell(worker, .sessionOver(slot: seat.slot, session))
        candidates.insert(seat.worker)
    }

    /// Sends a command to the worker of a session.
    func send(_ command: WorkerCommand, to seat: Seat) { workers[seat.worker]?.process?.send(command) }

    /// Sends a command to the worker of that key, if there is one that goes on.
    func send(_ command: WorkerCommand, to key: WorkerKey) { openWorker(key)?.process?.send(command) }

    /// Sends a command to all workers that have loaded the plugin.
    func send(_ command: WorkerCommand, toWorkersOf plugin: Int) {
        for worker in workers.values where worker.loaded.contains(plugin) { worker.process?.send(command) }
    }

    /// Handles a session that has used up its grace period. Returns whether its worker is ended for that now.
    func overdue(_ seat: Seat) -> Bool {
        workers[seat.worker].map { tell($0, .overdue(slot: seat.slot)) == .changed } ?? false
    }

    /// Kills the worker of a session, because it may not live any longer.
    func kill(_ seat: Seat) {
        guard let worker = workers[seat.worker] else { return }
        tell(worker, .overdue(slot: seat.slot))
        tell(worker, .endNow)
    }

    /// How a session is stuck.
    enum Standstill: Equatable {
        /// A callback has exceeded its time on that thread; 0 if the thread is unknown, or if no thread is running.
        case hang(thread: Int32)
        /// The session has ended according to the ledger, but its worker does not report it.
        case mute
    }

    /// Handles a stuck session. Returns whether its worker is ended for that now.
    func end(_ seat: Seat, _ standstill: Standstill) -> Bool {
        guard let worker = workers[seat.worker] else { return false }
        // A worker with a fatal signal is writing its crash report and will be dead soon.
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

    /// Ends the worker of that key, which is not needed any more.
    func end(_ key: WorkerKey) { if let worker = openWorker(key) { retire(worker) } }

    /// Ends the workers of a plugin that must go. Code is never unloaded, so a shared worker loads nothing more, and
    /// ends with its last session.
    func retire(_ plugin: Int) {
        queue.leave(plugin)
        for worker in workers.values where current[worker.key] == worker.id {
            switch worker.key {
            case .plugin(plugin), .routine(plugin, _), .shard(plugin, _, _), .store(plugin): retire(worker)
            case .shared where worker.loaded.contains(plugin) || worker.life.loading.contains(plugin):
                current[worker.key] = nil
                candidates.insert(worker.id)
            case .plugin, .routine, .shard, .shared, .store: break
            }
        }
    }

    /// Notes that a key's worker may have become unused.
    func release(_ key: WorkerKey) { if let id = current[key] { candidates.insert(id) } }

    /// Ends the workers without sessions, pending loads and further use. Call it after all events were handled.
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

    /// Ends all workers, gracefully or at once, but those of the keys `kept`.
    func endAll(atOnce: Bool = false, but kept: Set<WorkerKey> = []) {
        closeQueue()
        for worker in Array(workers.values) where !kept.contains(worker.key) {
            if atOnce { tell(worker, .endNow) } else { retire(worker) }
        }
    }

    private func retire(_ worker: Worker) {
        if current[worker.key] == worker.id { current[worker.key] = nil }
        tell(worker, .end)
    }

    /// Sets the minimum level of plugins' log lines.
    func setLogLevel(_ level: Int32) {
        logLevel = level
        for worker in workers.values { worker.process?.send(.logLevel(level)) }
    }

    // MARK: Life cycle of a worker

    private func deadlineCame(_ worker: Worker) {
        // A load that has crashed is not a hanging load: its report may take as long as any other.
        let isFatal = if case .describing = worker.life.state { hasFatalSignal(worker) } else { false }
        tell(worker, isFatal ? .fatalSignal : .deadline)
    }

    /// How a worker's life cycle has treated an event.
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
            undead.add(worker.id, worker.process)
            tell(worker, .exited(.unreaped, remains(of: worker)))
        case .examine:
            let subject = ReportReader.Subject(
                report: worker.reportName, paper: worker.process?.paper, page: worker.process?.crash,
                files: worker.files)
            launcher.examine(subject) { [weak self] report in
                self?.tell(worker, .report(report)) == .changed
            }
        case .verdict(let verdict): bury(worker, verdict)
        }
    }
}
