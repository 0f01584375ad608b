internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// Identifies a worker. Numbers are never reused within a host.
struct WorkerID: Hashable {
    let number: Int
}

/// The routines that a worker serves, by isolation level.
enum WorkerKey: Hashable {
    case plugin(Int)
    case routine(Int, Int)
    /// One part of a routine's work: what becomes of its lease concerns no other part.
    case shard(Int, Int, shard: Int)
    case shared
    /// The store of the host's cluster, in a worker that runs no routine.
    case store(Int)

    /// The number of the part of that routine which such a worker has; nil: it has none, or is of another routine.
    func shard(of routine: Int?) -> Int? {
        switch self {
        case .shard(_, let own, let shard): own == routine ? shard : nil
        case .plugin, .routine, .shared, .store: nil
        }
    }
}

/// The worker and ledger slot of a session.
struct Seat: Equatable {
    /// What all seats of a worker have in common. It is an object, since a worker may have 100 000 seats.
    final class Place: Equatable, Sendable {
        let worker: WorkerID
        let pid: Int32
        let ledger: String

        init(worker: WorkerID, pid: Int32, ledger: String) {
            self.worker = worker
            self.pid = pid
            self.ledger = ledger
        }

        static func == (left: Place, right: Place) -> Bool {
            left === right || left.worker == right.worker && left.pid == right.pid && left.ledger == right.ledger
        }
    }

    private let place: Place
    private let number: Int32

    fileprivate init(slot: Int, in place: Place) {
        number = Int32(clamping: slot)
        self.place = place
    }

    init(worker: WorkerID, slot: Int, pid: Int32, ledger: String) {
        self.init(slot: slot, in: Place(worker: worker, pid: pid, ledger: ledger))
    }

    var worker: WorkerID { place.worker }
    var pid: Int32 { place.pid }
    /// The name of the ledger's file.
    var ledger: String { place.ledger }

    /// The slot in the worker's ledger.
    var slot: Int { Int(number) }
}

/// The seats of one worker, as they are made.
struct Seats {
    private var place: Seat.Place?

    /// The seat at a slot; the rest is the same for all.
    mutating func seat(_ slot: Int, of worker: WorkerID, pid: Int32, ledger: String) -> Seat {
        let place = place ?? Seat.Place(worker: worker, pid: pid, ledger: ledger)
        self.place = place
        return Seat(slot: slot, in: place)
    }
}

/// An order to load a plugin, or only to describe it.
struct Load: Equatable {
    var plugin: Int
    /// The path of the file to load, and the name by which the user knows it.
    var path: String
    var name: String
    /// The instance of the plugin; nil for the plugin as a whole.
    var instance: String?
    var build: String
    /// All parameters as one JSON object.
    var parameters: String
    /// Whether to call the plugin's `load`; otherwise only its descriptor is read.
    var isForRunning: Bool
    /// The owner of the worker's folders; nil if that is not known yet.
    var home: WorkerHome?
    var key: WorkerKey
    var limits: WorkerLimits
    /// The library search of the worker's dynamic linker.
    var libraries: LibrarySearch
    /// How long the load may take, in ns.
    var limit: Int64
    /// The settings of the caches that the plugin's routines share.
    var caches = CacheSettings()

    /// The command for a worker whose caches are in that folder.
    func command(caches: String?) -> WorkerCommand.Load {
        let scope: WorkerCommand.Load.Caches.Scope =
            switch home {
            case .plugin: .plugin
            case .routine: .routine
            case .everybody, nil: .all
            }
        return WorkerCommand.Load(
            plugin: plugin, path: path, name: name, instance: instance, parameters: parameters,
            isForRunning: isForRunning, build: build,
            caches: caches.map { .init($0, scope) }, cacheSettings: self.caches, isShared: key == .shared)
    }
}

/// A load that has failed.
struct FailedLoad: Equatable {
    let load: Load
    /// How a load failed.
    enum Manner: Equatable {
        /// The worker has refused the plugin, at this stage.
        case refused(LoadStage)
        /// The worker says that it cannot open the plugin's copy, and the host cannot open it either.
        case copyGone
        /// The worker died during the load.
        case died
    }

    let manner: Manner
    /// The reason for the log and, below, for the record.
    let text: String
    let reason: SessionRecord.Reason
    let pid: Int32
    /// When the worker was started.
    let startedAt: MonotonicTime
    /// Whether the worker was killed from outside, which does not incriminate the plugin.
    let wasKilledFromOutside: Bool
    /// The file name of the crash report.
    var report: String?

    /// Whether a record is made. Faults of the file itself are reported with the file instead.
    var isRecorded: Bool {
        switch fault {
        case .error, .death: true
        case .host, nil: false
        }
    }

    /// Whose fault the failure is; nil if it is the file's, and so permanent until the file is replaced. An error
    /// returned by `load` is attributed to the environment, and may not recur.
    var fault: FailureHistory.Fault? {
        switch manner {
        case .refused(.load): .error
        case .copyGone: .host
        case .refused(.open), .refused(.descriptor): nil
        case .died: .death
        }
    }
}

extension FailedLoad {
    /// A load that the worker has refused. `hasCopy`: the host itself can open the plugin's copy. The worker's own words
    /// about that may be the plugin's invention.
    init(refusing load: Load, at stage: LoadStage, text: String, hasCopy: Bool, pid: Int32, startedAt: MonotonicTime) {
        self.init(
            load: load, manner: stage == .open && !hasCopy ? .copyGone : .refused(stage),
            text: stage == .load ? "its load failed: \(text)" : text,
            reason: SessionRecord.Reason(.error, text: text, phase: .load), pid: pid, startedAt: startedAt,
            wasKilledFromOutside: false)
    }
}

/// The consequences of a worker's death.
struct Obituary: Equatable {
    let key: WorkerKey
    let pid: Int32
    let startedAt: MonotonicTime
    /// The name of the ledger's file, which can be removed once the records are written.
    let ledger: String
    let verdict: Verdict
    /// The counts in its sessions' slots, by slot.
    var counts: [Int: LedgerCounts] = [:]
    var failedLoad: FailedLoad?
    /// Plugins that were being loaded for running, and must be loaded in another worker.
    var interrupted: [Int] = []
    /// The worker, where its process is not gone: `gone` follows when it is.
    var undead: WorkerID?

    init(key: WorkerKey, pid: Int32, startedAt: MonotonicTime, ledger: String, verdict: Verdict) {
        self.key = key
        self.pid = pid
        self.startedAt = startedAt
        self.ledger = ledger
        self.verdict = verdict
    }
}

extension WorkerFleet {
    /// An event of the fleet for the caller.
    enum Event: Equatable {
        /// A plugin was described.
        indirect case described(plugin: Int, PluginDescription)
        /// No worker can be started to describe a plugin; the text says why.
        case noWorker(plugin: Int, String)
        /// A plugin was loaded in the worker of that key.
        case loaded(plugin: Int, WorkerKey)
        /// A worker has refused a plugin.
        indirect case refused(FailedLoad)
        /// A session has ended, with its slot's counts. `wasTold`: its worker had been told to end. Indirect, as the largest.
        indirect case ended(WorkerEvent.Ended, LedgerCounts?, wasTold: Bool)
        /// A session's next cycle has been due since `due`, and waits for its turn.
        case wantsTurn(CycleTurns.Request, due: BootTime)
        /// A session's turn has ended, or it no longer wants one.
        case turnOver(SessionID)
        /// A worker is dead; everything that it reported before was delivered before.
        indirect case died(Obituary)
        /// A worker is gone whose death was reported before that.
        case gone(WorkerID)
        /// A plugin's line for the log; from the worker of that part of its routine, if it is one of a part.
        case line(WorkerEvent.Log, shard: Int?)
        /// The number of processes killed that workers of a dead host had left.
        case leftovers(Int)
        /// A session wants to know of those before it.
        case wantsHistory(SessionID)
        /// A worker has a plugin with shared caches, and no way to their store.
        case wantsShared(WorkerID, plugin: Int)
        /// The store worker says this of its store.
        case store(StoreEvent)
        /// A message about the worker of that key.
        case said(WorkerKey, LogLevel, String)
    }

    /// The workers for the status, by process id, or only one of them; `name` returns a worker's name.
    func status(only wanted: Int32? = nil, name: (WorkerKey) -> String) -> [HostStatus.Worker] {
        workers.values.filter { wanted == nil || $0.process?.pid == wanted }.map { worker in
            let pid = worker.process?.pid ?? 0
            var entry = HostStatus.Worker(
                pid: pid, name: name(worker.key),
                uptimeMs: max(0, clock.monotonic() - worker.startedAt) / 1_000_000,
                sessions: worker.life.sessions.count)
            entry.note(ProcessUsage(of: pid))
            entry.sandbox = worker.limits.sandbox.level.rawValue
            entry.limits = launcher.bounds(of: worker.limits, pid: pid).map { HostStatus.Worker.Limit($0) }
            return entry
        }
        .sorted { $0.pid < $1.pid }
    }

    /// Sends a command with a descriptor.
    func send(_ command: WorkerCommand, passing descriptor: PassedDescriptor, to id: WorkerID) {
        workers[id]?.process?.send(command, passing: descriptor)
    }

    /// The worker of that key that goes on; nil if there is none.
    func openWorker(of key: WorkerKey) -> WorkerID? {
        current[key].flatMap { workers[$0]?.life.isOpen == true ? $0 : nil }
    }

    /// Whether the process is a worker.
    func isWorker(_ pid: Int32) -> Bool { workers.values.contains { $0.process?.pid == pid } }

    /// Whether there is a worker of another key.
    func hasWorkers(but keys: Set<WorkerKey>) -> Bool { workers.values.contains { !keys.contains($0.key) } }

    /// The owner of a worker's folders.
    func home(of id: WorkerID) -> WorkerHome? { workers[id]?.home }

    /// Removes what is empty of the folders of a worker that is dead and has run nothing: before the description its owner is
    /// guessed by its file's name, and each wrong guess would leave folders for good. A plugin that is described and goes on
    /// has its folders made again by its next worker.
    func removeFolders(of worker: Worker) {
        guard let plugin = worker.home?.plugin, worker.loaded.isEmpty, !undead.contains(worker.id),
            !workers.values.contains(where: { $0.home?.plugin == plugin })
        else { return }
        launcher.removeEmptyFolders(of: plugin)
    }

    /// Handles the end of a child: possibly an orphan of a dead worker, or a worker that could not be reaped before.
    func childEnded() {
        orphans.mayHaveCome()
        for worker in workers.values { worker.process?.reapIfStuck() }
        events += undead.takeGone().map { .gone($0) }
    }

    /// Kills what dead workers have left. `others` are children of the host that are not workers.
    func huntOrphans(sparing others: Set<Int32>) {
        orphans.hunt { Set(workers.values.compactMap { $0.process?.pid }).union(others) }
        let count = orphans.takeLeftovers()
        if count > 0 { events.append(.leftovers(count)) }
    }
}

extension HostStatus.Worker {
    fileprivate mutating func note(_ usage: ProcessUsage?) {
        residentBytes = usage?.residentBytes
        cpuMs = usage?.cpuMs
    }
}

extension HostStatus.Worker.Limit {
    fileprivate init(_ bound: LimitBound) {
        self.init(bound.kind.rawValue, bound.value, by: bound.by, text: bound.text)
    }
}

extension WorkerEnd {
    init(_ end: ProcessEnd) {
        switch end {
        case .exited(let status): self = .exited(status)
        case .signaled(let number): self = .signalled(number, name: signalName(number))
        }
    }
}
