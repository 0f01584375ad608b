/// What a worker's sandbox permits. The supervisor creates it; the worker applies it before it runs any code of a
/// plugin. Pure.
public struct SandboxPolicy: Equatable, Sendable {
    /// The permitted operations beneath a path.
    public struct PathRule: Equatable, Sendable {
        /// The absolute path, in which links are resolved.
        public let path: String
        /// The permitted operations.
        public let rights: FileRights
        /// Whether links in the path must not be followed, which may have been created since it was resolved.
        public let isExact: Bool

        /// Whether the path leads to another place in each process, so that only the worker can make a rule for it.
        public var isOwn: Bool { PlainPath.isBeneath(path, "/proc/self") }
    }

    /// The permitted operations on a TCP port.
    public struct PortRule: Equatable, Sendable {
        /// The number of the port.
        public let port: UInt16
        /// The permitted operations, as the kernel's bits.
        public let rights: UInt64
    }

    /// The paths that a worker uses, all absolute.
    public struct Places: Equatable, Sendable {
        /// Its own directories, for caches and data.
        public var own: [String] = []
        /// The files that it loads: the copy of the plugin, and the directories of libraries.
        public var code: [String] = []
        /// The program that writes crash reports.
        public var backtracer: String?
        /// The host's own program, in which a sanitizer or a library looks up the functions of a stack.
        public var program: String?
        /// The permissions for paths that the configuration gives to the plugin as parameters.
        public var named: [NamedPaths.Grant] = []
        /// The paths of the settings in which links are already resolved.
        public var exact: Set<String> = []
        /// The paths that may be read and executed if the sandbox permits reading everything: the siblings of hidden
        /// paths.
        public var visible: [String] = []
        /// The paths that programs need in order to run, in which links are resolved.
        public var basics = SandboxPolicy.basics
        /// The host's own paths, in which links are resolved. If one lies beneath a basic path, only the visible paths
        /// beneath that may be read.
        public var hidden: Set<String> = []

        /// Creates an empty set of paths.
        public init() {}
    }

    /// What a sandbox refuses unless a rule permits it, as the kernel's bits. It depends on no path, so that it is known before any
    /// is looked up.
    public struct Handled: Equatable, Sendable {
        /// The operations on files.
        public let files: UInt64
        /// The operations on TCP ports.
        public let ports: UInt64
        /// What is confined to the sandbox.
        public let scopes: UInt64

        fileprivate init() {
            files = 0
            ports = 0
            scopes = 0
        }

        /// What a sandbox with these settings handles on this kernel.
        public init(_ settings: SandboxSettings, on support: SandboxSupport) {
            files = support.files & FileRights.all.rawValue
            scopes = support.scopes & Scopes.both
            switch settings.connect {
            case .any: ports = support.ports & PortRights.bind
            case .only: ports = support.ports & (PortRights.bind | PortRights.connect)
            }
        }

        /// Whether that is nothing, so that there are no rules.
        public var isNothing: Bool { files | ports | scopes == 0 }
    }

    /// The maximum number of rules for a worker; each takes some microseconds at its start.
    public static let mostRules = 20_000

    /// The rules for paths, apart from those that are `visible`.
    public private(set) var rules: [PathRule] = []
    /// The paths that may be read because the sandbox permits reading everything, the same for all workers.
    public private(set) var visible: [String] = []
    /// The permitted operations beneath each of the visible paths.
    public private(set) var visibleRights: FileRights = []
    /// TCP ports with the permitted operations.
    public private(set) var ports: [PortRule] = []
    /// What needs a rule.
    public let handled: Handled
    /// The filter for system calls; nil if filters are not supported.
    public let filter: SeccompProgram?

    /// The paths that programs need in order to be linked dynamically, resolve names and use TLS.
    public static let basics = [
        "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/opt", "/proc", "/sys", "/dev/null",
        "/dev/zero",
        "/dev/full", "/dev/random", "/dev/urandom", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
        "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf", "/etc/services",
        "/etc/protocols", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/timezone", "/etc/os-release", "/etc/ssl",
        "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies", "/run/systemd/resolve", "/run/NetworkManager",
    ]
    private static let writableDevices = ["/dev/null", "/dev/zero", "/dev/full"]
    private static let interpreters = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]

    /// Whether the policy refuses nothing, and calls that would be refused are reported to a watching process.
    private let isWatched: Bool

    /// Creates a policy that permits everything. Calls that a sandbox with these settings might refuse are first
    /// reported to the process that watches the worker.
    public init(watching settings: SandboxSettings) {
        handled = Handled()
        isWatched = true
        filter = SeccompProgram(WatchedCall.rules(settings), lastKnown: SystemCall.lastKnown)
    }

    /// Creates the policy that implements the settings for a worker with these paths on this kernel.
    public init(
        _ settings: SandboxSettings, _ places: Places, on support: SandboxSupport, filter: SeccompProgram? = nil
    ) {
        isWatched = false
        handled = Handled(settings, on: support)
        switch settings.connect {
        case .any: break
        case .only(let allowed):
            ports += allowed.map { PortRule(port: $0, rights: PortRights.connect & support.ports) }
        }
        ports += settings.bind.map { PortRule(port: $0, rights: PortRights.bind & support.ports) }
        ports.removeAll { $0.rights == 0 }
        self.filter = support.hasFilters ? filter ?? Self.filter(settings, on: support) : nil
        addPaths(settings, places)
    }

    /// The system-call filter for these settings, which all workers with equal settings share.
    public static func filter(_ settings: SandboxSettings, on support: SandboxSupport) -> SeccompProgram {
        SeccompProgram(CallRules.rules(settings, on: support), lastKnown: SystemCall.lastKnown)
    }

    private mutating func addPaths(_ settings: SandboxSettings, _ places: Places) {
        guard handled.files != 0 else { return }
        var execute = FileRights.execute
        if case .only(let programs) = settings.execute {
            execute = []
            for path in programs + Self.interpreters {
                add(path, [.readFile, .execute], isExact: places.exact.contains(path))
            }
        }
        for path in places.own { add(path, FileRights.own.union(execute)) }
        for path in places.code { add(path, FileRights.read.union(execute)) }
        if let backtracer = places.backtracer { add(backtracer, [.readFile, .execute]) }
        if let program = places.program { add(program, .readFile) }
        for path in Self.writableDevices { add(path, [.readFile, .writeFile, .truncate]) }
        switch settings.read {
        case .all:
            visible = places.visible
            visibleRights = FileRights.read.union(execute).intersection(FileRights(rawValue: handled.files))
        case .only(let paths):
            for path in places.shownBasics { add(path, FileRights.read.union(execute)) }
            for path in paths { add(path, FileRights.read, isExact: places.exact.contains(path)) }
        }
        for path in settings.write {
            let device: FileRights = path.hasPrefix("/dev/") ? .ioctlDevice : []
            add(path, FileRights.own.union(execute).union(device), isExact: places.exact.contains(path))
        }
        for grant in places.named {
            switch grant {
            case .file(let path), .newFile(let path): add(path, FileRights.overwrite.union(.readFile), isExact: true)
            case .beneath(let path): add(path, FileRights.own.union(execute), isExact: true)
            }
        }
    }

    private mutating func add(_ path: String, _ rights: FileRights, isExact: Bool = false) {
        rules.append(
            PathRule(path: path, rights: rights.intersection(FileRights(rawValue: handled.files)), isExact: isExact))
    }

    /// The rules for some of the visible paths.
    public func rules(visible paths: [String]) -> [PathRule] {
        paths.map { PathRule(path: $0, rights: visibleRights, isExact: false) }
    }

    /// The number of the rules for paths.
    public var pathCount: Int { rules.count + visible.count }

    /// The binary form of what the worker does itself: see CHostSystemSandbox.h.
    public var bytes: [UInt8] { Self.bytes(filter, isWatched: isWatched) }

    /// The same for the policies with that filter that nobody watches: it is known before any path is looked up.
    public static func bytes(_ filter: SeccompProgram?) -> [UInt8] { bytes(filter, isWatched: false) }

    private static func bytes(_ filter: SeccompProgram?, isWatched: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + (filter?.instructions.count ?? 0) * 8)
        let slots = filter?.ownProcessSlots ?? []
        for count in [filter?.instructions.count ?? 0, slots.count, isWatched ? 1 : 0, 0] {
            bytes.append(littleEndian: UInt32(clamping: count))
        }
        if let filter { bytes += filter.bytes }
        for slot in slots { bytes.append(littleEndian: UInt32(clamping: slot)) }
        if slots.count % 2 == 1 { bytes.append(littleEndian: UInt32(0)) }
        return bytes
    }
}

extension SandboxPolicy.Places {
    /// Whether a hidden path lies at or beneath one that programs need.
    public var hasHiddenBasics: Bool { basics.contains { hides(beneath: $0) } }

    private func hides(beneath path: String) -> Bool { hidden.contains { PlainPath.isBeneath($0, path) } }

    fileprivate var shownBasics: [String] {
        basics.flatMap { path in
            hides(beneath: path) ? visible.filter { PlainPath.isBeneath($0, path) } : [path]
        }
    }
}
