/// The counters of one cache since its worker started, as in `schedhost_cache_counters`.
public struct CacheCounters: Equatable, Sendable {
    /// Values served from the cache.
    public var hits: UInt64 = 0
    /// Loads in which the source made a value.
    public var loads: UInt64 = 0
    /// Loads in which the source failed.
    public var loadFailures: UInt64 = 0
    /// Values served past their expiry because the source failed.
    public var staleServed: UInt64 = 0
    /// Values evicted from memory for lack of room, and files of keyed values removed to stay within the limit on disk.
    public var evictions: UInt64 = 0
    /// Damaged files that were set aside.
    public var corrupt: UInt64 = 0
    /// Values that were served although their file could not be written.
    public var saveFailures: UInt64 = 0
    /// The bytes held in memory now.
    public var bytes: UInt64 = 0
    /// The total time of all loads in ns.
    public var loadTime: UInt64 = 0

    /// Values taken from the store of the cluster.
    public var sharedHits: UInt64 = 0
    /// Loads that this host has performed for all.
    public var sharedLoads: UInt64 = 0
    /// Calls that have waited while another host loaded.
    public var sharedWaits: UInt64 = 0
    /// What the store did not answer, or did not take.
    public var storeFailures: UInt64 = 0

    /// Makes counters that are all zero.
    public init() {}

    /// Adds each counter.
    public static func + (a: CacheCounters, b: CacheCounters) -> CacheCounters {
        var sum = a
        sum.hits &+= b.hits
        sum.loads &+= b.loads
        sum.loadFailures &+= b.loadFailures
        sum.staleServed &+= b.staleServed
        sum.evictions &+= b.evictions
        sum.corrupt &+= b.corrupt
        sum.saveFailures &+= b.saveFailures
        sum.bytes &+= b.bytes
        sum.loadTime &+= b.loadTime
        sum.sharedHits &+= b.sharedHits
        sum.sharedLoads &+= b.sharedLoads
        sum.sharedWaits &+= b.sharedWaits
        sum.storeFailures &+= b.storeFailures
        return sum
    }
}

/// An event of a cache that is reported to the log. Hits are not reported but counted.
public enum CacheEvent: Equatable, Sendable {
    /// The source made a value of `bytes` bytes in `nanoseconds`.
    case loaded(cache: String, bytes: Int, nanoseconds: Int64)
    /// The source failed after `nanoseconds`.
    case loadFailed(cache: String, failure: CacheSourceFailure, nanoseconds: Int64)
    /// The value is served, but its file could not be written.
    case saveFailed(cache: String, error: String)
    /// A damaged or foreign file was set aside under the name `file`.
    case setAside(cache: String, file: String, reason: String)
    /// The folder that the cache has named for its files cannot be used, and the cache is not opened.
    case placeRefused(cache: String, path: String, error: String)
    /// A file or directory could not be read; its value counts as absent.
    case readFailed(cache: String, error: String)
}
