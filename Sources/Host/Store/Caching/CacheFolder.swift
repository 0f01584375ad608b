public import HostSystem
public import HostValues

/// A directory as the caches use one. By protocol, so that tests can fail each step and keep files in memory.
///
/// All methods may be called on any thread at the same time. Names are single components; no link is followed.
public protocol CacheFolder: AnyObject, Sendable {
    /// Opens a directory in this one, making it if asked.
    func folder(_ name: String, create: Bool) throws(SystemError) -> any CacheFolder
    /// What is in it, sorted.
    func names() throws(SystemError) -> [String]
    /// How large a file is, and when it was written.
    func status(_ name: String) throws(SystemError) -> CacheFileStatus
    /// Opens a file for reading; what is there but is no regular file fails with `isNotRegular`, now or when its size
    /// is asked for. While it is open, nobody gets it from `reopen`; while somebody has it from there, this fails with
    /// `isHeld`.
    func open(_ name: String) throws(SystemError) -> any CacheFile
    /// Makes a file that must not exist yet, with mode 0600.
    func create(_ name: FileName) throws(SystemError) -> any CacheFile
    /// Opens a file to write over it from its start: a regular one that has no other name and that nobody has open.
    /// nil when there is no such file.
    func reopen(_ name: FileName) -> (any CacheFile)?
    /// Gives two files each other's name in one step; false where that cannot be done.
    func exchange(_ one: FileName, with other: FileName) throws(SystemError) -> Bool
    /// Moves a file over another in one step.
    func rename(_ old: FileName, to new: FileName) throws(SystemError)
    /// Removes a file.
    func remove(_ name: String) throws(SystemError)
    /// Brings the entries to the disk.
    func synchronize() throws(SystemError)
    /// Takes a lock against other threads and processes, trying for up to `patience` ns; nil when somebody has it.
    /// `name` is the lock file, made if it is not there; `offset` tells locks in it apart.
    func lock(_ name: String, at offset: Int64, patience: Int64) throws(SystemError) -> (any CacheFileLock)?
}

/// What the caches ask about a file that they do not open. Another one for each file that had the name.
public struct CacheFileStatus: Equatable, Sendable {
    /// When it was last written.
    public var written: WallTime
    /// Bytes.
    public var size: Int
    /// What tells two files apart that were written at the same time.
    public var number: UInt64

    /// A status.
    public init(written: WallTime, size: Int, number: UInt64) {
        self.written = written
        self.size = size
        self.number = number
    }
}

/// An open file as the caches use one: by one thread at a time.
public protocol CacheFile: AnyObject {
    /// Bytes.
    func size() throws(SystemError) -> Int
    /// Reads at an offset; fewer bytes only at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int
    /// Writes once; returns how many bytes went.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int
    /// Drops what is past so many bytes.
    func truncate(to size: Int) throws(SystemError)
    /// Brings the data to the disk.
    func synchronize() throws(SystemError)
    /// Closes; the file may not be used any more. Dropping the file closes it too, but cannot say that it failed.
    func close() throws(SystemError)
}

/// What a lock file bears: read and written under the lock at offset 0 only.
public struct CacheMark: Equatable, Sendable {
    /// Who has saved in the directory last; 0 when nobody has.
    public var holder: UInt64 = 0
    /// The highest generation that the cache of this directory ever gave, where it is known.
    public var generation: UInt64 = 0

    /// A mark.
    public init(holder: UInt64 = 0, generation: UInt64 = 0) {
        self.holder = holder
        self.generation = generation
    }
}

/// A lock that is held until it is released or dropped.
public protocol CacheFileLock: AnyObject {
    /// What the lock file bears; zeros when that is nothing.
    func mark() throws(SystemError) -> CacheMark
    /// Writes it.
    func setMark(_ mark: CacheMark) throws(SystemError)
    /// Gives the lock back.
    func release()
}
