/// The part of a file's stat(2) data that the host uses.
public struct FileStatus: Equatable, Sendable {
    /// The kinds of file that the host tells apart.
    public enum Kind: Sendable {
        case regular, directory, link, pipe, socket, device
    }

    /// The kind of file.
    public let kind: Kind
    /// The size in bytes.
    public let size: Int
    /// Permission bits, as chmod(2) takes them.
    public let mode: UInt32
    /// The user id of the owner.
    public let owner: UInt32
    /// The id of its group.
    public let group: UInt32
    /// The device number. Device and inode number together identify a file on this machine.
    public let device: UInt64
    /// The inode number; see `device`.
    public let inode: UInt64
    /// The time at which the content was last modified (mtime).
    public let modified: WallTime
    /// The number of hard links, which is the number of names that the file has.
    public let links: UInt64
    /// The time of the last change of content or attributes (ctime). Unlike `modified`, no program can set it back.
    public let changed: WallTime

    /// Creates a status from its parts.
    public init(
        kind: Kind, size: Int, mode: UInt32, owner: UInt32, group: UInt32 = 0, device: UInt64, inode: UInt64,
        modified: WallTime, links: UInt64, changed: WallTime
    ) {
        self.kind = kind
        self.size = size
        self.mode = mode
        self.owner = owner
        self.group = group
        self.device = device
        self.inode = inode
        self.modified = modified
        self.links = links
        self.changed = changed
    }
}

extension FileStatus {
    /// Whether both describe the same file, even under different names.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

extension FileStatus.Kind: CustomStringConvertible {
    /// The kind with its article, for use in a sentence.
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
