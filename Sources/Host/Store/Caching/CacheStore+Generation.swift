internal import HostSystem
internal import HostValues

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
        let recorded = try recordedGeneration(unkeyed, in: folder)
        if let header = CacheFileReader.glance(folder, unkeyed.file.text) { return max(recorded, header.generation) }
        // A file that is there and does not tell its generation may have had any.
        return (try? folder.open(unkeyed.file.text)) == nil ? recorded : recorded.clampedPlus(Self.jump)
    }

    /// The highest generation that is found without the unkeyed value's file.
    private func recordedGeneration(_ unkeyed: Path, in folder: any CacheFolder) throws(SystemError) -> UInt64 {
        let keys: any CacheFolder
        do {
            keys = try folder.folder(CacheName.encode(unkeyed.name) + Self.keysEnding, create: false)
        } catch {
            if error.isNotFound { return 0 }
            throw error
        }
        guard let lock = try keys.lock(Self.lockFile, at: 0, patience: Self.busy) else { return 0 }
        defer { lock.release() }
        let known = try lock.mark().generation
        if known > 0 { return known }
        // Files of an earlier version, which did not record the generation in the lock file. Happens once.
        return try keys.names().filter { $0.hasSuffix(Self.ending) }.reduce(0) {
            max($0, CacheFileReader.glance(keys, $1)?.generation ?? 0)
        }
    }

    /// Records a generation in the key directory of the cache `name`; `folder` is the routine's directory.
    static func raise(_ generation: UInt64, of name: String, in folder: any CacheFolder) throws(SystemError) {
        try change(name, in: folder) { max($0, generation) }
    }

    /// How far generations jump when nobody can tell the last one: farther than a cache comes in its life, so that no
    /// generation is ever given twice; there is room for 2^24 such jumps.
    private static let jump: UInt64 = 1 << 40

    /// Writes down a generation that is later than all that the cache of that name may have had, where the only file that
    /// told it can no longer be read.
    static func leap(of name: String, in folder: any CacheFolder) throws(SystemError) {
        try change(name, in: folder) { $0.clampedPlus(jump) }
    }

    private static func change(_ name: String, in folder: any CacheFolder, _ change: (UInt64) -> UInt64)
        throws(SystemError)
    {
        let keys = try folder.folder(CacheName.encode(name) + keysEnding, create: true)
        guard let lock = try keys.lock(lockFile, at: 0, patience: busy) else { return }
        defer { lock.release() }
        var mark = try lock.mark()
        let generation = change(mark.generation)
        if generation == mark.generation { return }
        mark.generation = generation
        try lock.setMark(mark)
    }
}
