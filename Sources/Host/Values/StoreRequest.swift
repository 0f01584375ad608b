/// What is asked of the store in one go: a commit, where there is something to write, and after it what is to be read.
///
/// Keys have no prefix here: whoever speaks with the store puts the cluster's name before them. The commit is done as a
/// whole or not at all; reads and lists come after it, each at a time of its own, also when the commit was refused.
public struct StoreRequest: Equatable, Sendable {
    /// `key` has exactly this version; 0: there is no such key.
    public struct Condition: Equatable, Sendable {
        /// The key.
        public let key: String
        /// Its version.
        public let version: UInt64

        /// A condition.
        public init(_ key: String, _ version: UInt64) {
            self.key = key
            self.version = version
        }
    }

    /// A value for a key.
    public struct Put: Equatable, Sendable {
        /// The key.
        public let key: String
        /// Its value.
        public let value: [UInt8]
        /// After so many ms the store may forget it; 0: never.
        public let keepMs: UInt64

        /// A write.
        public init(_ key: String, _ value: [UInt8], keepMs: UInt64 = 0) {
            self.key = key
            self.value = value
            self.keepMs = keepMs
        }
    }

    /// What must be true, or nothing is written.
    public var conditions: [Condition]
    /// What is written.
    public var puts: [Put]
    /// Which keys are removed.
    public var deletes: [String]
    /// Which keys are read.
    public var reads: [String]
    /// All keys that begin so are read, one list after the other.
    public var lists: [String]

    /// A request.
    public init(
        if conditions: [Condition] = [], puts: [Put] = [], deletes: [String] = [], reads: [String] = [],
        lists: [String] = []
    ) {
        self.conditions = conditions
        self.puts = puts
        self.deletes = deletes
        self.reads = reads
        self.lists = lists
    }

    /// Whether there is anything to commit.
    public var writes: Bool { !puts.isEmpty || !deletes.isEmpty }

    /// Whether all keys that begin so are read.
    public func lists(_ prefix: String) -> Bool { lists.contains { prefix.hasPrefix($0) } }

    /// Whether the answer has that key, if it is there.
    public func finds(_ key: String) -> Bool { reads.contains(key) || lists(key) }
}

/// What keys begin with of which the store's worker knows too what they are for.
public enum StoreKeys {
    /// All that leases rest on.
    public static let leases = "lease/"
    /// Who holds what: these keys are watched.
    public static let claims = leases + "routine/"
}

/// What came back.
public struct StoreAnswer: Equatable, Sendable {
    /// What became of the commit.
    public enum Outcome: Equatable, Sendable {
        /// It is done, and all that it wrote has this version. 0 where there was nothing to write.
        case done(version: UInt64)
        /// A condition does not hold, and nothing was written.
        case changed
        /// It was sent, and whether it was done, or will be, nobody knows.
        case unknown
        /// The store will not do it, and says why.
        case refused(String)
    }

    /// A key that is there.
    public struct Entry: Equatable, Sendable {
        /// The key.
        public let key: String
        /// The version of the commit that wrote it.
        public let version: UInt64
        /// Its value.
        public let value: [UInt8]

        /// An entry.
        public init(key: String, version: UInt64, value: [UInt8]) {
            self.key = key
            self.version = version
            self.value = value
        }
    }

    /// When the request went to the store: read just before that, on this machine.
    public var sent: BootTime
    /// What became of the commit.
    public var outcome: Outcome
    /// All that was found of what was to be read, in that order; nil where it could not be read.
    public var found: [Entry]?
    /// The list that there was no room for the rest of, and none for the lists after it; nil: all is there.
    public var cut: String?
    /// The store's clock at the commit, in ms since 1970; nil: nothing was committed, or it has none.
    public var clockMs: Int64?

    /// An answer.
    public init(
        sent: BootTime, outcome: Outcome, found: [Entry]?, cut: String? = nil, clockMs: Int64? = nil
    ) {
        self.sent = sent
        self.outcome = outcome
        self.found = found
        self.cut = cut
        self.clockMs = clockMs
    }
}

/// A connection to the store, as it introduced itself.
public struct StoreLink: Equatable, Sendable {
    /// A text that is another one whenever acknowledged commits may have been lost.
    public let instance: String
    /// How many conditions, and how many writes, one commit may have.
    public let most: Int

    /// A link; `most` is 32 at least.
    public init(instance: String, most: Int) {
        self.instance = instance
        self.most = max(most, 32)
    }
}
