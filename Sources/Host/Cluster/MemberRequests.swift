internal import HostValues

/// The requests that one life of a host makes of the store, as values: which records each writes, and on which
/// conditions.
///
/// Pure, without state. `ClusterMember` decides which of them comes next.
struct MemberRequests {
    let host: HostID
    let incarnation: Incarnation

    /// Whether the claim's record says that this life of the host holds it.
    func wrote(_ record: ClaimRecord) -> Bool { record.host == host && record.incarnation == incarnation }

    /// Whether the record says that this life of the host holds the claim under that token; nil: it cannot be read.
    func holds(_ record: ClaimRecord?, token: UInt64) -> Bool {
        record.map { $0.token == token && wrote($0) } ?? false
    }

    /// The key of this host's own record.
    var ownKey: String { ClusterKey.host(host) }

    /// Reads everything that leases rest on.
    ///
    /// A list is not a picture of one moment: a claim may be read with a holder that was not there yet when the hosts were
    /// read. Therefore a claim is taken only on condition of its holder's record.
    static var survey: StoreRequest { StoreRequest(lists: [ClusterKey.leases]) }

    /// Whether the list had no room for all hosts. Claims come last: where there are any, all hosts are there.
    static func lacksHosts(_ answer: StoreAnswer, of request: StoreRequest) -> Bool {
        guard answer.cut != nil, let found = answer.found else { return false }
        return !found.contains { $0.key.hasPrefix(ClusterKey.claims) && !request.reads.contains($0.key) }
    }

    /// Begins an epoch, if the former one still has that version, and reads everything.
    static func epoch(_ record: EpochRecord, over version: UInt64) -> StoreRequest {
        var request = survey
        request.conditions = [.init(ClusterKey.epoch, version)]
        request.puts = [.init(ClusterKey.epoch, record.bytes)]
        return request
    }

    /// A claim that this host holds and the store has lost.
    struct LostClaim {
        let key: String
        /// The version of what is there instead; 0 means nothing.
        let version: UInt64
        let token: UInt64
    }

    /// Renews this host's record, writes back what the store has lost, and reads everything: also `keys`, which a list may
    /// not bring back.
    func renewal(
        _ record: HostRecord, if conditions: [StoreRequest.Condition], writingBack lost: [LostClaim],
        reading keys: [String]
    ) -> StoreRequest {
        var request = Self.survey
        request.reads += keys
        request.conditions = conditions + lost.map { .init($0.key, $0.version) }
        request.puts =
            [.init(ownKey, record.bytes)]
            + lost.map { .init($0.key, claim(token: $0.token, since: nil, settled: 0).bytes) }
        return request
    }

    /// Takes a claim under that token.
    func taking(
        _ key: String, token: UInt64, since wall: WallTime, settled: UInt64, if conditions: [StoreRequest.Condition]
    ) -> StoreRequest {
        StoreRequest(
            if: conditions, puts: [.init(key, claim(token: token, since: wall, settled: settled).bytes)], reads: [key])
    }

    /// Gives a claim back that has that version and token: to that host, if to a certain one.
    func releasing(
        _ key: String, version: UInt64, token: UInt64, since wall: WallTime, settled: UInt64, to heir: HostID?,
        if epoch: StoreRequest.Condition
    ) -> StoreRequest {
        var free = claim(token: token, since: wall, settled: settled)
        free.host = nil
        (free.giver, free.heir) = (host, heir)
        return StoreRequest(if: [epoch, .init(key, version)], puts: [.init(key, free.bytes)], reads: [key])
    }

    /// Removes the record of a host that is dead, or of this one when it leaves.
    static func removing(_ key: String, version: UInt64, if epoch: StoreRequest.Condition? = nil) -> StoreRequest {
        StoreRequest(if: [epoch, .init(key, version)].compactMap { $0 }, deletes: [key])
    }

    /// Removes the record of a claim that nobody holds and nobody wants, and keeps its token.
    static func sweeping(
        _ key: String, version: UInt64, token: UInt64, into tokens: ClusterView.SeenTokens,
        if conditions: [StoreRequest.Condition]
    ) -> StoreRequest {
        let kept = TokensRecord(largest: max(token, tokens.largest ?? 0))
        return StoreRequest(
            if: conditions + [.init(key, version), tokens.condition], puts: [.init(ClusterKey.tokens, kept.bytes)],
            deletes: [key])
    }

    private func claim(token: UInt64, since wall: WallTime?, settled: UInt64) -> ClaimRecord {
        ClaimRecord(
            host: host, incarnation: incarnation, token: token, sinceMs: wall?.milliseconds ?? 0, settled: settled)
    }
}
