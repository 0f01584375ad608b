/// One key of a cache. Touched only under the cache's lock, but for `saved`.
final class CacheEntry {
    /// The key; empty for the unkeyed value.
    let key: [UInt8]
    var flight = CacheFlight()
    /// The value that `flight` says is held.
    var value: CacheValue?
    /// The load that `flight` says is in progress.
    var load: CacheLoad?
    /// How often the source made it, over all processes.
    var loads: UInt64 = 0
    /// Whether the disk has this very value.
    var onDisk = false
    /// What this process last saved: the mark of the lock file then, the generation, and the bytes of the file. Touched
    /// only under the lock of the folder.
    var saved: (mark: UInt64, generation: UInt64, size: Int) = (0, 0, 0)

    init(key: [UInt8]) {
        self.key = key
    }

    /// Bytes that an entry costs beside its value.
    var overhead: Int { key.isEmpty ? 0 : key.count + 256 }
}

/// What a cache holds. Touched only under its lock.
struct CacheTable {
    var unkeyed = CacheEntry(key: [])
    var keyed: [[UInt8]: CacheEntry] = [:]
    /// The highest generation given or seen.
    var generation: UInt64 = 0
    /// Whether the disk was asked for the highest one that it knows of.
    var knowsGenerations = false
    var counters = CacheCounters()

    /// The entry of a key, if there is one.
    func entry(_ key: [UInt8]) -> CacheEntry? {
        key.isEmpty ? unkeyed : keyed[key]
    }

    /// The entry of a key, made if need be.
    mutating func makeEntry(_ key: [UInt8], budget: CacheBudget) -> CacheEntry {
        if let entry = entry(key) { return entry }
        let entry = CacheEntry(key: key)
        keyed[key] = entry
        budget.charge(entry.overhead)
        return entry
    }

    /// Drops an entry that holds nothing and loads nothing.
    mutating func drop(_ entry: CacheEntry, budget: CacheBudget) {
        guard !entry.key.isEmpty, entry.value == nil, entry.load == nil, keyed[entry.key] === entry else { return }
        keyed[entry.key] = nil
        budget.charge(-entry.overhead)
    }
}
