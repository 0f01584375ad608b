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

    /// The greatest token of claims whose records were removed, as it was read.
    struct SeenTokens: Equatable, Sendable {
        var version: UInt64 = 0
        /// nil: it cannot be read.
        var largest: UInt64? = 0

        var condition: StoreRequest.Condition { .init(ClusterKey.tokens, version) }
    }

    /// Whether a claim can be had.
    enum Availability: Equatable {
        /// Somebody has it, or nobody knows.
        case held
        /// This host's own incarnation has it, whether it knows or not; or an earlier one had it, which ended before this
        /// one had its record written. The token is the record's.
        case mine(token: UInt64, isOfThisLife: Bool)
        /// Nobody has it, while this holds too: its holder's record is as it was read, or, where the claim has no record,
        /// those that were removed are the same. The token is the greatest that it may have had.
        case free(while: StoreRequest.Condition?, token: UInt64)
    }

    /// Foreign keys fill no memory: of the hosts that follow on so many, only those are looked at whose records decide
    /// something here, which are this host itself and the holders of its claims. Others are not among the candidates, and
    /// nobody here notices their death; they take part all the same.
    static let mostHosts = 1000
    /// So many strays are looked at; the rest come when these are given back.
    private static let mostStrays = 100
    private let ownKey: String
    private(set) var hosts: [String: SeenHost] = [:]
    private(set) var claims: [String: SeenClaim] = [:]
    /// Claims that this host does not want, and whose records say all the same that its present life holds them: the store
    /// has gone back to a time when that was so, or a commit was done after nobody waited for it any more. As long as the
    /// records stay so, no other host takes them.
    private(set) var strays: [String: SeenClaim] = [:]
    /// The greatest token that was seen of each claim that is wanted, and of all that are not any more.
    private var largestTokens: [String: UInt64] = [:]
    private var largestUnwanted: UInt64 = 0
    private(set) var tokens = SeenTokens()
    var epoch: EpochWatch
    private var sweep: ClaimSweep
    /// What this host has taken over from others.
    private(set) var takeovers = Takeovers()
    /// The last claim of a list for whose further ones there was no room: of these nothing is known that was not read by
    /// itself. nil: all are known.
    private(set) var lastListed: String?

    /// The view of a host that has read nothing, and wants that length of leases. `sweepAge` is `ClaimSweep`'s, in ms.
    init(of id: HostID, epoch: EpochWatch, sweepAge: Int64) {
        sweep = ClaimSweep(age: sweepAge)
        ownKey = ClusterKey.host(id)
        self.epoch = epoch
    }

    /// The greatest token that was seen of any claim.
    var largestToken: UInt64 { largestTokens.values.reduce(largestUnwanted, max) }

    /// The greatest token that was seen of this claim; of one that was not wanted for a while, that of all such claims.
    func largestToken(of key: String) -> UInt64 { largestTokens[key] ?? largestUnwanted }

    /// How many claims it has a token of.
    var rememberedTokens: Int { largestTokens.count }

    /// Takes what an answer has of the keys that were read and of the lists. Claims other than `wanted` are not kept.
    /// `life`: the present one of this host; `cut`: the list that the answer had no room for the rest of; of hosts all must be
    /// there.
    mutating func take(
        _ entries: [StoreAnswer.Entry], of request: StoreRequest, by life: MemberRequests, cut: String? = nil,
        isWanted: (String) -> Bool, at now: BootTime
    ) {
        let listsHosts = request.lists(ClusterKey.hosts)
        let listsClaims = request.lists(ClusterKey.claims)
        var newHosts: [String: SeenHost] = listsHosts ? [:] : hosts
        var furtherHosts: [StoreAnswer.Entry] = []
        if listsClaims {
            lastListed = cut == nil ? nil : Self.lastListed(in: entries, but: request.reads)
        }
        var newClaims = listsClaims ? claims.filter { isUnlisted($0.key) && isWanted($0.key) } : claims
        for key in request.reads { newClaims[key] = nil }
        var unwanted: [StoreAnswer.Entry] = []
        var epochEntry: (version: UInt64, value: [UInt8])?
        if request.finds(ClusterKey.tokens) { tokens = SeenTokens() }
        for entry in entries {
            if entry.key == ClusterKey.epoch {
                epochEntry = (entry.version, entry.value)
            } else if entry.key == ClusterKey.tokens {
                tokens = seen(tokens: entry)
            } else if entry.key.hasPrefix(ClusterKey.hosts) {
                if newHosts.count < Self.mostHosts {
                    newHosts[entry.key] = seen(host: entry, at: now)
                } else {
                    furtherHosts.append(entry)
                }
            } else if isWanted(entry.key) {
                newClaims[entry.key] = seen(claim: entry)
            } else if entry.key.hasPrefix(ClusterKey.claims) {
                unwanted.append(entry)
            }
        }
        if !furtherHosts.isEmpty {
            let holders = newClaims.values.compactMap { $0.record?.host.map { ClusterKey.host($0) } }
            let needed = Set(holders + [ownKey])
            for entry in furtherHosts where needed.contains(entry.key) {
                newHosts[entry.key] = seen(host: entry, at: now)
            }
        }
        takeovers.see(hosts, newHosts)
        (hosts, claims) = (newHosts, newClaims)
        if listsClaims {
            forgetTokens(except: isWanted)
            sweep.see(unwanted)
            see(strays: unwanted, of: life)
        }
        if request.finds(ClusterKey.epoch) { epoch.see(epochEntry, at: now) }
        for host in hosts.values { if let record = host.record { epoch.see(settled: record.settled, at: now) } }
        for claim in claims.values { if let record = claim.record { epoch.see(settled: record.settled, at: now) } }
    }

    /// Takes what this host itself has written, with the version of that commit.
    mutating func take(done request: StoreRequest, version: UInt64, at now: BootTime) {
        for key in request.deletes {
            if let host = hosts[key] { takeovers.see([key: host], [:]) }
            (hosts[key], claims[key], strays[key]) = (nil, nil, nil)
        }
        for put in request.puts {
            strays[put.key] = nil
            let entry = StoreAnswer.Entry(key: put.key, version: version, value: put.value)
            if put.key == ClusterKey.epoch {
                epoch.see((version, put.value), at: now)
            } else if put.key == ClusterKey.tokens {
                tokens = seen(tokens: entry)
            } else if put.key.hasPrefix(ClusterKey.hosts) {
                hosts[put.key] = seen(host: entry, at: now)
            } else {
                let former = claims[put.key]?.record?.host
                claims[put.key] = seen(claim: entry)
                if let former, let holder = claims[put.key]?.record?.host, holder != former {
                    takeovers.taken(from: former, at: now)
                }
            }
        }
    }

    private static func lastListed(in entries: [StoreAnswer.Entry], but reads: [String]) -> String {
        entries.last { $0.key.hasPrefix(ClusterKey.claims) && !reads.contains($0.key) }?.key ?? ClusterKey.claims
    }

    /// Whether a list had no room for that claim.
    func isUnlisted(_ key: String) -> Bool { lastListed.map { key > $0 } ?? false }

    private mutating func forgetTokens(except isWanted: (String) -> Bool) {
        for (key, token) in largestTokens where !isWanted(key) {
            largestUnwanted = max(largestUnwanted, token)
            largestTokens[key] = nil
        }
    }

    /// All claims were listed, and this host wants none of these.
    private mutating func see(strays unwanted: [StoreAnswer.Entry], of life: MemberRequests) {
        strays = [:]
        for entry in unwanted where strays.count < Self.mostStrays {
            guard let record = ClaimRecord(entry.value), life.wrote(record) else { continue }
            strays[entry.key] = SeenClaim(version: entry.version, value: entry.value, record: record)
        }
    }

    private func seen(tokens entry: StoreAnswer.Entry) -> SeenTokens {
        SeenTokens(version: entry.version, largest: TokensRecord(entry.value)?.largest)
    }

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
        if let record { largestTokens[entry.key] = max(largestToken(of: entry.key), record.token) }
        return SeenClaim(version: entry.version, value: entry.value, record: record)
    }

    // MARK: What follows

    /// Whether the claim can be had by that incarnation of that host.
    func availability(of key: String, for id: HostID, _ incarnation: Incarnation) -> Availability {
        guard let claim = claims[key] else {
            if isUnlisted(key) { return .held }
            return tokens.largest.map { .free(while: tokens.condition, token: $0) } ?? .held
        }
        return claim.record.map { availability(of: $0, for: id, incarnation) } ?? .held
    }

    private func availability(of record: ClaimRecord, for id: HostID, _ incarnation: Incarnation) -> Availability {
        guard let holder = record.host else { return .free(while: nil, token: record.token) }
        if holder == id {
            return .mine(token: record.token, isOfThisLife: record.incarnation == incarnation)
        }
        let holderKey = ClusterKey.host(holder)
        guard let host = hosts[holderKey] else {
            return .free(while: StoreRequest.Condition(holderKey, 0), token: record.token)
        }
        guard let life = host.record, life.incarnation != record.incarnation else { return .held }
        return .free(while: StoreRequest.Condition(holderKey, host.version), token: record.token)
    }

    /// How a claim can be taken.
    struct Offer: Equatable {
        /// What must be true, beside what is true of all that this host writes.
        var conditions: [StoreRequest.Condition]
        /// The token under which it is taken.
        var token: UInt64
        /// Whether it is this host's already, so that nobody else is waited for: it was granted and the answer was lost, or
        /// the host is back.
        var isOwn: Bool
    }

    /// How the claim can be taken by that incarnation of that host; nil if it cannot.
    func offer(of key: String, to id: HostID, _ incarnation: Incarnation, without missing: LeaseRule?) -> Offer? {
        var conditions = [StoreRequest.Condition(key, claims[key]?.version ?? 0)]
        let recorded: UInt64
        let isOwn: Bool
        switch availability(of: key, for: id, incarnation) {
        case .held: return nil
        case .mine(let token, let isOfThisLife):
            if isOfThisLife, missing == .ownRecordIsMine { return nil }
            (recorded, isOwn) = (token, true)
        case .free(let condition, let token):
            if let condition, missing != .holderCondition { conditions.append(condition) }
            (recorded, isOwn) = (missing == .sweptToken && claims[key] == nil ? 0 : token, false)
        }
        let seen = missing == .recordedToken ? 0 : max(recorded, largestToken(of: key))
        let token = max(seen + 1, missing == .epochBase ? 0 : epoch.known?.base ?? 0)
        return token <= RecordFields.mostNumber ? Offer(conditions: conditions, token: token, isOwn: isOwn) : nil
    }

    /// The request that removes the record of a claim that nobody holds and nobody has wanted for long; nil if there is
    /// none. `isWanted`: what this host wants by now.
    mutating func sweeping(
        for id: HostID, _ incarnation: Incarnation, if epoch: StoreRequest.Condition, at wall: WallTime,
        isWanted: (String) -> Bool
    ) -> StoreRequest? {
        guard let found = sweep.take(at: wall), !isWanted(found.key), tokens.largest != nil else { return nil }
        // Among very many hosts the holder may be one that is not looked at.
        guard found.record.host == nil || hosts.count < Self.mostHosts else { return nil }
        guard case .free(let condition, let token) = availability(of: found.record, for: id, incarnation) else {
            return nil
        }
        return MemberRequests.sweeping(
            found.key, version: found.version, token: token, into: tokens, if: [epoch, condition].compactMap { $0 })
    }

    /// How long the other hosts want leases to be; nil of one whose record cannot be read.
    var wantedByOthers: [UInt64?] { hosts.filter { $0.key != ownKey }.map(\.value.record?.leaseMs) }

    /// Who takes part in the placement of claims.
    var candidates: [Placement.Candidate] {
        hosts.values.compactMap { host in
            guard let id = host.id, let record = host.record, !record.isDraining else { return nil }
            return Placement.Candidate(id, weight: record.weight)
        }
    }
}
