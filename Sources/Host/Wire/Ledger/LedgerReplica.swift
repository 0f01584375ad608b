public import Synchronization

/// A replica, with a checksum, of those counters of a slot that the record of a dead session needs. It is at another
/// location in the file and in memory, so that a stray write of the plugin that damages one of the two spares the
/// other.
///
/// The checksum tells whether the replica is intact. If it does not match, the replica was read while the worker wrote
/// it, or something else overwrote it: the reader then uses the slot. Only the slot's writer writes. A replica has 64
/// bytes, one cache line.
public struct LedgerReplica: ~Copyable {
    /// The session, as the raw value of a `SessionID`, or 0.
    public let session: Atomic<UInt64>
    /// The slot's `cycle` shifted left by 8 bits, with the slot's `LedgerState` in the lowest byte.
    public let place: Atomic<UInt64>
    /// The slot's `thread` in the lower half, and the slot's `end` in the upper half.
    public let threadAndEnd: Atomic<UInt64>
    /// The slot's `failures`.
    public let failures: Atomic<UInt64>
    /// The slot's `missed`.
    public let missed: Atomic<UInt64>
    /// The slot's `due` while the session waits, else the slot's `began`: whoever could change these could make a routine
    /// look as if it had hung for long.
    public let time: Atomic<Int64>
    /// What the worker's `LedgerKey` gives for the other words but `check`.
    public let seal: Atomic<UInt64>
    /// What `check` gives for the other words but `seal`.
    public let check: Atomic<UInt64>

    /// The size of a replica in the file, in bytes.
    public static let size = 64

    /// The part of the checksum that covers the words that seldom change. Each word is rotated by a different number of
    /// bits, which makes the checksum position-dependent: swapped words are detected, and so is memory filled with one
    /// byte.
    @inlinable
    public static func seldom(session: UInt64, threadAndEnd: UInt64, failures: UInt64, missed: UInt64) -> UInt64 {
        0x9E37_79B9_7F4A_7C15 ^ turned(session, 3) ^ turned(threadAndEnd, 17) ^ turned(failures, 27)
            ^ turned(missed, 37)
    }

    /// The checksum of a replica. `place` and `time` change often, so they are combined with a precomputed result of
    /// `seldom`.
    @inlinable @inline(__always)
    public static func check(seldom: UInt64, place: UInt64, time: Int64) -> UInt64 {
        seldom ^ turned(place, 7) ^ turned(UInt64(bitPattern: time), 47)
    }

    /// The word for a thread and an end.
    @inlinable
    public static func threadAndEnd(_ thread: UInt64, _ end: UInt64) -> UInt64 { thread & 0xFFFF_FFFF | end << 32 }

    @inlinable @inline(__always)
    static func turned(_ word: UInt64, _ bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
}
