internal import HostValues

/// Times by the ledger's buckets, powers of two from 1.024 us on.
public struct LatencyHistogram: Equatable, Sendable {
    /// How many times fell into each bucket; `LedgerHistogram.count` of them.
    public private(set) var counts: [UInt64]

    /// An empty one.
    public init() { counts = Array(repeating: 0, count: LedgerHistogram.count) }

    /// One of these counts; missing ones are 0, those past the last bucket are left out.
    public init(_ counts: [UInt64]) {
        let count = LedgerHistogram.count
        self.counts = counts.count == count ? counts : Array(counts.prefix(count))
        while self.counts.count < count { self.counts.append(0) }
    }

    /// How many times there are; the greatest number where they do not fit.
    public var total: UInt64 { counts.reduce(UInt64(0)) { $0.clampedPlus($1) } }

    /// Adds another one's counts.
    public mutating func add(_ other: LatencyHistogram) {
        for bucket in counts.indices { counts[bucket] = counts[bucket].clampedPlus(other.counts[bucket]) }
    }

    /// The time under which this share of all times is, ns, about right within its bucket; nil when there are none.
    ///
    /// `share` is from 0 to 1.
    public func quantile(_ share: Double) -> Int64? {
        let total = Double(total)
        guard total > 0 else { return nil }
        let rank = min(max(share, 0), 1) * total
        var below = 0.0
        for (bucket, count) in counts.enumerated() where count > 0 {
            let next = below + Double(count)
            if next >= rank {
                let upper = Double(LedgerHistogram.upperEnd(bucket))
                let lower = bucket == 0 ? 0 : upper / 2
                return Int64(lower + (upper - lower) * max(0, rank - below) / Double(count))
            }
            below = next
        }
        return LedgerHistogram.upperEnd(LedgerHistogram.count - 1)
    }
}
