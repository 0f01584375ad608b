internal import CHostSystem
internal import Glibc

/// What a file is: the part of stat(2) that the host asks for.
public struct FileStatus: Equatable, Sendable {
    /// The kinds of file that the host tells apart.
    public enum Kind: Sendable {
        case regular, directory, link, pipe, socket, device
    }

    /// What kind of file.
    public let kind: Kind
    /// Bytes.
    public let size: Int
    /// Permission bits, as chmod(2) takes them.
    public let mode: UInt32
    /// Who owns it.
    public let owner: UInt32
    /// Device and inode number: the identity of the file on this machine.
    public let device: UInt64
    /// See `device`.
    public let inode: UInt64
    /// Time of the last change of the content, ns since 1970 (wall clock).
    public let modified: Int64
    /// How many names the file has.
    public let links: UInt64

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .link
        case S_IFIFO: kind = .pipe
        case S_IFSOCK: kind = .socket
        default: kind = .device
        }
        size = Int(status.st_size)
        mode = UInt32(status.st_mode) & 0o7777
        owner = status.st_uid
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        links = UInt64(status.st_nlink)
    }
}

extension FileStatus.Kind: CustomStringConvertible {
    /// The kind with its article, for sentences.
    public var description: String {
        switch self {
        case .regular: "a regular file"
        case .directory: "a directory"
        case .link: "a link"
        case .pipe: "a pipe (FIFO)"
        case .socket: "a socket"
        case .device: "a device"
        }
    }
}
