internal import HostSystem
internal import Synchronization

/// The memory that all caches of a worker may hold together.
public final class CacheBudget: Sendable {
    /// Bytes of one value, by default 16 MiB; a cache may have a smaller bound.
    public let valueLimit: Int
    /// Bytes of all values together, by default 256 MiB.
    public let totalLimit: Int

    private struct Member {
        weak var cache: HostCache?
    }

    private let total = Atomic<Int>(0)
    private let evicting = Atomic(false)
    private let members = Monitor<[Member]>([])

    /// A budget for one worker.
    public init(valueLimit: Int = 16 << 20, totalLimit: Int = 256 << 20) {
        self.valueLimit = valueLimit
        self.totalLimit = totalLimit
    }

    /// Bytes held now.
    public var held: Int { total.load(ordering: .relaxed) }

    func join(_ cache: HostCache) {
        members.withLock { members in
            members.removeAll { $0.cache == nil }
            members.append(Member(cache: cache))
        }
    }

    /// Counts bytes that came (positive) or went.
    func charge(_ bytes: Int) {
        total.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// Evicts down to seven eighths of the bound when it is passed. Called outside all locks.
    ///
    /// First what the disk gives back, then what was least recently used. The margin makes the sort rare; the last one needs
    /// none, and stays where it has room.
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
