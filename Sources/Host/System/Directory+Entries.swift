internal import CHostSystem
internal import Glibc
public import HostValues

extension Directory {
    /// What a directory has under one name.
    public struct Entry: Equatable, Sendable {
        /// The name.
        public let name: String
        /// Whether it is a symbolic link.
        public let isLink: Bool
        /// The file's number, which its file system may give to another file once it is gone and nobody has it open.
        public let inode: UInt64
    }

    /// At most `most` of the directory's entries, in no order. Names that are not UTF-8 are left out. readdir(3).
    public func entries(most: Int = .max) throws(SystemError) -> [Entry] {
        let own = try directory(".")
        guard let stream = unsafe fdopendir(own.descriptor.release()) else { throw SystemError("fdopendir", path) }
        defer { unsafe closedir(stream) }
        var entries: [Entry] = []
        while entries.count < most, let entry = unsafe readdir(stream) {
            let kind = unsafe Int32(entry.pointee.d_type)
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    unsafe String(validating: UnsafeBufferPointer(start: bytes, count: strlen(tuple)), as: UTF8.self)
                }
            }
            guard let name, name != ".", name != ".." else { continue }
            let isLink = kind == DT_UNKNOWN ? isLink(name) : kind == DT_LNK
            entries.append(Entry(name: name, isLink: isLink, inode: unsafe UInt64(entry.pointee.d_ino)))
        }
        return entries
    }

    /// Asks with fstatat(2), for file systems whose directory entries do not tell the kind.
    private func isLink(_ name: String) -> Bool {
        var status = stat()
        return unsafe fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && status.st_mode & S_IFMT == S_IFLNK
    }
}

extension FileStatus {
    /// The status of the file that a path leads to, links followed; nil if stat(2) fails.
    public static func of(_ path: String) -> FileStatus? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? FileStatus(status) : nil
    }

    /// The status of what a path leads to, or of the link if that is what it ends in; nil if there is nothing. lstat(2).
    public static func withoutFollowing(_ path: String) -> FileStatus? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? FileStatus(status) : nil
    }

    /// The status of what is at an absolute path of which no component is a link; nil if one is, if there is nothing, or before
    /// Linux 5.6. openat2(2), `RESOLVE_NO_SYMLINKS`
    public static func ofPlain(_ path: String) -> FileStatus? {
        let place = unsafe chs_place_open_plain(path)
        guard place >= 0 else { return nil }
        let opened = Descriptor(owning: place)
        var status = stat()
        return unsafe fstat(opened.raw, &status) == 0 ? FileStatus(status) : nil
    }
}
