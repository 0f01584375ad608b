internal import HostStore
internal import HostSystem
internal import HostValues
internal import Synchronization

/// The routine's caches in the course of its sessions: they are made by the first call, stay from one session to the next,
/// and what they counted in a session is its record's.
///
/// `use` and `forget` may be called on any thread, the rest by the thread with the turn.
struct SessionCaches: ~Copyable, Sendable {
    /// What is behind the lock. Not private: Swift 6.3.1 cannot compile a lock over a private type in a noncopyable one
    /// that another file holds.
    struct State {
        var caches: RoutineCaches?
        /// What they had counted when the session began.
        var before: [RoutineCaches.Label: CacheCounters] = [:]
        /// When they were last counted.
        var countedAt = BootTime.longAgo
    }

    /// How often the ledger is told what they counted, ns.
    private static let countEvery: Int64 = 1_000_000_000

    private let state = Mutex(State())
    private let hasSome = Atomic<Bool>(false)

    /// Whether there are any; costs one load, so that a cycle without caches pays no more.
    @inline(__always)
    var areUsed: Bool { hasSome.load(ordering: .relaxed) }

    private var made: RoutineCaches? { state.withLock { $0.caches } }

    /// The caches, made by the first call.
    func use(_ make: () -> RoutineCaches) -> RoutineCaches {
        state.withLock { state in
            if let known = state.caches { return known }
            let made = make()
            state.caches = made
            hasSome.store(true, ordering: .relaxed)
            return made
        }
    }

    /// The files of disk caches were removed: what they hold in memory goes too.
    func forget(name: String?, key: String?) {
        made?.namespace.forget(name: name, key: key.map { Array($0.utf8) })
    }

    /// A session begins.
    func open() {
        guard let caches = made else { return }
        caches.open()
        let counted = caches.counters()
        state.withLock { $0.before = counted }
    }

    /// A callback has returned: what it looked at may go. Gives what they counted when it is time to tell.
    func callbackEnded(now: BootTime) -> CacheCounters? {
        let (caches, isTime) = state.withLock { state in (state.caches, now - state.countedAt >= Self.countEvery) }
        guard let caches else { return nil }
        caches.callbackEnded()
        return isTime ? count(caches, now: now) : nil
    }

    /// Waits for reloads in the background, and lets none begin: what their sources use may go with `stop`.
    func endReloads() { made?.close() }

    /// The session is over. Gives what they counted since the worker started, all together, and each one's share of the
    /// session, as columns of its record.
    func end(now: BootTime) -> (sum: CacheCounters, columns: [(name: String, count: UInt64)])? {
        guard let caches = made else { return nil }
        caches.callbackEnded()
        let sum = count(caches, now: now)
        let counted = caches.counters()
        let before = state.withLock { state in
            defer { state.before = [:] }
            return state.before
        }
        return (sum, Self.columns(counted, since: before))
    }

    private func count(_ caches: RoutineCaches, now: BootTime) -> CacheCounters {
        state.withLock { $0.countedAt = now }
        return caches.namespace.counters()
    }

    /// What was counted since `before`, but for zeros, in the order of the caches' names.
    static func columns(
        _ counted: [RoutineCaches.Label: CacheCounters], since before: [RoutineCaches.Label: CacheCounters]
    ) -> [(name: String, count: UInt64)] {
        let sorted = counted.sorted {
            ($0.key.name, $0.key.isOnDisk ? 0 : 1) < ($1.key.name, $1.key.isOnDisk ? 0 : 1)
        }
        return sorted.flatMap { label, total in
            let before = before[label] ?? CacheCounters()
            var name = label.name
            // Columns keep their short names where there is one cache of the name.
            if counted[RoutineCaches.Label(name: name, isOnDisk: !label.isOnDisk)] != nil {
                name += label.isOnDisk ? ".disk" : ".memory"
            }
            let counts: [(String, UInt64)] = [
                ("hits", total.hits &- before.hits), ("loads", total.loads &- before.loads),
                ("load_failures", total.loadFailures &- before.loadFailures),
                ("stale", total.staleServed &- before.staleServed),
                ("evictions", total.evictions &- before.evictions), ("corrupt", total.corrupt &- before.corrupt),
                ("save_failures", total.saveFailures &- before.saveFailures), ("bytes", total.bytes),
                ("load_us", (total.loadTime &- before.loadTime) / 1000),
            ]
            let column = name.utf8.count > 100 ? String(decoding: name.utf8.prefix(100), as: UTF8.self) + "…" : name
            return counts.filter { $0.1 > 0 }.map { (name: "cache.\(column).\($0.0)", count: $0.1) }
        }
    }
}
