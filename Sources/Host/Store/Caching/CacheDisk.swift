internal import HostSystem
internal import HostValues

/// What one cache has on the disk: the files of its keys as values with an age, and the generations that they tell of.
///
/// No failure reaches who asks: a file that cannot be read is no value, and one that cannot be written is a value less for
/// the next process. Both are counted and reported. Any thread; no lock is held while a file is touched.
final class CacheDisk: Sendable {
    /// A value as the disk had it.
    struct Found {
        let header: CacheFileHeader
        let payload: CacheBuffer
        let held: CacheFlight.Held
    }

    /// Whose turn it is to load a value that several processes share.
    enum Turn {
        /// That of who asked, until the lock is released.
        case own(any CacheFileLock)
        /// Another process's, which takes longer than was to be waited: both load.
        case others
        /// Nobody knows, since the lock cannot be had.
        case unknown
    }

    /// Whose cache it is, for the files' headers.
    struct Owner: Sendable {
        let plugin: String
        let routine: String
        let build: String
    }

    private struct State {
        /// The highest generation that a file told of.
        var newest: UInt64 = 0
        /// Whether the cache's files were asked for the highest one of all.
        var knowsNewest = false
        var counters = CacheCounters()
    }

    private let store: CacheStore
    private let name: String
    private let title: String
    private let options: CacheOptions
    private let valueLimit: Int
    private let owner: Owner
    private let environment: CacheEnvironment
    private let unkeyedPath: CacheStore.Path
    private let state = Monitor(State())

    /// The files of the cache of that name. One over `valueLimit` is no value.
    init(
        _ store: CacheStore, name: String, options: CacheOptions, valueLimit: Int, owner: Owner,
        environment: CacheEnvironment
    ) {
        self.store = store
        self.name = name
        title = "disk cache " + name
        self.options = options
        self.valueLimit = valueLimit
        self.owner = owner
        self.environment = environment
        unkeyedPath = CacheStore.Path(name: name, key: [])
    }

    /// The highest generation that a file told of: the next value's is above it.
    var newest: UInt64 { state.withLock { $0.newest } }

    /// Files set aside, saves that failed, and files removed for want of room.
    var counters: CacheCounters { state.withLock { $0.counters } }

    private func path(_ key: [UInt8]) -> CacheStore.Path {
        key.isEmpty ? unkeyedPath : CacheStore.Path(name: name, key: key)
    }

    private func note(_ generation: UInt64) {
        state.withLock { $0.newest = max($0.newest, generation) }
    }

    private func note(_ aside: CacheStore.SetAside) {
        note(aside.generation)
        state.withLock { $0.counters.corrupt &+= 1 }
        environment.report(.setAside(cache: title, file: aside.file, reason: aside.reason))
    }

    private func report(_ error: SystemError) {
        environment.report(.readFailed(cache: title, error: error.description))
    }

    // MARK: - Reading

    /// The value of a key.
    func read(_ key: [UInt8]) -> Found? {
        guard case (let header, let payload?)? = look(key, payload: true), header.payloadSize <= valueLimit
        else { return nil }
        let now = environment.clock.boot()
        let stamp = environment.origin.stamp(bootTime: now, wallTime: environment.clock.wall())
        let produced = header.produced.age(at: stamp).map { now - $0 }
        let began = (produced ?? now) - max(0, header.loadTime)
        return Found(header: header, payload: payload, held: CacheFlight.Held(began: began, produced: produced))
    }

    /// The same if it is of a later generation; else only the header is read.
    func read(_ key: [UInt8], above generation: UInt64) -> Found? {
        guard let (header, _) = look(key, payload: false), header.generation > generation else { return nil }
        return read(key)
    }

    private func look(_ key: [UInt8], payload: Bool) -> (header: CacheFileHeader, payload: CacheBuffer?)? {
        do {
            defer { keepBound(key) }
            switch try store.read(path(key), codec: options.codec, payload: payload) {
            case .absent: return nil
            case .value(let header, let buffer):
                note(header.generation)
                return (header, buffer)
            case .setAside(let aside):
                note(aside)
                return nil
            }
        } catch {
            report(error)
            return nil
        }
    }

    /// Sets the value of that generation aside, which the plugin cannot decode; false when there is none.
    func reject(_ key: [UInt8], generation: UInt64, reason: String) -> Bool {
        do {
            guard let aside = try store.reject(path(key), generation: generation, reason: reason) else { return false }
            note(aside)
            return true
        } catch {
            report(error)
            return false
        }
    }

    // MARK: - Generations

    /// Makes sure, once, that `newest` is what this cache had in any earlier process.
    func learnNewest() {
        guard !state.withLock({ $0.knowsNewest }) else { return }
        do {
            note(try store.highestGeneration(unkeyedPath))
            state.withLock { $0.knowsNewest = true }
        } catch {
            report(error)
        }
    }

    /// Makes sure that `newest` is what the file of a key tells now.
    func learnNewest(_ key: [UInt8]) {
        _ = look(key, payload: false)
    }

    // MARK: - Writing

    /// Waits for the turn to load a value, for so many ns at most.
    func turn(_ key: [UInt8], patience: Int64) -> Turn {
        do {
            return try store.lockLoad(path(key), patience: patience).map { .own($0) } ?? .others
        } catch {
            report(error)
            return .unknown
        }
    }

    /// Saves a value, unless `isWanted` no longer holds by then, or the disk has one of its generation or a later one.
    func save(_ made: CacheMade, loadTime: Int64, isWanted: () -> Bool) -> CacheStore.Saved {
        let value = made.value
        let key = made.entry.key
        let since = environment.clock.boot() - value.produced
        let produced = environment.origin.stamp(
            bootTime: value.produced, wallTime: environment.clock.wall() - since)
        let header = unsafe CacheFileHeader(
            produced: produced, loadTime: loadTime, generation: value.generation, loads: made.loads,
            expire: options.expire, codec: options.codec, plugin: owner.plugin, routine: owner.routine, name: name,
            key: key, build: owner.build, payload: unsafe value.bytes)
        do {
            let saved = try unsafe store.save(path(key), header, value.bytes, known: made.entry, wanted: isWanted)
            keepBound(key)
            return saved
        } catch {
            state.withLock { $0.counters.saveFailures &+= 1 }
            environment.report(.saveFailed(cache: title, error: error.description))
            return .dropped
        }
    }

    /// Removes the file of a key; false when there was none. The next generation is above that given, and above all.
    @discardableResult
    func remove(_ key: [UInt8], generation: UInt64) -> Bool {
        do {
            return try store.remove(path(key), generation: max(generation, newest))
        } catch {
            environment.report(.saveFailed(cache: title, error: error.description))
            return false
        }
    }

    /// Removes the least recently written files of keys past the bound, in the background where there is one.
    private func keepBound(_ key: [UInt8]) {
        guard !key.isEmpty else { return }
        let place = path(key)
        guard store.wantsTrim(place) else { return }
        let work: @Sendable () -> Void = { [self] in
            do throws(SystemError) {
                let removed = try store.trim(place)
                state.withLock { $0.counters.evictions &+= UInt64(removed) }
            } catch {
                report(error)
            }
        }
        if !environment.background(work) { work() }
    }
}
