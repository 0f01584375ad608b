internal import HostPolicy
internal import HostValues
internal import HostWire

/// The counts in a ledger slot that the hang watch does not need. They are untrusted: any number may occur.
struct LedgerCounts: Equatable {
    /// When the last callback began; after the end of a session, when its last cycle began.
    var began: BootTime
    /// Whether a cycle was in progress.
    var isInCycle: Bool
    var lastDuration: Int64
    var totalDuration: UInt64
    var longest: Int64
    var cache = RoutineStatus.Cache()
    var durations: LatencyHistogram
    var lateness: LatencyHistogram
    /// When the kernel was to end the worker since its leases were over; nil if the session lived by none.
    var leaseEnd: BootTime?

    /// The counts in a slot's bytes; nil if they belong to another session.
    init?(_ bytes: [UInt8], of session: SessionID) {
        guard LedgerReader.snapshot(bytes).session == session.rawValue else { return nil }
        self.init(bytes)
    }

    /// The counts in a slot's bytes, of which there are `LedgerSlot.size`.
    init(_ bytes: [UInt8]) {
        func word(_ index: Int) -> UInt64 {
            var value: UInt64 = 0
            var place = index * 8 + 7
            while place >= index * 8 {
                value = value << 8 | UInt64(bytes[place])
                place -= 1
            }
            return value
        }
        func words(from first: Int) -> [UInt64] {
            var words: [UInt64] = []
            words.reserveCapacity(LedgerHistogram.count)
            for index in first..<first + LedgerHistogram.count { words.append(word(index)) }
            return words
        }
        began = BootTime(nanoseconds: min(max(0, Int64(bitPattern: word(3))), 1 << 60))
        isInCycle = word(1) == LedgerState.running.rawValue
        lastDuration = max(0, Int64(bitPattern: word(8)))
        totalDuration = UInt64(max(0, Int64(bitPattern: word(9))))
        longest = max(0, Int64(bitPattern: word(13)))
        let end = Int64(bitPattern: word(23))
        leaseEnd = end > 0 && end < 1 << 60 ? BootTime(nanoseconds: end) : nil
        cache.hits = word(14)
        cache.loads = word(15)
        cache.failures = word(16)
        cache.stale = word(17)
        cache.evictions = word(18)
        cache.bytes = word(19)
        cache.sharedHits = word(24)
        cache.sharedLoads = word(25)
        cache.sharedWaits = word(26)
        cache.storeFailures = word(27)
        durations = LatencyHistogram(words(from: 32))
        lateness = LatencyHistogram(words(from: 32 + LedgerHistogram.count))
    }

    /// The times of the session's cycles; nil if none has ended. No quantile is greater than the longest cycle.
    var cycleTimes: SessionRecord.CycleTimes? {
        guard let p50 = durations.quantile(0.5), let p99 = durations.quantile(0.99) else { return nil }
        let most = longest > 0 ? longest : Int64.max
        return SessionRecord.CycleTimes(
            p50: min(p50, most), p99: min(p99, most), longest: longest, lateP50: lateness.quantile(0.5) ?? 0,
            lateP99: lateness.quantile(0.99) ?? 0)
    }
}
