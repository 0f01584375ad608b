internal import HostCluster
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// This host's part in its cluster: the worker of the store in which leases are, which claims are wanted, and the keeper of
/// the leases.
///
/// It is told of routines, and answers by orders, which wait in `take`. A host without a cluster has none.
final class Membership {
    /// How the host takes part.
    let settings: ClusterSettings
    let keeper: LeaseKeeper
    /// The worker of the store in which leases are.
    let store: StoreWorker
    private let clock: any HostClock
    private let log: any LogSink
    /// What this host is to hold. Of what is not here any more, `absent` has its claims until it is sure not to come back.
    private var wanted: [ClaimName: ClaimWish] = [:]
    private var absent: Set<ClaimName> = []
    private(set) var isStopping = false
    /// What was said last of a store that cannot be had.
    private var trouble = ""

    /// Makes the part of that host. `isDrained`: a person wants it to take nothing.
    init(
        _ identity: HostIdentity, _ settings: ClusterSettings, isDrained: Bool = false, clock: any HostClock,
        deadlines: Deadlines, log: any LogSink, isOver: @escaping (UInt64) -> Bool
    ) {
        self.settings = settings
        self.clock = clock
        self.log = log
        let length = Int64(nanosecondsFrom: settings.leaseMs)
        store = StoreWorker(settings.store, lease: length, clock: clock, deadlines: deadlines)
        keeper = LeaseKeeper(
            identity,
            LeaseKeeper.Settings(name: settings.name, length: length, weight: settings.weight),
            clock: clock, deadlines: deadlines, log: log, isOver: isOver)
        store.listen { [weak self] in self?.hear($0) }
        guard isDrained else { return }
        keeper.set(.draining)
        log.write(.warning, "", "cluster: this host is drained, and takes no lease until: schedhost cluster undrain")
    }

    /// What is to be done since the last call.
    func take() -> [LeaseKeeper.Order] { keeper.take() }

    /// Whether there is anything to be done.
    var hasOrders: Bool { keeper.hasOrders }

    // MARK: The store

    private func hear(_ news: StoreWorker.News) {
        switch news {
        case .ready:
            trouble = ""
            keeper.storeIsReady()
        case .gone: keeper.storeIsGone()
        case .failed(let text):
            say("its store \(settings.store) cannot be loaded: \(text); it is tried again until it can")
        }
    }

    /// All plugins are known: says so where none of them is the store.
    func pluginsAreKnown() {
        guard store.key == nil, !isStopping else { return }
        say("no plugin here is called \(settings.store), as its store is: routines with run_on wait for it")
    }

    /// Notes in the log what a person wanted.
    func note(_ subject: String, _ text: String) {
        log.write(.info, subject, subject.isEmpty ? "cluster, by a person: \(text)" : "moved by a person: \(text)")
    }

    private func say(_ text: String) {
        if trouble != text { log.write(.error, "", "cluster: \(text)") }
        trouble = text
    }

    /// The present, by the clock of leases.
    var now: BootTime { clock.boot() }

    /// What this host knows of its cluster.
    var status: ClusterStatus {
        let now = clock.boot()
        let overview = keeper.overview
        var status = ClusterStatus(
            name: settings.name, store: settings.store,
            trouble: store.key == nil ? "no plugin here is called \(settings.store)" : keeper.hindrance,
            validMs: keeper.lease.map { max(0, $0.kill - now) / 1_000_000 })
        status.leaseMs = keeper.length / 1_000_000
        status.held = UInt64(overview.held)
        status.isDraining = keeper.isDraining
        status.settlingMs = overview.settling == .never ? 0 : max(0, overview.settling - now) / 1_000_000
        status.counts = keeper.counts
        status.counts.takeovers = overview.takeovers.count
        status.counts.timedTakeovers = overview.takeovers.timed
        status.counts.takeoverMs = UInt64(clamping: overview.takeovers.time / 1_000_000)
        status.skewMs = keeper.skewMs
        status.storeUses = keeper.meter.uses
        status.members = overview.hosts.map {
            .init(
                id: $0.id.description, name: $0.name == nil ? "" : overview.name(of: $0.id), version: $0.version,
                weight: $0.weight, leases: $0.leases,
                silentMs: max(0, now - $0.since) / 1_000_000, isOwn: $0.id == overview.own,
                isDraining: $0.isDraining)
        }
        status.claims = overview.claims.map { claim in
            .init(
                id: claim.name.description, holder: claim.holder.map { overview.name(of: $0) }, token: claim.token,
                isHere: claim.isHeldHere)
        }
        return status
    }

    // MARK: Claims

    /// Why the claim's sessions do not run here now, in a few words; nil if they may.
    func explanation(of claim: ClaimName) -> String? {
        store.key == nil
            ? "the host waits for its store: no plugin is called \(settings.store)" : keeper.explanation(of: claim)
    }

    /// What has changed of what this host is to hold. What is not here any more is given back when `isSettled`: until then its
    /// plugin may be about to come back.
    func want(_ wishes: [ClaimName: LeasedRoutines.Wish], isSettled: Bool) {
        for (claim, wish) in wishes {
            absent.remove(claim)
            switch wish {
            case .wanted(let wish): if wanted.updateValue(wish, forKey: claim) != wish { keeper.want(claim, wish) }
            case .unwanted(let why): if wanted.removeValue(forKey: claim) != nil { keeper.drop(claim, why) }
            case .absent: if wanted[claim] != nil { absent.insert(claim) }
            }
        }
        guard isSettled, !absent.isEmpty else { return }
        for claim in absent {
            wanted[claim] = nil
            keeper.drop(claim, .removed)
        }
        absent = []
    }

    /// The host stops: what it holds is given back, and then it leaves.
    func stop() {
        isStopping = true
        store.stop()
        keeper.set(.stopping)
    }
}
