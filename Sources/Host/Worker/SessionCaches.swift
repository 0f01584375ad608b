internal import HostStore
internal import HostSystem
internal import HostValues
internal import Synchronization

/// The routine's caches over its sessions: created by the first use, kept from one session to the next, with counters
/// that become part of each session's record.
///
/// `use` and `forget` may be called on any thread, the other methods by the thread that has the turn.
struct SessionCaches: ~Copyable, Sendable {
    /// The state under the lock; most routines have none. Not private: Swift 6.3.1 cannot compile a lock over a private type
    /// in a noncopyable type that another file uses.
    final class State {
        let caches: RoutineCaches
        /// The counters at the beginning of the session.
        var before: [RoutineCaches.Label: CacheCounters] = [:]
        /// When the counters were last written to the ledger.
        var countedAt = BootTime.longAgo

        init(_ caches: RoutineCaches) { self.caches = caches }
    }

    private let state = Mutex<State?>(nil)
    private let hasSome = Atomic<Bool>(false)
    private let isVirtual: Bool

    /// Whether there are caches. Costs one atomic load, so that a cycle without caches pays no more.
    @inline(__always)
    var areUsed: Bool { hasSome.load(ordering: .relaxed) }

    /// Makes them without caches. In virtual time, where nobody reads the ledger during a session and a cycle may take a
    /// second, its counters are written at its end only.
    init(isVirtual: Bool = false) { self.isVirtual = isVirtual }

    /// How often the counters are written to the ledger, in ns.
    private var countEvery: Int64 { isVirtual ? .max : 1_000_000_000 }

    private var made: RoutineCaches? { state.withLock { $0?.caches } }

    /// The caches, created with `make` by the first call.
    func use(_ make: () -> RoutineCaches) -> RoutineCaches {
        state.withLock { state in
            if let known = state?.caches { return known }
            let made = make()
            state = State(made)
            hasSome.store(true, ordering: .relaxed)
            return made
        }
    }

    /// The counters of each cache since the worker started.
    func counters() -> [RoutineCaches.Label: CacheCounters] { made?.counters() ?? [:] }

    /// Drops values of disk caches from memory, because their files were removed.
    func forget(name: String?, key: String?) {
        made?.namespace.forget(name: name, key: key.map { Array($0.utf8) })
    }

    /// Makes all calls look again that wait for a load of these caches, since the host has asked a routine to stop.
    func wake() { made?.namespace.wake() }

    /// Prepares the caches for a new session.
    func open() {
        guard let caches = made else { return }
        caches.open()
        let counted = caches.counters()
        state.withLock { $0?.before = counted }
    }

    /// Releases what was kept for the callback that has just returned. Returns the counters if they are due to be
    /// written to the ledger.
    func callbackEnded(now: BootTime) -> CacheCounters? {
        let (caches, isTime) = state.withLock { state in
            (state?.caches, now - (state?.countedAt ?? now) >= countEvery)
        }
        guard let caches else { return nil }
        caches.callbackEnded()
        return isTime ? count(caches, now: now) : nil
    }

    /// Waits for background refreshes and prevents new ones, since `stop` may release what their sources use.
    func endReloads() { made?.close() }

    /// Ends the session. Returns the total of all counters since the worker started, and each cache's counts in the
    /// session, as columns of its record.
    func end(now: BootTime) -> (sum: CacheCounters, columns: [(name: String, count: UInt64)])? {
        guard let caches = made else { return nil }
        caches.callbackEnded()
        let sum = count(caches, now: now)
        let counted = caches.counters()
        let before = state.withLock { state in
            defer { state?.before = [:] }
            return state?.before ?? [:]
        }
        return (sum, Self.columns(counted, since: before))
    }

    private func count(_ caches: RoutineCaches, now: BootTime) -> CacheCounters {
        state.withLock { $0?.countedAt = now }
        return caches.total()
    }

    /// The counts since `before`, without zeros, ordered by the caches' names. Caches whose names a record cannot tell apart
    /// have their counts there together: those that are equivalent in Unicode, and long ones that begin with the same text.
    static func columns(
        _ counted: [RoutineCaches.Label: CacheCounters], since before: [RoutineCaches.Label: CacheCounters]
    ) -> [(name: String, count: UInt64)] {
        func order(_ label: RoutineCaches.Label) -> Int { (label.isOnDisk ? 0 : 1) + (label.isOfPlugin ? 2 : 0) }
        func has(_ name: String, _ isOnDisk: Bool, _ isOfPlugin: Bool) -> Bool {
            counted[RoutineCaches.Label(name: name, isOnDisk: isOnDisk, isOfPlugin: isOfPlugin)] != nil
        }
        let sorted = counted.sorted { ($0.key.name, order($0.key)) < ($1.key.name, order($1.key)) }
        let columns = sorted.flatMap { label, total in
            let before = before[label] ?? CacheCounters()
            var name = label.name
            // Suffixes are added only if there are several caches of the same name.
            if label.isOfPlugin, has(label.name, true, false) || has(label.name, false, false) { name += ".plugin" }
            if has(label.name, !label.isOnDisk, label.isOfPlugin) { name += label.isOnDisk ? ".disk" : ".memory" }
            let counts: [(String, UInt64)] = [
                ("hits", total.hits &- before.hits), ("loads", total.loads &- before.loads),
                ("load_failures", total.loadFailures &- before.loadFailures),
                ("stale", total.staleServed &- before.staleServed),
                ("evictions", total.evictions &- before.evictions), ("corrupt", total.corrupt &- before.corrupt),
                ("save_failures", total.saveFailures &- before.saveFailures), ("bytes", total.bytes),
                ("load_us", (total.loadTime &- before.loadTime) / 1000),
                ("shared_hits", total.sharedHits &- before.sharedHits),
                ("shared_waits", total.sharedWaits &- before.sharedWaits),
                ("store_failures", total.storeFailures &- before.storeFailures),
            ]
            let column = name.utf8.count > 100 ? String(decoding: name.utf8.prefix(100), as: UTF8.self) + "…" : name
            return counts.filter { $0.1 > 0 }.map { (name: "cache.\(column).\($0.0)", count: $0.1) }
        }
        var places: [String: Int] = [:]
        return columns.reduce(into: []) { merged, column in
            if let place = places[column.name] {
                merged[place].count &+= column.count
            } else {
                places[column.name] = merged.count
                merged.append(column)
            }
        }
    }
}
