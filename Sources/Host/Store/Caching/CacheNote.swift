internal import HostSystem
internal import HostValues

/// The note `<name>.at` in the host's own folder of caches, by which `schedhost cache` finds the files of a cache whose author
/// has named another folder.
enum CacheNote {
    /// The suffix of a note.
    static let ending = ".at"

    /// Notes that the files of the cache `name` are in the folder of that path. `store` has the host's own folder.
    static func keep(_ path: CachePath, of name: String, in store: CacheStore) throws(SystemError) {
        let unkeyed = CacheStore.Path(name: name, key: [])
        let file = unkeyed.stem + ending
        guard let directory = try store.directory(unkeyed, create: true), read(file, in: directory.folder) != path,
            let lock = try directory.folder.lock(CacheStore.lockFile, at: 0, patience: CacheStore.busy)
        else { return }
        defer { lock.release() }
        var text = ByteWriter()
        unsafe Array(path.text.utf8).withUnsafeBytes { unsafe text.append($0) }
        let new = try store.temporary(directory, text.count)
        try unsafe store.writeAll(new, text.bytes)
        if store.settings.durability == .power { try new.synchronize() }
        try new.close()
        try directory.folder.rename(directory.temporary, to: FileName(file))
    }

    /// Removes the note of a cache, whose files are in the host's own folder now.
    static func drop(of name: String, in store: CacheStore) {
        let unkeyed = CacheStore.Path(name: name, key: [])
        guard let directory = try? store.directory(unkeyed, create: false) else { return }
        _ = try? directory.folder.remove(unkeyed.stem + ending)
    }

    /// The notes among the files of a folder, by their caches as files are named.
    static func all(in folder: any CacheFolder, among names: [String]) -> [String: CachePath] {
        var notes: [String: CachePath] = [:]
        for name in names where name.hasSuffix(ending) {
            if let note = read(name, in: folder) { notes[String(name.dropLast(ending.count))] = note }
        }
        return notes
    }

    /// The path in a note; nil if there is none that can be read.
    static func read(_ file: String, in folder: any CacheFolder) -> CachePath? {
        guard let file = try? folder.open(file), let size = try? file.size(), (1...CachePath.longest).contains(size)
        else { return nil }
        var buffer = ByteWriter(capacity: size)
        var got = 0
        unsafe buffer.append(count: size) { bytes in got = (try? unsafe file.read(into: bytes, at: 0)) ?? 0 }
        return got == size ? unsafe CachePath(String(decoding: buffer.bytes, as: UTF8.self)) : nil
    }
}
