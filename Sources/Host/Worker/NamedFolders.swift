internal import HostStore
internal import HostSystem

/// The folders that a plugin's caches name for their files: within its data folder, or wherever it may write.
struct NamedFolders: Sendable {
    /// The path of the plugin's data folder; nil if it has none.
    let data: String?
    let clock: any HostClock

    /// Opens a folder, which is made if it is missing. Within the data folder no link is followed.
    func open(_ path: CachePath) throws(SystemError) -> any CacheFolder {
        guard path.isAbsolute else {
            guard let data else { throw SystemError("open", "\(path.text): the plugin has no data folder", number: 2) }
            return SystemCacheFolder(try Self.made(path.parts, in: try Directory(data)), clock: clock)
        }
        var missing: [String] = []
        var existing = path.parts
        while true {
            let text = "/" + existing.joined(separator: "/")
            do throws(SystemError) {
                return SystemCacheFolder(try Self.made(missing, in: try Directory(text)), clock: clock)
            } catch {
                guard error.isNotFound, missing.count < path.parts.count, let last = existing.popLast() else {
                    throw error
                }
                missing.insert(last, at: 0)
            }
        }
    }

    private static func made(_ parts: [String], in folder: consuming Directory) throws(SystemError) -> Directory {
        var folder = folder
        for part in parts { folder = try folder.directory(part, create: true) }
        return folder
    }
}
