internal import CPluginAPI
public import HostSystem
public import HostValues

/// A file that is a plugin for this host, as far as can be determined without loading it.
public struct PluginFile: Equatable, Sendable {
    /// The name of the entry in the plugins directory.
    public var name: String
    /// The identity of the file, by which a replacement is noticed.
    public var identity: Identity
    /// The GNU build id in hexadecimal; if there is none, 16 digits derived from size, modification time and inode.
    public var buildID: String
    /// The language of the plugin, according to its note.
    public var language: Language
    /// The major version of the ABI that the plugin was built for.
    public var abiMajor: UInt32
    /// The minor version of the ABI header that the plugin was built with, for information only.
    public var abiMinor: UInt32
    /// The lowest minor version of the ABI that the plugin requires.
    public var needsMinor: UInt32
    /// The directories in which the plugin's libraries are searched: DT_RUNPATH, or else DT_RPATH, unexpanded.
    public var runPath: [String] = []
    /// The libraries that the plugin is linked with: DT_NEEDED.
    public var needed: [String] = []

    /// Distinguishes a file from all others, and from itself after a change.
    public struct Identity: Hashable, Sendable {
        /// The device number, as in `FileStatus`.
        public var device: UInt64
        /// The inode number, as in `FileStatus`.
        public var inode: UInt64
        /// The size in bytes.
        public var size: Int
        /// The modification time, in ns since 1970.
        public var modified: Int64

        /// Creates an identity from its parts.
        public init(device: UInt64, inode: UInt64, size: Int, modified: Int64) {
            self.device = device
            self.inode = inode
            self.size = size
            self.modified = modified
        }

        /// Creates the identity of a file with that status.
        public init(_ status: FileStatus) {
            self.init(
                device: status.device, inode: status.inode, size: status.size, modified: status.modified.nanoseconds)
        }
    }

    /// The languages that a note can name, for display only.
    public enum Language: UInt32, Sendable {
        case other = 0
        case c = 1
        case swift = 2
        case cxx = 3
    }

    /// The version of the ABI that a host supports.
    public struct ABI: Equatable, Sendable {
        /// The only major version that it supports.
        public var major: UInt32
        /// The newest minor version.
        public var minor: UInt32

        /// Creates a version.
        public init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }

        /// The version of this host, from `schedhost/abi.h`.
        public static let host = ABI(major: SCHEDHOST_ABI_MAJOR, minor: SCHEDHOST_ABI_MINOR)
        /// The symbol that a plugin must export.
        var entry: String { "schedhost_plugin_v\(major)" }
    }

    /// Whether a name in the plugins directory denotes a plugin. All other names, and hidden files, are ignored.
    public static func isCandidate(_ name: String) -> Bool {
        name.hasSuffix(".so") && !name.hasPrefix(".")
    }

    /// Inspects a directory entry, following a link, and checks whether it is a plugin for this host.
    ///
    /// None of its code is run. Only regular files are opened, at most 4 MiB are read, and any content is safe.
    /// `allowUnsafePermissions` also accepts files and directories to which other users can write.
    public static func inspect(
        _ directory: borrowing Directory, name: String, allowUnsafePermissions: Bool = false, abi: ABI = .host
    ) throws(Refusal) -> PluginFile {
        try Candidate(directory, name: name, allowUnsafePermissions: allowUnsafePermissions).inspect(abi: abi)
    }

    /// Checks whether an image is a plugin.
    static func inspect(_ image: inout ELFImage, name: String, identity: Identity, abi: ABI) throws(Refusal.Reason)
        -> PluginFile
    {
        try image.readHeaders()
        let notes = try image.notes()
        guard let note = notes.plugin else { throw .noNote }
        guard note.abiMajor == abi.major else { throw .wrongMajor(theirs: note.abiMajor, ours: abi.major) }
        guard note.needsMinor <= abi.minor else { throw .needsMinor(theirs: note.needsMinor, ours: abi) }
        switch try image.lookUp(abi.entry) {
        case .function: break
        case .absent: throw .noEntry(abi.entry)
        case .undefined: throw .entryUndefined(abi.entry)
        case .data: throw .entryIsData(abi.entry)
        }
        return PluginFile(
            name: name, identity: identity, buildID: notes.buildID ?? fallbackID(identity),
            language: Language(rawValue: note.language) ?? .other, abiMajor: note.abiMajor, abiMinor: note.abiMinor,
            needsMinor: note.needsMinor, runPath: try image.runPath(),
            needed: try image.needed())
    }

    /// The FNV-1a hash of the identity.
    private static func fallbackID(_ identity: Identity) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for word in [UInt64(bitPattern: Int64(identity.size)), UInt64(bitPattern: identity.modified), identity.inode] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                hash = (hash ^ word >> shift & 0xFF) &* 0x100_0000_01B3
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
