internal import HostValues

/// Which epoch the store is in, whether it has settled, and how long leases are in it.
///
/// A new epoch means that commits may be lost: a claim may look free that another host holds with good reason. Holders
/// have the length of a lease to write back what is missing; meanwhile nobody takes anything. A host that comes later need
/// not wait where a record says that another one has waited: such a record was written in this very epoch.
///
/// The length of leases is the epoch's, whatever a host's configuration says: a host that waited for less than another
/// one's lease lasts would run beside it. It is another one when all hosts that there are want that: then a new epoch
/// begins, and who sees it waits as long as leases of the one before may last.
struct EpochWatch: Equatable, Sendable {
    /// What the store should have.
    enum Need: Equatable {
        /// It is as it should be, at that version.
        case none(version: UInt64)
        /// This is to be written, where the version is that one.
        case write(EpochRecord, version: UInt64)
        /// Another link, to ask for the instance's name again: the epoch was of this link's instance, and now is of another
        /// one. So somebody has found another name for the same data, and this one is the old one: Redis changes it when the
        /// first replica comes. Two hosts with two names would write epochs over each other's for ever.
        case rename
        /// It is of a form that this host does not know: nothing can be done.
        case unreadable
    }

    /// Where the wall clock is behind, a new epoch begins so far above all that was seen that what was lost does not reach
    /// it. Not farther: bases should not run ahead of the wall clock, for of two hosts that have not seen each other's
    /// epochs only the clock makes two bases.
    static let stride: UInt64 = 1 << 10
    /// The length that this host's configuration wants, ms.
    let wanted: UInt64
    private let settles: Bool
    /// The length of leases, ms: that of the epoch that was seen last.
    private(set) var leaseMs: UInt64
    /// The length before that one, and the greatest that was ever seen.
    private var formerMs: UInt64
    private var longestMs: UInt64
    /// The epoch that was seen last.
    private(set) var known: EpochRecord?
    private(set) var version: UInt64 = 0
    /// The instance of the link by which the epoch was as it should be last.
    private var agreed: String?
    private var isReadable = true
    private var settledAt = BootTime.never
    private var largestBase: UInt64 = 0
    private var largestNumber: UInt64 = 0

    /// A watch that has seen nothing. A test may choose that it does not settle.
    init(wanted: UInt64, settles: Bool) {
        self.wanted = wanted
        self.settles = settles
        (leaseMs, formerMs, longestMs) = (wanted, wanted, wanted)
    }

    /// The length of leases, ns.
    var length: Int64 { Int64(leaseMs) * 1_000_000 }

    /// Takes what the store has under the key; nil: nothing.
    mutating func see(_ entry: (version: UInt64, value: [UInt8])?, at now: BootTime) {
        guard let entry else {
            (version, isReadable) = (0, true)
            known = nil
            settledAt = .never
            return
        }
        version = entry.version
        guard let record = EpochRecord(entry.value) else {
            isReadable = false
            return
        }
        isReadable = true
        if record != known {
            known = record
            settledAt = settles ? now + Int64(max(record.settleMs, record.leaseMs)) * 1_000_000 : now
            (formerMs, leaseMs) = (leaseMs, record.leaseMs)
            longestMs = max(longestMs, leaseMs)
        }
        largestBase = max(largestBase, record.base)
        largestNumber = max(largestNumber, record.number)
    }

    /// A record says that the epoch of this base has settled.
    mutating func see(settled base: UInt64, at now: BootTime) {
        if base != 0, base == known?.base, settledAt > now { settledAt = now }
    }

    /// How long what this host renews now may be its own, ns. Not longer than before until the epoch has settled: if the store
    /// loses the record that says so, others would wait for less.
    func span(at now: BootTime) -> Int64 {
        isSettled(at: now) ? length : Int64(min(formerMs, leaseMs)) * 1_000_000
    }

    func isSettled(at now: BootTime) -> Bool { isReadable && known != nil && now >= settledAt }

    /// When it will have settled.
    var settling: BootTime { settledAt }

    /// What a record that is written now says about it.
    func settled(at now: BootTime) -> UInt64 { isSettled(at: now) ? known?.base ?? 0 : 0 }

    /// What is needed for a link to that instance, by the wall clock: the only use of one. It makes tokens greater than
    /// those of an epoch of which nothing is left; where it is wrong, what this host remembers does. `others`: the lengths
    /// that the other hosts want; nil of one whose record cannot be read.
    mutating func need(instance: String, largestToken: UInt64, others: some Sequence<UInt64?>, wall: WallTime) -> Need {
        guard isReadable else { return .unreadable }
        var length = leaseMs
        if let known, known.instance != instance, agreed == instance {
            agreed = nil
            return .rename
        }
        if let known, known.instance == instance, known.base >= largestBase {
            agreed = instance
            guard known.leaseMs != wanted, others.allSatisfy({ $0 == wanted }) else { return .none(version: version) }
            length = wanted
        } else if known == nil, others.allSatisfy({ $0 == wanted }) {
            length = wanted
        }
        let now = UInt64(clamping: wall.milliseconds)
        let memory = max(largestBase, largestToken)
        let base = max(now, memory == 0 ? 1 : memory + Self.stride)
        let record = EpochRecord(
            instance: instance, number: min(largestNumber + 1, RecordFields.mostNumber),
            base: min(base, RecordFields.mostNumber), leaseMs: length, settleMs: max(longestMs, length))
        return .write(record, version: version)
    }
}
