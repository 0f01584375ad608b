internal import Glibc

/// A shared mapping of a file, unmapped when the value ends. mmap(2).
///
/// An access past the file's end is a `SIGBUS`; map only files that nobody else shortens.
@safe public struct Mapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the pages are shared with other processes in any case; users go through atomics.

    /// The first byte; page-aligned, valid while this value lives.
    public let start: UnsafeMutableRawPointer
    /// Bytes.
    public let size: Int

    /// Maps `size` bytes of a file from `offset`, a multiple of the page size, on, for reading and, if asked, writing.
    /// Nothing is read ahead: of a file with holes that would be zeros.
    public init(
        _ descriptor: borrowing Descriptor, at offset: Int = 0, size: Int, writable: Bool, subject: String
    ) throws(SystemError) {
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        let address = unsafe mmap(nil, size, protection, MAP_SHARED, descriptor.raw, off_t(offset))
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw SystemError("mmap", subject) }
        unsafe madvise(address, size, MADV_RANDOM)
        unsafe self.start = unsafe address
        self.size = size
    }

    deinit {
        unsafe munmap(start, size)
    }
}
