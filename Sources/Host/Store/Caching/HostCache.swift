internal import HostSystem
internal import HostValues
internal import Synchronization

/// A hit as the callback's own thread sees it: nothing is held, for the callback's parking does that.
@safe public struct CacheHit {
    /// The value; alive until the callback in progress returns.
    public let value: Unmanaged<CacheValue>
    /// Nanoseconds since its load completed.
    public let age: Int64
    /// The code of the last failed load since the value was made, or 0.
    public let lastError: Int32
}

/// One cache of a routine, in memory or on disk. Lives as long as its namespace.
///
/// All methods but `hit` may be called on any thread. No lock is held while a source runs or a file is touched.
@safe public final class HostCache: Sendable {
    /// Its name in the namespace.
    public let name: String
    /// How it behaves.
    public let options: CacheOptions

    /// Whether it is also kept on disk.
    public var isOnDisk: Bool { disk != nil }
    /// What messages call it: a routine may have a memory and a disk cache of one name.
    let title: String

    let disk: CacheDisk?
    let environment: CacheEnvironment
    let contents: Monitor<CacheContents>
    let valueLimit: Int
    private let budget: CacheBudget
    private let parking: CacheParking

    /// The unkeyed value for `hit`; its entry holds the reference.
    private let slot = unsafe Atomic<Unmanaged<CacheValue>?>(nil)
    /// Hits by `hit`: written by one thread at a time, so without a locked instruction.
    private let quickHits = Atomic<UInt64>(0)
    private let hasSystemClock: Bool

    init(name: String, options: CacheOptions, namespace: CacheNamespace, store: CacheStore?) {
        self.name = name
        self.options = options
        title = (store == nil ? "memory cache " : "disk cache ") + name
        budget = namespace.budget
        parking = namespace.parking
        environment = namespace.environment
        hasSystemClock = namespace.environment.clock is SystemClock
        let limit = min(options.maxValueBytes > 0 ? options.maxValueBytes : .max, namespace.budget.valueLimit)
        valueLimit = limit
        disk = store.map { store in
            CacheDisk(
                store, name: name, options: options, valueLimit: limit,
                owner: CacheDisk.Owner(
                    plugin: namespace.plugin, routine: namespace.routine, build: namespace.build),
                environment: namespace.environment)
        }
        let refreshes = unsafe options.source != nil && options.refreshAfter > 0
        let policy = CacheFlight.Policy(
            expire: options.expire, refreshAfter: refreshes ? options.refreshAfter : .max)
        contents = Monitor(CacheContents(policy: policy, valueLimit: limit, budget: namespace.budget))
    }

    deinit {
        // The namespace is gone, so nobody else is here; what the values cost is free again.
        budget.charge(-contents.withLock { $0.entries.cost })
    }

    // MARK: - The quick way

    /// The unkeyed value if it is at most so old, ns, and a get is a hit that starts nothing; else nil, and `get` decides.
    /// What is not asked for fresh may have any age up to its expiry.
    ///
    /// Call it only on the thread of the routine's callback in progress; the value lives until
    /// `CacheNamespace.callbackEnded`. Takes no lock, touches no reference count and allocates nothing.
    public func hit(within oldest: Int64 = .max) -> CacheHit? {
        guard let held = unsafe slot.load(ordering: .acquiring) else { return nil }
        let now = hasSystemClock ? SystemClock().boot() : environment.clock.boot()
        return unsafe held._withUnsafeGuaranteedRef { value in
            // Wrapping: an unknown age has no time until which it serves, and a clamp is 2 ns of every hit.
            let age = max(0, now.nanoseconds &- value.produced.nanoseconds)
            guard now <= value.servesUntil, age <= oldest else { return nil }
            value.used.store(now.nanoseconds, ordering: .relaxed)
            value.isSeen.store(true, ordering: .relaxed)
            quickHits.store(quickHits.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            return unsafe CacheHit(
                value: held, age: age, lastError: value.failure.load(ordering: .relaxed))
        }
    }

    // MARK: - The whole way

    /// The value, from the cache or the source, as the table says.
    ///
    /// `key` has at most 65 536 bytes; empty is the unkeyed value. `source` goes before the cache's own. It runs on the
    /// calling thread, and other callers of the key wait for it.
    public func get(_ request: CacheLookup = CacheLookup(), key: [UInt8] = [], source: CacheSource? = nil)
        -> Result<ServedValue, CacheFailure>
    {
        if request.tolerance < 0 { return .failure(.invalid("the tolerance is negative")) }
        if let error = Self.check(key) { return .failure(error) }
        var call: CacheFlight.Call?
        // Whoever loads has an answer when the load is over. Only who waits may have to ask again, when others put or
        // drop the value at that very moment: each round is one load of somebody else's.
        for _ in 0..<Self.rounds {
            switch contents.withLock({ $0.ask(key, request, &call, now: environment.clock.boot()) }) {
            case .take(let served): return deliver(served)
            case .load(let ticket): return unsafe perform(ticket, source)
            case .wait(let ticket, let joins):
                guard CacheWaits.begin(ticket.load) else { return .failure(.reentrant) }
                let outcome = contents.wait { _ in ticket.load.outcome }
                CacheWaits.end()
                guard joins else { continue }
                let shared = contents.withLock { $0.share(ticket, outcome, now: environment.clock.boot()) }
                if let shared { return shared }
            }
        }
        return .failure(.overtaken)
    }

    /// How often a call asks before it gives up.
    private static let rounds = 1000

    /// Gives the caller its answer, and begins the reload that its age calls for.
    func deliver(_ served: CacheServed) -> Result<ServedValue, CacheFailure> {
        if let ahead = served.ahead { reload(ahead) }
        return served.result
    }

    /// The value held, whatever its age, and never the source; for a disk cache also what the disk has.
    public func peek(key: [UInt8] = []) -> Result<ServedValue, CacheFailure> {
        if let error = Self.check(key) { return .failure(error) }
        let now = environment.clock.boot()
        if let held = contents.withLock({ $0.peek(key, now: now) }) { return .success(held) }
        guard let found = disk?.read(key) else { return .failure(.notFound) }
        let (answer, old) = change { $0.show(found, key, now: environment.clock.boot()) }
        park(old)
        budget.makeRoom()
        return answer.map { .success($0) } ?? .failure(.notFound)
    }

    /// What it counted.
    public func counters() -> CacheCounters {
        var counters = contents.withLock { $0.counters }
        counters.hits &+= quickHits.load(ordering: .relaxed)
        return disk.map { counters + $0.counters } ?? counters
    }

    // MARK: - From outside

    /// Replaces the value by a copy of these bytes, aged 0. `tooLarge` drops the old one: it is outdated all the same.
    ///
    /// `byCallback` on the thread that `hit` is called on: then values that nobody has seen go at once, and a callback
    /// that puts again and again holds no more than one.
    public func put(_ bytes: UnsafeRawBufferPointer, key: [UInt8] = [], byCallback: Bool = false)
        -> Result<Void, CacheFailure>
    {
        if options.objects { return .failure(.invalid("this cache holds objects")) }
        if let error = refuse(bytes.count, key) { return .failure(error) }
        let buffer = CacheBuffer(capacity: bytes.count)
        unsafe buffer.append(bytes)
        return put(.bytes(buffer), key, byCallback: byCallback)
    }

    /// Replaces the value by this object; `release` as for `CacheWriter.setObject`, and never when this fails.
    public func put(
        object: UnsafeMutableRawPointer, cost: Int, release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void,
        key: [UInt8] = []
    ) -> Result<Void, CacheFailure> {
        guard options.objects else { return .failure(.invalid("this cache holds bytes")) }
        if let error = refuse(cost, key) { return .failure(error) }
        return put(.object(unsafe CacheObject(object, cost: cost, release: release)), key, byCallback: false)
    }

    /// Why a value of this cost cannot be put.
    private func refuse(_ cost: Int, _ key: [UInt8]) -> CacheFailure? {
        if let error = Self.check(key) { return error }
        if cost <= valueLimit { return nil }
        _ = invalidate(key: key)
        return .tooLarge
    }

    private func put(_ content: CacheValue.Content, _ key: [UInt8], byCallback: Bool) -> Result<Void, CacheFailure> {
        disk?.learnNewest()
        if let disk, contents.withLock({ $0.entries[key]?.onDisk != true }) { disk.learnNewest(key) }
        // Another process may have saved since the generation was known: then once more, above its generation.
        for _ in 0..<3 {
            let made = change {
                $0.put(content, key, now: environment.clock.boot(), above: disk?.newest ?? 0)
            }
            if let old = made.old, !byCallback || old.isObject || old.isSeen.load(ordering: .relaxed) { park(old) }
            guard save(made, loadTime: 0) == .outdated else { break }
            disk?.learnNewest(key)
        }
        budget.makeRoom()
        return .success(())
    }

    /// Drops the value, from the disk too. A load in progress goes on for its callers, and is not kept.
    public func invalidate(key: [UInt8] = []) -> Result<Void, CacheFailure> {
        if let error = Self.check(key) { return .failure(error) }
        let old = change { $0.invalidate(key) }
        park(old)
        disk?.learnNewest()
        let isRemoved = removeFile(key)
        return isRemoved || old != nil ? .success(()) : .failure(.notFound)
    }

    /// The plugin cannot decode the value of that generation, which is of another type: it is let go of, and its file set
    /// aside. False when another value is there by now, or none.
    @discardableResult
    public func reject(key: [UInt8] = [], generation: UInt64, reason: String) -> Bool {
        guard let disk else { return false }
        let old = change { $0.invalidate(key, generation: generation) }
        park(old)
        return disk.reject(key, generation: generation, reason: reason) || old != nil
    }

    /// Drops values from memory alone: of a key, or all.
    func forget(_ key: [UInt8]?) {
        let old = change { contents in key.map { [contents.invalidate($0)] } ?? contents.invalidateAll() }
        for value in old { park(value) }
    }

    /// All entries that hold something.
    func candidates() -> [CacheEntries.Candidate] {
        contents.withLock { $0.entries.candidates }
    }

    /// Lets a value go if it was not used since it became a candidate.
    func evict(_ candidate: CacheEntries.Candidate) {
        park(change { $0.evict(candidate) })
    }

    // MARK: - What is held, and shown

    /// Does under the lock what may give an entry another value, and shows `hit` the unkeyed one.
    ///
    /// `body` returns what it lets go of, so that this lives until `hit` cannot come upon it any more.
    func change<Answer>(_ body: (inout CacheContents) -> Answer) -> Answer {
        contents.withLock { contents in
            let answer = body(&contents)
            unsafe slot.store(
                contents.entries.unkeyed.value.map { unsafe Unmanaged.passUnretained($0) }, ordering: .releasing)
            return answer
        }
    }

    /// Keeps a value that was let go of until the callback in progress returns. Outside the lock.
    func park(_ old: CacheValue?) {
        if let old { parking.park(old) }
    }

    /// Makes room for what has come. Outside the lock.
    func makeRoom() { budget.makeRoom() }

    /// Saves a value unless the entry holds another one by then.
    func save(_ made: CacheMade, loadTime: Int64) -> CacheStore.Saved {
        guard let disk else { return .dropped }
        let saved = disk.save(made, loadTime: loadTime) { contents.withLock { $0.holds(made) } }
        if saved == .replaced { contents.withLock { $0.noteSaved(made) } }
        return saved
    }

    /// Removes the file; false when there was none.
    @discardableResult
    func removeFile(_ key: [UInt8]) -> Bool {
        disk?.remove(key, generation: contents.withLock { $0.generation }) ?? false
    }

    static func check(_ key: [UInt8]) -> CacheFailure? {
        key.count > CacheFileHeader.longestText ? .invalid("a key has at most 65536 bytes") : nil
    }
}

/// The codes that the caches give a failure of their own; those of the ABI.
enum CacheCode {
    static let invalid: Int32 = -1
    static let notFound: Int32 = -2
}
