internal import HostCluster
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// All that a host has because it is in a cluster: its membership, the ways of its workers to shared caches, and what people on
/// other hosts are told.
final class ClusterParts {
    let membership: Membership
    let sharedCaches: SharedCaches
    let clearing: SharedClearing
    let desk: FleetDesk
    /// What says to workers until when the host's leases are valid.
    let page: LeasePage
    private let identity: HostIdentity
    private let state: String
    private var leaving = Leaving.no
    /// Whether the worker of a store that has caches only was told to end.
    private var cacheStoreEnds = false

    /// How far the host's leaving has come, by the worker of the store that has leases.
    private enum Leaving {
        /// It has something to give back.
        case no
        /// It has given back what it held, and other workers may still use the store for their caches.
        case left
        /// They are gone, and the last words are on their way.
        case lastWords
    }

    /// Makes the parts of a host with that state directory. `isOver` says whether an earlier life of this host is over that had
    /// that process.
    init(
        _ settings: ClusterSettings, state: String, clock: any HostClock, deadlines: Deadlines, log: any LogSink,
        isOver: @escaping (UInt64) -> Bool
    ) throws {
        page = try LeasePage()
        self.state = state
        let isDraining: Bool
        (identity, isDraining) = try IdentityFile.establish(in: state)
        membership = Membership(
            identity, settings, isDrained: isDraining, clock: clock, deadlines: deadlines, log: log, isOver: isOver)
        let cacheStore =
            settings.cacheStore == settings.store
            ? membership.store
            : StoreWorker(
                settings.cacheStore, lease: Int64(nanosecondsFrom: settings.leaseMs), clock: clock,
                deadlines: deadlines)
        sharedCaches = SharedCaches(settings, cacheStore, clock: clock, log: log)
        clearing = SharedClearing(settings, cacheStore)
        let recent = (try? SessionFiles.last(FleetReporter.slots, in: Directory(state)).records) ?? []
        desk = FleetDesk(identity, cluster: settings.name, recent: recent, clock: clock, deadlines: deadlines)
        membership.store.listen { [desk] news in
            switch news {
            case .ready: desk.storeServes(true)
            case .gone: desk.storeServes(false)
            case .failed: break
            }
        }
        log.write(.info, "", "cluster \(settings.name): its store is \(settings.store)")
    }

    /// Answers people by that view. `book` has the host's routines.
    func serve(_ view: HostView, book: RoutineBook) {
        desk.facts = { [membership] in FleetDesk.Facts(of: book, skewMs: membership.keeper.skewMs) }
        view.clusterOrder = { [membership, identity, state] order in
            ClusterOrders(membership: membership) { try IdentityFile.keep(identity, isDraining: $0, in: state) }
                .perform(order)
        }
        view.fleetStatus = { [desk, membership] request in .fleet(desk.answer(request, of: membership)) }
        view.clearShared = { [clearing] in
            clearing.answer($0, plugins: Array(Set(book.routines.values.map(\.program.name))))
        }
        view.cluster = { [desk, membership, sharedCaches] in
            var status = membership.status
            status.storeUses += desk.meter.uses + sharedCaches.uses
            return status
        }
        view.standbyReason = { [membership] routine in
            membership.explanation(of: ClaimName(plugin: routine.plugin, named: routine.routine))
        }
    }

    /// The host's id, for records.
    var hostID: String { identity.id.description }

    /// The workers of the stores: of one for leases and caches, or of one for each.
    var stores: [StoreWorker] {
        sharedCaches.store === membership.store ? [membership.store] : [membership.store, sharedCaches.store]
    }

    /// The keys of these workers.
    var storeKeys: Set<WorkerKey> { Set(stores.compactMap(\.key)) }

    /// Whether there is anything to be done.
    var hasOrders: Bool {
        membership.hasOrders || sharedCaches.hasOrders || clearing.hasOrders || desk.hasOrders
            || stores.contains(where: \.hasOrders)
    }

    /// What a store worker says.
    func heard(_ event: StoreEvent) {
        switch event {
        case .consulted(let id, let answer): desk.heard(id, answer)
        case .cleared(let id, let removed, let trouble): clearing.heard(id, removed: removed, trouble: trouble)
        case .used(let uses): sharedCaches.used(uses)
        case .up, .down, .stored, .changed:
            if case .up = event { desk.storeIsNew() }
            membership.keeper.heard(event)
        }
    }

    /// A plugin can be loaded.
    func ready(_ program: Program) {
        for store in stores { store.ready(program) }
        sharedCaches.ready(program)
    }

    /// A plugin is to end.
    func retired(_ number: Int) {
        for store in stores { store.retired(number) }
        sharedCaches.retired(number)
    }

    /// The host stops: what it holds is given back by the store's worker, which ends after that.
    func stop() {
        membership.stop()
        for store in stores { store.stop() }
    }

    /// The host has given back what it held.
    func left() { if case .no = leaving { leaving = .left } }

    /// What to send to the workers of the stores, and which of them may end. `leases` is how many the host holds; `hasOthers`
    /// says whether it has other workers, whose caches may be in the stores.
    func takeOrders(leases: Int, beside hasOthers: Bool) -> [(key: WorkerKey, order: FleetDesk.Order)] {
        var orders: [(key: WorkerKey, order: FleetDesk.Order)] = []
        if membership.isStopping, !hasOthers {
            if case .left = leaving {
                leaving = .lastWords
                desk.leave()
            }
            if !cacheStoreEnds, sharedCaches.store !== membership.store, let key = sharedCaches.store.key {
                cacheStoreEnds = true
                orders.append((key, .end))
            }
        }
        if let key = sharedCaches.store.key { orders += clearing.take().map { (key, .send($0)) } }
        desk.see(
            isMember: membership.keeper.isMember, isDraining: membership.keeper.isDraining,
            isStopping: membership.isStopping, leases: leases)
        if let key = membership.store.key { orders += desk.take().map { (key, $0) } }
        return orders
    }
}
