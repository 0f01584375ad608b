internal import HostSystem
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
    public var isOnDisk: Bool { store != nil }
    /// What messages call it: a routine may have a memory and a disk cache of one name.
    var title: String { (isOnDisk ? "disk cache " : "memory cache ") + name }

    let policy: CacheFlight.Policy
    let valueLimit: Int
    let store: CacheStore?
    let budget: CacheBudget
    let parking: CacheParking
    let environment: CacheEnvironment
    let identity: (plugin: String, routine: String, build: String)
    let unkeyedPath: CacheStore.Path
    let table = Monitor(CacheTable())

    /// The unkeyed value for `hit`; its entry holds the reference.
    private let slot = unsafe Atomic<Unmanaged<CacheValue>?>(nil)
    /// Hits by `hit`: written by one thread at a time, so without a locked instruction.
    private let quickHits = Atomic<UInt64>(0)
    private let hasSystemClock: Bool

    init(name: String, options: CacheOptions, namespace: CacheNamespace, store: CacheStore?) {
        self.name = name
        self.options = options
        self.store = store
        unkeyedPath = CacheStore.Path(name: name, key: [])
        budget = namespace.budget
        parking = namespace.parking
        environment = namespace.environment
        identity = (namespace.plugin, namespace.routine, namespace.build)
        hasSystemClock = namespace.environment.clock is SystemClock
        valueLimit = min(options.maxValueBytes > 0 ? options.maxValueBytes : .max, namespace.budget.valueLimit)
        let refreshes = unsafe options.source != nil && options.refreshAfter > 0
        policy = CacheFlight.Policy(
            expire: options.expire, refreshAfter: refreshes ? options.refreshAfter : .max)
    }

    deinit {
        // The namespace is gone, so nobody else is here; what the values cost is free again.
        let cost = table.withLock { table in
            table.keyed.values.reduce(table.unkeyed.value?.cost ?? 0) { $0 + $1.overhead + ($1.value?.cost ?? 0) }
        }
        budget.charge(-cost)
    }

    // MARK: - The quick way

    /// The unkeyed value if a plain get (not fresh) is a hit that starts nothing; else nil, and `get` decides.
    ///
    /// Call it only on the thread of the routine's callback in progress; the value lives until
    /// `CacheNamespace.callbackEnded`. Takes no lock, touches no reference count and allocates nothing.
    public func hit() -> CacheHit? {
        guard let held = unsafe slot.load(ordering: .acquiring) else { return nil }
        let now = hasSystemClock ? SystemClock().boot() : environment.clock.boot()
        return unsafe held._withUnsafeGuaranteedRef { value in
            guard now <= value.servesUntil else { return nil }
            value.used.store(now, ordering: .relaxed)
            value.isSeen.store(true, ordering: .relaxed)
            quickHits.store(quickHits.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            return unsafe CacheHit(
                value: held, age: max(0, now &- value.produced), lastError: value.failure.load(ordering: .relaxed))
        }
    }

    // MARK: - The whole way

    /// The value, from the cache or the source, as the table says.
    ///
    /// `key` has at most 65 536 bytes; empty is the unkeyed value. `source` goes before the cache's own. It runs on the
    /// calling thread, and other callers of the key wait for it.
    public func get(_ request: CacheRequest = CacheRequest(), key: [UInt8] = [], source: CacheSource? = nil)
        -> Result<CacheAnswer, CacheError>
    {
        if request.tolerance < 0 { return .failure(.invalid("the tolerance is negative")) }
        if let error = Self.check(key) { return .failure(error) }
        var call: CacheFlight.Call?
        var next: Next?
        // Whoever loads has an answer when the load is over. Only who waits may have to ask again, when others put or
        // drop the value at that very moment: each round is one load of somebody else's.
        for _ in 0..<Self.rounds {
            switch next ?? table.withLock({ ask($0.makeEntry(key, budget: budget), &call, request, &$0.counters) }) {
            case .done(let result): return result
            case .refresh(let answer, let entry, let load):
                refresh(entry, load)
                return .success(answer)
            case .wait(let entry, let load, let waiting, let joins):
                next = nil
                guard CacheWaits.begin(load) else { return .failure(.reentrant) }
                let outcome = table.wait { _ in load.outcome }
                CacheWaits.end()
                if joins, let result = share(entry, outcome, waiting) { return result }
            case .load(let entry, let load, var mine):
                next = unsafe perform(entry, load, &mine, source)
                call = mine
            }
        }
        return .failure(.overtaken)
    }

    /// How often a call asks before it gives up.
    private static let rounds = 1000

    /// The value held, whatever its age, and never the source; for a disk cache also what the disk has.
    public func peek(key: [UInt8] = []) -> Result<CacheAnswer, CacheError> {
        if let error = Self.check(key) { return .failure(error) }
        let now = environment.clock.boot()
        let held = table.withLock { table in table.entry(key).flatMap { answer($0, .hit, now) } }
        if let held { return .success(held) }
        guard store != nil else { return .failure(.notFound) }
        return peekDisk(key)
    }

    /// What it counted.
    public func counters() -> CacheCounters {
        var counters = table.withLock { $0.counters }
        counters.hits &+= quickHits.load(ordering: .relaxed)
        return counters
    }

    /// What a caller does next.
    enum Next {
        case done(Result<CacheAnswer, CacheError>)
        case refresh(CacheAnswer, CacheEntry, CacheLoad)
        case wait(CacheEntry, CacheLoad, CacheFlight.Call, joins: Bool)
        case load(CacheEntry, CacheLoad, CacheFlight.Call)
    }

    /// Asks the state machine, under the lock.
    func ask(
        _ entry: CacheEntry, _ known: inout CacheFlight.Call?, _ request: CacheRequest, _ counters: inout CacheCounters
    ) -> Next {
        let now = environment.clock.boot()
        let call = known ?? entry.flight.call(request, now: now)
        known = call
        switch entry.flight.ask(call, now: now, policy: policy, refreshes: policy.refreshAfter != .max) {
        case .serve(nil): return .done(answer(entry, .hit, now, &counters))
        case .serve(let refresh?):
            let load = CacheLoad(refresh)
            entry.load = load
            guard case .success(let answer) = answer(entry, .hit, now, &counters) else {
                return .done(.failure(.notFound))
            }
            return .refresh(answer, entry, load)
        case .stale: return .done(answer(entry, .stale, now, &counters))
        case .fail(let failure): return .done(.failure(.sourceFailed(failure)))
        case .join: return wait(entry, call, joins: true)
        case .waitOut: return wait(entry, call, joins: false)
        case .load(let begun):
            let load = CacheLoad(begun)
            entry.load = load
            return .load(entry, load, call)
        }
    }

    private func wait(_ entry: CacheEntry, _ call: CacheFlight.Call, joins: Bool) -> Next {
        guard let load = entry.load else { return .done(.failure(.notFound)) }
        return .wait(entry, load, call, joins: joins)
    }

    /// The result of a load that the caller joined; nil when it has to ask again.
    private func share(_ entry: CacheEntry, _ outcome: CacheLoad.Outcome, _ call: CacheFlight.Call)
        -> Result<CacheAnswer, CacheError>?
    {
        switch outcome {
        case .again: nil
        case .found(let value): found(entry, value, call.request)
        case .made(let value): .success(loaded(value))
        case .failed(let failure):
            table.withLock { table in settle(entry, failure, call, environment.clock.boot(), &table.counters) }
        }
    }

    /// What another caller found on the disk, for one that waited for it: also when there was no room to keep it. nil
    /// when it will not do, or the entry knows better.
    private func found(_ entry: CacheEntry, _ value: CacheValue, _ request: CacheRequest)
        -> Result<CacheAnswer, CacheError>?
    {
        table.withLock { table in
            guard entry.value == nil, value.produced != .min else { return nil }
            let age = max(0, CacheTime.difference(environment.clock.boot(), value.produced))
            let decision = CacheDecision(
                age: age, expire: policy.expire, fresh: request.fresh, tolerance: request.tolerance)
            guard decision == .serve else { return nil }
            table.counters.hits &+= 1
            return .success(CacheAnswer(state: .hit, value: value, age: age, lastFailure: nil))
        }
    }

    // MARK: - Answers

    /// An answer for a value that a load has just made.
    func loaded(_ value: CacheValue) -> CacheAnswer {
        let age = max(0, CacheTime.difference(environment.clock.boot(), value.produced))
        return CacheAnswer(state: .loaded, value: value, age: age, lastFailure: nil)
    }

    /// What a caller gets whose load failed, under the lock.
    func settle(
        _ entry: CacheEntry, _ failure: CacheSourceFailure, _ call: CacheFlight.Call, _ now: Int64,
        _ counters: inout CacheCounters
    ) -> Result<CacheAnswer, CacheError> {
        switch entry.flight.settle(call, failure: failure, now: now, policy: policy) {
        case .serve: answer(entry, .hit, now, &counters)
        case .stale: answer(entry, .stale, now, &counters)
        case .fail(let failure): .failure(.sourceFailed(failure))
        case .join, .waitOut, .load: .failure(.sourceFailed(failure))
        }
    }

    /// The value of an entry as an answer, counted, under the lock.
    private func answer(
        _ entry: CacheEntry, _ state: CacheAnswer.State, _ now: Int64, _ counters: inout CacheCounters
    ) -> Result<CacheAnswer, CacheError> {
        guard let answer = answer(entry, state, now) else { return .failure(.notFound) }
        if state == .stale { counters.staleServed &+= 1 } else { counters.hits &+= 1 }
        answer.value.used.store(now, ordering: .relaxed)
        return .success(answer)
    }

    /// The value of an entry as an answer, under the lock.
    func answer(_ entry: CacheEntry, _ state: CacheAnswer.State, _ now: Int64) -> CacheAnswer? {
        entry.value.map {
            CacheAnswer(
                state: state, value: $0, age: entry.flight.age(at: now), lastFailure: entry.flight.failure)
        }
    }

    // MARK: - What the entries hold

    /// Gives an entry another value, or none, under the lock. The old one is returned: park it when the lock is
    /// released, also to let it go nowhere else, since that may run a plugin's code.
    func replace(_ entry: CacheEntry, _ value: CacheValue?, onDisk: Bool, _ counters: inout CacheCounters)
        -> CacheValue?
    {
        let old = entry.value
        entry.value = value
        entry.onDisk = onDisk
        if entry.key.isEmpty {
            unsafe slot.store(value.map { unsafe Unmanaged.passUnretained($0) }, ordering: .releasing)
        }
        let change = (value?.cost ?? 0) - (old?.cost ?? 0)
        budget.charge(change)
        counters.bytes = UInt64(max(0, Int(counters.bytes) + change))
        return old
    }

    /// Keeps a replaced value until the callback in progress returns. Outside the lock.
    func park(_ old: CacheValue?) {
        if let old { parking.park(old) }
    }

    static func check(_ key: [UInt8]) -> CacheError? {
        key.count > CacheFileHeader.longestText ? .invalid("a key has at most 65536 bytes") : nil
    }
}
