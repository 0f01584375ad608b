internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The ways of this host's workers to the store in which caches share values with other hosts.
///
/// It is told of plugins and workers, and answers by orders, which wait in `take`. The store is that of the leases, whose
/// worker `Membership` looks after, or one of its own, whose worker it looks after itself. A host without a cluster has none.
final class SharedCaches {
    /// What the supervisor is to do, in this order.
    enum Order: Equatable {
        /// Have a worker load the store's plugin.
        case load(Load)
        /// Connect a plugin in that worker with the store's worker.
        case connect(WorkerID, plugin: Int, SharedAccess, store: WorkerKey)
    }

    private struct Wish: Hashable {
        let worker: WorkerID
        let plugin: Int
    }

    /// A plugin is connected so often at most, in ns: it can ask as often as it likes.
    private static let pace: Int64 = 900_000_000

    private let settings: ClusterSettings
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let log: any LogSink
    private let looksAfterStore: Bool
    /// The order to load the store's plugin; nil while there is none.
    private var store: Load?
    private var restarts: StoreRestarts
    private var timer: Deadlines.Timer?
    /// Whether the store's worker can be told something.
    private var isReady = false
    private var programs: [Int: Program] = [:]
    /// Who waits for the store's worker, and when whom a connection was given last.
    private var waiting: [Wish: WorkerHome?] = [:]
    private var givenAt: [Wish: MonotonicTime] = [:]
    private var orders: [Order] = []
    private var trouble = ""

    init(_ settings: ClusterSettings, clock: any HostClock, deadlines: Deadlines, log: any LogSink) {
        self.settings = settings
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        restarts = StoreRestarts(lease: Int64(nanosecondsFrom: settings.leaseMs))
        looksAfterStore = settings.cacheStore != settings.store
        timer = deadlines.make { [weak self] _ in self?.tell(.deadline) }
    }

    /// What is to be done since the last call.
    func take() -> [Order] {
        defer { orders = [] }
        return orders
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !orders.isEmpty }

    /// The key of the worker in which the store is, or is to be; nil while there is no such plugin.
    var key: WorkerKey? { store?.key }

    // MARK: The store's worker

    /// A plugin can be loaded. It may be the store.
    func ready(_ program: Program) {
        programs[program.number] = program
        guard program.name == settings.cacheStore || program.load.name == settings.cacheStore else { return }
        var load = program.load
        load.key = .store(program.number)
        load.home = .plugin(program.name)
        store = load
        isReady = false
        if looksAfterStore { tell(.plugin) }
    }

    /// A plugin is to end.
    func retired(_ number: Int) {
        programs[number] = nil
        guard store?.plugin == number else { return }
        store = nil
        isReady = false
        if looksAfterStore { tell(.removed) }
    }

    /// A worker has loaded the plugin.
    func loaded(_ key: WorkerKey) {
        guard key == store?.key else { return }
        isReady = true
        trouble = ""
        if looksAfterStore { tell(.loaded) }
        for (wish, home) in waiting { connect(wish, home) }
        waiting = [:]
    }

    /// The worker could not load it, for this reason; said once.
    func failed(_ key: WorkerKey, _ text: String) {
        guard key == store?.key else { return }
        isReady = false
        guard looksAfterStore else { return }
        let text = "shared caches: their store \(settings.cacheStore) cannot be loaded: \(text); it is tried again"
        if trouble != text { log.write(.error, "", text) }
        trouble = text
        tell(.failed)
    }

    /// The worker has ended.
    func died(_ key: WorkerKey) {
        guard key == store?.key else { return }
        isReady = false
        if looksAfterStore { tell(.failed) }
    }

    /// The host stops: the store is not loaded any more.
    func stop() {
        store = nil
        isReady = false
        waiting = [:]
        tell(.removed)
    }

    private func tell(_ event: StoreRestarts.Event) {
        for action in restarts.handle(event, at: clock.monotonic()) {
            switch action {
            case .load: if let store { orders.append(.load(store)) }
            case .ready, .gone: break
            }
        }
        if let timer { deadlines.set(timer, at: restarts.nextDeadline) }
    }

    // MARK: Connections

    /// A plugin in that worker has shared caches, and no connection. `home` is the owner of the worker's folders.
    func wants(_ worker: WorkerID, plugin: Int, home: WorkerHome?) {
        let wish = Wish(worker: worker, plugin: plugin)
        if isReady { connect(wish, home) } else { waiting[wish] = home }
    }

    private func connect(_ wish: Wish, _ home: WorkerHome?) {
        let now = clock.monotonic()
        givenAt = givenAt.filter { now - $0.value < Self.pace }
        guard givenAt[wish] == nil, let store, let program = programs[wish.plugin] else { return }
        givenAt[wish] = now
        let routine: String? = if case .routine(_, let routine)? = home { routine } else { nil }
        let access = SharedAccess(
            prefix: "schedhost/\(settings.name)/", plugin: program.name, routine: routine,
            links: Int(clamping: settings.links),
            timeoutMs: program.routines.map(\.settings.caches.sharedTimeoutMs).max() ?? 250)
        orders.append(.connect(wish.worker, plugin: wish.plugin, access, store: store.key))
    }
}
