/// The failures that a saved cache value survives.
public enum CacheDurability: String, CaseIterable, Codable, Sendable {
    /// The value survives a crash of any process, since a file is either complete or absent.
    case process
    /// The value also survives a power loss: each save waits until the disk has written it.
    case power
}

/// Which caches the hosts of a cluster share.
public enum CacheSharing: String, CaseIterable, Codable, Sendable {
    /// None.
    case off
    /// Those of which the plugin says that a value means the same everywhere.
    case declared
    /// All that hold bytes.
    case all
}

/// How the caches of a routine are kept, and how large they may grow.
public struct CacheSettings: Codable, Equatable, Sendable {
    /// The failures that a saved value survives.
    public var durability: CacheDurability
    /// The largest number of files for the keyed values of one cache; 0 means no bound.
    public var diskFiles: UInt64
    /// The most disk space for these files, in megabytes; 0 means no bound. Each file counts as at least 4 KiB.
    public var diskMb: UInt64
    /// Which of them are shared, where the host is in a cluster.
    public var sharing: CacheSharing
    /// How long the cluster's store may take to answer, in ms, before a cache goes on without it.
    public var sharedTimeoutMs: UInt64
    /// How many values a host puts into the store at most for the plugin.
    public var sharedKeys: UInt64
    /// How many megabytes these take at most.
    public var sharedMb: UInt64

    /// Creates settings; the defaults are those of a host without configuration.
    public init(
        durability: CacheDurability = .process, diskFiles: UInt64 = 10_000, diskMb: UInt64 = 1024,
        sharing: CacheSharing = .declared, sharedTimeoutMs: UInt64 = 250, sharedKeys: UInt64 = 10_000,
        sharedMb: UInt64 = 256
    ) {
        self.durability = durability
        self.diskFiles = diskFiles
        self.diskMb = diskMb
        self.sharing = sharing
        self.sharedTimeoutMs = sharedTimeoutMs
        self.sharedKeys = sharedKeys
        self.sharedMb = sharedMb
    }
}
