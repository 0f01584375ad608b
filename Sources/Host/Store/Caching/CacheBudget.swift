internal import HostSystem
internal import Synchronization

/// The memory limit that all caches of a worker share.
public final class CacheBudget: Sendable {
    /// The largest size of one value in bytes, by default 16 MiB; a cache may set a smaller limit.
    public let valueLimit: Int
    /// The limit for all values together in bytes, by default 256 MiB.
    public let totalLimit: Int

    private struct Member {
        weak var cache: HostCache?
    }

    private let total = Atomic<Int>(0)
    private let evicting = Atomic(false)
    private let members = Monitor<[Member]>([])

    /// Makes the budget of one worker.
    public init(valueLimit: Int = 16 << 20, totalLimit: Int = 256 << 20) {
        self.valueLimit = valueLimit
        self.totalLimit = totalLimit
    }

    /// The bytes held now.
    public var held: Int { total.load(ordering: .relaxed) }

    func join(_ cache: HostCache) {
        members.withLock { members in
            members.removeAll { $0.cache == nil }
            members.append(Member(cache: cache))
        }
    }

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
        let caches = members.withLock { members in members.compactMap { $0.cache } }
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
