internal import Glibc

/// A shared mapping of a file, unmapped when the value ends. mmap(2).
///
/// An access past the file's end raises `SIGBUS`: map only files that no other process shortens.
@safe public struct Mapping: ~Copyable, @unchecked Sendable {
    // @unchecked: the pages are shared with other processes in any case; all accesses are atomic.

    /// The first byte; page-aligned, valid while this value lives.
    public let start: UnsafeMutableRawPointer
    /// The size in bytes.
    public let size: Int

    /// Maps `size` bytes of a file from `offset` on, which must be a multiple of the page size, for reading and, if
    /// `writable`, for writing. Read-ahead is off, since a file with holes would be filled with zeros.
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
