public import HostValues

/// A host in its cluster: its own life (`HostMachine`), its claims (`ClaimMachine`), what it has read of the others
/// (`ClusterView`), and from these what is to be asked of the store next (`StoreTalk`).
///
/// Pure, one request at a time: whoever owns it tells what happened, with the time since the boot, and does what is
/// answered. All decisions rest on commits with conditions, so an answer that is old or lost costs time and no more. The
/// wall clock goes into an epoch's base and into what people read.
///
/// On each new link everything is read first, and what this host holds is found again by content, never by a version that
/// it knew: after a loss the same number may stand for something else.
public struct ClusterMember: Sendable {
    /// What the host is to do with its claims.
    public enum Mode: Equatable, Sendable {
        /// Hold what it can.
        case serving
        /// Give back what it has, and take nothing.
        case draining
        /// The same, and then leave.
        case stopping
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// There is a link to the store.
        case up(StoreLink)
        /// The link is gone. What was asked and not answered may have been done, or may be yet.
        case down
        /// The answer to the request of that number.
        case answer(UInt64, StoreAnswer)
        /// Somebody has changed something: a hint.
        case changed
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case deadline
        /// The claim is to be held by one host.
        case want(ClaimName, ClaimWish)
        /// The claim is of no interest to this host any more.
        case drop(ClaimName, ClaimMachine.Departure)
        /// No session of the claim lives, and none will begin.
        case ended(ClaimName)
        /// The claim is to be given back, and not to be taken again for so many ns; to that host, if to a certain one.
        case leave(ClaimName, ClaimMachine.Departure, bar: Int64, to: HostID? = nil)
        /// What the host is to do.
        case mode(Mode)
        /// The weight is another one.
        case weight(UInt64)
        /// What was found out of an earlier life's process.
        case process(Incarnation, isGone: Bool)
    }

    /// What to do, in this order.
    public enum Action: Equatable, Sendable {
        /// Ask the store, and tell the answer with that number.
        case ask(UInt64, StoreRequest)
        /// The link has not answered in time, or has an old name for the store: close it, and open another one.
        case reopen
        /// What is held is valid so long.
        case extend(LeaseTimes)
        /// Sessions of the claim may begin, under that token.
        case begin(ClaimName, token: UInt64)
        /// Ask the claim's sessions to end and begin no more; tell `ended`, at once where there is none.
        case end(ClaimName, ClaimMachine.Ending)
        /// Kill what lives of the claim's sessions; tell `ended`.
        case kill(ClaimName)
        /// Find out whether the process of an earlier life is gone, and tell `process`.
        case lookFor(pid: UInt64, Incarnation)
        /// Say that somebody else has this host's id: it takes no part.
        case refuse
        /// Say what is wrong with the store, or nil that all is well again with what it brings back.
        case say(StoreTrouble?)
        /// It has left.
        case closed
    }

    let identity: HostIdentity
    /// The rule that a test takes away.
    let missing: LeaseRule?
    /// The host's own life.
    public private(set) var host = HostMachine()
    /// What the host is to do with its claims.
    public private(set) var mode = Mode.serving
    /// How much the host takes.
    public private(set) var weight: UInt64
    var claims = ClaimTable()
    var view: ClusterView
    var talk = StoreTalk()
    var refusals = StoreRefusals()
    private(set) var lives: OwnLives
    private var earlier = EarlierLife()
    private var beat: UInt64 = 0
    var renewAt = BootTime.longAgo
    private var leaving = HostLeaving()
    var wakeAt = BootTime.never
    var turns = ConditionTurns()
    /// What is wrong with what the store brings back, or with what it does not take of this host's own; nil: nothing.
    public private(set) var trouble: StoreTrouble?
    private var actions: [Action] = []

    /// A host that takes part from its first link on. `length` is in ns, 1 s at least.
    public init(_ identity: HostIdentity, length: Int64, weight: UInt64) {
        self.init(identity, length: length, weight: weight, without: nil)
    }

    init(
        _ identity: HostIdentity, length: Int64, weight: UInt64, without missing: LeaseRule?,
        sweepAge: Int64 = ClaimSweep.usualAge
    ) {
        self.identity = identity
        self.weight = min(weight, Placement.mostWeight)
        self.missing = missing
        let wanted = UInt64(clamping: length / 1_000_000)
        let epoch = EpochWatch(
            wanted: min(max(wanted, EpochRecord.lengths.lowerBound), EpochRecord.lengths.upperBound),
            settles: missing != .settling)
        view = ClusterView(of: identity.id, epoch: epoch, sweepAge: sweepAge)
        lives = OwnLives(seed: identity.seed)
        _ = host.handle(.open, at: .longAgo)
    }

    /// How long leases are in this cluster, ns: what this host's configuration wants, until it has read what holds.
    public var length: Int64 { view.epoch.length }

    /// When `deadline` is due.
    public var nextDeadline: BootTime {
        min(
            wakeAt, claims.nextDeadline, host.nextDeadline ?? .never,
            talk.pending.map { $0.asked + patience } ?? .never)
    }

    /// How long an answer may take, ns.
    var patience: Int64 { length / 6 }

    /// How long to wait after what did not succeed, ns.
    var backOff: Int64 { min(100_000_000, length / 20) }

    /// How long to wait at the least before the same is asked again, ns: whatever the store answers, this host does not spin.
    var pause: Int64 { length / 1000 }

    /// Takes one event at a time since the boot; returns what to do.
    public mutating func handle(_ event: Event, at now: BootTime, wall: WallTime) -> [Action] {
        actions = []
        pass(now)
        switch event {
        case .up(let link): talk.linked(link)
        case .down: talk.unlinked()
        case .answer(let id, let answer): take(answer, id, at: now)
        case .changed: talk.hinted()
        case .deadline: break
        case .want(let name, let wish): claims.want(name, wish)
        case .drop(let name, let why): change(name, .leave(why, bar: now), at: now, isDropped: true)
        case .ended(let name): change(name, .ended, at: now)
        case .leave(let name, let departure, let bar, let heir):
            change(name, .leave(departure, bar: now + max(bar, 0)), at: now, heir: heir)
        case .mode(let mode): set(mode, at: now)
        case .weight(let weight): self.weight = min(weight, Placement.mostWeight)
        case .process(let incarnation, let isGone): earlier.found(incarnation, isGone: isGone)
        }
        proceed(at: now, wall)
        return actions
    }

    // MARK: Parts

    /// What the time alone brings, before anything else: what is over stays so, whatever an answer says.
    private mutating func pass(_ now: BootTime) {
        tell(.deadline, at: now)
        for name in claims.due(at: now) { change(name, .deadline, at: now) }
        if let pending = talk.pending, now >= pending.asked + patience { reopen() }
    }

    mutating func reopen() {
        talk.unlinked()
        actions.append(.reopen)
    }

    private mutating func set(_ mode: Mode, at now: BootTime) {
        guard self.mode != mode, self.mode != .stopping else { return }
        self.mode = mode
        if mode != .stopping { renewAt = now }  // the others see it at once
        switch mode {
        case .serving: break
        case .draining: for name in claims.names { change(name, .leave(.drain, bar: now), at: now) }
        case .stopping: for name in claims.names { change(name, .leave(.stop, bar: now), at: now) }
        }
    }

    /// Tells the host's machine, and does what follows.
    mutating func tell(_ event: HostMachine.Event, at now: BootTime) {
        for action in host.handle(event, at: now) {
            switch action {
            case .extend(let times):
                renewAt = times.renewal
                actions.append(.extend(times))
            case .lose(let loss, let kill):
                talk.abandon()
                for name in claims.names { change(name, .lost(loss, kill: kill), at: now) }
            case .renew:
                lives.renew()
                earlier = EarlierLife()
                talk.abandon()
            case .refuse: actions.append(.refuse)
            }
        }
    }

    /// Tells a claim's machine, and does what follows. What it wants committed is seen by its state.
    mutating func change(
        _ name: ClaimName, _ event: ClaimMachine.Event, at now: BootTime, isDropped: Bool = false, heir: HostID? = nil
    ) {
        for action in claims.handle(name, event, at: now, isDropped: isDropped, heir: heir) {
            switch action {
            case .begin(let token): actions.append(.begin(name, token: token))
            case .end(let ending): actions.append(.end(name, ending))
            case .kill: actions.append(.kill(name))
            case .take, .release: break
            }
        }
    }

    mutating func ask(_ request: StoreRequest, for purpose: PendingRequest.Purpose, at now: BootTime) {
        let id = talk.ask(request, for: purpose, length: view.epoch.span(at: now), at: now)
        actions.append(.ask(id, request))
    }

    /// What is wrong with the store, for people; nil: nothing is any more with what it brings back.
    mutating func report(_ found: StoreTrouble?) {
        guard trouble != found else { return }
        trouble = found
        actions.append(.say(found))
    }

    /// The store will not write that key. It is left alone for a while, and people are told once.
    mutating func refused(_ key: String, _ text: String, at now: BootTime) {
        if refusals.add(key, text, at: now, until: now + length / 6) { actions.append(.say(.refuses(key: key, text))) }
        wake(now + length / 6)
    }

    var incarnation: Incarnation { lives.current }
    var requests: MemberRequests { MemberRequests(host: identity.id, incarnation: incarnation) }

    /// The record that the next renewal writes.
    mutating func record(at now: BootTime) -> HostRecord {
        beat += 1
        return HostRecord(
            incarnation: incarnation, beat: beat, name: identity.name, pid: identity.pid, boot: identity.boot,
            version: identity.version, weight: weight, isDraining: mode != .serving, leases: UInt64(claims.held),
            settled: view.epoch.settled(at: now), leaseMs: view.epoch.wanted)
    }

    /// What this host knows of its cluster.
    public var overview: ClusterOverview { ClusterOverview(identity.id, view, claims, refusals) }

    mutating func wake(_ time: BootTime) { wakeAt = min(wakeAt, time) }

    // MARK: Joining and leaving

    /// What is to be done about the record under this host's id before it is a member; true: its own can be written.
    mutating func mayJoin(at now: BootTime) -> Bool {
        guard let found = view.hosts[ClusterKey.host(identity.id)], !lives.include(found.record?.incarnation) else {
            return true
        }
        if missing == .earlierLifeWaits { return true }
        switch earlier.judge(found.record, version: found.version, boot: identity.boot, length: length, at: now) {
        case .isOver: return true
        case .isSomebodyElse: tell(.foreign, at: now)
        case .lookFor(let pid, let incarnation): actions.append(.lookFor(pid: pid, incarnation))
        case .wait(let time):
            // It is read again meanwhile: a record that moves is somebody else's.
            if now >= renewAt {
                renewAt = now + length / 6
                earlier.lookAgain()
                talk.doubt()
            }
            wake(min(time, renewAt))
        }
        return false
    }

    /// Leaves when it is to and nothing of what it held lives. True: nothing else is to be done.
    mutating func leaves(at now: BootTime) -> Bool {
        guard mode == .stopping, !claims.hasSessions else { return false }
        if host.state == .closed { return true }
        let own = view.hosts[requests.ownKey]
        let situation = HostLeaving.Situation(
            isMember: host.lease != nil && talk.link != nil, isBusy: claims.isBusy, isAsking: talk.pending != nil,
            isFresh: talk.isFresh, hasRecord: own?.record?.incarnation == incarnation)
        let step = leaving.step(situation, patience: HostLeaving.patience(length: length), at: now)
        wake(leaving.deadline)
        switch step {
        case .goesOn: return false
        case .waits: break
        case .removes: ask(MemberRequests.removing(requests.ownKey, version: own?.version ?? 0), for: .leave, at: now)
        case .closes: close(at: now)
        }
        return true
    }

    mutating func close(at now: BootTime) {
        guard host.state != .closed else { return }
        tell(.close, at: now)
        talk.stop()
        actions.append(.closed)
    }
}
