internal import Glibc
internal import Synchronization

/// The pages of a file, mapped for reading, so that its bytes are used without a copy of them. Unmapped when the value ends.
/// mmap(2), madvise(2).
///
/// The bytes are those that the file has at each moment, and an access past its end raises `SIGBUS`: map only files that
/// nobody overwrites or shortens meanwhile. As long as the pages are mapped, the file counts as open (`Descriptor.lease`).
@safe public struct FilePages: ~Copyable, @unchecked Sendable {
    // @unchecked: the bytes are read only.

    /// The bytes, from the file's first one on; valid while this value lives.
    public let bytes: UnsafeRawBufferPointer

    /// How many may exist at once: the kernel allows a process 65 530 mappings (`vm.max_map_count`), and malloc(3), threads
    /// and libraries need some too.
    private static let most = 4096
    private static let alive = Atomic(0)

    /// Maps the first `size` bytes of a file and reads them into memory. nil if `size` is 0, if there are too many of these
    /// already, or if not all could be read: then the caller reads the file and learns why.
    ///
    /// Asking for the pages first (`MADV_POPULATE_READ`, Linux 5.14) turns a damaged disk and a file that is too short into
    /// an error here, where a first access would raise `SIGBUS`.
    public init?(_ descriptor: borrowing Descriptor, size: Int) {
        guard size > 0 else { return nil }
        guard let address = unsafe Self.map(descriptor, size) else { return nil }
        guard Self.alive.add(1, ordering: .relaxed).newValue <= Self.most,
            unsafe madvise(address, size, MADV_POPULATE_READ) == 0
        else {
            Self.alive.subtract(1, ordering: .relaxed)
            unsafe munmap(address, size)
            return nil
        }
        unsafe bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    private static func map(_ descriptor: borrowing Descriptor, _ size: Int) -> UnsafeMutableRawPointer? {
        let address = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, descriptor.raw, 0)
        return unsafe address == MAP_FAILED ? nil : address
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        Self.alive.subtract(1, ordering: .relaxed)
    }
}
