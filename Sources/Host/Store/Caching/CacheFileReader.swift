internal import HostSystem

/// Reads a cache file, and trusts nothing in it that the checksums do not confirm.
enum CacheFileReader {
    /// The outcome of reading a file.
    enum Result {
        case absent
        /// A valid header, and the valid payload if it was asked for.
        case whole(CacheFileHeader, CacheBuffer?)
        /// The file is damaged or not a cache file; the text says why.
        case wrong(String)
    }

    /// Reads a file like `read`, and retries once under the lock of the saves if the file was replaced while it was
    /// being opened and is already being overwritten. That takes two saves at an unlucky moment.
    static func readAtRest(_ folder: any CacheFolder, _ name: String, payload: Bool) throws(SystemError) -> Result {
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
    static func read(_ folder: any CacheFolder, _ name: String, payload: Bool) throws(SystemError) -> Result {
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
        if !payload { return .whole(header, nil) }
        let buffer = CacheBuffer(capacity: header.payloadSize)
        var failure: SystemError?
        var got = 0
        unsafe buffer.append(count: header.payloadSize) { target in
            do throws(SystemError) { got = try unsafe file.read(into: target, at: head.count) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard got == header.payloadSize, unsafe Checksum.crc32c(buffer.bytes) == header.payloadChecksum else {
            return .wrong("its payload does not match its checksum")
        }
        return .whole(header, buffer)
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
