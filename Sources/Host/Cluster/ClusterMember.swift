public import HostValues

/// A host in its cluster: its own life (`HostMachine`), its claims (`ClaimMachine`), what it has read of the others
/// (`ClusterView`), and from these what is to be asked of the store next.
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
        /// The claim is to be given back, and not to be taken again for so many ns.
        case leave(ClaimName, ClaimMachine.Departure, bar: Int64)
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
        /// The link has not answered in time: close it, and open another one.
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
        /// It has left.
        case closed
    }

    let identity: HostIdentity
    /// The length of a lease, ns.
    public let length: Int64
    /// The rule that a test takes away.
    let missing: LeaseRule?
    /// The host's own life.
    public private(set) var host = HostMachine()
    /// What the host is to do with its claims.
    public private(set) var mode = Mode.serving
    /// How much the host takes.
    public private(set) var weight: UInt64
    var claims: ClaimTable
    var view: ClusterView
    private(set) var lives: OwnLives
    private var earlier = EarlierLife()
    private(set) var link: StoreLink?
    var pending: PendingRequest?
    private var lastID: UInt64 = 0
    private var beat: UInt64 = 0
    var renewAt = BootTime.longAgo
    var retryAt = BootTime.longAgo
    private var closeAt = BootTime.never
    /// The view is of this link, and nothing has come since that leaves a doubt.
    var isFresh = false
    /// Somebody has changed something, or the claims are to be looked at in the store for another reason.
    var isHinted = false
    /// When all was read last.
    var surveyedAt = BootTime.longAgo
    var wakeAt = BootTime.never
    /// Where the next renewal begins to look, when it cannot look at all claims.
    var turn: UInt64 = 0
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
        self.length = max(length, 1_000_000_000)
        self.weight = min(weight, Placement.mostWeight)
        self.missing = missing
        claims = ClaimTable(length: self.length)
        view = ClusterView(of: identity.id, length: missing == .settling ? 0 : self.length, sweepAge: sweepAge)
        lives = OwnLives(seed: identity.seed)
        _ = host.handle(.open, at: .longAgo)
    }

    /// When `deadline` is due.
    public var nextDeadline: BootTime {
        min(wakeAt, claims.nextDeadline, host.nextDeadline ?? .never, pending.map { $0.asked + patience } ?? .never)
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
        case .up(let link): linked(link)
        case .down: unlinked()
        case .answer(let id, let answer): take(answer, id, at: now)
        case .changed: isHinted = true
        case .deadline: break
        case .want(let name, let wish): claims.want(name, wish)
        case .drop(let name, let why): change(name, .leave(why, bar: now), at: now, isDropped: true)
        case .ended(let name): change(name, .ended, at: now)
        case .leave(let name, let departure, let bar):
            change(name, .leave(departure, bar: now + max(bar, 0)), at: now)
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
        if let pending, now >= pending.asked + patience {
            abandon()
            link = nil
            actions.append(.reopen)
        }
    }

    private mutating func linked(_ new: StoreLink) {
        abandon()
        link = new
        (isFresh, retryAt) = (false, .longAgo)
    }

    private mutating func unlinked() {
        abandon()
        link = nil
    }

    /// Whether what was asked is done nobody knows: all is read again.
    mutating func abandon() {
        pending = nil
        isFresh = false
    }

    private mutating func set(_ mode: Mode, at now: BootTime) {
        guard self.mode != mode, self.mode != .stopping else { return }
        self.mode = mode
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
                abandon()
                for name in claims.names { change(name, .lost(loss, kill: kill), at: now) }
            case .renew:
                lives.renew()
                earlier = EarlierLife()
                abandon()
            case .refuse: actions.append(.refuse)
            }
        }
    }

    /// Tells a claim's machine, and does what follows. What it wants committed is seen by its state.
    mutating func change(_ name: ClaimName, _ event: ClaimMachine.Event, at now: BootTime, isDropped: Bool = false) {
        for action in claims.handle(name, event, at: now, isDropped: isDropped) {
            switch action {
            case .begin(let token): actions.append(.begin(name, token: token))
            case .end(let ending): actions.append(.end(name, ending))
            case .kill: actions.append(.kill(name))
            case .take, .release: break
            }
        }
    }

    mutating func ask(_ request: StoreRequest, for purpose: PendingRequest.Purpose, at now: BootTime) {
        lastID += 1
        pending = PendingRequest(id: lastID, purpose: purpose, request: request, asked: now)
        actions.append(.ask(lastID, request))
    }

    var incarnation: Incarnation { lives.current }
    var requests: MemberRequests { MemberRequests(host: identity.id, incarnation: incarnation) }

    /// The record that the next renewal writes.
    mutating func record(at now: BootTime) -> HostRecord {
        beat += 1
        return HostRecord(
            incarnation: incarnation, beat: beat, name: identity.name, pid: identity.pid, boot: identity.boot,
            version: identity.version, weight: weight, isDraining: mode != .serving, leases: UInt64(claims.held),
            settled: view.epoch.settled(at: now))
    }

    /// What this host knows of its cluster.
    public var overview: ClusterOverview { ClusterOverview(identity.id, view, claims) }

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
                isFresh = false
            }
            wake(min(time, renewAt))
        }
        return false
    }

    /// Leaves when nothing is held any more; where the store does not answer, without it. True: nothing else is to be done.
    mutating func leaves(at now: BootTime) -> Bool {
        guard mode == .stopping, !claims.hasSessions else { return false }
        if host.state == .closed { return true }
        if closeAt == .never { closeAt = now + length / 3 }
        wake(closeAt)
        let isMember = host.lease != nil && link != nil
        if isMember, now < closeAt, claims.isBusy { return false }
        guard pending == nil || now >= closeAt else { return true }
        let key = ClusterKey.host(identity.id)
        if isMember, now < closeAt, isFresh, let own = view.hosts[key], own.record?.incarnation == incarnation {
            ask(MemberRequests.removing(key, version: own.version), for: .leave, at: now)
        } else if isMember, now < closeAt, !isFresh {
            return false
        } else {
            close(at: now)
        }
        return true
    }

    mutating func close(at now: BootTime) {
        guard host.state != .closed else { return }
        tell(.close, at: now)
        pending = nil
        actions.append(.closed)
    }
}
