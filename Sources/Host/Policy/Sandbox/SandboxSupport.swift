/// What the running kernel can enforce, as it was found out by asking it. landlock(7).
public struct SandboxSupport: Equatable, Sendable {
    /// The version of Landlock's interface; 0: there is none.
    public var abi: Int32
    /// Rights to files that it takes.
    public var files: UInt64
    /// Rights to ports that it takes.
    public var ports: UInt64
    /// Scopes that it takes.
    public var scopes: UInt64
    /// Whether system calls can be filtered.
    public var hasFilters: Bool

    /// What was found.
    public init(abi: Int32 = 0, files: UInt64 = 0, ports: UInt64 = 0, scopes: UInt64 = 0, hasFilters: Bool = true) {
        self.abi = abi
        self.files = files
        self.ports = ports
        self.scopes = scopes
        self.hasFilters = hasFilters
    }

    /// What it cannot enforce, in words of one or two.
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

    /// What people are told once when something cannot be enforced; nil when nothing is missing.
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

/// Rights to what is beneath a path. The kernel's bits, landlock(7).
public struct FileRights: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt64
    /// Rights of these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    static let execute = FileRights(rawValue: 1 << 0)
    static let writeFile = FileRights(rawValue: 1 << 1)
    static let readFile = FileRights(rawValue: 1 << 2)
    static let readFolder = FileRights(rawValue: 1 << 3)
    static let makeCharacterDevice = FileRights(rawValue: 1 << 6)
    static let makeBlockDevice = FileRights(rawValue: 1 << 11)
    static let truncate = FileRights(rawValue: 1 << 14)
    static let ioctlDevice = FileRights(rawValue: 1 << 15)

    /// All that ABI 7 knows.
    static let all = FileRights(rawValue: (1 << 16) - 1)
    /// To read files and folders.
    static let read: FileRights = [.readFile, .readFolder]
    /// To do what one wants, but make devices.
    static let own = all.subtracting([.makeCharacterDevice, .makeBlockDevice, .ioctlDevice, .execute])
    /// To write one file that is there.
    static let overwrite: FileRights = [.writeFile, .truncate]
}

/// The bits for ports.
enum PortRights {
    static let bind: UInt64 = 1 << 0
    static let connect: UInt64 = 1 << 1
    static let both = bind | connect
}

/// The bits for scopes.
enum Scopes {
    static let abstractSockets: UInt64 = 1 << 0
    static let signals: UInt64 = 1 << 1
    static let both = abstractSockets | signals
}

extension SandboxSupport {
    /// All bits that a policy may want, for who asks the kernel.
    public static let wanted = SandboxSupport(
        abi: 7, files: FileRights.all.rawValue, ports: PortRights.both, scopes: Scopes.both)
}
