internal import HostValues

/// A histogram of durations with the ledger's buckets: powers of two from 1.024 us on.
public struct LatencyHistogram: Equatable, Sendable {
    /// The number of durations in each of the `LedgerHistogram.count` buckets.
    public private(set) var counts: [UInt64]

    /// Creates an empty histogram.
    public init() { counts = Array(repeating: 0, count: LedgerHistogram.count) }

    /// Creates a histogram from counts. Missing counts are 0; those beyond the last bucket are ignored.
    public init(_ counts: [UInt64]) {
        let count = LedgerHistogram.count
        self.counts = counts.count == count ? counts : Array(counts.prefix(count))
        while self.counts.count < count { self.counts.append(0) }
    }

    /// The number of durations, clamped to the greatest number.
    public var total: UInt64 { counts.reduce(UInt64(0)) { $0.clampedPlus($1) } }

    /// Adds a duration in ns.
    public mutating func add(_ duration: Int64) {
        let bucket = LedgerHistogram.bucket(duration)
        counts[bucket] = counts[bucket].clampedPlus(1)
    }

    /// Adds the counts of another histogram.
    public mutating func add(_ other: LatencyHistogram) {
        for bucket in counts.indices { counts[bucket] = counts[bucket].clampedPlus(other.counts[bucket]) }
    }

    /// The duration in ns below which a share of all durations lies, interpolated within its bucket; nil if the
    /// histogram is empty.
    ///
    /// `share` is from 0 to 1; other numbers are clamped.
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
