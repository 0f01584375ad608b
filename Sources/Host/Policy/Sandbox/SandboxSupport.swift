/// The sandbox features that the running kernel supports, as found by querying it; see landlock(7).
public struct SandboxSupport: Equatable, Sendable {
    /// The version of the Landlock ABI; 0 if there is none.
    public var abi: Int32
    /// The file access rights that it supports.
    public var files: UInt64
    /// The port access rights that it supports.
    public var ports: UInt64
    /// The scopes that it supports.
    public var scopes: UInt64
    /// Whether system calls can be filtered.
    public var hasFilters: Bool

    /// Creates a description of what the kernel supports.
    public init(abi: Int32 = 0, files: UInt64 = 0, ports: UInt64 = 0, scopes: UInt64 = 0, hasFilters: Bool = true) {
        self.abi = abi
        self.files = files
        self.ports = ports
        self.scopes = scopes
        self.hasFilters = hasFilters
    }

    /// The features that are not supported, in one or two words each.
    public var missing: [String] {
        var missing: [String] = []
        if files == 0 {
            missing += ["files"]
        } else {
            if files & FileRights.truncate.rawValue == 0 { missing += ["truncation"] }
            if files & FileRights.ioctlDevice.rawValue == 0 { missing += ["devices"] }
        }
        if ports & PortRights.both != PortRights.both { missing += ["TCP ports"] }
        if scopes & Scopes.signals == 0 { missing += ["signals"] }
        if !hasFilters { missing += ["system calls"] }
        return missing
    }

    /// The warning about features that are not supported; nil if all are.
    public var warning: String? {
        if missing.isEmpty { return nil }
        let parts = "sandboxes do not cover \(missing.joined(separator: ", "))"
        if files == 0 {
            return
                "this kernel has no Landlock (Linux 5.13, lsm=landlock), or a container's filter refuses it: \(parts), and "
                + "plugins can write the state directory"
        }
        return "this kernel has Landlock ABI \(abi): \(parts)"
    }
}

/// Access rights to what lies beneath a path: the kernel's bits, see landlock(7).
public struct FileRights: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt64
    /// Creates rights from bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    static let execute = FileRights(rawValue: 1 << 0)
    static let writeFile = FileRights(rawValue: 1 << 1)
    static let readFile = FileRights(rawValue: 1 << 2)
    static let readFolder = FileRights(rawValue: 1 << 3)
    static let makeCharacterDevice = FileRights(rawValue: 1 << 6)
    static let makeBlockDevice = FileRights(rawValue: 1 << 11)
    static let truncate = FileRights(rawValue: 1 << 14)
    static let ioctlDevice = FileRights(rawValue: 1 << 15)

    /// All rights of Landlock ABI 7.
    static let all = FileRights(rawValue: (1 << 16) - 1)
    /// Reading files and directories.
    static let read: FileRights = [.readFile, .readFolder]
    /// Everything except creating device files, controlling devices and executing files.
    static let own = all.subtracting([.makeCharacterDevice, .makeBlockDevice, .ioctlDevice, .execute])
    /// Overwriting an existing file.
    static let overwrite: FileRights = [.writeFile, .truncate]
}

/// The kernel's bits for ports.
enum PortRights {
    static let bind: UInt64 = 1 << 0
    static let connect: UInt64 = 1 << 1
    static let both = bind | connect
}

/// The kernel's bits for scopes.
enum Scopes {
    static let abstractSockets: UInt64 = 1 << 0
    static let signals: UInt64 = 1 << 1
    static let both = abstractSockets | signals
}

extension SandboxSupport {
    /// All bits that a policy may use, for querying the kernel.
    public static let wanted = SandboxSupport(
        abi: 7, files: FileRights.all.rawValue, ports: PortRights.both, scopes: Scopes.both)
}
