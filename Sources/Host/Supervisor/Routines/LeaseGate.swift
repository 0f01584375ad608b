internal import HostCluster
internal import HostValues

/// Which of the routines that run on one host only may begin sessions here: those whose claim this host holds, while its
/// leases are valid. Pure.
struct LeaseGate {
    /// The lease by which a session runs.
    struct Grant: Equatable {
        let token: UInt64
        /// When the kernel ends the session's worker, unless the lease was renewed.
        let end: BootTime
    }

    private var tokens: [ClaimName: UInt64] = [:]
    /// How many claims the host holds.
    var count: Int { tokens.count }
    /// The claims whose sessions are to end.
    private(set) var ending: Set<ClaimName> = []
    private var times: LeaseTimes?
    /// The workers of the claims' sessions that were killed and are not gone.
    private var undead: [ClaimName: Set<WorkerID>] = [:]

    /// Leases are valid until then.
    mutating func extend(to times: LeaseTimes) { self.times = times }

    /// The host holds the claim, with that token.
    mutating func hold(_ claim: ClaimName, token: UInt64) {
        ending.remove(claim)
        tokens[claim] = token
    }

    /// The host holds the claim no more, or is to give it back.
    mutating func end(_ claim: ClaimName) {
        tokens[claim] = nil
        ending.insert(claim)
    }

    /// No session of the claim lives any more.
    mutating func ended(_ claim: ClaimName) { ending.remove(claim) }

    /// A worker of the claim's session was killed, and is not gone.
    mutating func outlives(_ claim: ClaimName, _ worker: WorkerID) { undead[claim, default: []].insert(worker) }

    /// A worker is gone; which claims are clear of such workers by that.
    mutating func gone(_ worker: WorkerID) -> [ClaimName] {
        let held = undead.filter { $0.value.contains(worker) }.keys
        for claim in held { undead[claim]?.remove(worker) }
        let clear = held.filter { undead[$0]?.isEmpty == true }
        for claim in clear { undead[claim] = nil }
        return clear.sorted { $0.description < $1.description }
    }

    /// Whether no worker of the claim's sessions may still do something.
    func isClear(_ claim: ClaimName) -> Bool { undead[claim] == nil }

    /// Whether sessions may begin at all: the store has answered within half of a lease.
    func isValid(at now: BootTime) -> Bool { times.map { now < $0.hold } ?? false }

    /// The lease by which a session of the claim may begin; nil if none may.
    func grant(of claim: ClaimName, at now: BootTime) -> Grant? {
        guard let times, now < times.hold, isClear(claim), let token = tokens[claim] else { return nil }
        return Grant(token: token, end: times.kill)
    }

    /// Whether all leases are over, so that the kernel has ended what lived by them.
    func isOver(at now: BootTime) -> Bool { times.map { now >= $0.kill } ?? true }
}
