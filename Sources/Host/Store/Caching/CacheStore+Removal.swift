internal import HostSystem
internal import HostValues

/// The removal of a value's file.
extension CacheStore {
    /// What a removal has found.
    struct Removed {
        /// Whether there was a file, and it is gone.
        var isGone = false
        /// The highest generation that the file told, or for keyed values the folder's lock file; 0 if neither did.
        var told: UInt64 = 0
    }

    /// Removes a value's file, if its generation is at most `limit`. Later values of the cache get generations above
    /// `generation` and above that of the file, which another process may have written.
    func remove(_ path: Path, generation: UInt64, upTo limit: UInt64 = .max) throws(SystemError) -> Removed {
        var removed = Removed()
        guard let folder = try directory(path, create: false)?.folder else { return removed }
        let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy)
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
                try Self.raise(last, of: path.name, in: folder)
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
        if isLate { try? Self.raise(last, of: path.name, in: folder) }
        if settings.durability == .power { try folder.synchronize() }
        return removed
    }
}
