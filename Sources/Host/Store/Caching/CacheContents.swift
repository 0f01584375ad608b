internal import HostValues
internal import Synchronization

/// The in-memory contents of one cache, and the decisions about them, as a pure state machine. Accessed only under the
/// cache's lock.
///
/// It is told the time, what was read from disk and what the source returned, and answers what its caller is to do: it
/// runs no source, touches no file and takes no lock. `CacheFlight` decides about a single value, this type holds all.
///
/// A value that is removed is part of the answer. The caller releases it later (`DeferredRelease`), after the lock is
/// released, for two reasons: the routine's callback may still be using it, and its release may run plugin code.
struct CacheContents {
    private(set) var entries: CacheEntries
    /// The highest generation assigned to a value here or read from disk.
    private(set) var generation: UInt64 = 0
    /// What is being removed outside of this process.
    var removals = CacheRemovals()
    private var serials = SerialNumbers()
    private var counted = CacheCounters()
    private let policy: CacheFlight.Policy
    private let valueLimit: Int
    private let holdsObjects: Bool

    /// Makes empty contents. A value that costs more than `valueLimit` is not kept; what is kept is charged to
    /// `budget`. `keyedHits` is told when an entry gets another value. `isPrivate`: values are in this process and nowhere else.
    init(
        policy: CacheFlight.Policy, valueLimit: Int, budget: CacheBudget, keyedHits: KeyedHits = KeyedHits(),
        isPrivate: Bool = false, holdsObjects: Bool = false
    ) {
        self.holdsObjects = holdsObjects
        self.policy = policy
        self.valueLimit = valueLimit
        entries = CacheEntries(budget: budget, keyedHits: keyedHits, isPrivate: isPrivate)
    }

    /// The counters so far.
    var counters: CacheCounters {
        var counters = counted
        counters.bytes = UInt64(max(0, entries.bytes))
        return counters
    }

    /// The value held, whatever its age; nil if there is none.
    func peek(_ key: [UInt8], now: BootTime) -> ServedValue? {
        entries[key].flatMap { answer($0, .hit, now) }
    }

    // MARK: - Calls

    /// Decides the next step of a call. `known` is nil on the first request of a call; this method sets it, and the
    /// caller passes it again if it has to ask again.
    mutating func ask(_ key: [UInt8], _ request: CacheLookup, _ known: inout CacheFlight.Call?, now: BootTime)
        -> CacheStep
    {
        let entry = entries.make(key)
        let call = known ?? entry.flight.call(request, now: now)
        known = call
        return next(entry, call, now)
    }

    private mutating func next(_ entry: CacheEntry, _ call: CacheFlight.Call, _ now: BootTime) -> CacheStep {
        switch entry.flight.ask(call, now: now, policy: policy, refreshes: policy.refreshAfter != .max) {
        case .serve(let reload): return .take(serve(entry, reload, now))
        case .stale: return .take(CacheServed(result: count(entry, .stale, now)))
        case .fail(let failure): return .take(CacheServed(result: .failure(.sourceFailed(failure))))
        case .join: return wait(entry, call, joins: true)
        case .waitOut: return wait(entry, call, joins: false)
        case .load(let begun): return .load(CacheTicket(begin(entry, begun), call))
        }
    }

    /// Answers with the value held, and with the background refresh that the state machine has started, if any.
    private mutating func serve(_ entry: CacheEntry, _ reload: CacheFlight.Load?, _ now: BootTime) -> CacheServed {
        let ahead = reload.map { begin(entry, $0) }
        return CacheServed(result: count(entry, .hit, now), ahead: ahead)
    }

    private func begin(_ entry: CacheEntry, _ begun: CacheFlight.Load) -> CacheLoad {
        let load = CacheLoad(entry, begun, objects: holdsObjects)
        if removals.has(entry.key) { load.mayAdopt = false }
        entry.load = load
        return load
    }

    private func wait(_ entry: CacheEntry, _ call: CacheFlight.Call, joins: Bool) -> CacheStep {
        guard let load = entry.load else { return .take(CacheServed(result: .failure(.notFound))) }
        load.isAwaited = true
        return .wait(CacheTicket(load, call), joins: joins)
    }

    /// The result for a call that joined a load which has ended; nil if the call must ask again.
    mutating func share(_ ticket: CacheTicket, _ outcome: CacheLoad.Outcome, now: BootTime) -> Result<
        ServedValue, CacheFailure
    >? {
        switch outcome {
        case .again: nil
        case .found(let value): found(ticket, value, now)
        case .made(let value): .success(Self.loaded(value, now: now))
        case .failed(let failure): settle(ticket, failure, now)
        }
    }

    /// The result for a waiting call when another caller found the value on disk, even if that value did not fit into
    /// memory. Nil if the value is too old for this call, or if the entry holds another one by now.
    private mutating func found(_ ticket: CacheTicket, _ value: CacheValue, _ now: BootTime) -> Result<
        ServedValue, CacheFailure
    >? {
        guard ticket.entry.value == nil, value.produced != .longAgo else { return nil }
        let age = max(0, now - value.produced)
        let request = ticket.call.request
        let decision = CacheDecision(
            age: age, expire: policy.expire, fresh: request.fresh, tolerance: request.tolerance)
        guard decision == .serve else { return nil }
        counted.hits &+= 1
        return .success(ServedValue(state: .hit, value: value, age: age, lastFailure: nil))
    }

    // MARK: - Loads

    /// Takes over the value found on disk, unless a put or an invalidation has outdated it.
    ///
    /// If the value satisfies the call, the load ends and `served` is the call's result; else `served` is nil and the
    /// caller must run the source. `isNews` tells that the value may have been written after the call began, which
    /// satisfies a call for a fresh value. `old` is the value to release.
    mutating func adopt(_ found: CacheDisk.Found, _ ticket: inout CacheTicket, isNews: Bool, now: BootTime)
        -> (served: CacheServed?, old: CacheValue?)
    {
        let entry = ticket.entry
        let isAdopted = ticket.load.mayAdopt && entry.flight.adopt(found.held, during: ticket.load.flight)
        if !isNews { ticket.call.version = entry.flight.version }
        guard isAdopted else { return (nil, nil) }
        let old = take(found, entry, now)
        guard entry.flight.decide(ticket.call, now: now, policy: policy) == .serve, let value = entry.value else {
            return (nil, old)
        }
        // A background refresh wants a value younger than the age that started it.
        if ticket.isAhead, (entry.flight.age(at: now) ?? .max) >= policy.refreshAfter { return (nil, old) }
        finish(ticket.load, .found(value))
        if ticket.isAhead { return (CacheServed(result: answered(entry, .hit, now)), old) }
        guard case .take(let served) = next(entry, ticket.call, now) else { return (nil, old) }
        return (served, old)
    }

    /// Takes over the value found in the store of the cluster, unless a put or an invalidation has outdated it or the value
    /// held is newer. It gets a generation of this host's, above `floor` and all others.
    ///
    /// If it satisfies the call, the load ends and `served` is the call's result. `made` is what the entry holds now, with the
    /// value to release; nil if nothing was taken over.
    mutating func adopt(
        _ found: CacheShelf.Found, _ novelty: SharedLoad.Novelty, _ ticket: inout CacheTicket, above floor: UInt64,
        now: BootTime
    ) -> (served: CacheServed?, made: CacheMade?) {
        let entry = ticket.entry
        var held = found.held
        if novelty == .begun { held.began = max(held.began, ticket.call.at) }
        guard let produced = held.produced, produced >= entry.flight.held?.produced ?? .longAgo,
            ticket.load.mayAdopt, entry.flight.adopt(held, during: ticket.load.flight)
        else { return (nil, nil) }
        // The value predates the call, so it is not a new version for a call that asks for a fresh value.
        if novelty == .known { ticket.call.version = entry.flight.version }
        generation = max(generation, floor) &+ 1
        entry.loads = max(entry.loads, found.header.loads)
        let value = CacheValue(
            .bytes(found.payload), key: entry.key, generation: generation, serial: serials.next(), produced: produced,
            now: now)
        let old = entries.replace(entry, value, onDisk: false)
        entry.shared = found.version
        let made = CacheMade(entry: entry, value: value, old: old, loads: entry.loads, isKept: true)
        guard isEnough(ticket, novelty, now) else { return (nil, made) }
        finish(ticket.load, .found(value))
        if ticket.isAhead { return (CacheServed(result: answered(entry, .hit, now)), made) }
        return (CacheServed(result: count(entry, .hit, now)), made)
    }

    /// Whether the value that was taken over satisfies the call.
    private func isEnough(_ ticket: CacheTicket, _ novelty: SharedLoad.Novelty, _ now: BootTime) -> Bool {
        let flight = ticket.entry.flight
        // A background refresh wants a value younger than the age that started it.
        if ticket.isAhead, (flight.age(at: now) ?? .max) >= policy.refreshAfter { return false }
        if flight.decide(ticket.call, now: now, policy: policy) == .serve { return true }
        // What was waited for is enough however soon it expires, as for those who wait for a load of this process.
        switch novelty {
        case .known: return false
        case .ended: return !ticket.call.request.fresh
        case .begun: return true
        }
    }

    /// Notes that the store has the value, if the entry still holds it.
    func noteShared(_ made: CacheMade, _ version: UInt64) {
        if holds(made) { made.entry.shared = version }
    }

    /// Ends a load whose source has failed on another host, and is left alone until then.
    mutating func failElsewhere(
        _ ticket: CacheTicket, _ failure: CacheSourceFailure, until: BootTime, now: BootTime
    ) -> Result<ServedValue, CacheFailure> {
        let known = failure.leftAlone(until: until)
        ticket.entry.flight.fail(failure, until: until)
        ticket.entry.value?.failure.store(failure.code, ordering: .relaxed)
        close(ticket.load, .failed(failure))
        return settle(ticket, known, now)
    }

    /// Takes over the value found on disk for `peek`, if the entry holds nothing and no load is in progress.
    mutating func show(_ found: CacheDisk.Found, _ key: [UInt8], now: BootTime) -> (
        answer: ServedValue?, old: CacheValue?
    ) {
        let entry = entries.make(key)
        var old: CacheValue?
        if entry.value == nil, entry.load == nil {
            entry.flight.adopt(found.held)
            old = take(found, entry, now)
        }
        return (answer(entry, .hit, now), old)
    }

    /// Puts a value read from disk into the entry, after its flight has adopted it.
    private mutating func take(_ found: CacheDisk.Found, _ entry: CacheEntry, _ now: BootTime) -> CacheValue? {
        generation = max(generation, found.header.generation)
        entry.loads = max(entry.loads, found.header.loads)
        let value = CacheValue(
            .bytes(found.payload), key: entry.key, generation: found.header.generation, serial: serials.next(),
            produced: found.held.produced, now: now)
        return entries.replace(entry, value, onDisk: true)
    }

    /// Takes the value that the source made, which took `time` ns. The value gets a generation above `floor`.
    mutating func succeed(
        _ ticket: CacheTicket, _ content: CacheValue.Content, time: Int64, now: BootTime, above floor: UInt64
    ) -> CacheMade {
        let entry = ticket.entry
        let value = make(content, of: entry, now, above: floor)
        counted.loads &+= 1
        counted.loadTime &+= UInt64(max(0, time))
        entry.loads &+= 1
        let isCurrent = entry.flight.epoch == ticket.load.flight.epoch
        let isKept = entry.flight.succeed(ticket.load.flight, produced: now, keep: value.cost <= valueLimit)
        let old = isCurrent ? entries.replace(entry, isKept ? value : nil, onDisk: false) : nil
        close(ticket.load, .made(value))
        return CacheMade(
            entry: entry, value: value, old: old, loads: entry.loads, isKept: isKept, isTooLarge: isCurrent && !isKept)
    }

    /// Ends a load whose source failed after `time` ns, and returns the result for the call.
    mutating func fail(_ ticket: CacheTicket, _ failure: CacheSourceFailure, time: Int64, now: BootTime, jitter: Double)
        -> Result<ServedValue, CacheFailure>
    {
        ticket.entry.flight.fail(failure, now: now, policy: policy, jitter: jitter)
        ticket.entry.value?.failure.store(failure.code, ordering: .relaxed)
        counted.loadFailures &+= 1
        counted.loadTime &+= UInt64(max(0, time))
        close(ticket.load, .failed(failure))
        return settle(ticket, failure, now)
    }

    /// Ends a load for which there is no source, and returns the result for the call: a stale value if it may be
    /// served, else an error.
    mutating func lackSource(_ ticket: CacheTicket, now: BootTime) -> Result<ServedValue, CacheFailure> {
        finish(ticket.load, .again)
        let missing = CacheSourceFailure(code: CacheCode.notFound, text: CacheFailure.notFound.description)
        let result = settle(ticket, missing, now)
        entries.drop(ticket.entry)
        if case .failure = result { return .failure(.notFound) }
        return result
    }

    /// Ends a load that will not be performed; all callers that wait for it ask again.
    mutating func callOff(_ load: CacheLoad) { finish(load, .again) }

    private func finish(_ load: CacheLoad, _ outcome: CacheLoad.Outcome) {
        load.entry.flight.abandon()
        close(load, outcome)
    }

    private func close(_ load: CacheLoad, _ outcome: CacheLoad.Outcome) {
        load.entry.load = nil
        if load.isAwaited { load.outcome = outcome }
    }

    /// The result for a call whose load failed, whether the call ran the load or joined it.
    mutating func settle(_ ticket: CacheTicket, _ failure: CacheSourceFailure, _ now: BootTime)
        -> Result<ServedValue, CacheFailure>
    {
        switch ticket.entry.flight.settle(ticket.call, failure: failure, now: now, policy: policy) {
        case .serve: count(ticket.entry, .hit, now)
        case .stale: count(ticket.entry, .stale, now)
        case .fail(let failure): .failure(.sourceFailed(failure))
        case .join, .waitOut, .load: .failure(.sourceFailed(failure))
        }
    }

    // MARK: - Changes from outside

    /// Stores a value that the plugin puts. The value gets a generation above `floor`.
    mutating func put(_ content: CacheValue.Content, _ key: [UInt8], now: BootTime, above floor: UInt64) -> CacheMade {
        let entry = entries.make(key)
        let value = make(content, of: entry, now, above: floor)
        entry.flight.put(now: now)
        let old = entries.replace(entry, value, onDisk: false)
        return CacheMade(entry: entry, value: value, old: old, loads: entry.loads, isKept: true)
    }

    /// The same for a cache whose values are in this process only. Returns the value that it replaces, for release. With
    /// `renews` a value that nobody has been given may be made the new one.
    mutating func put(_ content: CacheValue.Content, _ key: [UInt8], now: BootTime, renews: Bool) -> CacheValue? {
        if renews, case .few(let bytes) = content, unsafe renew(bytes, key, now: now) { return nil }
        return put(content, key, now: now, above: 0).old
    }

    private mutating func renew(_ bytes: UnsafeRawBufferPointer, _ key: [UInt8], now: BootTime) -> Bool {
        let (next, serial) = (generation &+ 1, serials.next())
        guard let entry = entries[key],
            unsafe entries.renew(entry, bytes, generation: next, serial: serial, now: now)
        else { return false }
        generation &+= 1
        entry.flight.put(now: now)
        return true
    }

    /// Drops a value; with a generation, only if the value has that generation. The result of a load in progress will
    /// not be kept. Returns the value to release.
    mutating func invalidate(_ key: [UInt8], generation: UInt64? = nil) -> CacheValue? {
        removals.note()
        guard let entry = entries[key], generation == nil || entry.value?.generation == generation else { return nil }
        entry.flight.invalidate()
        let old = entries.replace(entry, nil, onDisk: false)
        entries.drop(entry)
        return old
    }

    /// Drops all values. Returns the values to release.
    mutating func invalidateAll() -> [CacheValue] {
        entries.keys.compactMap { invalidate($0) }
    }

    /// Notes that the value is on disk, if the entry still holds it.
    func noteSaved(_ made: CacheMade) {
        if holds(made) { made.entry.onDisk = true }
    }

    /// Whether the entry still holds this value.
    func holds(_ made: CacheMade) -> Bool { made.entry.value === made.value }

    // MARK: - Eviction

    /// Evicts a value, unless it was used since it became a candidate. Returns the value to release.
    mutating func evict(_ candidate: CacheEntries.Candidate) -> CacheValue? {
        guard let entry = entries[candidate.key], entry.used == candidate.used else { return nil }
        if entry.value != nil {
            entry.flight.evict()
            counted.evictions &+= 1
        }
        let old = entries.replace(entry, nil, onDisk: false)
        entries.drop(entry)
        return old
    }

    // MARK: - Answers

    /// The result for the caller whose load has just made this value.
    static func loaded(_ value: CacheValue, now: BootTime) -> ServedValue {
        ServedValue(state: .loaded, value: value, age: max(0, now - value.produced), lastFailure: nil)
    }

    /// The result for an entry's value, which is counted as served.
    private mutating func count(_ entry: CacheEntry, _ state: ServedValue.State, _ now: BootTime)
        -> Result<ServedValue, CacheFailure>
    {
        let result = answered(entry, state, now)
        guard case .success(let answer) = result else { return result }
        if state == .stale { counted.staleServed &+= 1 } else { counted.hits &+= 1 }
        answer.value.use(at: now)
        return result
    }

    private func answered(_ entry: CacheEntry, _ state: ServedValue.State, _ now: BootTime)
        -> Result<ServedValue, CacheFailure>
    {
        answer(entry, state, now).map { .success($0) } ?? .failure(.notFound)
    }

    private func answer(_ entry: CacheEntry, _ state: ServedValue.State, _ now: BootTime) -> ServedValue? {
        entry.value.map {
            ServedValue(state: state, value: $0, age: entry.flight.age(at: now), lastFailure: entry.flight.failure)
        }
    }

    // MARK: - Values

    /// Makes a value of the next generation.
    private mutating func make(
        _ content: CacheValue.Content, of entry: CacheEntry, _ now: BootTime, above floor: UInt64
    ) -> CacheValue {
        generation = max(generation, floor) &+ 1
        return CacheValue(
            content, key: entry.key, generation: generation, serial: serials.next(), produced: now, now: now)
    }
}
