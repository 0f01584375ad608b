public import Synchronization

/// What the record of a dead session needs, counted once more beside its slot: elsewhere in the file, and in memory.
///
/// What spoils one of the two leaves the other. The check word tells whether a twin is whole; one that is not was being
/// written when it was read, or somebody else wrote there: then the slot is believed. One writer, as for the slot.
/// 64 bytes, one cache line.
public struct LedgerTwin: ~Copyable {
    /// The session (a `SessionID`), or 0.
    public let session: Atomic<UInt64>
    /// Where it stands: the slot's `cycle`, above a `LedgerState` in the lowest byte.
    public let place: Atomic<UInt64>
    /// As in the slot.
    public let thread: Atomic<UInt64>
    /// As in the slot.
    public let failures: Atomic<UInt64>
    /// As in the slot.
    public let missed: Atomic<UInt64>
    /// As in the slot.
    public let end: Atomic<UInt64>
    /// For a later field.
    private let reserved: UInt64
    /// What `check` gives for the other words.
    public let check: Atomic<UInt64>

    /// Bytes of a twin in the file.
    public static let size = 64

    /// What the words that seldom change add to the check. The words are turned, so that no two of them can swap their
    /// places, and no filling with one byte fits.
    @inlinable
    public static func seldom(
        session: UInt64, thread: UInt64, failures: UInt64, missed: UInt64, end: UInt64
    ) -> UInt64 {
        0x9E37_79B9_7F4A_7C15 ^ turned(session, 3) ^ turned(thread, 17) ^ turned(failures, 27) ^ turned(missed, 37)
            ^ turned(end, 47)
    }

    /// The check word.
    @inlinable @inline(__always)
    public static func check(seldom: UInt64, place: UInt64) -> UInt64 { seldom ^ turned(place, 7) }

    @inlinable @inline(__always)
    static func turned(_ word: UInt64, _ bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
}
