/// Names a value that the hosts of a cluster share, within its plugin.
public struct SharedKey: Hashable, Sendable {
    /// The routine that has the cache.
    public var routine: String
    /// The cache's name.
    public var name: String
    /// Whether it is a disk cache: a memory cache of the same name has other values.
    public var isOnDisk: Bool
    /// The encoding of the values: those of another one are other values.
    public var codec: UInt32
    /// The key of the value; empty for the unkeyed value.
    public var key: [UInt8]

    /// Makes a name from its parts.
    public init(routine: String, name: String, isOnDisk: Bool, codec: UInt32, key: [UInt8]) {
        self.routine = routine
        self.name = name
        self.isOnDisk = isOnDisk
        self.codec = codec
        self.key = key
    }
}

/// How a source failed, for hosts that did not ask it.
public struct SharedFailure: Equatable, Sendable {
    /// The longest text that is told, in bytes.
    public static let longestText = 1000
    /// How long a source is left alone after a failure at the most, in ns.
    public static let longestLeftAlone: Int64 = 30_000_000_000

    /// The source's code.
    public var code: Int32
    /// The source's text.
    public var text: String

    /// Makes a failure; a text that is too long is cut.
    public init(code: Int32, text: String) {
        self.code = code
        self.text = String(text.cut(to: Self.longestText))
    }
}

/// What a store has of a key, at some moment after it was asked.
///
/// Versions are the store's: each change of whatever key has a greater one than all before it.
public struct SharedReading: Equatable, Sendable {
    /// A value.
    public struct Value: Equatable, Sendable {
        /// Its version.
        public var version: UInt64
        /// The version with which the load began that made it.
        public var begun: UInt64
        /// When that load ended, by the boot clock of this machine, or somewhat earlier; nil if nobody knows.
        public var produced: BootTime?
        /// The value; nil if it is the one that whoever asked has.
        public var bytes: [UInt8]?

        /// Makes a value from its parts.
        public init(version: UInt64, begun: UInt64, produced: BootTime?, bytes: [UInt8]?) {
            self.version = version
            self.begun = begun
            self.produced = produced
            self.bytes = bytes
        }
    }

    /// What is known of a load.
    public enum Load: Equatable, Sendable {
        /// There is none.
        case none
        /// One is in progress. The version is another one each time its host gives a sign of life.
        case running(version: UInt64)
        /// The last one failed. The source is to be left alone for so many ns more.
        case failed(version: UInt64, SharedFailure, left: Int64)

        /// The version of its record; 0 if there is none.
        public var version: UInt64 {
            switch self {
            case .none: 0
            case .running(let version), .failed(let version, _, _): version
            }
        }
    }

    /// The value; nil if there is none.
    public var value: Value?
    /// The load.
    public var load: Load

    /// Makes a reading from its parts.
    public init(value: Value? = nil, load: Load = .none) {
        self.value = value
        self.load = load
    }
}

/// What a store says to a change.
public enum SharedAnswer: Equatable, Sendable {
    /// It is done, by the commit of that version.
    case done(version: UInt64)
    /// It is not done: something is not as it was thought to be.
    case changed
    /// It is not done: the plugin has as much in the store as it may have.
    case full
    /// Nobody knows, or the store cannot be asked, or refuses.
    case away
}

/// A value on its way to the store.
public struct SharedValue: Equatable, Sendable {
    /// How long a store keeps a value at the most, in ms; 0 would be for ever.
    public static let longestKeep: UInt64 = 30 * 86_400_000

    /// When its load ended.
    public var produced: BootTime
    /// How long the store keeps it, in ms.
    public var keepMs: UInt64
    /// The value, with its header.
    public var bytes: [UInt8]

    /// Makes a value from its parts.
    public init(produced: BootTime, keepMs: UInt64, bytes: [UInt8]) {
        self.produced = produced
        self.keepMs = keepMs
        self.bytes = bytes
    }
}
