internal import HostSystem
internal import Synchronization

extension HostCache {
    /// Runs a load that the state machine began for this call, and gives what comes of it.
    func perform(_ entry: CacheEntry, _ load: CacheLoad, _ call: inout CacheFlight.Call, _ given: CacheSource?)
        -> Next
    {
        let nested = CacheWaits.enter(load)
        defer { CacheWaits.leave() }
        let lock: (any CacheFileLock)?
        switch prepare(entry, load, &call, nested: nested, refresh: false) {
        case .found(let next): return next
        case .load(let taken): lock = taken
        }
        defer { lock?.release() }
        if let source = unsafe given ?? options.source {
            return unsafe .done(run(entry, load, call, source))
        }
        // Without a source only what is stale may do.
        let missing = CacheSourceFailure(code: CacheCode.notFound, text: CacheError.notFound.description)
        let result = table.withLock { table in
            entry.flight.abandon()
            finish(entry, load, .again)
            let result = settle(entry, missing, call, environment.clock.boot(), &table.counters)
            table.drop(entry, budget: budget)
            return result
        }
        table.broadcast()
        if case .failure = result { return .done(.failure(.notFound)) }
        return .done(result)
    }

    /// Runs a reload ahead of expiry on a thread of the host's.
    func refresh(_ entry: CacheEntry, _ load: CacheLoad) {
        let cache = self
        let held = UncheckedEntry(entry: entry)
        let taken = environment.background {
            let entry = held.entry
            let nested = CacheWaits.enter(load)
            defer { CacheWaits.leave() }
            var call = CacheFlight.Call(
                request: CacheRequest(), at: load.flight.began,
                version: cache.table.withLock { _ in entry.flight.version })
            guard
                case .load(let lock) = cache.prepare(entry, load, &call, nested: nested, refresh: true),
                let source = unsafe cache.options.source
            else { return }
            defer { lock?.release() }
            _ = unsafe cache.run(entry, load, call, source)
        }
        if !taken { callOff(entry, load) }
    }

    /// Ends a load without a result: everyone asks again.
    func callOff(_ entry: CacheEntry, _ load: CacheLoad) {
        table.withLock { _ in
            entry.flight.abandon()
            finish(entry, load, .again)
        }
        table.broadcast()
    }

    func finish(_ entry: CacheEntry, _ load: CacheLoad, _ outcome: CacheLoad.Outcome) {
        entry.load = nil
        load.outcome = outcome
    }

    /// Asks the source, keeps what it made and releases everyone, then saves.
    private func run(_ entry: CacheEntry, _ load: CacheLoad, _ call: CacheFlight.Call, _ source: CacheSource)
        -> Result<CacheAnswer, CacheError>
    {
        let writer = CacheWriter()
        let start = environment.clock.boot()
        var failure = unsafe entry.key.withUnsafeBytes { key in unsafe source(key, writer) }
        let now = environment.clock.boot()
        let time = CacheTime.difference(now, start)
        let content = failure == nil ? writer.finish(objects: options.objects) : nil
        if failure == nil, content == nil {
            let kind = options.objects ? "an object" : "bytes"
            failure = CacheSourceFailure(code: CacheCode.invalid, text: "the source made no value of \(kind)")
        }
        guard let content else {
            return fail(entry, load, call, failure ?? CacheSourceFailure(code: CacheCode.invalid, text: ""), now, time)
        }
        return .success(succeed(entry, load, content, now, time))
    }

    private func fail(
        _ entry: CacheEntry, _ load: CacheLoad, _ call: CacheFlight.Call, _ failure: CacheSourceFailure, _ now: Int64,
        _ time: Int64
    ) -> Result<CacheAnswer, CacheError> {
        let jitter = environment.jitter()
        let result = table.withLock { table in
            entry.flight.fail(failure, now: now, policy: policy, jitter: jitter)
            entry.value?.failure.store(failure.code, ordering: .relaxed)
            table.counters.loadFailures &+= 1
            table.counters.loadTime &+= UInt64(max(0, time))
            finish(entry, load, .failed(failure))
            return settle(entry, failure, call, now, &table.counters)
        }
        table.broadcast()
        environment.report(.loadFailed(cache: title, failure: failure, nanoseconds: time))
        budget.makeRoom()
        return result
    }

    private func succeed(
        _ entry: CacheEntry, _ load: CacheLoad, _ content: CacheValue.Content, _ now: Int64, _ time: Int64
    ) -> CacheAnswer {
        let (value, old, kept, loads) = table.withLock { table in
            let value = make(content, now, &table)
            table.counters.loads &+= 1
            table.counters.loadTime &+= UInt64(max(0, time))
            entry.loads &+= 1
            let current = entry.flight.epoch == load.flight.epoch
            let kept = entry.flight.succeed(load.flight, produced: now, keep: value.cost <= valueLimit)
            var old: CacheValue?
            if current { old = replace(entry, kept ? value : nil, onDisk: false, &table.counters) }
            finish(entry, load, .made(value))
            return (value, old, kept, entry.loads)
        }
        table.broadcast()
        park(old)
        environment.report(.loaded(cache: title, bytes: unsafe value.bytes.count, nanoseconds: time))
        if kept {
            _ = save(entry, value, loads: loads, loadTime: time)
            budget.makeRoom()
        } else if value.cost > valueLimit {
            removeFile(entry.key)
        }
        return loaded(value)
    }

    /// A new value of the next generation, under the lock.
    private func make(_ content: CacheValue.Content, _ now: Int64, _ table: inout CacheTable) -> CacheValue {
        table.generation &+= 1
        return CacheValue(content, generation: table.generation, produced: now, now: now, policy: policy)
    }

    // MARK: - From outside

    /// Replaces the value by a copy of these bytes, aged 0. `tooLarge` drops the old one: it is outdated all the same.
    ///
    /// `byCallback` on the thread that `hit` is called on: then values that nobody has seen go at once, and a callback
    /// that puts again and again holds no more than one.
    public func put(_ bytes: UnsafeRawBufferPointer, key: [UInt8] = [], byCallback: Bool = false)
        -> Result<Void, CacheError>
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
    ) -> Result<Void, CacheError> {
        guard options.objects else { return .failure(.invalid("this cache holds bytes")) }
        if let error = refuse(cost, key) { return .failure(error) }
        return put(.object(unsafe CacheObject(object, cost: cost, release: release)), key, byCallback: false)
    }

    /// Why a value of this cost cannot be put.
    private func refuse(_ cost: Int, _ key: [UInt8]) -> CacheError? {
        if let error = Self.check(key) { return error }
        if cost <= valueLimit { return nil }
        _ = invalidate(key: key)
        return .tooLarge
    }

    private func put(_ content: CacheValue.Content, _ key: [UInt8], byCallback: Bool) -> Result<Void, CacheError> {
        learnGenerations()
        let isKnown = store == nil || table.withLock { $0.entry(key)?.onDisk ?? false }
        if !isKnown { learnGeneration(key) }
        // Another process may have saved since the generation was known: then once more, above its generation.
        for _ in 0..<3 {
            let (entry, value, old, loads) = table.withLock { table in
                let entry = table.makeEntry(key, budget: budget)
                let now = environment.clock.boot()
                let value = make(content, now, &table)
                entry.flight.put(now: now)
                let old = replace(entry, value, onDisk: false, &table.counters)
                return (entry, value, old, entry.loads)
            }
            if let old, !byCallback || old.isObject || old.isSeen.load(ordering: .relaxed) { park(old) }
            guard save(entry, value, loads: loads, loadTime: 0) == .outdated else { break }
            learnGeneration(key)
        }
        budget.makeRoom()
        return .success(())
    }

    /// Drops the value, from the disk too. A load in progress goes on for its callers, and is not kept.
    public func invalidate(key: [UInt8] = []) -> Result<Void, CacheError> {
        if let error = Self.check(key) { return .failure(error) }
        let old: CacheValue? = table.withLock { table in
            guard let entry = table.entry(key) else { return nil }
            entry.flight.invalidate()
            let old = replace(entry, nil, onDisk: false, &table.counters)
            table.drop(entry, budget: budget)
            return old
        }
        park(old)
        learnGenerations()
        let removed = removeFile(key)
        return removed || old != nil ? .success(()) : .failure(.notFound)
    }

    /// Drops values from memory alone: of a key, or all.
    func forget(_ key: [UInt8]?) {
        let old = table.withLock { table in
            let entries = key.map { [table.entry($0)].compactMap { $0 } } ?? [table.unkeyed] + table.keyed.values
            return entries.map { entry in
                entry.flight.invalidate()
                defer { table.drop(entry, budget: budget) }
                return replace(entry, nil, onDisk: false, &table.counters)
            }
        }
        for value in old { park(value) }
    }

    // MARK: - Eviction

    /// What an entry offers to be evicted.
    struct Candidate {
        let key: [UInt8]
        let used: Int64
        let onDisk: Bool
    }

    /// All entries that hold something.
    func candidates() -> [Candidate] {
        table.withLock { table in
            var all = table.keyed.values.map {
                Candidate(key: $0.key, used: $0.value?.used.load(ordering: .relaxed) ?? .min, onDisk: $0.onDisk)
            }
            if let value = table.unkeyed.value {
                all.append(
                    Candidate(key: [], used: value.used.load(ordering: .relaxed), onDisk: table.unkeyed.onDisk))
            }
            return all
        }
    }

    /// Lets a value go if it was not used since it became a candidate.
    func evict(_ candidate: Candidate) {
        let old: CacheValue? = table.withLock { table in
            guard let entry = table.entry(candidate.key),
                (entry.value?.used.load(ordering: .relaxed) ?? .min) == candidate.used
            else { return nil }
            if entry.value != nil {
                entry.flight.evict()
                table.counters.evictions &+= 1
            }
            let old = replace(entry, nil, onDisk: false, &table.counters)
            table.drop(entry, budget: budget)
            return old
        }
        park(old)
    }
}

/// An entry on its way to the thread that reloads it, where it is touched under the cache's lock as everywhere.
private struct UncheckedEntry: @unchecked Sendable {
    let entry: CacheEntry
}

/// The codes that the caches give a failure of their own; those of the ABI.
enum CacheCode {
    static let invalid: Int32 = -1
    static let notFound: Int32 = -2
}
