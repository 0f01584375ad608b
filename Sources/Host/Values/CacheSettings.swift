/// How sure a saved value is.
public enum CacheDurability: String, CaseIterable, Codable, Sendable {
    /// Whole after any crash of a process.
    case process
    /// Whole after a power loss too: each save waits for the disk.
    case power
}

/// How the disk caches of a routine are kept.
public struct CacheSettings: Codable, Equatable, Sendable {
    /// What a save waits for.
    public var durability: CacheDurability
    /// Files that the keyed values of one cache may have; 0: no bound.
    public var diskFiles: UInt64
    /// Megabytes that they may take, each file at least 4 KiB; 0: no bound.
    public var diskMb: UInt64

    /// Settings, by default those of a host without configuration.
    public init(durability: CacheDurability = .process, diskFiles: UInt64 = 10_000, diskMb: UInt64 = 1024) {
        self.durability = durability
        self.diskFiles = diskFiles
        self.diskMb = diskMb
    }
}
