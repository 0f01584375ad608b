internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The worker of one of the cluster's stores: which plugin it has loaded, and that it is started again whenever it ends.
///
/// It is told of plugins and workers, and tells those who need the store. Loads, which the supervisor is to order, wait in
/// `take`.
final class StoreWorker {
    /// What is told to those who need the store.
    enum News: Equatable {
        /// The store can be asked.
        case ready
        /// It cannot be asked any more.
        case gone
        /// The plugin could not be loaded, for this reason. It is tried again.
        case failed(String)
    }

    /// The name by which the configuration calls the plugin: its id, or its file's.
    let name: String
    private let clock: any HostClock
    private let deadlines: Deadlines
    /// The order to load the plugin; nil while there is none of that name.
    private var plugin: Load?
    private var restarts: StoreRestarts
    private var timer: Deadlines.Timer?
    private var loads: [Load] = []
    private var listeners: [(News) -> Void] = []
    private var isStopping = false
    /// Whether the store can be asked.
    private(set) var isServing = false

    /// The worker of the plugin of that name, in a cluster with leases of so many ns.
    init(_ name: String, lease: Int64, clock: any HostClock, deadlines: Deadlines) {
        self.name = name
        self.clock = clock
        self.deadlines = deadlines
        restarts = StoreRestarts(lease: lease)
        timer = deadlines.make { [weak self] _ in self?.tell(.deadline) }
    }

    /// Tells the news from now on.
    func listen(_ hear: @escaping (News) -> Void) { listeners.append(hear) }

    /// The loads to order since the last call.
    func take() -> [Load] {
        defer { loads = [] }
        return loads
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !loads.isEmpty }

    /// The worker's key; nil while there is no such plugin.
    var key: WorkerKey? { plugin?.key }

    /// A plugin can be loaded. It may be the store.
    func ready(_ program: Program) {
        guard program.name == name || program.load.name == name else { return }
        var load = program.load
        load.key = .store(program.number)
        load.home = .plugin(program.name)
        plugin = load
        tell(.plugin)
    }

    /// A plugin is to end.
    func retired(_ number: Int) {
        guard plugin?.plugin == number else { return }
        plugin = nil
        tell(.removed)
    }

    /// A worker has loaded the plugin.
    func loaded(_ key: WorkerKey) { if key == self.key { tell(.loaded) } }

    /// A worker could not load it, for this reason.
    func failed(_ key: WorkerKey, _ text: String) {
        guard key == self.key else { return }
        tell(News.failed(text))
        tell(.failed)
    }

    /// A worker has ended.
    func died(_ key: WorkerKey) { if key == self.key { tell(.failed) } }

    /// The host stops: the worker is not started any more. One that runs goes on, since leases are given back by it.
    func stop() {
        isStopping = true
        loads = []
        if let timer { deadlines.set(timer, at: nil) }
    }

    private func tell(_ event: StoreRestarts.Event) {
        for action in restarts.handle(event, at: clock.monotonic()) {
            switch action {
            case .load: if let plugin, !isStopping { loads.append(plugin) }
            case .ready:
                isServing = true
                tell(News.ready)
            case .gone:
                isServing = false
                tell(News.gone)
            }
        }
        if let timer { deadlines.set(timer, at: isStopping ? nil : restarts.nextDeadline) }
    }

    private func tell(_ news: News) {
        for listener in listeners { listener(news) }
    }
}
