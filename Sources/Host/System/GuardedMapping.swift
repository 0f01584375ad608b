internal import Glibc

/// A shared mapping of a file between two inaccessible ranges, so that a write that runs past the end of other memory
/// does not reach it. Unmapped when the value ends. mmap(2).
///
/// An access past the file's end raises `SIGBUS`: map only files that no other process shortens.
@safe public struct GuardedMapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the pages are shared with other processes in any case; all accesses are atomic.

    /// The size in bytes of each inaccessible range; it takes address space, but no memory.
    private static let guardSize = 1 << 20

    /// The first byte; page-aligned, valid while this value lives.
    public let start: UnsafeMutableRawPointer
    private let size: Int

    /// Maps the first `size` bytes of a file for reading and writing. Read-ahead is off, since a file with holes would
    /// be filled with megabytes of zeros.
    public init(_ descriptor: borrowing Descriptor, size: Int, subject: String) throws(SystemError) {
        let whole = size + 2 * Self.guardSize
        let space = unsafe mmap(nil, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let space = unsafe space, unsafe space != MAP_FAILED else { throw SystemError("mmap", subject) }
        let place = unsafe space + Self.guardSize
        let address = unsafe mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor.raw, 0)
        guard unsafe address == place else {
            let error = SystemError("mmap", subject)
            unsafe munmap(space, whole)
            throw error
        }
        unsafe madvise(place, size, MADV_RANDOM)
        unsafe start = unsafe place
        self.size = size
    }

    deinit {
        unsafe munmap(start - Self.guardSize, size + 2 * Self.guardSize)
    }
}
