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

    /// Whether sessions may begin at all: the store has answered within half of a lease.
    func isValid(at now: BootTime) -> Bool { times.map { now < $0.hold } ?? false }

    /// The lease by which a session of the claim may begin; nil if none may.
    func grant(of claim: ClaimName, at now: BootTime) -> Grant? {
        guard let times, now < times.hold, let token = tokens[claim] else { return nil }
        return Grant(token: token, end: times.kill)
    }

    /// Whether all leases are over, so that the kernel has ended what lived by them.
    func isOver(at now: BootTime) -> Bool { times.map { now >= $0.kill } ?? true }
}
