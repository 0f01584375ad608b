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
    /// Time of the last change of the content.
    public let modified: WallTime
    /// How many names the file has.
    public let links: UInt64
    /// Time of the last change of anything but its names: unlike `modified`, nobody can set it to an earlier time.
    public let changed: WallTime

    /// A status from its parts.
    public init(
        kind: Kind, size: Int, mode: UInt32, owner: UInt32, device: UInt64, inode: UInt64, modified: WallTime,
        links: UInt64, changed: WallTime
    ) {
        self.kind = kind
        self.size = size
        self.mode = mode
        self.owner = owner
        self.device = device
        self.inode = inode
        self.modified = modified
        self.links = links
        self.changed = changed
    }
}

extension FileStatus {
    /// Whether both are of one file, by whatever names.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
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
