public import Synchronization

/// What a worker counts of one routine, in memory that it shares with the supervisor through a file.
///
/// One writer, the thread that runs the routine; each field is a plain atomic, so a reader sees whole numbers,
/// yet not all of one moment. The layout is that of the file: append only. 640 bytes, ten cache lines, so that
/// no two routines share one.
public struct LedgerSlot: ~Copyable {
    /// The session (a `SessionID`), or 0.
    public let session: Atomic<UInt64>
    /// What it is doing: a `LedgerState`.
    public let state: Atomic<UInt64>
    /// The cycle in progress or next, from 0: the number of cycles that count.
    public let cycle: Atomic<UInt64>
    /// When the present callback began, or the last one, or before the first one the session; boot ns.
    public let began: Atomic<Int64>
    /// When the next cycle is due, boot ns; `Int64.max` for never.
    public let due: Atomic<Int64>
    /// The kernel's id of the thread that runs the callback.
    public let thread: Atomic<UInt64>
    /// Failed attempts.
    public let failures: Atomic<UInt64>
    /// Grid points passed over.
    public let missed: Atomic<UInt64>
    /// The last cycle's duration, ns.
    public let lastDuration: Atomic<Int64>
    /// All cycles' durations together, ns.
    public let totalDuration: Atomic<Int64>
    /// The session's start, boot ns.
    public let startedBoot: Atomic<Int64>
    /// Attempt at the present cycle, from 1.
    public let attempt: Atomic<UInt64>
    /// How the session ended, as the raw value of a `SessionEnd`; 0 while it has not.
    public let end: Atomic<UInt64>
    /// The longest cycle, ns.
    public let longest: Atomic<Int64>
    /// Cache hits.
    public let cacheHits: Atomic<UInt64>
    /// Cache loads.
    public let cacheLoads: Atomic<UInt64>
    /// Failed loads.
    public let cacheFailures: Atomic<UInt64>
    /// Stale values served.
    public let cacheStale: Atomic<UInt64>
    /// Evicted values.
    public let cacheEvictions: Atomic<UInt64>
    /// Bytes held in memory.
    public let cacheBytes: Atomic<UInt64>
    /// All loads' durations together, ns.
    public let cacheLoadTime: Atomic<UInt64>
    /// When the next cycle is due by a calendar or grid of the wall clock, UTC ms; 0: it goes by its wait.
    public let wallDue: Atomic<Int64>
    /// Of the cycles that count, those that failed and were let pass.
    public let passed: Atomic<UInt64>
    /// For later fields.
    private let reserved: InlineArray<9, UInt64>
    /// Durations of cycles, by `LedgerHistogram.bucket`.
    public let durations: InlineArray<24, Atomic<UInt64>>
    /// Start minus due, likewise.
    public let lateness: InlineArray<24, Atomic<UInt64>>

    /// Bytes of a slot in the file.
    public static let size = 640
    /// Slots that a file may have; only those in use take memory.
    public static let mostInFile = 131_072
    /// Where the slots begin in the file: behind the twins, of which only those in use take room on the disk.
    public static let start = mostInFile * LedgerTwin.size
}

/// Buckets of powers of two: the first is under 1.024 us, the last from 4.3 s on.
public enum LedgerHistogram {
    /// How many.
    public static let count = 24

    /// The bucket of a time in ns; negative ones are in the first.
    @inlinable @inline(__always)
    public static func bucket(_ nanoseconds: Int64) -> Int {
        let value = UInt64(bitPattern: max(nanoseconds, 1))
        return min(max(54 - value.leadingZeroBitCount, 0), 23)
    }

    /// The upper end of a bucket, ns.
    public static func upperEnd(_ bucket: Int) -> Int64 { 1024 << Int64(bucket) }
}
