internal import HostSystem
internal import Synchronization

/// How sure a saved value is.
public enum CacheDurability: Sendable {
    /// Whole after any crash of a process.
    case process
    /// Whole after a power loss too: each save waits for the disk.
    case power
}

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
        /// The file is wrong; it is set aside under the name given.
        case setAside(file: String, reason: String)
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
    static let temporaryEnding = ".tmp"

    /// The largest payload that is written together with its header.
    private static let joined = 65_536
    private static let temporaries = Atomic<UInt64>(0)
    private static let process = String(UInt64.random(in: 0...UInt64.max), radix: 16)

    private let root: any CacheFolder
    private let durability: CacheDurability
    private let plugin: String
    private let routine: String
    private let folders = Monitor<[String: any CacheFolder]>([:])

    init(root: any CacheFolder, plugin: String, routine: String, durability: CacheDurability) {
        self.root = root
        self.plugin = plugin
        self.routine = routine
        self.durability = durability
    }

    // MARK: - Places

    /// Opens the folder of a value, or of all with `keysOf` nil; nil when it is not there and `create` is not set.
    private func folder(keysOf name: String?, create: Bool) throws(SystemError) -> (any CacheFolder)? {
        let index = name.map { CacheName.encode($0) + ".keys" } ?? ""
        if let known = folders.withLock({ $0[index] }) { return known }
        do {
            var folder = root
            for part in ["cache", "v1", CacheName.encode(plugin), CacheName.encode(routine), index] where !part.isEmpty
            {
                let parent = folder
                folder = try parent.folder(part, create: create)
                if create, durability == .power { try parent.synchronize() }
            }
            try sweep(folder)
            // Two threads may have opened it at once: one of the two stays.
            return folders.withLock { folders in
                let kept = folders[index] ?? folder
                folders[index] = kept
                return kept
            }
        } catch {
            if error.isNotFound, !create { return nil }
            throw error
        }
    }

    /// Removes what a crash left behind. Temporaries are written under the lock: who has it sees only orphans.
    private func sweep(_ folder: any CacheFolder) throws(SystemError) {
        let orphans = try folder.names().filter { $0.hasSuffix(Self.temporaryEnding) }
        if orphans.isEmpty { return }
        guard let lock = try folder.lock(Self.lockFile, at: 0, patience: 0) else { return }
        defer { lock.release() }
        for orphan in orphans { try? folder.remove(orphan) }
    }

    private func place(_ name: String, _ key: [UInt8], create: Bool) throws(SystemError)
        -> (folder: any CacheFolder, file: String)?
    {
        guard let folder = try folder(keysOf: key.isEmpty ? nil : name, create: create) else { return nil }
        return (folder, key.isEmpty ? CacheName.encode(name) : CacheName.encode(key))
    }

    // MARK: - Reading

    /// Reads a value, or only its header. Takes no lock: a file is replaced in one step, and an open one stays as it was.
    func read(name: String, key: [UInt8], payload: Bool) throws(SystemError) -> Found {
        guard let (folder, file) = try place(name, key, create: false) else { return .absent }
        switch try CacheFileReader.read(folder, file + Self.ending, payload: payload) {
        case .absent: return .absent
        case .whole(let header, let buffer) where isOurs(header, name, key): return .value(header, buffer)
        case .whole: return try setAside(folder, file, "it is another cache's", name, key)
        case .wrong(let reason): return try setAside(folder, file, reason, name, key)
        }
    }

    /// The generation on disk: 0 when there is no value, or a wrong one.
    private func generation(_ folder: any CacheFolder, _ file: String, _ name: String, _ key: [UInt8])
        throws(SystemError) -> UInt64
    {
        guard case .whole(let header, _) = try CacheFileReader.read(folder, file + Self.ending, payload: false),
            isOurs(header, name, key)
        else { return 0 }
        return header.generation
    }

    private func isOurs(_ header: CacheFileHeader, _ name: String, _ key: [UInt8]) -> Bool {
        CacheName.areSame(header.plugin, plugin) && CacheName.areSame(header.routine, routine)
            && CacheName.areSame(header.name, name) && header.key == key
    }

    private func setAside(
        _ folder: any CacheFolder, _ file: String, _ reason: String, _ name: String, _ key: [UInt8]
    ) throws(SystemError) -> Found {
        let corrupt = file + Self.corruptEnding
        guard let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy) else { return .absent }
        defer { lock.release() }
        // Somebody may have replaced it since.
        if try generation(folder, file, name, key) > 0,
            case .whole(let header, let payload) = try CacheFileReader.read(folder, file + Self.ending, payload: true)
        {
            return .value(header, payload)
        }
        do {
            try folder.rename(file + Self.ending, to: corrupt)
        } catch {
            if error.isNotFound { return .absent }
            throw error
        }
        return .setAside(file: corrupt, reason: reason)
    }

    // MARK: - Writing

    /// Takes the lock under which one value is loaded; nil when another process has it for longer than `patience` ns.
    func lockLoad(name: String, key: [UInt8], patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        guard let (folder, _) = try place(name, key, create: true) else { return nil }
        let number = UInt64(truncatingIfNeeded: CacheName.hash(Array(name.utf8) + [0] + key))
        return try folder.lock(Self.lockFile, at: Int64(number >> 2) + 1, patience: patience)
    }

    /// Whether the disk has this generation or a newer one.
    private func isOutdated(_ header: CacheFileHeader, _ folder: any CacheFolder, _ file: String)
        throws(SystemError) -> Bool
    {
        if let seen = CacheFileReader.glance(folder, file + Self.ending), seen.generation < header.generation {
            return false
        }
        return try generation(folder, file, header.name, header.key) >= header.generation
    }

    /// A name for a temporary that no other one has.
    private func temporary(_ file: String) -> String {
        let number = Self.temporaries.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(file).\(Self.process)-\(String(number, radix: 16))\(Self.temporaryEnding)"
    }

    /// Replaces the file; not when the disk has this generation or a newer one, or `wanted` is no longer true.
    /// On a failure the old file is what it was.
    func save(_ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, wanted: () -> Bool) throws(SystemError)
        -> Saved
    {
        do {
            return try unsafe replace(header, payload, wanted)
        } catch {
            if !error.isNotFound { throw error }
            // Somebody has removed the directory that is open here.
            folders.withLock { $0 = [:] }
            return try unsafe replace(header, payload, wanted)
        }
    }

    private func replace(_ header: CacheFileHeader, _ payload: UnsafeRawBufferPointer, _ wanted: () -> Bool)
        throws(SystemError) -> Saved
    {
        guard let (folder, file) = try place(header.name, header.key, create: true),
            let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy)
        else { throw SystemError("fcntl", "\(CacheName.encode(header.name)): lock", number: 11) }
        defer { lock.release() }
        if try isOutdated(header, folder, file) { return .outdated }
        let temporary = temporary(file)
        do {
            try unsafe write(folder, temporary, header.encoded(), payload)
            guard wanted() else {
                try folder.remove(temporary)
                return .dropped
            }
            try folder.rename(temporary, to: file + Self.ending)
        } catch {
            try? folder.remove(temporary)
            throw error
        }
        if durability == .power { try folder.synchronize() }
        return .replaced
    }

    private func write(
        _ folder: any CacheFolder, _ name: String, _ header: [UInt8], _ payload: UnsafeRawBufferPointer
    ) throws(SystemError) {
        let file = try folder.create(name)
        // One write for what is small: a copy costs less than a call.
        let joined = payload.count <= Self.joined
        let head = CacheBuffer(capacity: header.count + (joined ? payload.count : 0))
        unsafe header.withUnsafeBytes { unsafe head.append($0) }
        if joined { unsafe head.append(payload) }
        try unsafe writeAll(file, head.bytes)
        if !joined { try unsafe writeAll(file, payload) }
        if durability == .power { try file.synchronize() }
        try file.close()
    }

    private func writeAll(_ file: any CacheFile, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe file.write(rest)
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Removes a value's file; false when there was none.
    func remove(name: String, key: [UInt8]) throws(SystemError) -> Bool {
        guard let (folder, file) = try place(name, key, create: false) else { return false }
        let lock = try folder.lock(Self.lockFile, at: 0, patience: Self.busy)
        defer { lock?.release() }
        do {
            try folder.remove(file + Self.ending)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
        if durability == .power { try folder.synchronize() }
        return true
    }
}
