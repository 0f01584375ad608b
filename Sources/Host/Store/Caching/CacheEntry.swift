internal import HostValues
internal import Synchronization

/// One key of a cache. Accessed only under the cache's lock, except for `saved`.
///
/// Where its properties are `@exclusivity(unchecked)`, the lock keeps accesses apart, and to have the runtime check that once more
/// would take longer than to take the lock.
final class CacheEntry {
    /// The key; empty for the unkeyed value.
    let key: [UInt8]
    @safe @exclusivity(unchecked) var flight = CacheFlight()
    /// Whether the file on disk has exactly this value. It stands here, where the flags of `flight` leave room.
    @safe @exclusivity(unchecked) var onDisk = false
    /// The value that `flight` describes as held.
    @safe @exclusivity(unchecked) fileprivate(set) var value: CacheValue?
    /// The load that `flight` describes as in progress.
    @safe @exclusivity(unchecked) var load: CacheLoad?
    /// What the disk and the cluster know of it; nil for a value that is in this process and nowhere else.
    private let copies: Copies?

    /// The copies of a value outside of this process.
    private final class Copies {
        @safe @exclusivity(unchecked) var loads: UInt64 = 0
        @safe @exclusivity(unchecked) var shared: UInt64 = 0
        var saved: Saved?
    }

    /// A save by this process.
    struct Saved {
        /// The mark in the lock file at that time; not 0.
        var mark: UInt64
        var generation: UInt64
        /// The file's size in bytes.
        var size: Int
    }

    /// Makes an entry; `isPrivate`: its values are in this process and nowhere else.
    init(key: [UInt8], isPrivate: Bool = false) {
        self.key = key
        copies = isPrivate ? nil : Copies()
    }

    /// How often the source has made this value, over all processes; 0 where there are no others.
    var loads: UInt64 {
        get { copies?.loads ?? 0 }
        set { copies?.loads = newValue }
    }
    /// The version that the store has of this value, or of an older one; 0: none is known.
    var shared: UInt64 {
        get { copies?.shared ?? 0 }
        set { copies?.shared = newValue }
    }
    /// The last save by this process. Accessed only under the lock of the folder.
    var saved: Saved? {
        get { copies?.saved }
        set { copies?.saved = newValue }
    }
    /// When its value was last served; `longAgo` if it has none.
    var used: BootTime { value?.used ?? .longAgo }
    /// The bytes that the entry costs in addition to its value.
    var overhead: Int { key.isEmpty ? 0 : key.count + (copies == nil ? 320 : 400) }
}

/// The entries of a cache by key, with their cost. Accessed only under the cache's lock.
struct CacheEntries {
    /// An entry that may be evicted.
    struct Candidate {
        let key: [UInt8]
        /// When its value was last served; `longAgo` if it has none.
        let used: BootTime
        let onDisk: Bool
    }

    /// The entry of the unkeyed value, which always exists.
    let unkeyed: CacheEntry
    private var keyed: [[UInt8]: CacheEntry] = [:]
    /// The cost in bytes of the values held.
    private(set) var bytes = 0
    private let budget: CacheBudget
    private let keyedHits: KeyedHits
    private let isPrivate: Bool

    init(budget: CacheBudget, keyedHits: KeyedHits, isPrivate: Bool) {
        unkeyed = CacheEntry(key: [], isPrivate: isPrivate)
        self.isPrivate = isPrivate
        self.budget = budget
        self.keyedHits = keyedHits
    }

    /// The entry of a key, or nil.
    subscript(key: [UInt8]) -> CacheEntry? {
        key.isEmpty ? unkeyed : keyed[key]
    }

    /// All keys that have an entry; the empty key stands for the unkeyed value.
    var keys: [[UInt8]] { [[]] + keyed.keys }

    /// The total charged to the budget.
    var cost: Int {
        keyed.values.reduce(unkeyed.value?.cost ?? 0) { $0 + $1.overhead + ($1.value?.cost ?? 0) }
    }

    /// All entries that can be evicted.
    var candidates: [Candidate] {
        let holding = unkeyed.value == nil ? Array(keyed.values) : keyed.values + [unkeyed]
        return holding.map {
            Candidate(key: $0.key, used: $0.used, onDisk: $0.onDisk)
        }
    }

    /// The entry of a key, created if necessary.
    mutating func make(_ key: [UInt8]) -> CacheEntry {
        if let entry = self[key] { return entry }
        let entry = CacheEntry(key: key, isPrivate: isPrivate)
        keyed[key] = entry
        budget.charge(entry.overhead)
        return entry
    }

    /// Replaces an entry's value, possibly by none, and returns the old value for release.
    mutating func replace(_ entry: CacheEntry, _ value: CacheValue?, onDisk: Bool) -> CacheValue? {
        let old = entry.value
        entry.value = value
        if let old, !entry.key.isEmpty { keyedHits.replace(old, by: value) }
        entry.onDisk = onDisk
        entry.shared = 0
        count((value?.cost ?? 0) - (old?.cost ?? 0))
        return old
    }

    /// Makes an entry's value another one, of a few bytes; returns false, and changes nothing, if anybody else may have it.
    mutating func renew(
        _ entry: CacheEntry, _ bytes: UnsafeRawBufferPointer, generation: UInt64, serial: UInt64, now: BootTime
    ) -> Bool {
        guard isKnownUniquelyReferenced(&entry.value), let value = entry.value, value.canRenew(bytes.count) else {
            return false
        }
        let cost = value.cost
        unsafe value.renew(bytes, generation: generation, serial: serial, produced: now)
        entry.onDisk = false
        entry.shared = 0
        count(value.cost - cost)
        return true
    }

    private mutating func count(_ change: Int) {
        if change == 0 { return }
        budget.charge(change)
        bytes += change
    }

    /// Removes an entry that holds no value and has no load in progress.
    mutating func drop(_ entry: CacheEntry) {
        guard !entry.key.isEmpty, entry.value == nil, entry.load == nil, keyed[entry.key] === entry else { return }
        keyed[entry.key] = nil
        budget.charge(-entry.overhead)
    }
}
