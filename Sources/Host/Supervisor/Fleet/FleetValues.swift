internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// Names one worker of a host. It is never used again.
struct WorkerID: Hashable {
    let number: Int
}

/// Which routines a worker serves: the isolation level's unit.
enum WorkerKey: Hashable {
    case plugin(Int)
    case routine(Int, Int)
    case shared
}

/// A session's place in a worker.
struct Seat: Equatable {
    let worker: WorkerID
    /// The slot in the worker's ledger.
    let slot: Int
    let pid: Int32
    /// The ledger's file.
    let ledger: String
}

/// A plugin that a worker is to load, or only to describe.
struct Load: Equatable {
    var plugin: Int
    /// The file that is loaded, and the name by which the user knows it.
    var path: String
    var name: String
    /// The instance of the plugin that runs; nil: the plugin as itself.
    var instance: String?
    var build: String
    /// All parameters as one JSON object.
    var parameters: String
    /// Whether its `load` is called; otherwise only the descriptor is read.
    var isForRunning: Bool
    /// Whose folders its worker has; nil: nobody's yet.
    var home: WorkerHome?
    var key: WorkerKey
    var limits: WorkerLimits
    /// What the dynamic linker is told about what it needs.
    var libraries: LibrarySearch
    /// How long it may take, ns.
    var limit: Int64

    /// The order for a worker whose caches are in that folder.
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
            caches: caches.map { .init($0, scope) }, isShared: key == .shared)
    }
}

/// A load that came to nothing.
struct FailedLoad: Equatable {
    let load: Load
    /// How it came to nothing.
    enum Manner: Equatable {
        /// The worker says that the plugin cannot be used, and how far it came.
        case refused(LoadStage)
        /// The worker died of it.
        case died
    }

    let manner: Manner
    /// Why, for the log and for the record.
    let text: String
    let reason: SessionRecord.Reason
    let pid: Int32
    /// When its worker was started.
    let startedAt: MonotonicTime
    /// The worker was killed from outside, which says nothing about the plugin.
    let isInnocent: Bool
    /// The crash report's file.
    var report: String?

    /// Whether a record tells of it: what is wrong with the file itself is told with the file.
    var isRecorded: Bool {
        switch fault {
        case .error, .death: true
        case .host, nil: false
        }
    }

    /// Whose fault it is; nil: the file's, and it will be so until another one is there. What `load` returns is about the
    /// world, and may be good the next time.
    var fault: FailureHistory.Fault? {
        switch manner {
        case .refused(.load): .error
        case .refused(.open) where isCopyGone: .host
        case .refused(.open), .refused(.descriptor): nil
        case .died: .death
        }
    }

    /// Whether what cannot be opened is the plugin itself: that is the host's own copy of it, which was there a moment ago. Of
    /// a library that it needs the linker names that one.
    private var isCopyGone: Bool { text.hasPrefix(load.path + ": cannot open shared object file") }
}

/// All that follows from a worker's death.
struct Obituary: Equatable {
    let key: WorkerKey
    let pid: Int32
    let startedAt: MonotonicTime
    /// The ledger's file, which is needed no more once the records are written.
    let ledger: String
    let verdict: Verdict
    /// What the slots of its sessions counted.
    var counts: [Int: LedgerCounts] = [:]
    var failedLoad: FailedLoad?
    /// Plugins whose load for running is to be tried elsewhere.
    var interrupted: [Int] = []

    init(key: WorkerKey, pid: Int32, startedAt: MonotonicTime, ledger: String, verdict: Verdict) {
        self.key = key
        self.pid = pid
        self.startedAt = startedAt
        self.ledger = ledger
        self.verdict = verdict
    }
}

extension WorkerFleet {
    /// What the fleet answers.
    enum Event: Equatable {
        /// A plugin was described.
        case described(plugin: Int, PluginDescription)
        /// No worker can be had to describe a plugin: why.
        case noWorker(plugin: Int, String)
        /// A plugin is loaded in the worker of that key.
        case loaded(plugin: Int, WorkerKey)
        /// A plugin was refused by its worker.
        case refused(FailedLoad)
        /// A session is over; what its slot counted, when it says so of that session. `wasTold`: its worker was told to end.
        case ended(WorkerEvent.Ended, LedgerCounts?, wasTold: Bool)
        /// A session's next cycle is due since then, and waits for its turn.
        case wantsTurn(CycleTurns.Wish, due: BootTime)
        /// A session's turn is over, or it wants none any more.
        case turnOver(SessionID)
        /// A worker is dead, and all that it said was told before.
        case died(Obituary)
        /// A plugin's line for the log.
        case line(WorkerEvent.Log)
        /// So many processes were ended that workers of a dead host had left.
        case leftovers(Int)
        /// Something to be said of the worker of that key.
        case said(WorkerKey, LogLevel, String)
    }

    /// The workers as the status shows them, by process id; `name` says what to call one.
    func status(name: (WorkerKey) -> String) -> [HostStatus.Worker] {
        workers.values.map { worker in
            let pid = worker.process?.pid ?? 0
            var entry = HostStatus.Worker(
                pid: pid, name: name(worker.key),
                uptimeMs: max(0, clock.monotonic() - worker.startedAt) / 1_000_000,
                sessions: worker.life.sessions.count)
            let usage = ProcessUsage(of: pid)
            entry.residentBytes = usage?.residentBytes
            entry.cpuMs = usage?.cpuMs
            entry.sandbox = worker.limits.sandbox.level.rawValue
            return entry
        }
        .sorted { $0.pid < $1.pid }
    }

    /// A child of the host has ended: perhaps one that a dead worker left, or a worker that could not be reaped before.
    func childEnded() {
        orphans.mayHaveCome()
        for worker in workers.values { worker.process?.reapIfStuck() }
    }

    /// Gets rid of what dead workers left behind. `others` are children of the host that are no workers.
    func huntOrphans(sparing others: Set<Int32>) {
        orphans.hunt(sparing: Set(workers.values.compactMap { $0.process?.pid }).union(others))
        let count = orphans.takeLeftovers()
        if count > 0 { events.append(.leftovers(count)) }
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
