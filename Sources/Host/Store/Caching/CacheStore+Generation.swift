internal import HostSystem

/// Generations never decrease, even if the process that assigned the last one has ended and the file is gone.
///
/// The unkeyed value's file has its generation in the header. The generation of keyed values, and of a removed unkeyed
/// value, is in the lock file of the cache's key directory.
extension CacheStore {
    /// The suffix of the directory with a cache's keyed values.
    static let keysEnding = ".keys"

    /// The highest generation found in the files of a cache; 0 if there are none.
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
        // Files of an earlier version, which did not record the generation in the lock file. Happens once.
        return try keys.names().filter { $0.hasSuffix(Self.ending) }.reduce(value) {
            max($0, CacheFileReader.glance(keys, $1)?.generation ?? 0)
        }
    }

    /// Records a generation in the key directory of the cache `name`; `folder` is the routine's directory.
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
