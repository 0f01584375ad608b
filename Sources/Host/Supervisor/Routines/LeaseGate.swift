internal import HostCluster
internal import HostValues

/// Which of the routines that run on one host only may begin sessions here: those whose claim this host holds, while its
/// leases are valid. Pure.
struct LeaseGate {
    private enum Standing {
        case held(token: UInt64)
        /// Its session is to end, and none begins.
        case ending
    }

    /// By `plugin/routine`.
    private var standings: [String: Standing] = [:]
    private var times: LeaseTimes?

    /// The claims whose sessions are to end.
    var ending: [String] {
        standings.compactMap { if case .ending = $0.value { $0.key } else { nil } }.sorted()
    }

    /// Leases are valid until then.
    mutating func extend(to times: LeaseTimes) { self.times = times }

    /// The host holds the claim, with that token.
    mutating func hold(_ claim: String, token: UInt64) { standings[claim] = .held(token: token) }

    /// The host holds the claim no more, or is to give it back.
    mutating func end(_ claim: String) { standings[claim] = .ending }

    /// No session of the claim lives any more.
    mutating func ended(_ claim: String) { if case .ending = standings[claim] { standings[claim] = nil } }

    /// Whether sessions may begin at all: the store has answered within half of a lease.
    func isValid(at now: BootTime) -> Bool { times.map { now < $0.hold } ?? false }

    /// The token with which a session of the claim may begin; nil if none may.
    func token(of claim: String, at now: BootTime) -> UInt64? {
        guard isValid(at: now), case .held(let token) = standings[claim] else { return nil }
        return token
    }

    /// Whether all leases are over, so that the kernel has ended what lived by them.
    func isOver(at now: BootTime) -> Bool { times.map { now >= $0.kill } ?? true }
}
