internal import Synchronization

/// One key of a cache. Touched only under the cache's lock, but for `saved`.
final class CacheEntry {
    /// The key; empty for the unkeyed value.
    let key: [UInt8]
    var flight = CacheFlight()
    /// The value that `flight` says is held.
    fileprivate(set) var value: CacheValue?
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

/// The entries of a cache by key, and what they cost. Touched only under the cache's lock.
struct CacheEntries {
    /// What an entry offers to be evicted.
    struct Candidate {
        let key: [UInt8]
        let used: Int64
        let onDisk: Bool
    }

    /// The entry without a key, which is always there.
    let unkeyed = CacheEntry(key: [])
    private var keyed: [[UInt8]: CacheEntry] = [:]
    /// What the values held cost.
    private(set) var bytes = 0
    private let budget: CacheBudget

    init(budget: CacheBudget) {
        self.budget = budget
    }

    /// The entry of a key, if there is one.
    subscript(key: [UInt8]) -> CacheEntry? {
        key.isEmpty ? unkeyed : keyed[key]
    }

    /// All keys that have an entry.
    var keys: [[UInt8]] { [[]] + keyed.keys }

    /// What it counts against the budget, all together.
    var cost: Int {
        keyed.values.reduce(unkeyed.value?.cost ?? 0) { $0 + $1.overhead + ($1.value?.cost ?? 0) }
    }

    /// All entries that hold something.
    var candidates: [Candidate] {
        let holding = unkeyed.value == nil ? Array(keyed.values) : keyed.values + [unkeyed]
        return holding.map {
            Candidate(key: $0.key, used: $0.value?.used.load(ordering: .relaxed) ?? .min, onDisk: $0.onDisk)
        }
    }

    /// The entry of a key, made if need be.
    mutating func make(_ key: [UInt8]) -> CacheEntry {
        if let entry = self[key] { return entry }
        let entry = CacheEntry(key: key)
        keyed[key] = entry
        budget.charge(entry.overhead)
        return entry
    }

    /// Gives an entry another value, or none, and returns the old one.
    mutating func replace(_ entry: CacheEntry, _ value: CacheValue?, onDisk: Bool) -> CacheValue? {
        let old = entry.value
        entry.value = value
        entry.onDisk = onDisk
        let change = (value?.cost ?? 0) - (old?.cost ?? 0)
        budget.charge(change)
        bytes += change
        return old
    }

    /// Drops an entry that holds nothing and loads nothing.
    mutating func drop(_ entry: CacheEntry) {
        guard !entry.key.isEmpty, entry.value == nil, entry.load == nil, keyed[entry.key] === entry else { return }
        keyed[entry.key] = nil
        budget.charge(-entry.overhead)
    }
}
