internal import HostCore
internal import HostSystem
internal import Synchronization

/// The routine's caches in the course of a session.
extension RoutineRunner {
    /// How often the ledger is told what the caches counted, ns.
    private static let countEvery: Int64 = 1_000_000_000

    /// The routine's caches, made by the first call; any thread.
    func useCaches() -> RoutineCaches {
        caches.withLock { caches in
            if let known = caches { return known }
            let made = RoutineCaches(
                plugin: plugin, routine: unsafe String(cString: nameText.pointer), number: index,
                settings: session.caches)
            caches = made
            hasCaches.store(true, ordering: .relaxed)
            return made
        }
    }

    /// A callback has returned: what it looked at may go.
    func endCacheUse(now: Int64) {
        guard let caches = caches.withLock({ $0 }) else { return }
        caches.callbackEnded()
        if now &- cachesCountedAt >= Self.countEvery { countCaches(caches, now: now) }
    }

    /// The files of disk caches were removed: what they hold in memory goes too. Any thread.
    func dropCached(_ name: String?, key: String?) {
        caches.withLock { $0 }?.namespace.forget(name: name, key: key.map { Array($0.utf8) })
    }

    /// A session begins.
    func openCaches() {
        guard let caches = caches.withLock({ $0 }) else { return }
        caches.open()
        session.cachesBefore = caches.counters()
    }

    /// Waits for reloads in the background, and lets none begin: what their sources use may go with `stop`. They are
    /// told to stop meanwhile.
    func endRefreshes() {
        guard let caches = caches.withLock({ $0 }) else { return }
        let wasAsked = gate.withLock { gate in
            defer { gate.stopAsked = true }
            return gate.stopAsked
        }
        gate.broadcast()
        caches.close()
        if wasAsked { return }
        gate.withLock { gate in
            gate.stopAsked = requests.load(ordering: .sequentiallyConsistent) & Requests.stop.rawValue != 0
        }
    }

    /// The session is over: its record gets what the caches counted in it.
    func closeCaches(now: Int64) {
        // Also when `start` failed, and no `stop` came.
        endRefreshes()
        guard let caches = caches.withLock({ $0 }) else { return }
        caches.callbackEnded()
        countCaches(caches, now: now)
        let counted = caches.counters()
        for (label, total) in counted.sorted(by: {
            ($0.key.name, $0.key.isOnDisk ? 0 : 1) < ($1.key.name, $1.key.isOnDisk ? 0 : 1)
        }) {
            let before = session.cachesBefore[label] ?? CacheCounters()
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
            for (what, count) in counts where count > 0 {
                session.stats["cache.\(column).\(what)"] = .int(Int64(clamping: count))
            }
        }
    }

    private func countCaches(_ caches: RoutineCaches, now: Int64) {
        cachesCountedAt = now
        let counters = caches.namespace.counters()
        unsafe ledger.pointee.cacheHits.store(counters.hits, ordering: .relaxed)
        unsafe ledger.pointee.cacheLoads.store(counters.loads, ordering: .relaxed)
        unsafe ledger.pointee.cacheFailures.store(counters.loadFailures, ordering: .relaxed)
        unsafe ledger.pointee.cacheStale.store(counters.staleServed, ordering: .relaxed)
        unsafe ledger.pointee.cacheEvictions.store(counters.evictions, ordering: .relaxed)
        unsafe ledger.pointee.cacheBytes.store(counters.bytes, ordering: .relaxed)
        unsafe ledger.pointee.cacheLoadTime.store(counters.loadTime, ordering: .relaxed)
    }
}
