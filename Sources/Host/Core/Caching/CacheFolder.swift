public import HostSystem

/// A directory as the caches use one. By protocol, so that tests can fail each step and keep files in memory.
///
/// All methods may be called on any thread at the same time. Names are single components; no link is followed.
public protocol CacheFolder: AnyObject, Sendable {
    /// Opens a directory in this one, making it if asked.
    func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder
    /// What is in it, sorted.
    func names() throws(SystemError) -> [String]
    /// Opens a file for reading; what is there but is no regular file fails with `isNotRegular`, now or when its size
    /// is asked for.
    func open(_ name: String) throws(SystemError) -> any CacheFile
    /// Makes a file that must not exist yet, with mode 0600.
    func create(_ name: String) throws(SystemError) -> any CacheFile
    /// Moves a file over another in one step.
    func rename(_ old: String, to new: String) throws(SystemError)
    /// Removes a file.
    func remove(_ name: String) throws(SystemError)
    /// Brings the entries to the disk.
    func synchronize() throws(SystemError)
    /// Takes a lock against other threads and processes, trying for up to `patience` ns; nil when somebody has it.
    /// `name` is the lock file, made if it is not there; `offset` tells locks in it apart.
    func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)?
}

/// An open file as the caches use one: by one thread at a time.
public protocol CacheFile: AnyObject {
    /// Bytes.
    func size() throws(SystemError) -> Int
    /// Reads at an offset; fewer bytes only at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// Writes once; returns how many bytes went.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int
    /// Brings the data to the disk.
    func synchronize() throws(SystemError)
    /// Closes; the file may not be used any more. Dropping the file closes it too, but cannot say that it failed.
    func close() throws(SystemError)
}

/// A lock that is held until it is released or dropped.
public protocol CacheFileLock: AnyObject {
    /// Gives the lock back.
    func release()
}

/// A directory of the file system.
public final class SystemCacheFolder: CacheFolder {
    private let directory: Directory
    private let first = Monitor(FirstLock())

    /// The lock at offset 0 of each save: its file stays open, and within the process this flag is the lock.
    private struct FirstLock {
        var isTaken = false
        var file: (name: String, lock: KeptLock)?
    }

    /// Takes an open directory over.
    public init(_ directory: consuming Directory) {
        self.directory = directory
    }

    /// As `CacheFolder` says.
    public func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder {
        SystemCacheFolder(try directory.directory(name, create: create))
    }

    /// As `CacheFolder` says.
    public func names() throws(SystemError) -> [String] { try directory.names() }

    /// As `CacheFolder` says.
    public func open(_ name: String) throws(SystemError) -> any CacheFile {
        SystemCacheFile(try directory.openQuietly(name), path: directory.child(name))
    }

    /// As `CacheFolder` says.
    public func create(_ name: String) throws(SystemError) -> any CacheFile {
        SystemCacheFile(try directory.create(name), path: directory.child(name))
    }

    /// As `CacheFolder` says.
    public func rename(_ old: String, to new: String) throws(SystemError) { try directory.rename(old, to: new) }

    /// As `CacheFolder` says.
    public func remove(_ name: String) throws(SystemError) { try directory.remove(name) }

    /// As `CacheFolder` says.
    public func synchronize() throws(SystemError) { try directory.descriptor.synchronize(subject: directory.path) }

    /// As `CacheFolder` says.
    public func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        if offset == 0 { return try lockFirst(name, patience: patience) }
        let descriptor = try directory.openForUpdate(name)
        guard try descriptor.lockByte(at: offset, patience: patience, subject: directory.child(name)) else {
            return nil
        }
        return SystemCacheFileLock(descriptor)
    }

    private func lockFirst(_ name: String, patience: Int64) throws(SystemError) -> (any CacheFileLock)? {
        let path = directory.child(name)
        let start = SystemClock().monotonic()
        let deadline = CacheTime.sum(start, patience)
        let taken: KeptLock?? = first.wait(until: deadline) { first in
            if first.isTaken { return nil }
            first.isTaken = true
            return .some(first.file.flatMap { $0.name == name ? $0.lock : nil })
        }
        guard let known = taken else { return nil }
        let release = { [first] in
            first.withLock { $0.isTaken = false }
            first.signal()
        }
        do {
            let kept: KeptLock
            if let known {
                kept = known
            } else {
                kept = KeptLock(try directory.openForUpdate(name), path: path)
                first.withLock { $0.file = (name, kept) }
            }
            let rest = CacheTime.difference(deadline, SystemClock().monotonic())
            if try kept.lock(patience: max(0, rest)) { return FirstFileLock(kept, release) }
            release()
            return nil
        } catch {
            release()
            throw error
        }
    }
}

/// The open lock file of a folder.
private final class KeptLock: Sendable {
    private let descriptor: Descriptor
    private let path: String

    init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func lock(patience: Int64) throws(SystemError) -> Bool {
        try descriptor.lockByte(at: 0, patience: patience, subject: path)
    }

    func unlock() { try? descriptor.unlockByte(at: 0, subject: path) }
}

private final class FirstFileLock: CacheFileLock {
    private let kept: KeptLock
    private var whenReleased: (() -> Void)?

    init(_ kept: KeptLock, _ whenReleased: @escaping () -> Void) {
        self.kept = kept
        self.whenReleased = whenReleased
    }

    deinit { release() }

    func release() {
        guard let body = whenReleased.take() else { return }
        kept.unlock()
        body()
    }
}

private final class SystemCacheFile: CacheFile {
    private var descriptor: Descriptor?
    private let path: String

    init(_ descriptor: consuming Descriptor, path: String) {
        self.descriptor = consume descriptor
        self.path = path
    }

    func size() throws(SystemError) -> Int {
        guard let status = try descriptor?.status(subject: path) else { return 0 }
        if status.kind != .regular { throw .notRegular(path) }
        return status.size
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        try unsafe descriptor?.read(into: buffer, at: offset, subject: path) ?? 0
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try unsafe descriptor?.write(bytes, subject: path) ?? 0
    }

    func synchronize() throws(SystemError) { try descriptor?.synchronizeData(subject: path) }

    func close() throws(SystemError) {
        if let descriptor = descriptor.take() { try descriptor.close(subject: path) }
    }
}

private final class SystemCacheFileLock: CacheFileLock {
    private var descriptor: Descriptor?

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = consume descriptor
    }

    func release() { descriptor = nil }
}
