internal import HostCluster
internal import HostSystem
internal import HostValues
internal import HostWire

/// Owns what this host holds of its cluster: which routines may run here that run on one host only, and until when.
///
/// It is told what the store worker says and what becomes of sessions, and answers by orders, which wait in `take`. What
/// follows from what is `ClusterMember`'s; the keeper gives it the clocks, a timer and the store worker, and tells people.
final class LeaseKeeper {
    /// What the supervisor is to do, in this order.
    enum Order: Equatable {
        /// Send this to the store worker.
        case send(StoreCommand)
        /// Tell all workers that leases are valid until then.
        case extend(LeaseTimes)
        /// Sessions of the claim may begin, with that token.
        case begin(ClaimName, token: UInt64)
        /// End the claim's sessions and begin no more; then call `ended`, at once if there is none. The text says why.
        case end(ClaimName, ClaimMachine.Ending, text: String)
        /// Kill the worker in which the claim's session runs, if it still does.
        case kill(ClaimName)
        /// The host has left the cluster: it may end.
        case left
    }

    /// How the cluster is configured.
    struct Settings: Equatable {
        /// The cluster's name; hosts with another one have other records.
        var name: String
        /// The length of a lease, in ns.
        var length: Int64
        /// How many claims this host takes, compared with others; 0: none.
        var weight: UInt64
    }

    private let settings: Settings
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let log: any LogSink
    private let isOver: (UInt64) -> Bool
    private var timer: Deadlines.Timer?
    private var member: ClusterMember
    private var orders: [Order] = []
    /// Whether there is a store worker with its plugin loaded.
    private var hasStore = false
    /// A loss of the store: why it is away by its last word, and what people were told of that.
    private struct Outage {
        /// How long another reason waits before it is told, in ns: a store that is away may give two reasons by turns.
        static let rest: Int64 = 60_000_000_000

        var text: String
        var told: String
        var toldAt: BootTime
    }

    /// The loss that lasts; nil while the store answers.
    private var outage: Outage?
    /// What has become of leases.
    private(set) var counts = ClusterStatus.Counts()
    /// What was asked of the store.
    private(set) var meter = StoreMeter(.leases)
    private var hasBeenUp = false
    /// How long calls may take by the last order to connect, in ms.
    private var openedMs: UInt64 = 0
    /// The length of leases that people were told of, in ns.
    private var toldLength: Int64

    /// Makes a keeper. `isOver` says whether an earlier life of this host is over that had that
    /// process.
    init(
        _ identity: HostIdentity, _ settings: Settings, clock: any HostClock, deadlines: Deadlines, log: any LogSink,
        isOver: @escaping (UInt64) -> Bool
    ) {
        self.settings = settings
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        self.isOver = isOver
        member = ClusterMember(identity, length: settings.length, weight: settings.weight)
        toldLength = settings.length
        timer = deadlines.make { [weak self] _ in self?.tell(.deadline) }
    }

    /// What is to be done since the last call.
    func take() -> [Order] {
        defer { orders = [] }
        return orders
    }

    /// Whether there is anything to be done.
    var hasOrders: Bool { !orders.isEmpty }

    // MARK: The store worker

    /// A store worker has loaded its plugin.
    func storeIsReady() {
        hasStore = true
        connect()
    }

    /// The store worker has ended. What it had not answered may have been done.
    func storeIsGone() {
        hasStore = false
        meter.lost(at: clock.boot())
        tell(.down)
    }

    /// The store worker says this.
    func heard(_ event: StoreEvent) {
        switch event {
        case .up(let link):
            if hasBeenUp { counts.reconnects += 1 }
            hasBeenUp = true
            tell(.up(link))
        case .down(let text):
            noteDown(text)
            meter.lost(at: clock.boot())
            tell(.down)
        case .stored(let id, let answer):
            meter.answered(id, answer, at: clock.boot())
            compareClocks(answer)
            // A store may let in whoever comes, and then fail each request: people are not told of each connection.
            if outage != nil, answer.outcome != .unknown {
                outage = nil
                log.write(.info, "", "cluster: the store is connected again")
            }
            tell(.answer(id, answer))
        case .consulted, .cleared, .used: break  // for others
        case .changed(let keys):
            // The records of hosts change all the time, and each host reads them with its own renewals.
            if keys.contains(where: { !$0.hasPrefix(ClusterKey.hosts) }) { tell(.changed) }
        }
    }

    /// A store that was away for one reason may stay away for another, such as a password that was changed meanwhile: the last
    /// one is what people can mend.
    private func noteDown(_ text: String) {
        let now = clock.boot()
        guard var known = outage else {
            outage = Outage(text: text, told: text, toldAt: now)
            return log.write(.warning, "", "cluster: the store is not connected: \(text)")
        }
        known.text = text
        if text != known.told, now - known.toldAt >= Outage.rest {
            (known.told, known.toldAt) = (text, now)
            log.write(.warning, "", "cluster: the store is still not connected: \(text)")
        }
        outage = known
    }

    /// How far this host's clock is ahead of the store's, in ms, as far as half of what an answer took; nil: not known.
    private(set) var skewMs: Int64?

    private func compareClocks(_ answer: StoreAnswer) {
        guard let clockMs = answer.clockMs else { return }
        let way = max(0, clock.boot() - answer.sent)
        skewMs = (clock.wall() - way / 2).milliseconds.clampedMinus(clockMs)
    }

    private func connect() {
        openedMs = callMs
        orders.append(.send(.open(prefix: "schedhost/\(settings.name)/", timeoutMs: openedMs)))
    }

    /// How long a call to the store may take, in ms.
    private var callMs: UInt64 { UInt64(clamping: member.length / 6 / 1_000_000) }

    // MARK: Claims

    /// The claim is to run on one host.
    func want(_ claim: ClaimName, _ wish: ClaimWish) {
        if ClusterKey.claim(claim) == nil {
            log.write(.error, claim.description, "its name is too long for a key of the store: it does not run")
        }
        tell(.want(claim, wish))
    }

    /// The claim does not run here any more, for that reason, until it is wanted again.
    func drop(_ claim: ClaimName, _ why: ClaimMachine.Departure) { tell(.drop(claim, why)) }

    /// No session of the claim runs, and none will begin.
    func ended(_ claim: ClaimName) { tell(.ended(claim)) }

    /// The claim is to run on another host, on that one if it can. This one does not take it for so many ns.
    func giveUp(_ claim: ClaimName, _ departure: ClaimMachine.Departure, bar: Int64, to heir: HostID? = nil) {
        tell(.leave(claim, departure, bar: bar, to: heir))
    }

    /// What the host is to do with its claims. After `stopping`, the order `left` comes.
    func set(_ mode: ClusterMember.Mode) { tell(.mode(mode)) }

    /// Whether the host takes nothing and gives back what it has, since a person wants that.
    var isDraining: Bool { member.mode == .draining }

    /// What this host knows of its cluster.
    var overview: ClusterOverview { member.overview }

    /// For how long an overview is taken for the present one, in ns: a status asks for each routine.
    private static let recently: Int64 = 100_000_000
    private var kept: (at: BootTime, overview: ClusterOverview)?

    private var recentOverview: ClusterOverview {
        let now = clock.boot()
        if let kept, now - kept.at < Self.recently { return kept.overview }
        let overview = member.overview
        kept = (now, overview)
        return overview
    }

    /// Why the claim's sessions do not run here now, in a few words; nil if they may.
    func explanation(of claim: ClaimName) -> String? {
        if let hindrance { return hindrance }
        let overview = recentOverview
        guard let known = overview.claim(claim) else { return "it is about to ask for its lease" }
        if known.isHeldHere { return nil }
        if let refusal = known.refusal { return "the store refuses to write who has its lease: \(refusal)" }
        if known.isUnknown { return "who has its lease cannot be read in the store" }
        guard let holder = known.holder else { return "nobody has its lease, and a host is about to take it" }
        if holder == overview.own { return "this host is about to take its lease again" }
        return "held by host \(overview.name(of: holder)), with token \(known.token ?? 0)"
    }

    /// How long this host's leases last; nil if it is no member.
    var lease: LeaseTimes? { member.host.lease }
    /// Whether the host is a member whose leases are valid.
    var isMember: Bool { lease != nil }

    /// How long leases are in this cluster, in ns.
    var length: Int64 { member.length }

    /// Why no claim can be held at present; nil if some can.
    var hindrance: String? {
        switch member.host.state {
        case .refused: return Self.copied
        case .held, .doubtful: return nil
        case .closed, .joining, .over:
            if let outage { return "the store is not connected: \(outage.text)" }
            return member.trouble.map { Self.text(of: $0) } ?? "the cluster is being joined"
        }
    }

    // MARK: The member

    private static let copied =
        "another host has the id of this state directory, which was copied with it: leased routines do not run here; remove "
        + "cluster.json from one of the two directories, and start its host again"

    private func tell(_ event: ClusterMember.Event) {
        var waiting = [event]
        while !waiting.isEmpty {
            for action in member.handle(waiting.removeFirst(), at: clock.boot(), wall: clock.wall()) {
                if let answer = perform(action) { waiting.append(answer) }
            }
        }
        tellLength()
        guard let timer else { return }
        let next = member.nextDeadline
        // Timers do not advance in a suspend, unlike leases. The kernel ends workers in time; the supervisor's part comes
        // with the first event after it.
        deadlines.set(timer, at: next == .never ? nil : clock.monotonic() + max(0, next - clock.boot()))
    }

    /// Leases are as long on all hosts: what is configured for this one counts when all say the same.
    private func tellLength() {
        guard member.length != toldLength else { return }
        toldLength = member.length
        let (now, own) = (member.length / 1_000_000, settings.length / 1_000_000)
        let text =
            now == own
            ? "cluster: leases last for \(now) ms from now on, as lease_ms says on all hosts"
            : "cluster: leases last for \(now) ms, as on its other hosts, and lease_ms is \(own) here: that holds when all of "
                + "them say so"
        log.write(now == own ? .info : .warning, "", text)
        // A call to a server that is dead may take as long as the length allowed that was known when it was connected to. By
        // halves, so that no store can make this host connect again and again.
        if hasStore, callMs * 2 <= openedMs { connect() }
    }

    private func perform(_ action: ClusterMember.Action) -> ClusterMember.Event? {
        switch action {
        case .ask(let id, let request):
            meter.asked(id, request, at: clock.boot())
            orders.append(.send(.ask(id, request)))
        case .reopen:
            meter.lost(at: clock.boot())
            if hasStore { connect() }
        case .extend(let times): orders.append(.extend(times))
        case .begin(let claim, let token):
            counts.taken += 1
            log.write(.info, claim.description, "held by this host from now on, with token \(token)")
            orders.append(.begin(claim, token: token))
        case .end(let claim, let ending):
            count(ending)
            let text = text(of: ending)
            log.write(ending.isLoss ? .warning : .info, claim.description, "its sessions end on this host: \(text)")
            orders.append(.end(claim, ending, text: text))
        case .kill(let claim): orders.append(.kill(claim))
        case .lookFor(let pid, let incarnation): return .process(incarnation, isGone: isOver(pid))
        case .refuse: log.write(.critical, "", "cluster: \(Self.copied)")
        case .say(let trouble?): log.write(.error, "", "cluster: \(Self.text(of: trouble))")
        case .say(nil): log.write(.info, "", "cluster: the store takes and brings back all again")
        case .closed: orders.append(.left)
        }
        return nil
    }

    private func count(_ ending: ClaimMachine.Ending) {
        switch ending {
        case .lost(.silence): counts.lostInSilence += 1
        case .lost(.takenOver): counts.takenOver += 1
        case .lost(.recordGone): counts.recordsGone += 1
        case .handedOver: counts.handedOver += 1
        }
    }

    private static func text(of trouble: StoreTrouble) -> String {
        switch trouble {
        case .refuses(let key, let text): "the store refuses to write \(key): \(text)"
        case .tooMuch(ClusterKey.claims):
            "the store has more claims than a host reads: those behind them are taken over by nobody"
        case .tooMuch: "the store has more hosts than a host reads: no lease is held"
        }
    }

    private func text(of ending: ClaimMachine.Ending) -> String {
        switch ending {
        case .lost(.silence(let time)):
            let tenths = time / 100_000_000
            let span = "\(tenths / 10).\(tenths % 10) s"
            return member.trouble.map { "for \(span) \(Self.text(of: $0))" }
                ?? "the store did not answer for \(span)"
        case .lost(.takenOver(let host, let token)):
            return "host \(overview.name(of: host)) took it over, with token \(token)"
        case .lost(.recordGone): return "its record in the store is gone"
        case .handedOver(.stop): return "this host stops"
        case .handedOver(.drain): return "this host is drained"
        case .handedOver(.move): return "it is moved"
        case .handedOver(.rebalance): return "another host is the first for it"
        case .handedOver(.rest): return "it was stopped on this host"
        case .handedOver(.quarantine): return "it is quarantined on this host"
        case .handedOver(.removed): return "it does not run on one host any more"
        }
    }
}
