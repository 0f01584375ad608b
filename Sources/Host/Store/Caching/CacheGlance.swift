public import HostSystem
internal import HostValues

/// The values that a routine's disk caches have in files, as far as the headers of the files tell.
///
/// The number of files and bytes that are read is bounded whatever is in the directory, so that a running host can
/// answer from it. What the payloads contain is not checked: see `CacheInspector`.
public struct CacheGlance: Sendable {
    /// A file with a value.
    public struct File: Equatable, Sendable {
        /// The cache's name.
        public var name: String
        /// The key; empty for the unkeyed value.
        public var key: [UInt8]
        /// The size of the value in bytes.
        public var size: Int
        /// The time since the value was made, in ms; nil if that is unknown.
        public var ageMs: Int64?
        /// The age at which it expires, in ms; nil means never.
        public var expireMs: Int64?
        /// How often the source has made the value.
        public var loads: UInt64
    }

    /// The largest number of files.
    public static let most = 100
    /// The largest total size of a file's names in bytes; a file with longer ones is passed over.
    private static let longestNames = 8 << 10

    /// The files, ordered by name and key.
    public private(set) var files: [File] = []
    /// Whether there may be more files than these.
    public private(set) var hasMore = false

    /// Looks at a routine's caches in a state directory. Where nothing can be read, there is nothing.
    public init(
        of plugin: String, _ routine: String, in state: borrowing Directory, clock: any HostClock,
        origin: CacheOrigin = CacheOrigin()
    ) {
        let own = [CacheName.encode(plugin), CacheName.encode(routine)]
        guard let folder = try? Self.folder(["cache", "v1"] + own, in: state),
            let entries = try? folder.entries(most: Self.most * 4)
        else { return }
        let now = origin.now(clock)
        guard let same = try? folder.again() else { return }
        let names = entries.filter { !$0.isLink }.map(\.name)
        let notes = CacheNote.all(in: SystemCacheFolder(same, clock: clock), among: names)
        // What a cache has left behind that has named another folder is not its value.
        add(entries.filter { notes[Self.cache(of: $0.name)] == nil }, of: folder, plugin, routine, now)
        // Of folders that caches have named only those in the state directory: another file system may not answer.
        for (cache, note) in notes.sorted(by: { $0.key < $1.key }) where !note.isAbsolute {
            guard let data = try? Self.data(of: own[0], in: state),
                let named = try? Self.folder(note.parts + own, in: data),
                let entries = try? named.entries(most: Self.most * 4)
            else { continue }
            add(entries.filter { Self.cache(of: $0.name) == cache }, of: named, plugin, routine, now)
        }
        files.sort { $0.name == $1.name ? $0.key.lexicographicallyPrecedes($1.key) : $0.name < $1.name }
    }

    /// The cache that a file or a folder of keys belongs to, as files are named.
    private static func cache(of file: String) -> String {
        for ending in [CacheStore.ending, CacheStore.keysEnding] where file.hasSuffix(ending) {
            return String(file.dropLast(ending.count))
        }
        return file
    }

    private static func folder(_ parts: [String], in start: borrowing Directory) throws(SystemError) -> Directory {
        var folder = try start.again()
        for part in parts { folder = try folder.directory(part) }
        return folder
    }

    /// The data folder of a plugin, or that of all where nothing separates them.
    private static func data(of plugin: String, in state: borrowing Directory) throws(SystemError) -> Directory {
        let all = try state.directory("data")
        if let own = try? all.directory(plugin) { return own }
        return all
    }

    private mutating func add(
        _ entries: [Directory.Entry], of folder: borrowing Directory, _ plugin: String, _ routine: String,
        _ now: CacheStamp
    ) {
        if entries.count == Self.most * 4 { hasMore = true }
        for entry in entries.sorted(by: { $0.name < $1.name }) where !entry.isLink {
            if entry.name.hasSuffix(CacheStore.ending) {
                add(entry.name, in: folder, plugin, routine, now)
            } else if entry.name.hasSuffix(CacheStore.keysEnding), let keys = try? folder.directory(entry.name),
                let values = try? keys.entries(most: Self.most + 1)
            {
                for value in values.sorted(by: { $0.name < $1.name })
                where !value.isLink && value.name.hasSuffix(CacheStore.ending) {
                    add(value.name, in: keys, plugin, routine, now)
                }
            }
        }
    }

    private mutating func add(
        _ name: String, in folder: borrowing Directory, _ plugin: String, _ routine: String, _ now: CacheStamp
    ) {
        guard files.count < Self.most else {
            hasMore = true
            return
        }
        guard let header = Self.header(name, in: folder), header.plugin == plugin, header.routine == routine else {
            return
        }
        files.append(
            File(
                name: header.name, key: header.key, size: header.payloadSize,
                ageMs: header.produced.age(at: now).map { $0 / 1_000_000 },
                expireMs: header.expire == .max ? nil : header.expire / 1_000_000, loads: header.loads))
    }

    /// The header of a file; nil if the file is damaged, or is being written at this moment.
    private static func header(_ name: String, in folder: borrowing Directory) -> CacheFileHeader? {
        guard let file = try? folder.openForReading(name),
            (try? file.status(subject: name))?.kind == .regular,
            var head = try? file.read(count: 4 * CacheFileHeader.fixedSize, at: 0, subject: name),
            let texts = CacheFileHeader.textSize(Array(head.prefix(CacheFileHeader.fixedSize))),
            texts <= longestNames
        else { return nil }
        let size = CacheFileHeader.fixedSize + texts
        if head.count < size, let rest = try? file.read(count: size - head.count, at: head.count, subject: name) {
            head += rest
        }
        return CacheFileHeader(Array(head.prefix(size)))
    }
}
