internal import CHostSystem
internal import Glibc
public import HostValues

/// An open directory. Its entries are reached through the descriptor, so changes of the path have no effect.
public struct Directory: ~Copyable, Sendable {
    /// The descriptor; valid while this value lives.
    public let descriptor: Descriptor
    /// The path that it was opened by, for messages.
    public let path: String

    /// Opens a directory; follows links in the path. open(2), `O_DIRECTORY`.
    public init(_ path: String) throws(SystemError) {
        self.path = path
        let number = try retrying("open", path) {
            unsafe chs_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        descriptor = Descriptor(owning: number)
    }

    private init(descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens a directory, making it and its missing parents with mode 0700.
    public static func make(_ path: String) throws(SystemError) -> Directory {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += prefix.isEmpty || prefix.hasSuffix("/") ? String(part) : "/" + String(part)
            if unsafe mkdir(prefix, 0o700) != 0 {
                let error = SystemError("mkdir", prefix)
                if !error.isExisting && error.number != EROFS && error.number != EACCES { throw error }
            }
        }
        return try Directory(path)
    }

    /// Opens the same directory once more.
    public func again() throws(SystemError) -> Directory {
        Directory(descriptor: try open(".", flags: O_RDONLY | O_DIRECTORY), path: path)
    }

    /// Opens a directory in this one without following a link; makes it first, with mode 0700, if there is none and
    /// `create` is set.
    public func directory(_ name: String, create: Bool = false) throws(SystemError) -> Directory {
        do throws(SystemError) {
            return Directory(descriptor: try open(name, flags: O_RDONLY | O_DIRECTORY), path: child(name))
        } catch {
            guard create, error.number == ENOENT else { throw error }
        }
        if unsafe mkdirat(descriptor.raw, name, 0o700) != 0 {
            let error = SystemError("mkdirat", child(name))
            if !error.isExisting { throw error }
        }
        return Directory(descriptor: try open(name, flags: O_RDONLY | O_DIRECTORY), path: child(name))
    }

    /// Opens an existing file in this directory for reading. Follows no link unless `followLink` is set, and never
    /// waits for a pipe's writer.
    public func openForReading(_ name: String, followLink: Bool = false) throws(SystemError) -> Descriptor {
        try open(name, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY, follow: followLink)
    }

    /// Opens a file for reading and writing; makes it with mode 0600 if it does not exist. If another process has a
    /// lease on the file, it throws `wouldBlock` at once, and the kernel asks that process to release the lease.
    public func openForUpdate(_ name: String) throws(SystemError) -> Descriptor {
        try open(name, flags: O_RDWR | O_CREAT | O_NONBLOCK)
    }

    /// Opens a file for appending; makes it with mode 0600 if it does not exist. If another process has a lease on the
    /// file, it retries every 10 ms for `patience` ns and then throws `wouldBlock`.
    public func openForAppending(_ name: String, patience: Int64 = 0) throws(SystemError) -> Descriptor {
        var rest = patience
        while true {
            do throws(SystemError) {
                return try open(name, flags: O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK)
            } catch {
                guard error.wouldBlock, rest > 0 else { throw error }
            }
            let next = min(rest, 10_000_000)
            var pause = timespec(tv_sec: 0, tv_nsec: Int(next))
            unsafe nanosleep(&pause, nil)
            rest -= next
        }
    }

    /// Creates a file that must not exist yet, with this mode, open for reading and writing.
    public func create(_ name: String, mode: UInt32 = 0o600) throws(SystemError) -> Descriptor {
        try open(name, flags: O_RDWR | O_CREAT | O_EXCL, mode: mode)
    }

    private func open(_ name: String, flags: Int32, mode: UInt32 = 0o600, follow: Bool = false)
        throws(SystemError) -> Descriptor
    {
        let all = flags | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)
        return Descriptor(
            owning: try retrying("openat", child(name)) { unsafe chs_openat(descriptor.raw, name, all, mode) })
    }

    /// Renames a file, atomically replacing an existing one: other processes see the old one or the new one.
    /// renameat(2).
    public func rename(_ old: String, to new: String) throws(SystemError) {
        _ = try retrying("renameat", child(old)) {
            unsafe renameat(descriptor.raw, old, descriptor.raw, new)
        }
    }

    /// Makes a hard link to a file in another directory of the same file system. linkat(2).
    public func link(_ name: String, to other: String, in folder: borrowing Directory) throws(SystemError) {
        _ = try retrying("linkat", child(name)) {
            unsafe linkat(descriptor.raw, name, folder.descriptor.raw, other, 0)
        }
    }

    /// Removes a file. unlinkat(2).
    public func remove(_ name: String) throws(SystemError) {
        _ = try retrying("unlinkat", child(name)) { unsafe unlinkat(descriptor.raw, name, 0) }
    }

    /// Removes an empty directory. unlinkat(2), `AT_REMOVEDIR`.
    public func removeDirectory(_ name: String) throws(SystemError) {
        _ = try retrying("unlinkat", child(name)) { unsafe unlinkat(descriptor.raw, name, AT_REMOVEDIR) }
    }

    /// The status of an entry; with `followLink`, of the file that a link leads to. fstatat(2).
    public func status(_ name: String, followLink: Bool = false) throws(SystemError) -> FileStatus {
        var status = stat()
        _ = try retrying("fstatat", child(name)) {
            unsafe fstatat(descriptor.raw, name, &status, followLink ? 0 : AT_SYMLINK_NOFOLLOW)
        }
        return FileStatus(status)
    }

    /// Whether the file system is mounted `noexec`, so that no file in it can be executed or loaded as a library.
    /// fstatvfs(3).
    public var forbidsExecution: Bool {
        var status = statvfs()
        let forbidsExecution: UInt = 8  // ST_NOEXEC, declared for _GNU_SOURCE only
        return unsafe fstatvfs(descriptor.raw, &status) == 0 && status.f_flag & forbidsExecution != 0
    }

    /// The space of the directory's file system; nil if it is unknown. fstatvfs(3).
    public var space: DiskSpace? {
        var status = statvfs()
        guard unsafe fstatvfs(descriptor.raw, &status) == 0 else { return nil }
        func bytes(_ blocks: fsblkcnt_t) -> Int {
            let (bytes, isTooMany) = Int(clamping: blocks).multipliedReportingOverflow(
                by: Int(clamping: status.f_frsize))
            return isTooMany ? .max : bytes
        }
        return DiskSpace(total: bytes(status.f_blocks), free: bytes(status.f_bavail))
    }

    /// The names of the entries, sorted by bytes, without `.` and `..`. Names that are not UTF-8 are left out.
    /// readdir(3).
    public func names() throws(SystemError) -> [String] { try listing().names }

    /// The names of the entries, and a readable form of those that are not UTF-8, which cannot be used to open them.
    /// readdir(3).
    public func listing() throws(SystemError) -> (names: [String], foreign: [String]) {
        // A new open file description: fdopendir(3) takes the descriptor over, and the position must not be shared.
        let own = try open(".", flags: O_RDONLY | O_DIRECTORY)
        guard let stream = unsafe fdopendir(own.release()) else { throw SystemError("fdopendir", path) }
        defer { unsafe closedir(stream) }
        var (names, foreign): ([String], [String]) = ([], [])
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    let bytes = unsafe UnsafeBufferPointer(start: bytes, count: strlen(tuple))
                    if let name = unsafe String(validating: bytes, as: UTF8.self) {
                        if name != ".", name != ".." { names.append(name) }
                    } else {
                        foreign.append(unsafe String(decoding: bytes, as: UTF8.self))
                    }
                }
            }
        }
        return (names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, foreign.sorted())
    }

    /// The path of an entry, for messages.
    public func child(_ name: String) -> String {
        path.hasSuffix("/") ? path + name : path + "/" + name
    }
}
