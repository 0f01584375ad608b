internal import HostValues

/// Which record of a claim goes from the store next, since no host wants the claim any more.
///
/// Records of released claims stay, for the tokens in them, and each renewal reads all of them. So those of routines that
/// do not come back are removed one by one, and the greatest of their tokens is kept in one record (`TokensRecord`). A
/// claim without a record is taken with a greater token than that, and on condition that it is the one that was read. So
/// it does no harm to remove the record of a claim that another host wants: the wall clock may decide how old it must be.
struct ClaimSweep: Sendable {
    /// How long ago the claim must have been released, or taken by a host that is gone, in ms.
    static let usualAge: Int64 = 86_400_000

    private let age: Int64
    private var turn = 0
    private var candidate: StoreAnswer.Entry?

    init(age: Int64) { self.age = age }

    /// All claims were listed, and this host wants none of these. One of them is looked at until the next list.
    mutating func see(_ unwanted: [StoreAnswer.Entry]) {
        candidate = unwanted.isEmpty ? nil : unwanted[turn % unwanted.count]
        turn = (turn + 1) % (1 << 30)
    }

    /// What is to be removed if nobody holds it; once after each list.
    mutating func take(at wall: WallTime) -> (key: String, version: UInt64, record: ClaimRecord)? {
        defer { candidate = nil }
        guard let candidate, let record = ClaimRecord(candidate.value),
            record.sinceMs.clampedPlus(age) <= wall.milliseconds
        else { return nil }
        return (candidate.key, candidate.version, record)
    }
}
