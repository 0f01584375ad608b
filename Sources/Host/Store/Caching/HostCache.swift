internal import HostSystem
internal import HostValues
internal import Synchronization

/// One cache of a routine, in memory or also on disk. It lives as long as its namespace.
///
/// All methods except `hit`, `glance` and `remember` may be called on any thread. No lock is held while a source runs or a
/// file is accessed.
@safe public final class HostCache: Sendable {
    /// The cache's name within the namespace.
    public let name: String
    /// The options that it was opened with.
    public let options: CacheOptions

    /// Whether values are also kept on disk.
    public var isOnDisk: Bool { disk != nil }
    /// Whether a call may wait for another host.
    public var asksOtherHosts: Bool { shelf != nil }
    /// The name for messages, with the kind: a routine may have a memory cache and a disk cache of the same name.
    let title: String

    let disk: CacheDisk?
    /// What the hosts of a cluster share of it; nil if it is this host's own.
    let shelf: CacheShelf?
    let policy: CacheFlight.Policy
    let environment: CacheEnvironment
    let contents: Monitor<CacheContents>
    let valueLimit: Int
    let budget: CacheBudget
    /// Keeps replaced values for the routine's callback; nil for a cache that routines share, who hold what they use.
    private let deferredRelease: DeferredRelease?
    /// The views of the routines that share the cache; nil for a routine's own one.
    let views: Monitor<[CacheView]>?

    /// The values for `hit`.
    let hits: CacheHits
    let clock: CacheClock

    init(name: String, options: CacheOptions, namespace: CacheNamespace, store: CacheStore?) {
        self.name = name
        self.options = options
        title = (namespace.isOfPlugin ? "plugin's " : "") + (store == nil ? "memory cache " : "disk cache ") + name
        budget = namespace.budget
        deferredRelease = namespace.isOfPlugin ? nil : namespace.deferredRelease
        views = namespace.isOfPlugin ? Monitor([]) : nil
        environment = namespace.environment
        clock = CacheClock(namespace.environment.clock)
        let limit = min(options.valueLimit, namespace.budget.valueLimit)
        valueLimit = limit
        let owner = CacheDisk.Owner(plugin: namespace.plugin, routine: namespace.routine, build: namespace.build)
        disk = store.map { store in
            CacheDisk(
                store, name: name, options: options, valueLimit: limit, owner: owner, environment: namespace.environment
            )
        }
        shelf = namespace.sharing(options).map { shared in
            CacheShelf(
                shared, name: name, options: options, isOnDisk: store != nil, valueLimit: limit, owner: owner,
                environment: namespace.environment)
        }
        policy = options.policy
        hits = CacheHits(clock: clock, policy: policy, countsHits: !namespace.isOfPlugin)
        contents = Monitor(
            CacheContents(
                policy: policy, valueLimit: limit, budget: namespace.budget, keyedHits: hits.keyed,
                isPrivate: disk == nil && shelf == nil, holdsObjects: options.objects))
    }

    deinit {
        // The namespace is gone, so no other thread uses the cache; its values' cost is returned to the budget.
        budget.charge(-contents.withLock { $0.entries.cost })
    }

    // MARK: - Fast path

    /// The unkeyed value, if it is at most `oldest` ns old and a get would be a hit without side effects; else nil, and
    /// the caller must use `get`. By default any age up to the expiry will do.
    ///
    /// Call it only on the thread of the routine's callback in progress; the value is valid until
    /// `CacheNamespace.callbackEnded`. It takes no lock, changes no reference count and allocates nothing.
    public func hit(within oldest: Int64 = .max) -> CacheHit? { hits.find(within: oldest) }

    /// The same for the value of a key that `remember` was told of.
    public func hit(key: UnsafeRawBufferPointer, within oldest: Int64 = .max) -> CacheHit? {
        unsafe hits.find(key, within: oldest)
    }

    /// What `peek` finds in memory, whatever its age, under the same conditions as `hit`; nil if `peek` must be asked.
    public func glance(key: UnsafeRawBufferPointer) -> CacheHit? { unsafe hits.glance(key) }

    /// Lets `hit` find a value by its key, if its entry still holds it. Call it on the thread of the routine's callback in
    /// progress, and not for a cache that routines share.
    public func remember(_ value: CacheValue) {
        if value.key.isEmpty { return }
        contents.withLock { contents in
            if contents.entries[value.key]?.value === value { hits.keyed.add(value) }
        }
    }

    /// The unkeyed value now, whatever its age.
    var current: CacheValue? { contents.withLock { $0.entries.unkeyed.value } }

    // MARK: - Full path

    /// The value, from the cache or from the source, as `CacheDecision` says.
    ///
    /// `key` has at most 65 536 bytes; the empty key is the unkeyed value. `source` takes precedence over the cache's
    /// own source. It runs on the calling thread, and other callers of the same key wait for it. `view` is the routine's,
    /// for a cache that routines share. Set `byCallback` on the thread that calls `hit`, as for `put`. `caller` is the routine, by
    /// whose stop and time the call ends while another host loads; only a cache that `asksOtherHosts` needs it.
    public func get(
        _ request: CacheLookup = CacheLookup(), key: [UInt8] = [], source: CacheSource? = nil,
        by view: CacheView? = nil, byCallback: Bool = false, caller: (any CacheCaller)? = nil
    ) -> Result<ServedValue, CacheFailure> {
        let result = unsafe answer(request, key, source, view, byCallback, caller)
        view?.count(result)
        return result
    }

    private func answer(
        _ request: CacheLookup, _ key: [UInt8], _ source: CacheSource?, _ view: CacheView?, _ byCallback: Bool,
        _ caller: (any CacheCaller)?
    ) -> Result<ServedValue, CacheFailure> {
        if request.tolerance < 0 { return .failure(.invalid("the tolerance is negative")) }
        if let error = Self.check(key) { return .failure(error) }
        var call: CacheFlight.Call?
        // A caller that loads has its result when the load ends. Only a caller that waits may have to ask again, if
        // others put or drop the value at that very moment; each round then takes one load of another caller.
        for _ in 0..<Self.rounds {
            switch contents.withLock({ $0.ask(key, request, &call, now: clock.now) }) {
            case .take(let served): return deliver(served, view)
            case .load(var ticket):
                (ticket.view, ticket.isByCallback, ticket.caller) = (view, byCallback, caller)
                return unsafe perform(ticket, source)
            case .wait(let ticket, let joins):
                guard CacheWaits.begin(ticket.load) else { return .failure(.reentrant) }
                let waited = CacheView.wait(for: ticket.load, by: view, in: contents, clock: environment.clock)
                CacheWaits.end()
                let outcome: CacheLoad.Outcome
                switch waited {
                case .success(let end): outcome = end
                case .failure(let failure): return .failure(failure)
                }
                guard joins else { continue }
                let shared = contents.withLock { $0.share(ticket, outcome, now: environment.clock.boot()) }
                if let shared { return shared }
            }
        }
        return .failure(.overtaken)
    }

    /// How often a call asks before it gives up.
    private static let rounds = 1000

    /// Makes all waiting calls look again whether they still have to wait; after the end of a load those that wait for it, and
    /// none begins to.
    func wake(after ended: CacheLoad? = nil) {
        if let ended, !ended.isAwaited { return }
        contents.broadcast()
        environment.woken?()
    }

    /// Returns the caller's result, and starts the background refresh that the value's age requires.
    func deliver(_ served: CacheServed, _ view: CacheView?) -> Result<ServedValue, CacheFailure> {
        if let ahead = served.ahead { reload(ahead, view) }
        return served.result
    }

    /// The value held, whatever its age; for a disk cache also the value on disk. Never runs the source.
    public func peek(key: [UInt8] = []) -> Result<ServedValue, CacheFailure> {
        if let error = Self.check(key) { return .failure(error) }
        // What was found on disk may have been invalidated since. Then it looks again; each round takes another invalidation.
        for _ in 0..<Self.rounds {
            let now = environment.clock.boot()
            let (held, isGoing, removals) = contents.withLock {
                ($0.peek(key, now: now), $0.removals.has(key), $0.removals.count)
            }
            if let held { return .success(held) }
            guard !isGoing, let found = disk?.read(key) else { return .failure(.notFound) }
            let shown = change { contents in
                contents.removals.count == removals
                    ? contents.show(found, key, now: environment.clock.boot()) : nil
            }
            guard let (answer, old) = shown else { continue }
            park(old)
            budget.makeRoom()
            return answer.map { .success($0) } ?? .failure(.notFound)
        }
        return .failure(.notFound)
    }

    /// The counters of this cache, including its disk side.
    public func counters() -> CacheCounters {
        var counters = contents.withLock { $0.counters }
        counters.hits &+= hits.count
        if let views { counters.hits &+= views.withLock { views in views.reduce(0) { $0 &+ $1.hits } } }
        if let disk { counters = counters + disk.counters }
        return shelf.map { counters + $0.counters } ?? counters
    }

    // MARK: - Changes from outside

    /// Replaces the value by a copy of these bytes, with age 0. If they are `tooLarge`, the old value is dropped, since
    /// it is outdated all the same.
    ///
    /// Set `byCallback` on the thread that calls `hit`. Then an old value that `hit` never returned is released at
    /// once, so that a callback that puts repeatedly holds only one value.
    public func put(_ bytes: UnsafeRawBufferPointer, key: [UInt8] = [], byCallback: Bool = false)
        -> Result<Void, CacheFailure>
    {
        if options.objects { return .failure(.invalid("this cache holds objects")) }
        if let error = refuse(bytes.count, key) { return .failure(error) }
        if bytes.count <= FewBytes.capacity { return unsafe put(.few(bytes), key, byCallback: byCallback) }
        return unsafe put(.bytes(CacheBytes(copying: bytes, summed: !isPrivate)), key, byCallback: byCallback)
    }

    /// Whether its values are in this process and nowhere else.
    var isPrivate: Bool { disk == nil && shelf == nil }

    /// Replaces the value by this object. `release` is called as for `CacheWriter.setObject`, but not if this call
    /// fails.
    public func put(
        object: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void,
        key: [UInt8] = []
    ) -> Result<Void, CacheFailure> {
        guard options.objects else { return .failure(.invalid("this cache holds bytes")) }
        if let error = refuse(cost, key) { return .failure(error) }
        return put(.object(unsafe CacheObject(object, cost: cost, release: release)), key, byCallback: false)
    }

    /// The reason why a value of this cost cannot be put; nil if it can.
    private func refuse(_ cost: Int, _ key: [UInt8]) -> CacheFailure? {
        if let error = Self.check(key) { return error }
        if cost <= valueLimit { return nil }
        _ = invalidate(key: key)
        return .tooLarge
    }

    private func put(_ content: CacheValue.Content, _ key: [UInt8], byCallback: Bool) -> Result<Void, CacheFailure> {
        if isPrivate {
            // Of a cache that routines share several threads may have a value without a reference, not only this one.
            let renews = byCallback && views == nil
            let old = change { $0.put(content, key, now: clock.now, renews: renews) }
            if let old { release(old, byCallback: byCallback) }
            budget.makeRoom()
            return .success(())
        }
        disk?.learnNewest()
        if let disk, contents.withLock({ $0.entries[key]?.onDisk != true }) { disk.learnNewest(key) }
        // If another process has saved meanwhile, the put is repeated with a generation above that process's.
        for _ in 0..<3 {
            let made = change {
                $0.put(content, key, now: clock.now, above: disk?.newest ?? 0)
            }
            if let old = made.old { release(old, byCallback: byCallback) }
            guard save(made, loadTime: 0) == .outdated else {
                shelf?.share(made, of: contents)
                break
            }
            disk?.learnNewest(key)
        }
        budget.makeRoom()
        return .success(())
    }

    /// Releases what a put or a load has replaced; later, if somebody may use it without a reference, or if that runs plugin code.
    func release(_ old: CacheValue, byCallback: Bool) {
        if !byCallback || old.isObject || old.isSeen { park(old) }
    }

    /// Drops the value, from the disk too. A load in progress completes for its callers, but its result is not kept.
    public func invalidate(key: [UInt8] = []) -> Result<Void, CacheFailure> {
        if let error = Self.check(key) { return .failure(error) }
        let old = change { contents in
            if !isPrivate { contents.removals.begin(key) }
            return contents.invalidate(key)
        }
        park(old)
        if isPrivate { return old != nil ? .success(()) : .failure(.notFound) }
        disk?.learnNewest()
        let isRemoved = removeFile(key)
        shelf?.drop(key)
        contents.withLock { $0.removals.end(key) }
        return isRemoved || old != nil ? .success(()) : .failure(.notFound)
    }

    /// Drops the value of that generation because the plugin cannot decode it, and sets its file aside. Returns false
    /// if neither memory nor disk has a value of that generation.
    @discardableResult
    public func reject(key: [UInt8] = [], generation: UInt64, reason: String) -> Bool {
        guard let disk else { return false }
        let old = change { $0.invalidate(key, generation: generation) }
        park(old)
        return disk.reject(key, generation: generation, reason: reason) || old != nil
    }

    /// Drops values from memory only: of one key, or of all.
    func forget(_ key: [UInt8]?) {
        let old = change { contents in key.map { [contents.invalidate($0)] } ?? contents.invalidateAll() }
        for value in old { park(value) }
    }

    /// All entries that can be evicted.
    func candidates() -> [CacheEntries.Candidate] {
        contents.withLock { $0.entries.candidates }
    }

    /// Evicts a value, unless it was used since it became a candidate.
    func evict(_ candidate: CacheEntries.Candidate) {
        park(change { $0.evict(candidate) })
    }

    // MARK: - The value for `hit`

    /// Runs `body` under the lock, which may replace values, and then publishes the unkeyed value to `hit`.
    ///
    /// `body` must return the values that it removes, so that they stay alive until `hit` can no longer find them.
    func change<Answer>(_ body: (inout CacheContents) -> Answer) -> Answer {
        contents.withLock { contents in
            let answer = body(&contents)
            hits.publish(contents.entries.unkeyed.value)
            return answer
        }
    }

    /// Defers the release of a removed value until the callback in progress returns; of a cache that routines share it goes
    /// with the last of those that hold it. Call it without the lock.
    func park(_ old: CacheValue?) {
        if let old { deferredRelease?.add(old) }
    }

    /// Saves a value, unless the entry holds another one by then.
    func save(_ made: CacheMade, loadTime: Int64) -> CacheStore.Saved {
        guard let disk else { return .dropped }
        let saved = disk.save(made, loadTime: loadTime) { contents.withLock { $0.holds(made) } }
        if saved == .replaced { contents.withLock { $0.noteSaved(made) } }
        return saved
    }

    /// Removes the value's file; returns false if there was none.
    private func removeFile(_ key: [UInt8]) -> Bool {
        disk?.remove(key, generation: contents.withLock { $0.generation }) ?? false
    }

    static func check(_ key: [UInt8]) -> CacheFailure? {
        key.count > CacheFileHeader.longestText ? .invalid("a key has at most 65536 bytes") : nil
    }
}
