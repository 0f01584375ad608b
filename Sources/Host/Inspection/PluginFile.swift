internal import CPluginAPI
public import HostSystem
public import HostValues

/// A file that is a plugin for this host, as far as can be said without loading it.
public struct PluginFile: Equatable, Sendable {
    /// The entry's name in the plugins directory.
    public var name: String
    /// Which file it is, to notice a replacement.
    public var identity: Identity
    /// The GNU build id in hexadecimal; without one, 16 digits from the file's size, time of change and inode.
    public var buildID: String
    /// The language that the plugin says it is written in.
    public var language: Language
    /// The ABI it was built for.
    public var abiMajor: UInt32
    /// The minor of its header; information, no requirement.
    public var abiMinor: UInt32
    /// The least minor that it needs.
    public var needsMinor: UInt32
    /// Where its author wants the libraries looked for that it needs: DT_RUNPATH, or else DT_RPATH, as it stands there.
    public var runPath: [String] = []
    /// The libraries that it is linked with: DT_NEEDED.
    public var needed: [String] = []

    /// What tells one file from another, and from itself after a change.
    public struct Identity: Hashable, Sendable {
        /// See `FileStatus`.
        public var device: UInt64
        /// See `FileStatus`.
        public var inode: UInt64
        /// Bytes.
        public var size: Int
        /// Time of the last change, ns since 1970.
        public var modified: Int64

        /// An identity from its parts.
        public init(device: UInt64, inode: UInt64, size: Int, modified: Int64) {
            self.device = device
            self.inode = inode
            self.size = size
            self.modified = modified
        }

        /// The identity of a file with that status.
        public init(_ status: FileStatus) {
            self.init(
                device: status.device, inode: status.inode, size: status.size, modified: status.modified.nanoseconds)
        }
    }

    /// Languages that a note can name; for display only.
    public enum Language: UInt32, Sendable {
        case other = 0
        case c = 1
        case swift = 2
        case cxx = 3
    }

    /// The ABI of a host.
    public struct ABI: Equatable, Sendable {
        /// The one major it has.
        public var major: UInt32
        /// The newest minor.
        public var minor: UInt32

        /// An ABI.
        public init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }

        /// This host's: that of `schedhost/abi.h`.
        public static let host = ABI(major: SCHEDHOST_ABI_MAJOR, minor: SCHEDHOST_ABI_MINOR)
        /// The symbol that a plugin exports.
        var entry: String { "schedhost_plugin_v\(major)" }
    }

    /// Whether a name in the plugins directory is meant as a plugin. Others, and hidden files, are left alone.
    public static func isCandidate(_ name: String) -> Bool {
        name.hasSuffix(".so") && !name.hasPrefix(".")
    }

    /// Looks at an entry of a directory, following a link, and says whether it is a plugin for this host, or why not.
    ///
    /// Nothing of it is run. Only regular files are opened, at most 4 MiB of them is read, and any content is safe.
    /// With `allowUnsafePermissions`, files and directories that other users can write are taken too.
    public static func inspect(
        _ directory: borrowing Directory, name: String, allowUnsafePermissions: Bool = false, abi: ABI = .host
    ) throws(Refusal) -> PluginFile {
        try Candidate(directory, name: name, allowUnsafePermissions: allowUnsafePermissions).inspect(abi: abi)
    }

    /// Says whether an image is a plugin.
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

    /// FNV-1a over the identity.
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
