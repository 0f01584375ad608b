internal import HostValues

/// What this host has read of the others' records, and since when it has read them so.
///
/// A record that cannot be read is there all the same: its key has a version, so its host lives while that moves, and a
/// claim in it is never free.
struct ClusterView: Sendable {
    struct SeenHost: Equatable, Sendable {
        let id: HostID?
        let version: UInt64
        let value: [UInt8]
        /// nil: it cannot be read.
        let record: HostRecord?
        /// When it was first read so.
        let since: BootTime
    }

    struct SeenClaim: Equatable, Sendable {
        let version: UInt64
        let value: [UInt8]
        /// nil: it cannot be read.
        let record: ClaimRecord?
    }

    /// Whether a claim can be had.
    enum Availability: Equatable {
        /// Somebody has it, or nobody knows.
        case held
        /// This host's own incarnation has it, whether it knows or not; or an earlier one had it, which ended before this
        /// one had its record written. The token is the record's.
        case mine(token: UInt64, isOfThisLife: Bool)
        /// Nobody has it, while its holder's record, if it names one, is as here. The token is the record's.
        case free(holder: StoreRequest.Condition?, token: UInt64)
    }

    /// Foreign keys fill no memory: hosts above so many are not looked at, and take part all the same.
    private static let mostHosts = 1000
    private(set) var hosts: [String: SeenHost] = [:]
    private(set) var claims: [String: SeenClaim] = [:]
    private(set) var largestTokens: [String: UInt64] = [:]
    private(set) var epoch: EpochWatch

    init(length: Int64) { epoch = EpochWatch(length: length) }

    /// The greatest token that was seen of any claim.
    var largestToken: UInt64 { largestTokens.values.max() ?? 0 }

    /// Takes what an answer has of the keys that were read and of the lists. Claims other than `wanted` are not kept.
    mutating func take(
        _ entries: [StoreAnswer.Entry], of request: StoreRequest, isWanted: (String) -> Bool, at now: BootTime
    ) {
        let listsHosts = request.lists.contains(ClusterKey.hosts)
        let listsClaims = request.lists.contains(ClusterKey.claims)
        var newHosts: [String: SeenHost] = listsHosts ? [:] : hosts
        var newClaims: [String: SeenClaim] = listsClaims ? [:] : claims
        for key in request.reads { newClaims[key] = nil }
        var epochEntry: (version: UInt64, value: [UInt8])?
        for entry in entries {
            if entry.key == ClusterKey.epoch {
                epochEntry = (entry.version, entry.value)
            } else if entry.key.hasPrefix(ClusterKey.hosts) {
                if newHosts.count < Self.mostHosts { newHosts[entry.key] = seen(host: entry, at: now) }
            } else if isWanted(entry.key) {
                newClaims[entry.key] = seen(claim: entry)
            }
        }
        (hosts, claims) = (newHosts, newClaims)
        if request.reads.contains(ClusterKey.epoch) { epoch.see(epochEntry, at: now) }
        for host in hosts.values { if let record = host.record { epoch.see(settled: record.settled, at: now) } }
        for claim in claims.values { if let record = claim.record { epoch.see(settled: record.settled, at: now) } }
    }

    /// Takes what this host itself has written, with the version of that commit.
    mutating func take(done request: StoreRequest, version: UInt64, at now: BootTime) {
        for key in request.deletes { (hosts[key], claims[key]) = (nil, nil) }
        for put in request.puts {
            let entry = StoreAnswer.Entry(key: put.key, version: version, value: put.value)
            if put.key == ClusterKey.epoch {
                epoch.see((version, put.value), at: now)
            } else if put.key.hasPrefix(ClusterKey.hosts) {
                hosts[put.key] = seen(host: entry, at: now)
            } else {
                claims[put.key] = seen(claim: entry)
            }
        }
    }

    mutating func forget(claim key: String) { (claims[key], largestTokens[key]) = (nil, nil) }

    private func seen(host entry: StoreAnswer.Entry, at now: BootTime) -> SeenHost {
        // By version and content: after its loss a store may give a version twice.
        if let old = hosts[entry.key], old.version == entry.version, old.value == entry.value { return old }
        return SeenHost(
            id: ClusterKey.host(in: entry.key), version: entry.version, value: entry.value,
            record: HostRecord(entry.value), since: now)
    }

    private mutating func seen(claim entry: StoreAnswer.Entry) -> SeenClaim {
        if let old = claims[entry.key], old.version == entry.version, old.value == entry.value { return old }
        let record = ClaimRecord(entry.value)
        if let record { largestTokens[entry.key] = max(largestTokens[entry.key] ?? 0, record.token) }
        return SeenClaim(version: entry.version, value: entry.value, record: record)
    }

    // MARK: What follows

    /// Whether the claim can be had by that incarnation of that host.
    func availability(of key: String, for id: HostID, _ incarnation: Incarnation) -> Availability {
        guard let claim = claims[key] else { return .free(holder: nil, token: 0) }
        guard let record = claim.record else { return .held }
        guard let holder = record.host else { return .free(holder: nil, token: record.token) }
        if holder == id {
            return .mine(token: record.token, isOfThisLife: record.incarnation == incarnation)
        }
        let holderKey = ClusterKey.host(holder)
        guard let host = hosts[holderKey] else {
            return .free(holder: StoreRequest.Condition(holderKey, 0), token: record.token)
        }
        guard let life = host.record, life.incarnation != record.incarnation else { return .held }
        return .free(holder: StoreRequest.Condition(holderKey, host.version), token: record.token)
    }

    /// Who takes part in the placement of claims.
    var candidates: [Placement.Candidate] {
        hosts.values.compactMap { host in
            guard let id = host.id, let record = host.record, !record.isDraining else { return nil }
            return Placement.Candidate(id, weight: record.weight)
        }
    }
}
