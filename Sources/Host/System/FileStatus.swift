internal import CHostSystem
internal import Glibc
internal import HostValues

extension FileStatus {
    /// Makes a status from the result of stat(2).
    init(_ status: stat) {
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFIFO: .pipe
            case S_IFSOCK: .socket
            default: .device
            }
        self.init(
            kind: kind, size: Int(status.st_size), mode: UInt32(status.st_mode) & 0o7777, owner: status.st_uid,
            group: status.st_gid,
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            modified: WallTime(
                nanoseconds: SystemClock.nanoseconds(
                    seconds: Int64(status.st_mtim.tv_sec), and: Int64(status.st_mtim.tv_nsec))),
            links: UInt64(status.st_nlink),
            changed: WallTime(
                nanoseconds: SystemClock.nanoseconds(
                    seconds: Int64(status.st_ctim.tv_sec), and: Int64(status.st_ctim.tv_nsec))))
    }
}
