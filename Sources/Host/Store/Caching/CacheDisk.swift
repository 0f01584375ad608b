internal import HostSystem
internal import HostValues

/// The disk side of one cache: reads and writes the files of its keys, and knows the generations found in them.
///
/// No failure reaches the caller: a file that cannot be read counts as absent, and a value that cannot be written is
/// missing for the next process. Both are counted and reported. Any thread may call it; it holds no lock during file
/// operations.
final class CacheDisk: Sendable {
    /// A value read from disk.
    struct Found {
        let header: CacheFileHeader
        let payload: CacheBytes
        let held: CacheFlight.Held
    }

    /// Whether this caller may load a value that several processes share.
    enum Turn {
        /// This caller holds the load lock and may load until it releases the lock.
        case own(any CacheFileLock)
        /// Another process still loads after the longest wait; this caller loads too.
        case others
        /// The lock cannot be taken because of an error; this caller loads without it.
        case unknown
    }

    /// The owner of the cache, for the headers of its files.
    struct Owner: Sendable {
        let plugin: String
        let routine: String
        let build: String
    }

    private struct State {
        /// The highest generation seen in any file.
        var newest: UInt64 = 0
        /// Whether all files of the cache were searched for their highest generation.
        var knowsNewest = false
        var outdated = OutdatedFiles()
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

    /// Makes the disk side of the cache `name`. Files whose value is larger than `valueLimit` count as absent.
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

    /// The highest generation seen in any file; the next value gets a higher one.
    var newest: UInt64 { state.withLock { $0.newest } }

    /// Counts of files set aside, failed saves, and files removed to stay within the limit on disk.
    var counters: CacheCounters { state.withLock { $0.counters } }

    private func path(_ key: [UInt8]) -> CacheStore.Path {
        key.isEmpty ? unkeyedPath : CacheStore.Path(name: name, key: key)
    }

    /// What a lock file tells has no checksum.
    private func note(_ generation: UInt64) {
        if generation >= CacheFileHeader.generationLimit { return }
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

    /// The value of a key; nil if there is none.
    func read(_ key: [UInt8]) -> Found? {
        guard case (let header, let payload?)? = look(key, payload: .inPlace), header.payloadSize <= valueLimit,
            !state.withLock({ $0.outdated.has(key, header.generation) })
        else { return nil }
        let now = environment.clock.boot()
        let stamp = environment.origin.stamp(bootTime: now, wallTime: environment.clock.wall())
        let produced = header.produced.age(at: stamp).map { now - $0 }
        let began = (produced ?? now) - max(0, header.loadTime)
        return Found(header: header, payload: payload, held: CacheFlight.Held(began: began, produced: produced))
    }

    /// The value of a key if its generation is above `generation`; otherwise reads only the header.
    func read(_ key: [UInt8], above generation: UInt64) -> Found? {
        guard let (header, _) = look(key, payload: .none), header.generation > generation else { return nil }
        return read(key)
    }

    private func look(_ key: [UInt8], payload: CacheFileReader.Payload) -> (
        header: CacheFileHeader, payload: CacheBytes?
    )? {
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

    /// Sets aside the file of a value that the plugin cannot decode. Returns false if the file has no value of that
    /// generation.
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

    /// Ensures, once, that `newest` is at least the highest generation that the cache had in any earlier process.
    func learnNewest() {
        guard !state.withLock({ $0.knowsNewest }) else { return }
        do {
            note(try store.highestGeneration(unkeyedPath))
            state.withLock { $0.knowsNewest = true }
        } catch {
            report(error)
        }
    }

    /// Ensures that `newest` is at least the generation in the key's file now.
    func learnNewest(_ key: [UInt8]) {
        _ = look(key, payload: .none)
    }

    // MARK: - Writing

    /// Waits for at most `patience` ns for the right to load a value.
    func turn(_ key: [UInt8], patience: Int64) -> Turn {
        do {
            return try store.lockLoad(path(key), patience: patience).map { .own($0) } ?? .others
        } catch {
            report(error)
            return .unknown
        }
    }

    /// Saves a value, unless `isWanted` returns false by then, or the disk has this generation or a later one already.
    func save(_ made: CacheMade, loadTime: Int64, isWanted: () -> Bool) -> CacheStore.Saved {
        let value = made.value
        let key = made.entry.key
        let since = environment.clock.boot() - value.produced
        let produced = environment.origin.stamp(
            bootTime: value.produced, wallTime: environment.clock.wall() - since)
        let header = unsafe CacheFileHeader(
            produced: produced, loadTime: loadTime, generation: value.generation, loads: made.loads,
            expire: options.expire, codec: options.codec, plugin: owner.plugin, routine: owner.routine, name: name,
            key: key, build: owner.build, payloadSize: value.bytes.count,
            payloadChecksum: value.checksum)
        do {
            let saved = try unsafe store.save(path(key), header, value.bytes, known: made.entry, wanted: isWanted)
            if saved == .replaced { state.withLock { $0.outdated.remove(key) } }
            keepBound(key)
            return saved
        } catch {
            state.withLock { state in
                state.counters.saveFailures &+= 1
                // When this value is evicted from memory, the one before it must not come back.
                state.outdated.add(key, upTo: value.generation - 1)
            }
            environment.report(.saveFailed(cache: title, error: error.description))
            return .dropped
        }
    }

    /// Removes the file of a key, if its generation is at most `limit`; returns false if there was none. Later values get
    /// generations above `generation` and above all that were seen on disk.
    @discardableResult
    func remove(_ key: [UInt8], generation: UInt64, upTo limit: UInt64 = .max) -> Bool {
        do {
            let removal = CacheFileRemoval(path: path(key), generation: max(generation, newest), limit: limit)
            let removed = try removal.perform(in: store)
            note(removed.told)
            if removed.isGone { state.withLock { $0.outdated.remove(key) } }
            return removed.isGone
        } catch {
            learnNewest(key)
            state.withLock { $0.outdated.add(key, upTo: min(max(generation, $0.newest), limit)) }
            environment.report(.saveFailed(cache: title, error: error.description))
            return false
        }
    }

    /// Removes the least recently written files of keyed values if the cache is past its limit on disk, on a background
    /// thread if one is available.
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
