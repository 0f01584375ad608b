public import HostSystem
internal import Synchronization

/// The memory limit that all caches of a worker share.
public final class CacheBudget: Sendable {
    /// The largest size of one value in bytes, by default 16 MiB; a cache may set a smaller limit.
    public let valueLimit: Int
    /// The limit for all values together in bytes, by default 256 MiB.
    public let totalLimit: Int

    /// The caches of a namespace. The reference is to their list and neither to the namespace nor to the caches: an object
    /// that was ever referred to weakly is retained and released at several times the cost, and each call of a cache does
    /// that to both.
    private struct Member {
        weak var caches: CacheList?
    }

    private struct Members {
        var all: [Member] = []
        /// The number at which those that are gone are removed; each removal looks at all.
        var sweepAt = 16

        mutating func add(_ caches: CacheList) {
            if all.count >= sweepAt {
                all.removeAll { $0.caches == nil }
                sweepAt = max(16, 2 * all.count)
            }
            all.append(Member(caches: caches))
        }
    }

    private let total = Atomic<Int>(0)
    private let evicting = Atomic(false)
    private let members = Monitor(Members())
    let parking = ParkingCounts()
    /// Makes all threads pass a memory barrier; false if that is not possible.
    let barrier: @Sendable () -> Bool

    /// Makes the budget of one worker. `barrier` makes all threads pass a memory barrier, and returns false if it cannot.
    public init(
        valueLimit: Int = 16 << 20, totalLimit: Int = 256 << 20,
        barrier: @escaping @Sendable () -> Bool = { MemoryBarrier.passAll() }
    ) {
        self.valueLimit = valueLimit
        self.totalLimit = totalLimit
        self.barrier = barrier
    }

    /// The bytes held now.
    public var held: Int { total.load(ordering: .relaxed) }

    func join(_ caches: CacheList) { members.withLock { $0.add(caches) } }

    /// The caches of all namespaces that there are.
    var lists: [CacheList] { members.withLock { members in members.all.compactMap { $0.caches } } }

    /// Adds bytes that were allocated (positive) or released (negative).
    func charge(_ bytes: Int) {
        total.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// Evicts values down to seven eighths of the limit if it is exceeded. Called without any lock held.
    ///
    /// Values that can be read back from disk go first, then the least recently used. Evicting more than necessary
    /// makes the sort rare. The last candidate is kept if the total fits the limit itself, so that a single large value
    /// is not evicted for the margin's sake.
    func makeRoom() {
        guard held > totalLimit, !evicting.exchange(true, ordering: .acquiring) else { return }
        defer { evicting.store(false, ordering: .releasing) }
        let caches = lists.flatMap { $0.all }
        var candidates = caches.flatMap { cache in
            cache.candidates().map { (cache: cache, candidate: $0) }
        }
        candidates.sort {
            ($0.candidate.onDisk ? 0 : 1, $0.candidate.used) < ($1.candidate.onDisk ? 0 : 1, $1.candidate.used)
        }
        let goal = totalLimit - totalLimit / 8
        for (index, (cache, candidate)) in candidates.enumerated() {
            if held <= (index == candidates.count - 1 ? totalLimit : goal) { return }
            cache.evict(candidate)
        }
    }
}
