internal import HostSystem
internal import HostValues

/// The removal of a value's file.
struct CacheFileRemoval {
    /// What it has found.
    struct Outcome {
        /// Whether there was a file, and it is gone.
        var isGone = false
        /// The highest generation that the file told, or for keyed values the folder's lock file; 0 if neither did.
        var told: UInt64 = 0
    }

    let path: CacheStore.Path
    /// Later values of the cache get generations above this and above that of the file, which another process may have written.
    let generation: UInt64
    /// A file of a later generation stays.
    let limit: UInt64

    /// Removes the file from its place in that store.
    func perform(in store: CacheStore) throws(SystemError) -> Outcome {
        var removed = Outcome()
        guard let folder = try store.directory(path, create: false)?.folder else { return removed }
        let lock = try folder.lock(CacheStore.lockFile, at: 0, patience: CacheStore.busy)
        defer { lock?.release() }
        let found = CacheFileReader.glance(folder, path.file.text)?.generation ?? 0
        removed.told = path.key.isEmpty ? found : max(found, (try? lock?.mark())?.generation ?? 0)
        if found > limit { return removed }
        let last = path.key.isEmpty ? max(generation, found) : 0
        var isLate = false
        if last > 0, (try? folder.status(path.file.text)) != nil {
            // Records the generation in the key directory, since the file that contains it is about to go. Where there is no room
            // for that, the file goes first.
            do throws(SystemError) {
                try CacheStore.raise(last, of: path.name, in: folder)
            } catch {
                guard error.isDiskFull else { throw error }
                isLate = true
            }
        }
        do {
            try folder.remove(path.file.text)
        } catch {
            if error.isNotFound { return removed }
            throw error
        }
        removed.isGone = true
        // If there is no room even now, the next process begins with lower numbers; but the value is not to come back.
        if isLate { try? CacheStore.raise(last, of: path.name, in: folder) }
        if store.settings.durability == .power { try folder.synchronize() }
        return removed
    }
}
