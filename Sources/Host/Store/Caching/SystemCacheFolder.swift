public import HostSystem
internal import HostValues

/// A cache folder in the file system.
public final class SystemCacheFolder: CacheFolder {
    private let directory: Directory
    private let clock: any HostClock
    private let first = Monitor(FirstLock())

    /// The state of the lock at offset 0, which every save takes: its file stays open, and the flag excludes other
    /// threads of this process.
    fileprivate struct FirstLock {
        var isTaken = false
        var file: (name: String, lock: KeptLock)?
        /// What saves write over, as far as it stays open too.
        var spares = KeptSpares()
    }

    /// Takes ownership of an open directory.
    public init(_ directory: consuming Directory, clock: any HostClock) {
        self.directory = directory
        self.clock = clock
    }

    /// See `CacheFolder`.
    public func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder {
        SystemCacheFolder(try directory.directory(name, create: create), clock: clock)
    }

    /// See `CacheFolder`.
    public func names() throws(SystemError) -> [String] { try directory.names() }

    /// See `CacheFolder`.
    public func status(_ name: String) throws(SystemError) -> CacheFileStatus {
        let status = try directory.status(name)
        return CacheFileStatus(written: status.modified, size: status.size, number: status.inode)
    }

    /// See `CacheFolder`.
    public func open(_ name: String) throws(SystemError) -> any CacheFile {
        SystemCacheFile(try directory.openQuietly(name), name, in: self)
    }

    /// See `CacheFolder`.
    public func create(_ name: FileName) throws(SystemError) -> any CacheFile {
        SystemCacheFile(try directory.create(name), name.text, in: self)
    }

    /// See `CacheFolder`.
    public func reopen(_ name: FileName) -> (any CacheFile)? {
        if first.withLock({ !$0.spares.isEmpty }) {
            guard let status = directory.status(name) else {
                closeSpares()
                return nil
            }
            let kept = first.withLock { $0.spares.take(status) }
            if let kept { return kept.begin(name.text, status, in: self) ? kept : nil }
        }
        return directory.openForOverwriting(name) { SpareFile($0, name.text, $1, in: self) }
    }

    /// Keeps a file open for later saves; returns false if it should be closed.
    func keep(_ file: SpareFile) -> Bool { first.withLock { $0.spares.keep(file) } }

    /// See `CacheFolder`.
    public func exchange(_ one: FileName, with other: FileName) throws(SystemError) -> Bool {
        try directory.exchange(one, with: other)
    }

    /// See `CacheFolder`.
    public func rename(_ old: FileName, to new: FileName) throws(SystemError) {
        closeSpares()
        try directory.rename(old, to: new)
    }

    /// See `CacheFolder`.
    public func remove(_ name: String) throws(SystemError) {
        closeSpares()
        try directory.remove(name)
    }

    /// The space of a file that is removed is only freed when it is closed.
    private func closeSpares() { first.withLock { $0.spares.close() } }

    /// See `CacheFolder`.
    public func synchronize() throws(SystemError) { try directory.descriptor.synchronize(subject: directory.path) }

    /// See `CacheFolder`.
    public func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        if offset == 0 { return try lockFirst(name, patience: patience) }
        let lock = try lock(name, at: offset, kept: nil, patience: patience)
        return lock.map { SystemCacheFileLock($0, at: offset, flag: nil) }
    }

    /// Locks the file that has that name now, by the open one if it is still that; nil if it is held for longer than `patience` ns.
    ///
    /// Whoever removes a cache's files by hand removes this one too, and who comes next makes another one. So a lock counts only
    /// if its file has a name: else two processes would each hold one, of two files. That is looked at before the lock is tried,
    /// and again where it took a while.
    private func lock(_ name: String, at offset: Int64, kept: KeptLock?, patience: Int64) throws(SystemError)
        -> KeptLock?
    {
        var kept = kept
        for _ in 0..<Self.rounds {
            let file: KeptLock
            if let known = kept, known.isNamed {
                if try known.lock(at: offset, patience: 0) { return known }
                file = known
            } else {
                file = try KeptLock(directory.openForUpdate(name), path: path(name))
            }
            guard try file.lock(at: offset, patience: patience) else { return nil }
            if file.isNamed { return file }
            file.unlock(at: offset)  // whoever waits for it is to find that out too
            kept = nil
        }
        return nil
    }

    /// How often the lock file is opened anew in one call. Each round takes somebody who removes it at that very moment.
    private static let rounds = 8

    private func lockFirst(_ name: String, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        func take(_ first: inout FirstLock) -> KeptLock?? {
            if first.isTaken { return nil }
            first.isTaken = true
            return .some(first.file.flatMap { $0.name == name ? $0.lock : nil })
        }
        // Reads the clock only if another thread holds the lock.
        var rest = patience
        var taken = first.withLock { take(&$0) }
        if taken == nil {
            let deadline = clock.monotonic() + patience
            taken = first.wait(until: deadline) { take(&$0) }
            rest = deadline - clock.monotonic()
        }
        guard let known = taken else { return nil }
        do {
            let file = try lock(name, at: 0, kept: known, patience: max(0, rest))
            if let file, file !== known { first.withLock { $0.file = (name, file) } }
            if let file { return SystemCacheFileLock(file, at: 0, flag: first) }
            Self.free(first)
            return nil
        } catch {
            Self.free(first)
            throw error
        }
    }

    fileprivate static func free(_ first: Monitor<FirstLock>) {
        first.withLock { $0.isTaken = false }
        first.signal()
    }

    /// The path of an entry, for messages.
    func path(_ name: String) -> String { directory.child(name) }
}

/// A lock file that is open. One thread at a time uses it: the one that has the flag of the first lock, or has opened it.
private final class KeptLock: @unchecked Sendable {
    // @unchecked: see above; only `isNamed` and the end change anything.
    private var descriptor: Descriptor?
    private let device: UInt64
    private let inode: UInt64
    private let path: String

    init(_ descriptor: consuming Descriptor, path: String) throws(SystemError) {
        let status = try descriptor.status(subject: path)
        (device, inode) = (status.device, status.inode)
        self.descriptor = consume descriptor
        self.path = path
    }

    deinit {
        // Closes what is its own, and nothing else.
        _ = isNamed
    }

    /// Whether the number still stands for the file that was opened, and that file has a name.
    ///
    /// A plugin that closes a number twice may have closed this one, and have a file of its own under it since: that is left to
    /// the plugin, neither locked nor written to nor closed.
    var isNamed: Bool {
        let found: FileStatus? =
            switch descriptor {
            case .some(let descriptor): try? descriptor.status(subject: path)
            case nil: nil
            }
        if let found, found.inode == inode, found.device == device { return found.links > 0 }
        if let descriptor = descriptor.take() { _ = descriptor.release() }
        return false
    }

    func lock(at offset: Int64, patience: Int64) throws(SystemError) -> Bool {
        try descriptor?.lockByte(at: offset, patience: patience, subject: path) ?? false
    }

    func unlock(at offset: Int64) { try? descriptor?.unlockByte(at: offset, subject: path) }

    func mark() throws(SystemError) -> CacheMark {
        let (holder, generation) = try descriptor?.readNumbers(subject: path) ?? (0, 0)
        return CacheMark(holder: holder, generation: generation)
    }
    func setMark(_ mark: CacheMark) throws(SystemError) {
        try descriptor?.writeNumbers(mark.holder, mark.generation, subject: path)
    }
}

private final class SystemCacheFileLock: CacheFileLock {
    private var file: KeptLock?
    private let offset: Int64
    /// Set for the lock whose file stays open. Every other lock ends when its file is closed.
    private let flag: Monitor<SystemCacheFolder.FirstLock>?

    init(_ file: KeptLock, at offset: Int64, flag: Monitor<SystemCacheFolder.FirstLock>?) {
        self.file = file
        self.offset = offset
        self.flag = flag
    }

    deinit { release() }

    func mark() throws(SystemError) -> CacheMark { try file?.mark() ?? CacheMark() }
    func setMark(_ mark: CacheMark) throws(SystemError) {
        flag?.withLock { $0.spares.note(mark.holder) }
        try file?.setMark(mark)
    }

    func release() {
        guard let file = file.take(), let flag else { return }
        file.unlock(at: offset)
        SystemCacheFolder.free(flag)
    }
}

private final class SystemCacheFile: CacheFile {
    private var descriptor: Descriptor?
    private let name: String
    private let folder: SystemCacheFolder

    init(_ descriptor: consuming Descriptor, _ name: String, in folder: SystemCacheFolder) {
        self.descriptor = consume descriptor
        self.name = name
        self.folder = folder
    }

    /// The file's path, for messages.
    private var path: String { folder.path(name) }

    func size() throws(SystemError) -> Int {
        guard let status = try descriptor?.status(subject: path) else { return 0 }
        if status.kind != .regular { throw .notRegular(path) }
        return status.size
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        try unsafe descriptor?.read(into: buffer, at: offset, subject: path) ?? 0
    }

    func pages(_ size: Int) -> FilePages? {
        switch descriptor {
        case .some(let descriptor): FilePages(descriptor, size: size)
        case nil: nil
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try unsafe descriptor?.write(bytes, subject: path) ?? 0
    }

    func truncate(to size: Int) throws(SystemError) { try descriptor?.truncate(to: size, subject: path) }

    func synchronize() throws(SystemError) { try descriptor?.synchronizeData(subject: path) }

    func close() throws(SystemError) {
        if let descriptor = descriptor.take() { try descriptor.close(subject: path) }
    }
}
