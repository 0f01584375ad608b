internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The ways of this host's workers to the store in which caches share values with other hosts.
///
/// It is told of plugins and workers, and answers by orders, which wait in `take`. A host without a cluster has none.
final class SharedCaches {
    /// Connect a plugin in that worker with the store's worker.
    struct Connection: Equatable {
        var worker: WorkerID
        var plugin: Int
        var access: SharedAccess
        var store: WorkerKey
    }

    private struct Wish: Hashable {
        let worker: WorkerID
        let plugin: Int
    }

    /// A plugin is connected so often at most, in ns: it can ask as often as it likes.
    private static let pace: Int64 = 900_000_000

    private let settings: ClusterSettings
    /// The worker of the store in which shared values are.
    let store: StoreWorker
    private let clock: any HostClock
    private let log: any LogSink
    private var programs: [Int: Program] = [:]
    /// Who waits for the store's worker, and when whom a connection was given last.
    private var waiting: [Wish: WorkerHome?] = [:]
    private var givenAt: [Wish: MonotonicTime] = [:]
    private var orders: [Connection] = []
    private var trouble = ""
    private var counts = StoreUses(.caches)

    /// The ways to that store, which may be the one in which leases are.
    init(_ settings: ClusterSettings, _ store: StoreWorker, clock: any HostClock, log: any LogSink) {
        self.settings = settings
        self.store = store
        self.clock = clock
        self.log = log
        store.listen { [weak self] in self?.hear($0) }
    }

    /// Whom to connect since the last call.
    func take() -> [Connection] {
        defer { orders = [] }
        return orders
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !orders.isEmpty }

    /// A plugin can be loaded.
    func ready(_ program: Program) { programs[program.number] = program }

    /// A plugin is to end.
    func retired(_ number: Int) { programs[number] = nil }

    /// What the store was asked since the host's start, as the store's workers have told.
    var uses: [StoreUse] { counts.all }

    /// A store's worker says what it has asked since it said so last.
    func used(_ more: [StoreUse]) { for use in more { counts.add(use) } }

    private func hear(_ news: StoreWorker.News) {
        switch news {
        case .ready:
            trouble = ""
            for (wish, home) in waiting { connect(wish, home) }
            waiting = [:]
        case .gone: break
        case .failed(let text):
            // Of the one in which leases are too, it is said already.
            guard settings.cacheStore != settings.store else { return }
            let text = "shared caches: their store \(settings.cacheStore) cannot be loaded: \(text); it is tried again"
            if trouble != text { log.write(.error, "", text) }
            trouble = text
        }
    }

    // MARK: Connections

    /// A plugin in that worker has shared caches, and no connection. `home` is the owner of the worker's folders.
    func wants(_ worker: WorkerID, plugin: Int, home: WorkerHome?) {
        let wish = Wish(worker: worker, plugin: plugin)
        if store.isServing { connect(wish, home) } else { waiting[wish] = home }
    }

    private func connect(_ wish: Wish, _ home: WorkerHome?) {
        let now = clock.monotonic()
        givenAt = givenAt.filter { now - $0.value < Self.pace }
        guard givenAt[wish] == nil, let key = store.key, let program = programs[wish.plugin] else { return }
        givenAt[wish] = now
        let routine: String? = if case .routine(_, let routine)? = home { routine } else { nil }
        let access = SharedAccess(
            prefix: "schedhost/\(settings.name)/", plugin: program.name, routine: routine,
            worker: wish.worker.number, links: Int(clamping: settings.links),
            timeoutMs: program.routines.map(\.settings.caches.sharedTimeoutMs).max() ?? 250,
            mostKeys: Int(clamping: program.routines.map(\.settings.caches.sharedKeys).max() ?? 0),
            mostBytes: Int(clamping: program.routines.map(\.settings.caches.sharedMb).max() ?? 0) << 20)
        orders.append(Connection(worker: wish.worker, plugin: wish.plugin, access: access, store: key))
    }
}
