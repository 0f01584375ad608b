internal import HostSystem
internal import HostValues
internal import Synchronization

/// The files of one routine's disk caches: `cache/v1/<plugin>/<routine>/` in the state directory, or `<plugin>/<routine>/` in a
/// folder that the caches' author has named.
///
/// An unkeyed value is `<name>.shc`, a keyed one `<name>.keys/<key>.shc`, with names encoded by `CacheName`. No method
/// is called while a lock of the caches is held.
final class CacheStore: Sendable {
    /// The result of a read.
    enum Found {
        case absent
        /// A valid file; the payload only if it was asked for.
        case value(CacheFileHeader, CacheBytes?)
        /// The file was damaged or had another codec, and was set aside.
        case setAside(SetAside)
    }

    /// A file that was set aside: its new name, and why.
    struct SetAside: Sendable {
        let file: String
        let reason: String
        /// The generation of its value, if it could be read; else 0.
        let generation: UInt64
    }

    /// The outcome of a save.
    enum Saved {
        case replaced
        /// The disk has this generation or a newer one already.
        case outdated
        /// The save was called off, or it failed.
        case dropped
    }

    /// How long a save waits for the lock, in ns. Each holder writes a single file only.
    static let busy: Int64 = 10_000_000_000
    static let lockFile = "lock"
    static let ending = ".shc"
    static let corruptEnding = ".shc.corrupt"
    /// The suffix of a value with another codec, or one that the plugin cannot decode.
    static let otherEnding = ".shc.other"
    /// All suffixes of a value's file; the one of a valid file comes first.
    static let endings = [ending, corruptEnding, otherEnding]
    static let temporaryEnding = ".tmp"
    /// The file that a save writes to. After the save it has the value's former content, and serves as the next spare.
    static let spare = "spare" + temporaryEnding
    /// The largest file in bytes that is kept as the spare. A larger one is removed, so that its space is freed.
    static let largestSpare = 1 << 20 + 1 << 16

    /// The largest payload in bytes that is written together with its header in one call.
    private static let joined = 65_536
    private static let directories = Atomic<UInt64>(0)
    private static let process = String(UInt64.random(in: 0...UInt64.max), radix: 16)

    /// Opens the folder that the author has named anew, which it makes if necessary; nil for the host's own folder.
    private let reopen: (@Sendable () throws(SystemError) -> any CacheFolder)?
    /// The path components from the root to the routine's folder.
    private let way: [String]
    let settings: CacheSettings
    let plugin: String
    let routine: String
    let opened: Monitor<Opened>

    /// The open folders: the root, the routine's own, and the key directories of its caches.
    struct Opened {
        let root: any CacheFolder
        var own: OpenDirectory?
        var keyed: [String: OpenDirectory] = [:]

        subscript(folder: String) -> OpenDirectory? {
            get { folder.isEmpty ? own : keyed[folder] }
            set { if folder.isEmpty { own = newValue } else { keyed[folder] = newValue } }
        }
    }

    /// An open folder with files of the routine.
    final class OpenDirectory: @unchecked Sendable {
        // @unchecked: `mark`, `temporary` and `canExchange` are accessed only under the folder's lock.
        let folder: any CacheFolder
        /// The number in the lock file as long as no other process has saved in this folder.
        var mark: UInt64 = 0
        /// The file that a save writes before it replaces the value's file. Used under the lock, so by one save at a
        /// time.
        var temporary = FileName(CacheStore.spare)
        /// Whether the file system can exchange two files atomically.
        var canExchange = true

        /// The files and bytes counted at the last scan, plus what was saved since; see `CacheStore+Bound`.
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

    /// The location of one value's file.
    struct Path: Sendable {
        let name: String
        let key: [UInt8]
        /// The folder within the routine's; empty for the routine's folder itself.
        let folder: String
        /// The file's name without its suffix.
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
        settings: CacheSettings, reopen: (@Sendable () throws(SystemError) -> any CacheFolder)? = nil
    ) {
        opened = Monitor(Opened(root: root))
        self.reopen = reopen
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

    // MARK: - Folders

    /// Opens the folder of a value; nil if it does not exist and `create` is not set.
    func directory(_ path: Path, create: Bool) throws(SystemError) -> OpenDirectory? {
        if let known = opened.withLock({ $0[path.folder] }) { return known }
        do {
            var folder = opened.withLock { $0.root }
            for part in way + [path.folder] where !part.isEmpty {
                let parent = folder
                folder = try parent.folder(part, create: create)
                if create, settings.durability == .power { try parent.synchronize() }
            }
            let directory = OpenDirectory(folder)
            try sweep(directory)
            // If two threads opened the folder at the same time, one of the two objects is kept.
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

    /// Removes temporary files that a crash has left. Temporaries are written only under the lock, so under the lock
    /// every temporary found is an orphan.
    private func sweep(_ directory: OpenDirectory) throws(SystemError) {
        let folder = directory.folder
        let names = try folder.names()
        // Makes the first access scan the folder, so that the existing files are counted.
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

    /// Takes the lock under which one value is loaded; nil if another process holds it for longer than `patience` ns.
    func lockLoad(_ path: Path, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        guard let folder = try directory(path, create: true)?.folder else { return nil }
        let number = UInt64(truncatingIfNeeded: CacheName.hash(Array(path.name.utf8) + [0] + path.key))
        return try folder.lock(Self.lockFile, at: Int64(number >> 2) + 1, patience: patience)
    }

    /// Replaces the value's file, unless the disk has this generation or a newer one, or `wanted` returns false. A
    /// failure leaves the old file unchanged.
    func save(
        _ path: Path, _ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, known: CacheEntry,
        wanted: () -> Bool
    ) throws(SystemError) -> Saved {
        do {
            return try unsafe replace(path, header, payload, known, wanted)
        } catch {
            if !error.isNotFound { throw error }
            // The directory that is open here was removed, so it is opened or made anew, from its root on.
            let root = try reopen?() ?? opened.withLock { $0.root }
            opened.withLock { $0 = Opened(root: root) }
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
            let spare = try publish(directory, path, over: before)
            known.saved = CacheEntry.Saved(mark: directory.mark, generation: header.generation, size: size)
            // Without this sync, a power loss could leave the value's name at the file that is now the spare, which the
            // next save overwrites.
            if settings.durability == .power { try directory.folder.synchronize() }
            if spare > Self.largestSpare { try? directory.folder.remove(directory.temporary.text) }
        } catch {
            try? directory.folder.remove(directory.temporary.text)
            throw error
        }
        if case .absent = before { directory.files.add(1, ordering: .relaxed) }
        directory.bytes.add(Self.space(size), ordering: .relaxed)
        return .replaced
    }

    /// Atomically puts the temporary file in the place of the value's file. Returns the size of the file that is left under
    /// the temporary name; 0 if there is none.
    ///
    /// Where possible the two files exchange their names: the next save then overwrites an existing file, and the file
    /// system neither creates nor removes one. On ext4 this takes a ninth of the time, mainly because a rename over an
    /// existing file waits until the new file's blocks are written (`auto_da_alloc` in ext4(5)). With a file that is too large
    /// to be kept it takes half of the time, although that file is removed then.
    private func publish(_ directory: OpenDirectory, _ path: Path, over before: Before) throws(SystemError) -> Int {
        if case .older(let old) = before, directory.canExchange {
            do {
                if try directory.folder.exchange(directory.temporary, with: path.file) { return old }
                directory.canExchange = false
            } catch {
                // The value's file was removed meanwhile.
                if !error.isNotFound { throw error }
            }
        }
        try directory.folder.rename(directory.temporary, to: path.file)
        return 0
    }

    /// What a save replaces.
    private enum Before {
        case absent, newer
        /// An older value, in a file of `size` bytes.
        case older(size: Int)
    }

    /// Finds out, under the lock, whether the disk has this generation or a newer one.
    ///
    /// While the lock file contains the number that this process wrote, no other process has saved in the folder, and a
    /// file that this process saved under that number is unchanged. Otherwise the file is read, and this process's
    /// number is written before the save: so the next process notices that its own number is gone, even if this process
    /// is killed right after the save.
    private func look(
        _ path: Path, _ generation: UInt64, _ known: CacheEntry, _ directory: OpenDirectory, _ lock: any CacheFileLock
    ) throws(SystemError) -> Before {
        var mark = (try? lock.mark()) ?? CacheMark()
        let old = mark
        let isMine = mark.holder != 0 && mark.holder == directory.mark
        // The lock file of a key directory also records the cache's highest generation.
        if !path.key.isEmpty { mark.generation = max(mark.generation, generation) }
        if isMine, let saved = known.saved, saved.mark == mark.holder {
            if saved.generation >= generation { return .newer }
            if mark != old { try lock.setMark(mark) }
            return .older(size: saved.size)
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

    /// Writes the complete temporary file of a directory and closes it.
    private func write(
        _ directory: OpenDirectory, _ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, _ size: Int
    )
        throws(SystemError)
    {
        let file = try temporary(directory, size)
        // A small payload is copied behind the header: a copy costs less than a second write.
        let joined = payload.count <= Self.joined
        var head = ByteWriter(capacity: header.encodedSize + (joined ? payload.count : 0))
        header.encode(to: &head)
        if joined { unsafe head.append(payload) }
        try unsafe writeAll(file, head.bytes)
        if !joined { try unsafe writeAll(file, payload) }
        if settings.durability == .power { try file.synchronize() }
        try file.close()
    }

    /// Opens the file to write to: the spare, cut to at most `size` bytes, or a new file if there is no spare or it is
    /// still open elsewhere. If the old spare cannot be removed, the new file gets a unique name.
    func temporary(_ directory: OpenDirectory, _ size: Int) throws(SystemError) -> any CacheFile {
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

    func writeAll(_ file: any CacheFile, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe file.write(rest)
            // Guards against an endless loop on a file system that writes nothing and reports no error.
            if count <= 0 { throw SystemError("write", Self.spare, number: 5) }
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
