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
    init?(_ bytes: LedgerBytes, of session: SessionID) {
        guard LedgerReader.snapshot(bytes.slot).session == session.rawValue else { return nil }
        self.init(bytes)
    }

    /// The counts in a slot's bytes.
    init(_ bytes: LedgerBytes) {
        func word(_ index: Int) -> UInt64 { LedgerReader.word(index, of: bytes.slot) }
        let uppers = LedgerReader.carries(bytes.slot) == 0 ? nil : bytes.annex
        func histogram(_ slotOffset: Int, _ annexOffset: Int) -> LatencyHistogram {
            var counts: [UInt64] = []
            counts.reserveCapacity(LedgerHistogram.count)
            for bucket in 0..<LedgerHistogram.count {
                let upper = uppers.map { Self.half(annexOffset + bucket * 4, of: $0) } ?? 0
                counts.append(upper << 32 | Self.half(slotOffset + bucket * 4, of: bytes.slot))
            }
            return LatencyHistogram(counts)
        }
        began = BootTime(nanoseconds: min(max(0, Int64(bitPattern: word(3))), 1 << 60))
        isInCycle = word(1) == LedgerState.running.rawValue
        lastDuration = max(0, Int64(bitPattern: word(8)))
        totalDuration = UInt64(max(0, Int64(bitPattern: word(9))))
        longest = max(0, Int64(bitPattern: word(13)))
        let end = Int64(bitPattern: word(10))
        leaseEnd = end > 0 && end < 1 << 60 ? BootTime(nanoseconds: end) : nil
        durations = histogram(LedgerSlot.durationsOffset, LedgerAnnex.durationsOffset)
        lateness = histogram(LedgerSlot.latenessOffset, LedgerAnnex.latenessOffset)
        if LedgerReader.cachesCounted(bytes.slot), let annex = bytes.annex { cache = Self.cache(annex) }
    }

    /// A number of 4 bytes.
    private static func half(_ offset: Int, of bytes: [UInt8]) -> UInt64 {
        UInt64(bytes[offset]) | UInt64(bytes[offset + 1]) << 8 | UInt64(bytes[offset + 2]) << 16
            | UInt64(bytes[offset + 3]) << 24
    }

    /// The counters of caches in an annex's bytes.
    private static func cache(_ annex: [UInt8]) -> RoutineStatus.Cache {
        func word(_ index: Int) -> UInt64 { LedgerReader.word(index, of: annex) }
        var cache = RoutineStatus.Cache()
        cache.hits = word(0)
        cache.loads = word(1)
        cache.failures = word(2)
        cache.stale = word(3)
        cache.evictions = word(4)
        cache.bytes = word(5)
        cache.sharedHits = word(7)
        cache.sharedLoads = word(8)
        cache.sharedWaits = word(9)
        cache.storeFailures = word(10)
        return cache
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
