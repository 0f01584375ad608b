public import HostValues

/// Since when what a ledger says of a routine comes from its slot alone, where the slot's sealed replica was whole before. Pure.
///
/// Whoever can write the ledger's file can write a slot, and none but its worker can make a replica; an old one can be put
/// back. So a callback that only a slot or an old replica tells of counts from when that began to be so: nobody can say that
/// it has run for long already.
public struct SlotTrust: Sendable {
    private enum Standing: Equatable {
        case whole(cycle: UInt64)
        case lost(since: BootTime, cycle: UInt64)
    }

    /// By session as well, since the replica of one that begins is written a moment after it.
    private var standings: [Int: (session: UInt64, standing: Standing)] = [:]

    /// Nothing was seen.
    public init() {}

    /// Takes what was read of a routine now; since when its replica is lost, and nil while there is nothing to doubt.
    public mutating func lost(_ key: Int, _ snapshot: LedgerSnapshot, at now: BootTime) -> BootTime? {
        let seen = standings[key].flatMap { $0.session == snapshot.session ? $0 : nil }
        let cycle: UInt64 =
            switch seen?.standing {
            case .whole(let cycle)?, .lost(_, let cycle)?: cycle
            case nil: 0
            }
        if snapshot.isSealed, snapshot.cycle >= cycle {
            standings[key] = (snapshot.session, .whole(cycle: snapshot.cycle))
            return nil
        }
        // One that was never whole was spoiled by its own plugin, which can say of itself what it likes.
        guard let seen else { return nil }
        switch seen.standing {
        case .whole:
            standings[key] = (seen.session, .lost(since: now, cycle: cycle))
            return now
        case .lost(let since, _): return since
        }
    }

    /// Forgets a routine.
    public mutating func remove(_ key: Int) { standings[key] = nil }
}
