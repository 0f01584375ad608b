internal import HostSystem

/// Reads a cache file, and trusts nothing in it that the checksums do not confirm.
enum CacheFileReader {
    /// What is wanted of a payload.
    enum Payload {
        /// Nothing: the header will do.
        case none
        /// A copy of it: of a file that others may change, such as a plugin that is not trusted.
        case copied
        /// The pages of the file itself where that is cheaper. Whoever overwrites a file in this folder respects that it is
        /// open (`CacheFolder.reopen`).
        case inPlace
    }

    /// The smallest payload, in bytes, that is used in place. To map a smaller one costs more than to copy it.
    static let leastInPlace = 65_536

    /// The outcome of reading a file.
    enum Result {
        case absent
        /// A valid header, and the valid payload if it was asked for.
        case whole(CacheFileHeader, CacheBytes?)
        /// The file is damaged or not a cache file; the text says why.
        case wrong(String)
    }

    /// Reads a file like `read`, and retries once under the lock of the saves if the file was replaced while it was
    /// being opened and is already being overwritten. That takes two saves at an unlucky moment.
    static func readAtRest(_ folder: any CacheFolder, _ name: String, payload: Payload) throws(SystemError) -> Result {
        do {
            return try read(folder, name, payload: payload)
        } catch {
            guard error.isHeld, let lock = try folder.lock(CacheStore.lockFile, at: 0, patience: CacheStore.busy) else {
                throw error
            }
            defer { lock.release() }
            return try read(folder, name, payload: payload)
        }
    }

    /// Reads the file `name` of a folder.
    ///
    /// It throws only errors that say nothing about the file's content, such as a lack of memory, descriptors or
    /// permission. `isHeld` means that the file was replaced meanwhile and is being overwritten.
    static func read(_ folder: any CacheFolder, _ name: String, payload: Payload) throws(SystemError) -> Result {
        let file: any CacheFile
        let size: Int
        do {
            file = try folder.open(name)
            size = try file.size()
        } catch {
            if error.isNotFound { return .absent }
            if error.isNotRegular { return .wrong("it is not a regular file") }
            throw error
        }
        var head = try bytes(file, 0, CacheFileHeader.fixedSize)
        guard let texts = CacheFileHeader.textSize(head) else { return .wrong("its header is not one") }
        head += try bytes(file, CacheFileHeader.fixedSize, texts)
        guard let header = CacheFileHeader(head) else { return .wrong("its header does not match its checksum") }
        guard size == head.count + header.payloadSize else {
            return .wrong("it has \(size) bytes instead of \(head.count + header.payloadSize)")
        }
        let bytes: CacheBytes
        switch payload {
        case .none: return .whole(header, nil)
        case .copied: bytes = try copy(file, at: head.count, header.payloadSize)
        case .inPlace: bytes = try inPlace(file, at: head.count, header.payloadSize)
        }
        guard unsafe bytes.bytes.count == header.payloadSize,
            unsafe Checksum.crc32c(bytes.bytes) == header.payloadChecksum
        else {
            return .wrong("its payload does not match its checksum")
        }
        return .whole(header, bytes)
    }

    /// The payload where it lies, if it is large, aligned, and can be had in that way; else a copy.
    private static func inPlace(_ file: any CacheFile, at offset: Int, _ size: Int) throws(SystemError) -> CacheBytes {
        guard size >= leastInPlace, offset % CacheFileHeader.alignment == 0, let pages = file.pages(offset + size)
        else {
            return try copy(file, at: offset, size)
        }
        return CacheBytes(pages, from: offset)
    }

    /// A copy of the payload; shorter if the file ends early.
    private static func copy(_ file: any CacheFile, at offset: Int, _ size: Int) throws(SystemError) -> CacheBytes {
        var buffer = ByteWriter(capacity: size)
        var failure: SystemError?
        unsafe buffer.append(atMost: size) { target in
            do throws(SystemError) { return try unsafe file.read(into: target, at: offset) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return buffer.finish()
    }

    /// The header of a file that is probably valid, in most cases by a single read. It checks less than `read`; nil
    /// means that the caller must use `read`.
    static func glance(_ folder: any CacheFolder, _ name: String) -> CacheFileHeader? {
        guard let file = try? folder.open(name), var head = try? bytes(file, 0, 4 * CacheFileHeader.fixedSize),
            let texts = CacheFileHeader.textSize(Array(head.prefix(CacheFileHeader.fixedSize)))
        else { return nil }
        let size = CacheFileHeader.fixedSize + texts
        if head.count < size, let rest = try? bytes(file, head.count, size - head.count) { head += rest }
        return CacheFileHeader(Array(head.prefix(size)))
    }

    /// Reads `count` bytes; returns fewer only at the end of the file.
    private static func bytes(_ file: any CacheFile, _ offset: Int, _ count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(SystemError) {
                initialized = try unsafe file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
