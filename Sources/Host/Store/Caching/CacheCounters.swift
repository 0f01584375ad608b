/// What one cache counted since its worker started, as `schedhost_cache_counters` has it.
public struct CacheCounters: Equatable, Sendable {
    /// Values served from the cache.
    public var hits: UInt64 = 0
    /// Values that the source made.
    public var loads: UInt64 = 0
    /// Times that the source failed.
    public var loadFailures: UInt64 = 0
    /// Values served past their expiry because the source failed.
    public var staleServed: UInt64 = 0
    /// Values that went out of memory for want of room, and files of keys that went past the bound on disk.
    public var evictions: UInt64 = 0
    /// Files set aside.
    public var corrupt: UInt64 = 0
    /// Values served whose file could not be written.
    public var saveFailures: UInt64 = 0
    /// Bytes held in memory now.
    public var bytes: UInt64 = 0
    /// All loads together, in nanoseconds.
    public var loadTime: UInt64 = 0

    /// Nothing counted.
    public init() {}

    /// The sum, by counter.
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
        return sum
    }
}

/// What a cache tells the log. Hits are not told: they are counted.
public enum CacheEvent: Equatable, Sendable {
    /// The source made a value of so many bytes in so many nanoseconds.
    case loaded(cache: String, bytes: Int, nanoseconds: Int64)
    /// The source failed after so many nanoseconds.
    case loadFailed(cache: String, failure: CacheSourceFailure, nanoseconds: Int64)
    /// The value is served, but its file could not be written.
    case saveFailed(cache: String, error: String)
    /// A file was wrong, and was set aside under the name given.
    case setAside(cache: String, file: String, reason: String)
    /// A file or directory could not be read; the value counts as absent.
    case readFailed(cache: String, error: String)
}
