internal import Glibc

/// A shared mapping of a file between two stretches that nobody can touch: a write that runs past the end of something
/// else does not reach it. Unmapped when the value ends. mmap(2).
///
/// An access past the file's end is a `SIGBUS`; map only files that nobody else shortens.
@safe public struct GuardedMapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the pages are shared with other processes in any case; users go through atomics.

    /// Bytes on either side; address space only.
    private static let guardSize = 1 << 20

    /// The first byte; page-aligned, valid while this value lives.
    public let start: UnsafeMutableRawPointer
    private let size: Int

    /// Maps `size` bytes of a file from its start, for reading and writing. Nothing is read ahead: of a file with holes
    /// that would be zeros, megabytes of them.
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
