internal import HostSystem

/// The bytes of a value, at an address that does not change: in memory of their own, or in a file, where they lie. They live
/// as long as the object.
@safe final class CacheBytes: @unchecked Sendable {
    // @unchecked: nothing changes.

    private enum Owner: ~Copyable {
        case memory(ByteStorage)
        case file(FilePages)
    }

    let bytes: UnsafeRawBufferPointer
    private let owner: Owner
    private let known: UInt32?

    /// Takes over the first `count` bytes of a memory; `checksum` is their CRC-32C, if it is known.
    init(_ memory: consuming ByteStorage, count: Int, checksum: UInt32? = nil) {
        unsafe bytes = UnsafeRawBufferPointer(rebasing: memory.bytes[..<count])
        owner = .memory(memory)
        known = checksum
    }

    /// Copies bytes. If they will be `summed`, that is done by the way.
    convenience init(copying bytes: UnsafeRawBufferPointer, summed: Bool = false) {
        let memory = ByteStorage(capacity: bytes.count)
        var checksum: UInt32?
        if summed {
            checksum = unsafe Checksum.crc32c(copying: bytes, to: memory.bytes)
        } else {
            unsafe memory.copy(from: bytes)
        }
        self.init(memory, count: bytes.count, checksum: checksum)
    }

    /// Takes over a file's bytes from `offset` on, without a copy.
    init(_ pages: consuming FilePages, from offset: Int) {
        unsafe bytes = UnsafeRawBufferPointer(rebasing: pages.bytes[offset...])
        owner = .file(pages)
        known = nil
    }

    /// The CRC-32C of the bytes.
    var checksum: UInt32 { unsafe known ?? Checksum.crc32c(bytes) }
}

/// Bytes that are written one part after the other.
@safe struct ByteWriter: ~Copyable {
    private var storage: ByteStorage
    private(set) var count = 0

    /// Makes an empty one with room for `capacity` bytes; more can be written.
    init(capacity: Int = 0) { storage = ByteStorage(capacity: capacity) }

    /// The bytes written so far. Valid until more are written.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: storage.bytes[..<count]) }

    /// The bytes, which cannot be written to any more.
    consuming func finish() -> CacheBytes { CacheBytes(storage, count: count) }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        reserve(more.count)
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage.bytes[count...]).copyMemory(from: more)
        count += more.count
    }

    /// Makes room for exactly `more` bytes and calls `body` to fill them; all of them count as written.
    mutating func append(count more: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe append(atMost: more) { target in
            unsafe body(target)
            return more
        }
    }

    /// Makes room for `most` bytes and calls `body` to fill them; as many as it says count as written.
    mutating func append(atMost most: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(most)
        count += unsafe body(UnsafeMutableRawBufferPointer(rebasing: storage.bytes[count...].prefix(most)))
    }

    /// Overwrites four bytes that were written before. The caller guarantees that they exist.
    func overwrite(at offset: Int, _ number: UInt32) {
        unsafe storage.bytes.storeBytes(of: number, toByteOffset: offset, as: UInt32.self)
    }

    private mutating func reserve(_ more: Int) {
        let capacity = unsafe storage.bytes.count
        if capacity - count >= more { return }
        let larger = ByteStorage(capacity: max(count + more, min(capacity * 2, capacity + CacheWriter.limit / 4)))
        unsafe larger.bytes.copyMemory(from: bytes)
        storage = larger
    }
}
