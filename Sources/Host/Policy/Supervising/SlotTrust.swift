public import HostValues

/// Since when what a ledger says of a routine comes from its slot alone, where the slot's sealed replica was whole before. Pure.
///
/// Whoever can write the ledger's file can write a slot, and none but its worker can make a replica; an old one can be put
/// back. So a callback that only a slot or an old replica tells of counts from when that began to be so: nobody can say that
/// it has run for long already.
public struct SlotTrust: Sendable {
    /// The last cycle that a whole replica told. By session as well, since the replica of one that begins is written a moment
    /// after it.
    private var whole = NumberedTable<(session: UInt64, cycle: UInt64)>()
    /// Since when the replicas of routines are lost: of few, so that it costs the others nothing.
    private var lostSince: [Int: BootTime] = [:]

    /// Nothing was seen.
    public init() {}

    /// Takes what was read of a routine now; since when its replica is lost, and nil while there is nothing to doubt.
    public mutating func lost(_ key: Int, _ snapshot: LedgerSnapshot, at now: BootTime) -> BootTime? {
        let seen = whole[key].flatMap { $0.session == snapshot.session ? $0 : nil }
        if snapshot.isSealed, snapshot.cycle >= seen?.cycle ?? 0 {
            whole[key] = (snapshot.session, snapshot.cycle)
            lostSince[key] = nil
            return nil
        }
        // One that was never whole was spoiled by its own plugin, which can say of itself what it likes.
        guard seen != nil else { return nil }
        let since = lostSince[key] ?? now
        lostSince[key] = since
        return since
    }

    /// Forgets a routine.
    public mutating func remove(_ key: Int) {
        whole[key] = nil
        lostSince[key] = nil
    }
}
