internal import HostSystem
internal import HostValues

/// The shared side of one cache: what it reads from the store that the hosts of a cluster have in common, and what it
/// writes there. Beside `CacheDisk`, which is the side that the processes of one host share.
///
/// No failure reaches the caller: without the store a host loads for itself alone. Any thread may call it; it holds no lock
/// while the store is asked.
final class CacheShelf: Sendable {
    /// A value that another host has made, or this one in an earlier life.
    struct Found {
        let header: CacheFileHeader
        let payload: CacheBytes
        let held: CacheFlight.Held
        /// The store's version of it.
        let version: UInt64
    }

    /// How a call ends that asks the store.
    enum Outcome<Taken> {
        /// The value that was offered does.
        case taken(Taken)
        /// The source failed on another host, and is left alone until then.
        case failed(CacheSourceFailure, until: BootTime)
        /// The source is to be run; with a claim, for all hosts.
        case load(Claim?)
        /// The call may not wait any longer for the host that loads.
        case over(CacheFailure)
    }

    /// How long a call may wait while another host loads.
    struct Bounds {
        /// The end of its time; nil if nothing bounds that.
        var patience: MonotonicTime?
        /// Whether it is to end now.
        let isStopped: () -> Bool
    }

    /// A load that this host performs for all.
    struct Claim {
        fileprivate let key: SharedKey
        fileprivate let begun: UInt64
    }

    /// How long the store keeps a value that never expires, and one that expires at once, in ms.
    private static let longest = Int64(SharedValue.longestKeep)
    private static let shortest: Int64 = 3_600_000

    private let store: any SharedStore
    private let name: String
    private let options: CacheOptions
    private let isOnDisk: Bool
    private let valueLimit: Int
    private let owner: CacheDisk.Owner
    private let environment: CacheEnvironment
    private let counted = Monitor(CacheCounters())

    /// Makes the shared side of the cache `name`. Values that are larger than `valueLimit` count as absent.
    init(
        _ store: any SharedStore, name: String, options: CacheOptions, isOnDisk: Bool, valueLimit: Int,
        owner: CacheDisk.Owner, environment: CacheEnvironment
    ) {
        self.store = store
        self.name = name
        self.options = options
        self.isOnDisk = isOnDisk
        self.valueLimit = valueLimit
        self.owner = owner
        self.environment = environment
    }

    /// Values taken from the store, loads for all, calls that waited for another host, and requests without an answer.
    var counters: CacheCounters { counted.withLock { $0 } }

    private func count(_ counter: WritableKeyPath<CacheCounters, UInt64>) {
        counted.withLock { $0[keyPath: counter] &+= 1 }
    }

    private func place(_ key: [UInt8]) -> SharedKey {
        SharedKey(routine: owner.routine, name: name, isOnDisk: isOnDisk, codec: options.codec, key: key)
    }

    // MARK: - Asking

    /// Asks the store for a value, and waits while another host loads it. `known` is the version of the value that the cache
    /// has, whose bytes are not wanted again. `offer` takes a value if it does.
    func ask<Taken>(
        _ key: [UInt8], _ wish: SharedLoad.Wish, known: UInt64, bounds: Bounds,
        offer: (Found, SharedLoad.Novelty) -> Taken?
    ) -> Outcome<Taken> {
        let place = place(key)
        let start = environment.clock.boot()
        var load = SharedLoad(wish)
        var step: SharedLoad.Step? = .read
        defer { if load.hasWaited { count(\.sharedWaits) } }
        while let next = step {
            let event: SharedLoad.Event
            switch next {
            case .read: event = store.read(place, known: known).map { .reading($0) } ?? .away
            case .offer(let value, let novelty):
                if let found = found(value, place), let taken = offer(found, novelty) {
                    count(\.sharedHits)
                    return .taken(taken)
                }
                event = .refused
            case .begin(let record, let version):
                switch store.begin(place, load: record, value: version) {
                case .done(let version): event = .begun(version)
                case .changed: event = .changed
                case .away, .full: event = .away
                }
            case .wait(let until):
                if bounds.isStopped() { return .over(.stopped) }
                let now = environment.clock.boot()
                let left = bounds.patience.map { $0 - environment.clock.monotonic() } ?? until - now
                if left <= 0, now < until { return .over(.impatient("the load of another host", for: now - start)) }
                event = store.wait(for: place, until: min(until, now + left)) ? .hint : .deadline
            case .load(let begun):
                count(\.sharedLoads)
                return .load(Claim(key: place, begun: begun))
            case .fail(let failure, let left):
                return .failed(
                    CacheSourceFailure(code: failure.code, text: failure.text), until: environment.clock.boot() + left)
            case .alone: return .load(nil)
            }
            if event == .away { count(\.storeFailures) }
            step = load.handle(event, at: environment.clock.boot())
        }
        return .load(nil)
    }

    /// The value in a reading, if it is whole and what was asked for.
    private func found(_ value: SharedReading.Value, _ place: SharedKey) -> Found? {
        guard let produced = value.produced, let bytes = value.bytes,
            let textSize = CacheFileHeader.textSize(Array(bytes.prefix(CacheFileHeader.fixedSize)))
        else { return nil }
        let size = CacheFileHeader.fixedSize + textSize
        guard let header = CacheFileHeader(Array(bytes.prefix(size))), bytes.count == size + header.payloadSize,
            header.payloadSize <= valueLimit, header.codec == options.codec, header.key == place.key,
            CacheName.areSame(header.name, name), CacheName.areSame(header.routine, owner.routine)
        else { return nil }
        let payload = unsafe bytes.withUnsafeBytes {
            unsafe CacheBytes(copying: UnsafeRawBufferPointer(rebasing: $0[size...]))
        }
        guard unsafe Checksum.crc32c(payload.bytes) == header.payloadChecksum else { return nil }
        let held = CacheFlight.Held(began: produced - max(0, header.loadTime), produced: produced)
        return Found(header: header, payload: payload, held: held, version: value.version)
    }

    // MARK: - Writing

    /// Ends a load by its value. The store's version of it, if it is there.
    func succeed(_ claim: Claim, _ made: CacheMade, loadTime: Int64) -> UInt64? {
        guard let value = value(made, loadTime: loadTime) else {
            // What is too large for the store outdates what is there all the same.
            count(\.storeFailures)
            end(claim, outdates: true)
            return nil
        }
        return version(store.succeed(claim.key, begun: claim.begun, value))
    }

    /// Ends a load by a failure, after which the source is left alone for so many ns.
    func fail(_ claim: Claim, _ failure: CacheSourceFailure, leftAlone: Int64) {
        let shared = SharedFailure(code: failure.code, text: failure.text)
        _ = version(store.fail(claim.key, begun: claim.begun, shared, leftAlone: leftAlone))
    }

    /// Ends a load whose value nobody is to have; with `outdates` nobody is to have the one before it either.
    func end(_ claim: Claim, outdates: Bool) {
        _ = version(store.end(claim.key, begun: claim.begun, outdates: outdates))
    }

    /// Gives the store a value that the plugin has put into a cache with those contents.
    ///
    /// What other threads put or drop in the meantime may be there before it. So the store gets whatever the cache holds, until
    /// that is what it has got, or nothing.
    func share(_ made: CacheMade, of contents: Monitor<CacheContents>) {
        var next = contents.withLock { $0.holds(made) } ? made : nil
        while let one = next {
            let version = put(one)
            let key = one.entry.key
            let held = contents.withLock { contents -> (made: CacheMade, shared: UInt64)? in
                if let version { contents.noteShared(one, version) }
                guard let entry = contents.entries[key], let value = entry.value else { return nil }
                return (
                    CacheMade(entry: entry, value: value, old: nil, loads: entry.loads, isKept: true), entry.shared
                )
            }
            guard let held else { return drop(key) }
            // The same, or one that the store has had since.
            if held.made.value === one.value || version.map({ held.shared >= $0 }) == true { return }
            next = held.made
        }
    }

    /// Replaces the value in the store. Its version of it, if it is there.
    private func put(_ made: CacheMade) -> UInt64? {
        let key = place(made.entry.key)
        var shared = value(made, loadTime: 0)
        if shared == nil {
            // The store says with its first answer how much it takes.
            _ = store.read(key, known: .max)
            shared = value(made, loadTime: 0)
        }
        guard let shared else {
            // What is too large for the store outdates what is there all the same.
            count(\.storeFailures)
            _ = version(store.drop(key))
            return nil
        }
        return version(store.put(key, shared))
    }

    /// Removes the value from the store.
    func drop(_ key: [UInt8]) { _ = version(store.drop(place(key))) }

    private func version(_ answer: SharedAnswer) -> UInt64? {
        switch answer {
        case .done(let version): return version
        case .changed: return nil
        case .away, .full:
            count(\.storeFailures)
            return nil
        }
    }

    /// A value as the store gets it; nil if it is too large for that.
    private func value(_ made: CacheMade, loadTime: Int64) -> SharedValue? {
        let value = made.value
        let stamp = environment.origin.stamp(
            bootTime: value.produced, wallTime: environment.clock.wall() - (environment.clock.boot() - value.produced))
        let header = unsafe CacheFileHeader(
            produced: stamp, loadTime: loadTime, generation: value.generation, loads: made.loads,
            expire: options.expire, codec: options.codec, plugin: owner.plugin, routine: owner.routine, name: name,
            key: made.entry.key, build: owner.build, payloadSize: value.bytes.count,
            payloadChecksum: value.checksum)
        let size = unsafe header.encodedSize + value.bytes.count
        guard size <= store.longestValue else { return nil }
        var buffer = ByteWriter(capacity: size)
        header.encode(to: &buffer)
        unsafe buffer.append(value.bytes)
        let expireMs = options.expire / 1_000_000
        let keep = min(max(expireMs.clampedTimes(2), Self.shortest), Self.longest)
        return unsafe SharedValue(produced: value.produced, keepMs: UInt64(keep), bytes: [UInt8](buffer.bytes))
    }
}
