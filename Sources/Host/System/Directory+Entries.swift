internal import CHostSystem
internal import Glibc
public import HostValues

extension Directory {
    /// The names in it, in no order, and which of them are links. Names that are not UTF-8 are left out. readdir(3).
    public func entries() throws(SystemError) -> [(name: String, isLink: Bool)] {
        var entries: [(name: String, isLink: Bool)] = []
        let names = try names()
        entries.reserveCapacity(names.count)
        for name in names {
            var status = stat()
            guard unsafe fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            entries.append((name, status.st_mode & S_IFMT == S_IFLNK))
        }
        return entries
    }
}

extension FileStatus {
    /// What stat(2) says of a path, through links; nil when it says nothing.
    public static func of(_ path: String) -> FileStatus? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? FileStatus(status) : nil
    }
}
