public import Synchronization

/// The counters of one routine, in memory that the worker shares with the supervisor through a file.
///
/// Only the thread that runs the routine writes. Each field is an atomic, so that a reader sees whole numbers, although
/// not all of the same moment. The layout is a file format: fields may only be added, here or in `LedgerAnnex`, which has
/// what few routines need. A slot has 320 bytes, five cache lines, so that no two routines share a line. What cycles seldom
/// write is in the last line, since processors may fetch it together with the first line of the next slot.
public struct LedgerSlot: ~Copyable {
    /// The session, as the raw value of a `SessionID`, or 0.
    public let session: Atomic<UInt64>
    /// What the routine's thread is doing, as the raw value of a `LedgerState`.
    public let state: Atomic<UInt64>
    /// The current or next cycle, from 0, which equals the number of completed cycles.
    public let cycle: Atomic<UInt64>
    /// When the current or else the last callback began, in ns since the boot; before the first callback, when the
    /// session began.
    public let began: Atomic<Int64>
    /// When the next cycle is due, in ns since the boot; `Int64.max` means never.
    public let due: Atomic<Int64>
    /// The kernel's id of the thread that runs the callback.
    public let thread: Atomic<UInt32>
    /// Whether the annex has counters of caches: 1, or 0. It stays from one session to the next, as the counters do.
    public let cachesCounted: Atomic<UInt32>
    /// Failed attempts.
    public let failures: Atomic<UInt64>
    /// Grid points that were skipped.
    public let missed: Atomic<UInt64>
    /// The duration of the last cycle, in ns.
    public let lastDuration: Atomic<Int64>
    /// The sum of the durations of all cycles, in ns.
    public let totalDuration: Atomic<Int64>
    /// When the kernel ends the worker since its leases are over, in ns since the boot; 0 if the session lives by none. The
    /// worker's control thread writes it.
    public let leaseEnd: Atomic<Int64>
    /// The attempt at the current cycle, from 1.
    public let attempt: Atomic<UInt32>
    /// Twice the number of times that a bucket of this session's histograms was full and went on in the annex; odd while
    /// that happens. With 0, the annex has nothing of this session's histograms.
    public let carries: Atomic<UInt32>
    /// How the session ended, as the raw value of a `SessionEnd`; 0 while it runs.
    public let end: Atomic<UInt64>
    /// The duration of the longest cycle, in ns.
    public let longest: Atomic<Int64>
    /// When the next cycle is due by a calendar or a grid of the wall clock, in ms since 1970, UTC; 0 if the routine
    /// runs at its interval.
    public let wallDue: Atomic<Int64>
    /// Completed cycles that failed but whose error was ignored.
    public let passed: Atomic<UInt64>
    /// The lower halves of a histogram of the durations of cycles, by `LedgerHistogram.bucket`.
    public let durations: InlineArray<24, Atomic<UInt32>>
    /// The lower halves of a histogram of the delays between due time and start, by `LedgerHistogram.bucket`.
    public let lateness: InlineArray<24, Atomic<UInt32>>

    /// The size of a slot in the file, in bytes.
    public static let size = 320
    /// Where `durations` begins, in bytes.
    public static let durationsOffset = 128
    /// Where `lateness` begins, in bytes.
    public static let latenessOffset = durationsOffset + LedgerHistogram.count * 4
    /// The maximum number of slots in a file; only those in use take memory.
    public static let mostInFile = 131_072
    /// The offset of the first slot in the file. The replicas (`LedgerReplica`) and the annexes come before it; only those
    /// in use take disk space.
    public static let start = LedgerAnnex.start + mostInFile * LedgerAnnex.size
}

/// What few routines need beside their slot: the counters of caches, and the upper halves of histograms. It has a region
/// of its own in the file, whose pages take no memory until a routine needs its annex.
///
/// The slot says what is in it (`cachesCounted`, `carries`): all else is of an earlier session, or was never written.
/// Neither side looks into it without that, since to read a page takes memory as well.
public struct LedgerAnnex: ~Copyable {
    /// Cache hits.
    public let cacheHits: Atomic<UInt64>
    /// Cache loads.
    public let cacheLoads: Atomic<UInt64>
    /// Failed cache loads.
    public let cacheFailures: Atomic<UInt64>
    /// Stale cache values that were served.
    public let cacheStale: Atomic<UInt64>
    /// Evicted cache values.
    public let cacheEvictions: Atomic<UInt64>
    /// Bytes that cache values occupy in memory.
    public let cacheBytes: Atomic<UInt64>
    /// The sum of the durations of all cache loads, in ns.
    public let cacheLoadTime: Atomic<UInt64>
    /// Cache values taken from the store of the cluster.
    public let sharedHits: Atomic<UInt64>
    /// Cache loads performed for all hosts.
    public let sharedLoads: Atomic<UInt64>
    /// Waits for another host's load.
    public let sharedWaits: Atomic<UInt64>
    /// What the store of shared caches did not answer or take.
    public let storeFailures: Atomic<UInt64>
    /// Reserved for later fields.
    private let reserved: InlineArray<5, UInt64>
    /// The upper halves of the slot's `durations`.
    public let durations: InlineArray<24, Atomic<UInt32>>
    /// The upper halves of the slot's `lateness`.
    public let lateness: InlineArray<24, Atomic<UInt32>>

    /// The size of an annex in the file, in bytes: whole cache lines.
    public static let size = 320
    /// Where `durations` begins, in bytes.
    public static let durationsOffset = 128
    /// Where `lateness` begins, in bytes.
    public static let latenessOffset = durationsOffset + LedgerHistogram.count * 4
    /// The offset of the first annex in the file, behind the replicas.
    public static let start = LedgerSlot.mostInFile * LedgerReplica.size
}

/// A histogram with buckets of powers of two: the first is below 1.024 us, the last begins at 4.3 s.
public enum LedgerHistogram {
    /// The number of buckets.
    public static let count = 24

    /// The bucket of a duration in ns; negative ones belong to the first.
    @inlinable @inline(__always)
    public static func bucket(_ nanoseconds: Int64) -> Int {
        let value = UInt64(bitPattern: max(nanoseconds, 1))
        return min(max(54 - value.leadingZeroBitCount, 0), 23)
    }

    /// The upper bound of a bucket, in ns.
    public static func upperEnd(_ bucket: Int) -> Int64 { 1024 << Int64(bucket) }
}
