internal import HostSystem

/// Generations that never fall: also when the process that gave the last one is gone, and the file with it.
///
/// The unkeyed value's file tells its generation. That of the keyed values, and of an unkeyed one that was removed, is in
/// the lock file of the directory with the cache's keys.
extension CacheStore {
    /// The ending of the directory with the keys of a cache.
    static let keysEnding = ".keys"

    /// The highest generation that the files of a cache tell of; 0 when there are none.
    func highestGeneration(_ unkeyed: Path) throws(SystemError) -> UInt64 {
        guard let folder = try directory(unkeyed, create: false)?.folder else { return 0 }
        let value = CacheFileReader.glance(folder, unkeyed.file.text)?.generation ?? 0
        let keys: any CacheFolder
        do {
            keys = try folder.folder(CacheName.encode(unkeyed.name) + Self.keysEnding, create: false)
        } catch {
            if error.isNotFound { return value }
            throw error
        }
        guard let lock = try keys.lock(Self.lockFile, at: 0, patience: Self.busy) else { return value }
        defer { lock.release() }
        let known = try lock.mark().generation
        if known > 0 { return max(known, value) }
        // Files of an earlier version, which did not write it down: once.
        return try keys.names().filter { $0.hasSuffix(Self.ending) }.reduce(value) {
            max($0, CacheFileReader.glance(keys, $1)?.generation ?? 0)
        }
    }

    /// Writes down a generation of the cache of that name, in the routine's directory.
    static func raise(_ generation: UInt64, of name: String, in folder: any CacheFolder) throws(SystemError) {
        let keys = try folder.folder(CacheName.encode(name) + keysEnding, create: true)
        guard let lock = try keys.lock(lockFile, at: 0, patience: busy) else { return }
        defer { lock.release() }
        var mark = try lock.mark()
        if mark.generation >= generation { return }
        mark.generation = generation
        try lock.setMark(mark)
    }
}
