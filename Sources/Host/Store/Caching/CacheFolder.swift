public import HostSystem
public import HostValues

/// A directory, with the operations that the caches need. It is a protocol so that tests can make each step fail and
/// keep files in memory.
///
/// All methods may be called on any thread at the same time. Names are single path components; links are not followed.
public protocol CacheFolder: AnyObject, Sendable {
    /// Opens a subdirectory; makes it first if `create` is set.
    func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder
    /// The names of the entries, sorted.
    func names() throws(SystemError) -> [String]
    /// A file's size and time of last modification.
    func status(_ name: String) throws(SystemError) -> CacheFileStatus
    /// Opens a file for reading. A file that is not regular fails with `isNotRegular`, now or when its size is asked
    /// for. While the file is open, `reopen` refuses it; while it is open by `reopen`, this fails with `isHeld`.
    func open(_ name: String) throws(SystemError) -> any CacheFile
    /// Creates a file that must not exist yet, with mode 0600.
    func create(_ name: FileName) throws(SystemError) -> any CacheFile
    /// Opens a file for overwriting from its start. Returns nil unless it is a regular file without other names that is
    /// open nowhere else.
    func reopen(_ name: FileName) -> (any CacheFile)?
    /// Atomically exchanges the names of two files; returns false if that is not supported.
    func exchange(_ one: FileName, with other: FileName) throws(SystemError) -> Bool
    /// Renames a file, atomically replacing an existing one.
    func rename(_ old: FileName, to new: FileName) throws(SystemError)
    /// Removes a file.
    func remove(_ name: String) throws(SystemError)
    /// Writes the directory's entries through to the disk.
    func synchronize() throws(SystemError)
    /// Takes a lock against other threads and processes, waiting for at most `patience` ns; nil if it is held for
    /// longer. `name` is the lock file, created if necessary; different values of `offset` are independent locks in it.
    func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)?
}

/// The status of a file that is not opened. No two files that have the same name one after the other have equal
/// statuses.
public struct CacheFileStatus: Equatable, Sendable {
    /// When the file was last modified.
    public var written: WallTime
    /// The size in bytes.
    public var size: Int
    /// The inode number, which distinguishes files that were written at the same time.
    public var number: UInt64

    /// Makes a status from its parts.
    public init(written: WallTime, size: Int, number: UInt64) {
        self.written = written
        self.size = size
        self.number = number
    }
}

/// An open file, with the operations that the caches need. One thread at a time may use it.
public protocol CacheFile: AnyObject {
    /// The size in bytes.
    func size() throws(SystemError) -> Int
    /// Reads at an offset; returns fewer bytes only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// The file's first `size` bytes as they lie in memory, without a copy; nil if they cannot be had in that way. While
    /// they are held, the file counts as open.
    func pages(_ size: Int) -> FilePages?
    /// Writes once at the current position; returns the number of bytes written.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int) throws(SystemError)
    /// Writes the data through to the disk.
    func synchronize() throws(SystemError)
    /// Closes the file, which must not be used afterwards. Releasing the object closes it too, but cannot report an
    /// error.
    func close() throws(SystemError)
}

/// The content of a folder's lock file. It is read and written only under the lock at offset 0.
public struct CacheMark: Equatable, Sendable {
    /// The random number of the process that saved last in the directory; 0 if there was no save.
    public var holder: UInt64 = 0
    /// The highest generation that the cache of this directory has assigned, if it is known; else 0.
    public var generation: UInt64 = 0

    /// Makes a mark from its parts.
    public init(holder: UInt64 = 0, generation: UInt64 = 0) {
        self.holder = holder
        self.generation = generation
    }
}

/// A lock that is held until `release`, or until the object is released.
public protocol CacheFileLock: AnyObject {
    /// Reads the mark in the lock file; zeros if the file is empty.
    func mark() throws(SystemError) -> CacheMark
    /// Writes the mark to the lock file.
    func setMark(_ mark: CacheMark) throws(SystemError)
    /// Releases the lock.
    func release()
}
