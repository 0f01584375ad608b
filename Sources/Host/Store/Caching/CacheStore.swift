internal import HostSystem
internal import HostValues
internal import Synchronization

/// The files of one routine's disk caches: `cache/v1/<plugin>/<routine>/` in the state directory.
///
/// An unkeyed value is `<name>.shc`, a keyed one `<name>.keys/<key>.shc`; names as `CacheName` encodes them. No method
/// is called under a lock of the caches.
final class CacheStore: Sendable {
    /// What a read found.
    enum Found {
        case absent
        /// The payload only if it was asked for.
        case value(CacheFileHeader, CacheBuffer?)
        /// The file is wrong, or of another codec; it is set aside under the name given.
        case setAside(SetAside)
    }

    /// A file that was set aside.
    struct SetAside: Sendable {
        let file: String
        let reason: String
        /// Of the value, where that could be read.
        let generation: UInt64
    }

    /// What a save did.
    enum Saved {
        case replaced
        /// The disk has this generation or a newer one.
        case outdated
        /// It was called off, or it failed.
        case dropped
    }

    /// How long a save waits for the lock, ns: whoever has it only writes one file.
    static let busy: Int64 = 10_000_000_000
    static let lockFile = "lock"
    static let ending = ".shc"
    static let corruptEnding = ".shc.corrupt"
    /// A value of another codec, or one that this plugin cannot decode.
    static let otherEnding = ".shc.other"
    /// All that a value's file may end with; the one that is a whole one comes first.
    static let endings = [ending, corruptEnding, otherEnding]
    static let temporaryEnding = ".tmp"
    /// The file that a save writes to. Once it has taken a value's place, the value's former file is the next spare.
    static let spare = "spare" + temporaryEnding
    /// A larger file is moved over the old one, whose space is then free.
    static let largestSpare = 1 << 20 + 1 << 16

    /// The largest payload that is written together with its header.
    private static let joined = 65_536
    private static let directories = Atomic<UInt64>(0)
    private static let process = String(UInt64.random(in: 0...UInt64.max), radix: 16)

    private let root: any CacheFolder
    /// The folders that lead from there to the routine's.
    private let way: [String]
    let settings: CacheSettings
    let plugin: String
    let routine: String
    let opened = Monitor(Opened())

    /// The folders that are open: the routine's own, and those with the keys of a cache.
    struct Opened {
        var own: OpenDirectory?
        var keyed: [String: OpenDirectory] = [:]

        subscript(folder: String) -> OpenDirectory? {
            get { folder.isEmpty ? own : keyed[folder] }
            set { if folder.isEmpty { own = newValue } else { keyed[folder] = newValue } }
        }
    }

    /// A folder with files of the routine.
    final class OpenDirectory: @unchecked Sendable {
        // @unchecked: `mark`, `temporary` and `canExchange` are touched only under the folder's lock.
        let folder: any CacheFolder
        /// What the lock file bears while nobody else has saved here.
        var mark: UInt64 = 0
        /// What a save writes to before it takes the value's place; one at a time, under the lock.
        var temporary = FileName(CacheStore.spare)
        /// Whether the file system can give two files each other's name in one step.
        var canExchange = true

        /// How much was saved since the files were last counted, and was there then; see `CacheStore+Bound`.
        let files = Atomic(0)
        let bytes = Atomic(0)
        let isTrimming = Atomic(false)

        init(_ folder: any CacheFolder) { self.folder = folder }

        /// A unique name for the temporary file, used when the spare cannot be removed.
        static func uniqueName() -> FileName {
            let number = CacheStore.directories.wrappingAdd(1, ordering: .relaxed).newValue
            return FileName("\(CacheStore.process)-\(String(number, radix: 16))\(CacheStore.temporaryEnding)")
        }
    }

    /// Where the file of one value is.
    struct Path: Sendable {
        let name: String
        let key: [UInt8]
        /// The folder in the routine's, or "" for that itself.
        let folder: String
        /// The file's name before the ending.
        let stem: String
        let file: FileName

        init(name: String, key: [UInt8]) {
            self.name = name
            self.key = key
            let encoded = CacheName.encode(name)
            folder = key.isEmpty ? "" : encoded + CacheStore.keysEnding
            stem = key.isEmpty ? encoded : CacheName.encode(key)
            file = FileName(stem + CacheStore.ending)
        }
    }

    init(
        root: any CacheFolder, of scope: CachePlace.Scope = .state, plugin: String, routine: String,
        settings: CacheSettings
    ) {
        self.root = root
        let (plugins, routines) = (CacheName.encode(plugin), CacheName.encode(routine))
        way =
            switch scope {
            case .state: ["cache", "v1", plugins, routines]
            case .all: [plugins, routines]
            case .plugin: [routines]
            case .routine: []
            }
        self.plugin = plugin
        self.routine = routine
        self.settings = settings
    }

    // MARK: - Places

    /// Opens the folder of a value; nil when it is not there and `create` is not set.
    func directory(_ path: Path, create: Bool) throws(SystemError) -> OpenDirectory? {
        if let known = opened.withLock({ $0[path.folder] }) { return known }
        do {
            var folder = root
            for part in way + [path.folder] where !part.isEmpty {
                let parent = folder
                folder = try parent.folder(part, create: create)
                if create, settings.durability == .power { try parent.synchronize() }
            }
            let directory = OpenDirectory(folder)
            try sweep(directory)
            // Two threads may have opened it at once: one of the two stays.
            return opened.withLock { opened in
                let kept = opened[path.folder] ?? directory
                opened[path.folder] = kept
                return kept
            }
        } catch {
            if error.isNotFound, !create { return nil }
            throw error
        }
    }

    /// Removes what a crash left behind. Temporaries are written under the lock: who has it sees only orphans.
    private func sweep(_ directory: OpenDirectory) throws(SystemError) {
        let folder = directory.folder
        let names = try folder.names()
        // What is there already is counted soon.
        if names.contains(where: { $0.hasSuffix(Self.ending) }) {
            directory.files.store(.max / 2, ordering: .relaxed)
            directory.bytes.store(.max / 2, ordering: .relaxed)
        }
        let orphans = names.filter { $0.hasSuffix(Self.temporaryEnding) }
        if orphans.isEmpty { return }
        guard let lock = try folder.lock(Self.lockFile, at: 0, patience: 0) else { return }
        defer { lock.release() }
        for orphan in orphans { try? folder.remove(orphan) }
    }

    // MARK: - Writing

    /// Takes the lock under which one value is loaded; nil when another process has it for longer than `patience` ns.
    func lockLoad(_ path: Path, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        guard let folder = try directory(path, create: true)?.folder else { return nil }
        let number = UInt64(truncatingIfNeeded: CacheName.hash(Array(path.name.utf8) + [0] + path.key))
        return try folder.lock(Self.lockFile, at: Int64(number >> 2) + 1, patience: patience)
    }

    /// Replaces the file; not when the disk has this generation or a newer one, or `wanted` is no longer true.
    /// On a failure the old file is what it was.
    func save(
        _ path: Path, _ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, known: CacheEntry,
        wanted: () -> Bool
    ) throws(SystemError) -> Saved {
        do {
            return try unsafe replace(path, header, payload, known, wanted)
        } catch {
            if !error.isNotFound { throw error }
            // Somebody has removed the directory that is open here.
            opened.withLock { $0 = Opened() }
            return try unsafe replace(path, header, payload, known, wanted)
        }
    }

    private func replace(
        _ path: Path, _ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, _ known: CacheEntry,
        _ wanted: () -> Bool
    ) throws(SystemError) -> Saved {
        guard let directory = try directory(path, create: true),
            let lock = try directory.folder.lock(Self.lockFile, at: 0, patience: Self.busy)
        else { throw SystemError("fcntl", "\(path.stem): lock", number: 11) }
        defer { lock.release() }
        let before = try look(path, header.generation, known, directory, lock)
        if case .newer = before { return .outdated }
        let size = header.encodedSize + payload.count
        do {
            try unsafe write(directory, header, payload, size)
            guard wanted() else {
                try directory.folder.remove(directory.temporary.text)
                return .dropped
            }
            try publish(directory, path, over: before, size: size)
            known.saved = (directory.mark, header.generation, size)
            // Until this sync the disk knows the value by the file that is now the spare, which the next save overwrites.
            if settings.durability == .power { try directory.folder.synchronize() }
        } catch {
            try? directory.folder.remove(directory.temporary.text)
            throw error
        }
        if case .absent = before { directory.files.add(1, ordering: .relaxed) }
        directory.bytes.add(Self.space(size), ordering: .relaxed)
        return .replaced
    }

    /// Puts the temporary in the value's place, in one step.
    ///
    /// The two files change names where that can be: the next save then writes over a file that is there, and the file
    /// system neither makes nor removes one. On ext4 that is a ninth of the time, most of which is not the making but
    /// what a rename over a file waits for: the new file's blocks (`auto_da_alloc` in ext4(5)).
    private func publish(_ directory: OpenDirectory, _ path: Path, over before: Before, size: Int) throws(SystemError) {
        if case .older(let old) = before, max(old, size) <= Self.largestSpare, directory.canExchange {
            do {
                if try directory.folder.exchange(directory.temporary, with: path.file) { return }
                directory.canExchange = false
            } catch {
                // Somebody has removed the value's file.
                if !error.isNotFound { throw error }
            }
        }
        try directory.folder.rename(directory.temporary, to: path.file)
    }

    /// What a save will replace.
    private enum Before {
        case absent, newer
        /// An older value, in a file of so many bytes.
        case older(size: Int)
    }

    /// Whether the disk has this generation or a newer one, under the lock.
    ///
    /// While the lock file bears what this process wrote, nobody else has saved in the folder, and a file that this
    /// process has saved since is as it was. Else the file is looked at, and the lock file marked before the save:
    /// whoever comes next finds another number than his own, also when this save is the last thing that happens.
    private func look(
        _ path: Path, _ generation: UInt64, _ known: CacheEntry, _ directory: OpenDirectory, _ lock: any CacheFileLock
    ) throws(SystemError) -> Before {
        var mark = (try? lock.mark()) ?? CacheMark()
        let old = mark
        let isMine = mark.holder != 0 && mark.holder == directory.mark
        // In a directory of keys the lock file also bears how far the cache's generations are.
        if !path.key.isEmpty { mark.generation = max(mark.generation, generation) }
        if isMine, known.saved.mark == mark.holder {
            if known.saved.generation >= generation { return .newer }
            if mark != old { try lock.setMark(mark) }
            return .older(size: known.saved.size)
        }
        var found = CacheFileReader.glance(directory.folder, path.file.text)
        if (found?.generation ?? .max) >= generation { found = try header(directory.folder, path) }
        if let found, found.generation >= generation { return .newer }
        if !isMine {
            directory.mark = UInt64.random(in: 1...UInt64.max)
            mark.holder = directory.mark
        }
        if mark != old { try lock.setMark(mark) }
        return found.map { .older(size: $0.encodedSize + $0.payloadSize) } ?? .absent
    }

    /// Writes the temporary of a directory, whole and closed.
    private func write(
        _ directory: OpenDirectory, _ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, _ size: Int
    )
        throws(SystemError)
    {
        let file = try temporary(directory, size)
        // One write for what is small: a copy costs less than a call.
        let joined = payload.count <= Self.joined
        let head = CacheBuffer(capacity: header.encodedSize + (joined ? payload.count : 0))
        header.encode(to: head)
        if joined { unsafe head.append(payload) }
        try unsafe writeAll(file, head.bytes)
        if !joined { try unsafe writeAll(file, payload) }
        if settings.durability == .power { try file.synchronize() }
        try file.close()
    }

    /// The file to write to, of at most so many bytes: the spare, or a new one if there is none or somebody still has it
    /// open; under another name if that one cannot be removed.
    private func temporary(_ directory: OpenDirectory, _ size: Int) throws(SystemError) -> any CacheFile {
        if let spare = directory.folder.reopen(directory.temporary) {
            if try spare.size() > size { try spare.truncate(to: size) }
            return spare
        }
        do {
            return try directory.folder.create(directory.temporary)
        } catch {
            if !error.isExisting { throw error }
            do { try directory.folder.remove(directory.temporary.text) } catch {
                directory.temporary = OpenDirectory.uniqueName()
            }
            return try directory.folder.create(directory.temporary)
        }
    }

    private func writeAll(_ file: any CacheFile, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe file.write(rest)
            // A file system that takes nothing and says nothing would be asked for ever.
            if count <= 0 { throw SystemError("write", Self.spare, number: 5) }
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Removes a value's file; false when there was none. The next values of the cache are above `generation`.
    func remove(_ path: Path, generation: UInt64) throws(SystemError) -> Bool {
        if path.key.isEmpty, generation > 0, let directory = try directory(path, create: false),
            (try? directory.folder.status(path.file.text)) != nil
        {
            // A file tells its generation; once it is gone, the directory of the cache's keys does.
            try Self.raise(generation, of: path.name, in: directory.folder)
        }
        guard let folder = try directory(path, create: false)?.folder else { return false }
        let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy)
        defer { lock?.release() }
        do {
            try folder.remove(path.file.text)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
        if settings.durability == .power { try folder.synchronize() }
        return true
    }
}
