/// The failures that a saved cache value survives.
public enum CacheDurability: String, CaseIterable, Codable, Sendable {
    /// The value survives a crash of any process, since a file is either complete or absent.
    case process
    /// The value also survives a power loss: each save waits until the disk has written it.
    case power
}

/// How the disk caches of a routine are kept, and how large they may grow.
public struct CacheSettings: Codable, Equatable, Sendable {
    /// The failures that a saved value survives.
    public var durability: CacheDurability
    /// The largest number of files for the keyed values of one cache; 0 means no bound.
    public var diskFiles: UInt64
    /// The most disk space for these files, in megabytes; 0 means no bound. Each file counts as at least 4 KiB.
    public var diskMb: UInt64

    /// Creates settings; the defaults are those of a host without configuration.
    public init(durability: CacheDurability = .process, diskFiles: UInt64 = 10_000, diskMb: UInt64 = 1024) {
        self.durability = durability
        self.diskFiles = diskFiles
        self.diskMb = diskMb
    }
}
