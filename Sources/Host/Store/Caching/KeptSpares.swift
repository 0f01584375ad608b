internal import HostSystem
internal import HostValues
internal import Synchronization

/// The files of a folder that stay open between saves.
///
/// Who saves one value again and again writes to two files in turn, since a save exchanges the names of the value's file and the
/// spare. To open a file takes longer than to write 4 KiB to it, most of all in a sandbox, where the kernel looks for the rules
/// of each folder on the way. A file that is open is written over only after its name was looked up and led to it, and under a
/// lease, as if it had been opened for that.
///
/// As long as another process saves in the folder too, none is kept: what is open in one process, the other cannot write over.
struct KeptSpares {
    /// For one folder. Its caches have one spare in common.
    private static let most = 4
    /// The size in bytes of the largest file that is kept: when it is removed, its space is not freed before it is closed.
    private static let largest = 128 << 10
    /// After so many saves in a row that wrote to other files, as with many keys, none is kept any more.
    private static let patience = 8

    private var files: [SpareFile] = []
    private var misses = 0
    /// The number by which this process has signed its last save; see `CacheMark`.
    private var holder: UInt64 = 0
    private var isShared = false

    var isEmpty: Bool { files.isEmpty }

    /// The file with this status, which is not kept any more.
    mutating func take(_ status: FileStatus) -> SpareFile? {
        guard let index = files.firstIndex(where: { $0.isFile(status) }) else {
            misses += 1
            if misses == Self.patience { files = [] }
            return nil
        }
        misses = 0
        return files.remove(at: index)
    }

    /// Keeps a file; returns false if it does not.
    mutating func keep(_ file: SpareFile) -> Bool {
        guard !isShared, misses < Self.patience, file.extent <= Self.largest, file.isCounted() else { return false }
        if files.count == Self.most { files.removeFirst() }
        files.append(file)
        return true
    }

    /// This process signs a save by that number. It takes another one than before when another process has saved since.
    mutating func note(_ holder: UInt64) {
        if self.holder != 0, self.holder != holder {
            isShared = true
            close()
        }
        self.holder = holder
    }

    /// Closes all.
    mutating func close() { if !files.isEmpty { files = [] } }
}

/// A file that is written over, under a lease that ends when the file is closed or kept. One thread at a time uses it.
final class SpareFile: CacheFile, @unchecked Sendable {
    // @unchecked: one save at a time has it, under the folder's lock, or else `KeptSpares` under its own.
    private static let kept = Atomic(0)
    /// The number of files that a process keeps at most, since each takes one of its descriptors.
    private static let most = min(64, HostProcess.openFileLimit / 16)

    private var descriptor: Descriptor?
    private let device: UInt64
    private let inode: UInt64
    private var name: String
    private var position = 0
    private var length: Int
    /// Nil while it is kept.
    private var folder: SystemCacheFolder?
    private var hasPlace = false

    /// Takes a file that was just opened.
    init(_ descriptor: consuming Descriptor, _ name: String, _ status: FileStatus, in folder: SystemCacheFolder) {
        self.descriptor = consume descriptor
        self.name = name
        self.folder = folder
        (device, inode, length) = (status.device, status.inode, status.size)
    }

    deinit {
        // Closes what is its own, and nothing else.
        _ = isStillOpen
        if hasPlace { Self.kept.subtract(1, ordering: .relaxed) }
    }

    /// Whether a status is this file's. Nobody else can have its number while it is open.
    func isFile(_ status: FileStatus) -> Bool { status.inode == inode && status.device == device }

    /// Whether it has one of the process's places for kept files, or has got one.
    func isCounted() -> Bool {
        if hasPlace { return true }
        hasPlace = Self.kept.add(1, ordering: .relaxed).newValue <= Self.most
        if !hasPlace { Self.kept.subtract(1, ordering: .relaxed) }
        return hasPlace
    }

    /// Begins to write over it, from its start; returns false if it must not be written over.
    func begin(_ name: String, _ status: FileStatus, in folder: SystemCacheFolder) -> Bool {
        guard isStillOpen, status.kind == .regular, status.links == 1, isLeased else { return false }
        self.name = name
        self.folder = folder
        (position, length) = (0, status.size)
        return true
    }

    /// Whether it is still what is open under its number. A plugin that closes a number twice may have opened a file of its own
    /// under it since, which is then left to the plugin.
    private var isStillOpen: Bool {
        let found: FileStatus? =
            switch descriptor {
            case .some(let descriptor): try? descriptor.status(subject: name)
            case nil: nil
            }
        if let found, isFile(found) { return true }
        if let descriptor = descriptor.take() { _ = descriptor.release() }
        return false
    }

    private var isLeased: Bool {
        switch descriptor {
        case .some(let descriptor): descriptor.lease()
        case nil: false
        }
    }

    private var path: String { folder?.path(name) ?? name }

    /// The size in bytes.
    var extent: Int { max(length, position) }

    func size() throws(SystemError) -> Int { extent }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        try unsafe descriptor?.read(into: buffer, at: offset, subject: path) ?? 0
    }

    func pages(_ size: Int) -> FilePages? { nil }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        let count = try unsafe descriptor?.write(bytes, at: position, subject: path) ?? 0
        position += count
        return count
    }

    func truncate(to size: Int) throws(SystemError) {
        try descriptor?.truncate(to: size, subject: path)
        length = size
    }

    func synchronize() throws(SystemError) { try descriptor?.synchronizeData(subject: path) }

    func close() throws(SystemError) {
        guard let folder else { return }
        descriptor?.endLease()
        self.folder = nil
        if folder.keep(self) { return }
        if let descriptor = descriptor.take() { try descriptor.close(subject: folder.path(name)) }
    }
}
