internal import Glibc

/// Memory for bytes, freed when the value ends. What it contains at first is undefined.
///
/// Much memory comes in huge pages where the kernel has them (`transparent_hugepage` in `madvise` mode or more): it is given
/// a page at the first write to each, which takes longer than the copy of a page's bytes. madvise(2), `MADV_HUGEPAGE`.
@safe public struct ByteStorage: ~Copyable, @unchecked Sendable {
    // @unchecked: the owner sees to it that one thread writes.

    /// The memory, valid while this value lives. It begins at a multiple of `alignment`.
    public let bytes: UnsafeMutableRawBufferPointer

    /// What the address is a multiple of, as with malloc(3).
    public static let alignment = 16
    private static let hugePage = 2 << 20
    /// From how many bytes on huge pages are asked for: at most a quarter of them is not used.
    private static let many = 4 * hugePage

    /// Allocates `capacity` bytes; the process ends when there is no memory, as everywhere in Swift.
    public init(capacity: Int) {
        if capacity == 0 {
            unsafe bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return
        }
        let isMuch = capacity >= Self.many
        unsafe bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: capacity, alignment: isMuch ? Self.hugePage : Self.alignment)
        if isMuch { unsafe madvise(bytes.baseAddress, capacity, MADV_HUGEPAGE) }
    }

    deinit { unsafe bytes.deallocate() }

    /// Copies `source`, which fits, to the beginning.
    ///
    /// memcpy(3) copies more than 2 KiB by the instruction `rep movsb` where the processor calls that fast. On AMD's Zen 3 and 4
    /// it takes sixteen times as long (22 us for 64 KiB) if the target lies less than 32 bytes behind the source modulo 4096, as
    /// memory of malloc(3) does behind a page's beginning (glibc bug 30994). Then parts are copied for which memcpy(3) does not
    /// take it, except of so much that memcpy(3) goes around the processor's cache.
    public func copy(from source: UnsafeRawBufferPointer) {
        let distance =
            unsafe (UInt(bitPattern: bytes.baseAddress) &- UInt(bitPattern: source.baseAddress)) % 4096
        guard (1..<32).contains(distance), (Self.part + 1..<1 << 20).contains(source.count) else {
            return unsafe bytes.copyMemory(from: source)
        }
        for start in stride(from: 0, to: source.count, by: Self.part) {
            let end = min(start + Self.part, source.count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[start..<end]))
        }
    }

    private static let part = 2048
}
