internal import HostCluster
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// What the cluster means for the components, where the host is in one.
extension Supervisor {
    /// Takes part in the cluster that is configured, if there is one. `state` is the state directory.
    func joinCluster(state: String) throws {
        guard let settings = catalog.resolver.host.cluster else { return }
        let cluster = try ClusterParts(
            settings, state: state, clock: clock, deadlines: deadlines, log: log,
            // An earlier life of this host is over when its process and all that is left of its workers are gone. Where they
            // are not, it is awaited as any other host is, until the kernel has ended its sessions.
            isOver: { [unowned self] in IdentityFile.isGone($0) && self.fleet.orphans.isInheritanceOver })
        launcher.leases = cluster.page
        cluster.serve(view, book: book)
        self.cluster = cluster
    }

    /// The workers of the stores that the cluster uses.
    var stores: [StoreWorker] { cluster?.stores ?? [] }

    /// Tells the cluster what has become of routines, and does what it asks for.
    func settleCluster() {
        guard let cluster else { return }
        let membership = cluster.membership
        let leased = LeasedRoutines(book: book)
        if view.phase != .stopping {
            let isSettled = catalog.isReady && catalog.changes.isEmpty
            membership.want(leased.takeWishes(), isSettled: isSettled)
            if isSettled { membership.pluginsAreKnown() }
        }
        for claim in leased.takeEnded() { membership.keeper.ended(claim) }
        for store in stores { for load in store.take() { perform(load, of: store) } }
        for order in membership.take() { perform(order, of: cluster, leased) }
        for connection in cluster.sharedCaches.take() { perform(connection) }
        let hasOthers = fleet.hasWorkers(but: cluster.storeKeys)
        for (key, order) in cluster.takeOrders(leases: book.leases.gate.count, beside: hasOthers) {
            switch order {
            case .send(let command): fleet.send(.store(command), to: key)
            case .end: fleet.end(key)
            }
        }
    }

    private func perform(_ load: Load, of store: StoreWorker) {
        catalog.keepCopy(of: load.plugin)
        do throws(SystemError) {
            if case .ready = try fleet.prepare(load) { store.loaded(load.key) }
        } catch {
            store.failed(load.key, "no worker for it: \(error)")
        }
    }

    private func perform(_ connection: SharedCaches.Connection) {
        guard let worker = fleet.openWorker(of: connection.store), let pair = try? DescriptorPair.socket() else {
            return
        }
        let (first, second) = pair.passed()
        fleet.send(.store(.share(connection.access)), passing: second, to: worker)
        fleet.send(.share(plugin: connection.plugin), passing: first, to: connection.worker)
    }

    private func perform(_ order: LeaseKeeper.Order, of cluster: ClusterParts, _ leased: LeasedRoutines) {
        switch order {
        case .send(let command): if let key = cluster.membership.store.key { fleet.send(.store(command), to: key) }
        case .extend(let times):
            cluster.page.deadline = times.kill
            leased.extend(to: times)
        case .begin(let claim, let token): leased.hold(claim, token: token)
        case .end(let claim, let ending, let text): leased.end(claim, ending, text)
        case .kill(let claim): for seat in leased.seats(of: claim) { fleet.kill(seat) }
        case .left: cluster.left()
        }
    }
}
