internal import HostSystem

/// Reads one cache file and believes nothing in it that the checksums do not confirm.
enum CacheFileReader {
    /// What there was.
    enum Result {
        case absent
        /// A right header; the payload if asked for, and then right as well.
        case whole(CacheFileHeader, CacheBuffer?)
        /// Not a cache file, or a damaged one, and why.
        case wrong(String)
    }

    /// `read`, and once more under the lock of the saves if the file has been replaced between its opening and its
    /// reading, and is already written over: that takes two saves at the wrong moment.
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

    /// Reads `name` in a folder. Throws only what says nothing about the file: no memory, no descriptors, no right, and
    /// `isHeld` when it has been replaced meanwhile and is already being written over.
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

    /// The header of a file that is probably right, by one read in most cases; nil to have it looked at as `read` does.
    static func glance(_ folder: any CacheFolder, _ name: String) -> CacheFileHeader? {
        guard let file = try? folder.open(name), var head = try? bytes(file, 0, 4 * CacheFileHeader.fixedSize),
            let texts = CacheFileHeader.textSize(Array(head.prefix(CacheFileHeader.fixedSize)))
        else { return nil }
        let size = CacheFileHeader.fixedSize + texts
        if head.count < size, let rest = try? bytes(file, head.count, size - head.count) { head += rest }
        return CacheFileHeader(Array(head.prefix(size)))
    }

    /// At most `count` bytes; fewer at the end of the file.
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
