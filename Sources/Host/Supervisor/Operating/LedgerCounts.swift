internal import HostCore

/// What a slot of a ledger counts, beside what the hang watch reads. Any number may be in it.
struct LedgerCounts {
    var lastDuration: Int64
    var totalDuration: UInt64
    var longest: Int64
    var cache = RoutineStatus.Cache()
    var durations: LatencyHistogram
    var lateness: LatencyHistogram

    /// The counts of a slot's bytes, which are `LedgerSlot.size`.
    init(_ bytes: [UInt8]) {
        func word(_ index: Int) -> UInt64 {
            var value: UInt64 = 0
            for place in (index * 8..<index * 8 + 8).reversed() { value = value << 8 | UInt64(bytes[place]) }
            return value
        }
        lastDuration = max(0, Int64(bitPattern: word(8)))
        totalDuration = UInt64(max(0, Int64(bitPattern: word(9))))
        longest = max(0, Int64(bitPattern: word(13)))
        cache.hits = word(14)
        cache.loads = word(15)
        cache.failures = word(16)
        cache.stale = word(17)
        cache.evictions = word(18)
        cache.bytes = word(19)
        let first = 32
        durations = LatencyHistogram((0..<LedgerHistogram.count).map { word(first + $0) })
        lateness = LatencyHistogram((0..<LedgerHistogram.count).map { word(first + LedgerHistogram.count + $0) })
    }
}
