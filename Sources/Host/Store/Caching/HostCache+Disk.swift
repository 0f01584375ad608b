internal import HostSystem

extension HostCache {
    /// What a load finds before the source is asked.
    enum Prepared {
        /// The disk had a value that will do; the load is over, and this is what comes next.
        case found(Next)
        /// Ask the source; release the lock when the result is saved.
        case load((any CacheFileLock)?)
    }

    /// How long a load waits for another process that loads the same, ns; after that both load.
    private static let patience: Int64 = 10_000_000_000

    /// Looks on the disk: before all else if nothing is in memory, and again once no other process loads the same.
    func prepare(
        _ entry: CacheEntry, _ load: CacheLoad, _ call: inout CacheFlight.Call, nested: Bool, refresh: Bool
    ) -> Prepared {
        guard let store else { return .load(nil) }
        learnGenerations()
        let (isEmpty, known) = table.withLock { _ in (entry.value == nil, entry.value?.generation ?? 0) }
        var newest = known
        if isEmpty, let found = read(entry.key) {
            newest = found.header.generation
            let adopted = adopt(entry, load, found)
            // That value is not news to the call: it was there before.
            call.version = table.withLock { _ in entry.flight.version }
            if adopted, let next = settled(entry, load, call, refresh) { return .found(next) }
        }
        let lock: (any CacheFileLock)?
        do {
            // Within another load waiting could be for ever: that process may wait for this one's outer load.
            lock = try store.lockLoad(path(entry.key), patience: nested ? 0 : Self.patience)
        } catch {
            environment.report(.readFailed(cache: title, error: error.description))
            return .load(nil)
        }
        if let found = readNewer(entry.key, than: newest), adopt(entry, load, found),
            let next = settled(entry, load, call, refresh)
        {
            lock?.release()
            return .found(next)
        }
        return .load(lock)
    }

    /// What the caller does next if what was adopted is enough: then the load is over. The answer is made before there
    /// is room for the value, which may be the first to go.
    private func settled(_ entry: CacheEntry, _ load: CacheLoad, _ call: CacheFlight.Call, _ refresh: Bool) -> Next? {
        let next: Next? = table.withLock { table in
            let now = environment.clock.boot()
            guard entry.flight.decide(call, now: now, policy: policy) == .serve, let value = entry.value else {
                return nil
            }
            if refresh, (entry.flight.age(at: now) ?? .max) >= policy.refreshAfter { return nil }
            entry.flight.abandon()
            finish(entry, load, .found(value))
            var known: CacheFlight.Call? = call
            return refresh
                ? answer(entry, .hit, now).map { .done(.success($0)) }
                : ask(entry, &known, call.request, &table.counters)
        }
        if next != nil {
            table.broadcast()
            budget.makeRoom()
        }
        return next
    }

    private func adopt(_ entry: CacheEntry, _ load: CacheLoad, _ found: FoundOnDisk) -> Bool {
        let (adopted, old) = table.withLock { table in
            guard entry.flight.adopt(found.held, during: load.flight) else { return (false, CacheValue?.none) }
            return (true, take(found, entry, &table))
        }
        park(old)
        return adopted
    }

    /// Puts what was read into the entry, under the lock; the flight knows of it already.
    private func take(_ found: FoundOnDisk, _ entry: CacheEntry, _ table: inout CacheTable) -> CacheValue? {
        table.generation = max(table.generation, found.header.generation)
        entry.loads = max(entry.loads, found.header.loads)
        let now = environment.clock.boot()
        let value = CacheValue(
            .bytes(found.payload), generation: found.header.generation, produced: found.held.produced, now: now,
            policy: policy)
        return replace(entry, value, onDisk: true, &table.counters)
    }

    /// The value that the disk has, for `peek`.
    func peekDisk(_ key: [UInt8]) -> Result<CacheAnswer, CacheError> {
        guard let found = read(key) else { return .failure(.notFound) }
        let now = environment.clock.boot()
        let (held, old) = table.withLock { table in
            let entry = table.makeEntry(key, budget: budget)
            var old: CacheValue?
            if entry.value == nil, entry.load == nil {
                entry.flight.adopt(found.held)
                old = take(found, entry, &table)
            }
            return (answer(entry, .hit, now), old)
        }
        park(old)
        budget.makeRoom()
        return held.map { .success($0) } ?? .failure(.notFound)
    }

    // MARK: - Files

    /// A value as the disk had it.
    struct FoundOnDisk {
        let header: CacheFileHeader
        let payload: CacheBuffer
        let held: CacheFlight.Held
    }

    private func path(_ key: [UInt8]) -> CacheStore.Path {
        key.isEmpty ? unkeyedPath : CacheStore.Path(name: name, key: key)
    }

    private func read(_ key: [UInt8]) -> FoundOnDisk? {
        guard case (let header, let payload?)? = look(key, payload: true), header.payloadSize <= valueLimit
        else { return nil }
        let now = environment.clock.boot()
        let stamp = environment.origin.stamp(bootTime: now, wallTime: environment.clock.wall())
        let produced = header.produced.age(at: stamp).map { CacheTime.difference(now, $0) }
        let began = CacheTime.difference(produced ?? now, max(0, header.loadTime))
        return FoundOnDisk(
            header: header, payload: payload, held: CacheFlight.Held(began: began, produced: produced))
    }

    private func readNewer(_ key: [UInt8], than generation: UInt64) -> FoundOnDisk? {
        guard let (header, _) = look(key, payload: false), header.generation > generation else { return nil }
        return read(key)
    }

    /// Reads a file, and counts and reports what is wrong with it.
    private func look(_ key: [UInt8], payload: Bool) -> (header: CacheFileHeader, payload: CacheBuffer?)? {
        guard let store else { return nil }
        do {
            defer { keepBound(key) }
            switch try store.read(path(key), codec: options.codec, payload: payload) {
            case .absent: return nil
            case .value(let header, let buffer):
                table.withLock { $0.generation = max($0.generation, header.generation) }
                return (header, buffer)
            case .setAside(let aside):
                note(aside)
                return nil
            }
        } catch {
            environment.report(.readFailed(cache: title, error: error.description))
            return nil
        }
    }

    private func note(_ aside: CacheStore.SetAside) {
        table.withLock { table in
            table.counters.corrupt &+= 1
            table.generation = max(table.generation, aside.generation)
        }
        environment.report(.setAside(cache: title, file: aside.file, reason: aside.reason))
    }

    /// The plugin cannot decode the value of that generation, which is of another type: it is let go of, and its file set
    /// aside. False when another value is there by now, or none.
    @discardableResult
    public func reject(key: [UInt8] = [], generation: UInt64, reason: String) -> Bool {
        guard let store else { return false }
        let (isHeld, old): (Bool, CacheValue?) = table.withLock { table in
            guard let entry = table.entry(key), entry.value?.generation == generation else { return (false, nil) }
            entry.flight.invalidate()
            let old = replace(entry, nil, onDisk: false, &table.counters)
            table.drop(entry, budget: budget)
            return (true, old)
        }
        park(old)
        do {
            guard let aside = try store.reject(path(key), generation: generation, reason: reason) else { return isHeld }
            note(aside)
            return true
        } catch {
            environment.report(.readFailed(cache: title, error: error.description))
            return isHeld
        }
    }

    /// Makes sure, once, that the next generation is above all that this cache had in earlier processes.
    func learnGenerations() {
        guard let store, !table.withLock({ $0.knowsGenerations }) else { return }
        do {
            let highest = try store.highestGeneration(unkeyedPath)
            table.withLock { table in
                table.generation = max(table.generation, highest)
                table.knowsGenerations = true
            }
        } catch {
            environment.report(.readFailed(cache: title, error: error.description))
        }
    }

    /// Makes sure that the next generation is newer than what the disk has.
    func learnGeneration(_ key: [UInt8]) {
        _ = look(key, payload: false)
    }

    /// Saves a value unless the entry holds another one by then. A failure is counted and reported.
    func save(_ entry: CacheEntry, _ value: CacheValue, loads: UInt64, loadTime: Int64) -> CacheStore.Saved {
        guard let store else { return .dropped }
        let since = CacheTime.difference(environment.clock.boot(), value.produced)
        let produced = environment.origin.stamp(
            bootTime: value.produced, wallTime: CacheTime.difference(environment.clock.wall(), since))
        let header = unsafe CacheFileHeader(
            produced: produced, loadTime: loadTime, generation: value.generation, loads: loads,
            expire: options.expire, codec: options.codec, plugin: identity.plugin, routine: identity.routine,
            name: name, key: entry.key, build: identity.build, payload: unsafe value.bytes)
        do {
            let saved = try unsafe store.save(path(entry.key), header, value.bytes, known: entry) {
                table.withLock { _ in entry.value === value }
            }
            keepBound(entry.key)
            if saved == .replaced { table.withLock { _ in if entry.value === value { entry.onDisk = true } } }
            return saved
        } catch {
            table.withLock { $0.counters.saveFailures &+= 1 }
            environment.report(.saveFailed(cache: title, error: error.description))
            return .dropped
        }
    }

    /// Removes the least recently written files of keys past the bound, in the background where there is one.
    private func keepBound(_ key: [UInt8]) {
        guard let store, !key.isEmpty else { return }
        let place = path(key)
        guard store.wantsTrim(place) else { return }
        let work: @Sendable () -> Void = { [self] in
            do throws(SystemError) {
                let removed = try store.trim(place)
                table.withLock { $0.counters.evictions &+= UInt64(removed) }
            } catch {
                environment.report(.readFailed(cache: title, error: error.description))
            }
        }
        if !environment.background(work) { work() }
    }

    /// Removes the file; false when there was none. A failure is reported.
    @discardableResult
    func removeFile(_ key: [UInt8]) -> Bool {
        guard let store else { return false }
        do {
            return try store.remove(path(key), generation: table.withLock { $0.generation })
        } catch {
            environment.report(.saveFailed(cache: title, error: error.description))
            return false
        }
    }
}
