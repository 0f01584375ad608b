internal import CHostSystem
internal import Glibc
public import HostValues
internal import Synchronization

/// Bits that threads change and wait for, where a `Monitor` would be too large: there may be 100 000 of them. futex(2).
///
/// All changes and reads are sequentially consistent.
@safe public struct WaitFlags: ~Copyable, @unchecked Sendable {
    // @unchecked: the word is accessed atomically.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>
    private let isOwner: Bool

    /// How many bytes `init(at:)` uses, and by how many they have to be aligned.
    public static let size = MemoryLayout<Atomic<UInt32>>.size

    /// Makes flags of which none is set.
    public init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        isOwner = true
    }

    /// Makes them in memory of the caller's, `size` bytes that must outlive them: an allocation of their own would take 32.
    public init(at memory: UnsafeMutableRawPointer) {
        unsafe word = unsafe memory.initializeMemory(as: Atomic<UInt32>.self, to: Atomic(0))
        isOwner = false
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        if isOwner { unsafe word.deallocate() }
    }

    /// The bits.
    public var bits: UInt32 { unsafe word.pointee.load(ordering: .sequentiallyConsistent) }

    /// Replaces all bits.
    public func set(to bits: UInt32) { unsafe word.pointee.store(bits, ordering: .sequentiallyConsistent) }

    /// Sets and clears bits, unless `condition` rejects those that were there. Returns whether it has.
    @discardableResult
    public func change(
        setting set: UInt32 = 0, clearing cleared: UInt32 = 0, if condition: (UInt32) -> Bool = { _ in true }
    )
        -> Bool
    {
        var known = bits
        while condition(known) {
            let (isDone, found) = unsafe word.pointee.compareExchange(
                expected: known, desired: known & ~cleared | set, ordering: .sequentiallyConsistent)
            if isDone { return true }
            known = found
        }
        return false
    }

    /// Makes the threads that wait look again.
    public func wakeAll() { unsafe chs_futex_wake_all(UnsafeMutableRawPointer(word)) }

    /// Waits until `condition` accepts the bits; looks again after each `wakeAll`. Returns false if it does not by
    /// `deadline`.
    public func wait(until deadline: MonotonicTime, for condition: (UInt32) -> Bool) -> Bool {
        while true {
            let known = bits
            if condition(known) { return true }
            let isOver =
                unsafe chs_futex_wait(
                    UnsafeMutableRawPointer(word), known, max(0, deadline.nanoseconds), deadline == .never) == ETIMEDOUT
            if isOver { return condition(bits) }
        }
    }
}
