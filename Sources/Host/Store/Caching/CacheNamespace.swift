public import HostSystem
public import HostValues
internal import Synchronization

/// What the caches of a namespace take from outside.
public struct CacheEnvironment: Sendable {
    /// The clock.
    public var clock: any HostClock
    /// Which machine and boot the clock is of.
    public var origin: CacheOrigin
    /// A number from 0 to 1, so that failed sources do not come back all at once.
    public var jitter: @Sendable () -> Double
    /// Runs a reload ahead of expiry on another thread; false when it cannot, and then the reload is left.
    public var background: @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool
    /// Told of loads, failures and damaged files, on the thread that saw them, under no lock.
    public var report: @Sendable (CacheEvent) -> Void

    /// An environment; by default of this machine's boot, with no background and nobody who listens.
    public init(
        clock: any HostClock, origin: CacheOrigin = CacheOrigin(),
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        background: @escaping @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool = { _ in false },
        report: @escaping @Sendable (CacheEvent) -> Void = { _ in }
    ) {
        self.clock = clock
        self.origin = origin
        self.jitter = jitter
        self.background = background
        self.report = report
    }
}

/// Where the disk caches of a namespace live.
public struct CachePlace: Sendable {
    /// Whose caches are in a folder.
    public enum Scope: Sendable {
        /// All that a host has, in `cache/v1` of its state directory.
        case state
        /// Those of all plugins, in folders by plugin and routine.
        case all
        /// Those of one plugin, in folders by routine.
        case plugin
        /// Those of one routine.
        case routine
    }

    /// The folder.
    public var folder: any CacheFolder
    /// Whose caches are in it.
    public var scope: Scope
    /// How they are kept.
    public var settings: CacheSettings
    /// The build id of the plugin, for who looks at the files.
    public var build: String

    /// A place.
    public init(
        _ folder: any CacheFolder, of scope: Scope, settings: CacheSettings = CacheSettings(), build: String = ""
    ) {
        self.folder = folder
        self.scope = scope
        self.settings = settings
        self.build = build
    }
}

/// How a cache behaves. Times are nanoseconds.
@safe public struct CacheOptions: Sendable {
    /// E, from 0; `Int64.max` never expires.
    public var expire: Int64
    /// Serve, and reload once in the background, from this age; 0: never. Needs `source`.
    public var refreshAfter: Int64
    /// A larger value is served and not kept; 0: the budget's bound, which also caps this one.
    public var maxValueBytes: Int
    /// Values are objects; memory caches only.
    public var objects: Bool
    /// The encoding of the bytes; a disk value of another codec is absent.
    public var codec: UInt32
    /// The cache's own source: for calls that bring none, and for reloads in the background.
    public var source: (@Sendable (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?)?

    /// Options.
    public init(
        expire: Int64, refreshAfter: Int64 = 0, maxValueBytes: Int = 0, objects: Bool = false, codec: UInt32 = 0,
        source: (@Sendable (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?)? = nil
    ) {
        self.expire = expire
        self.refreshAfter = refreshAfter
        self.maxValueBytes = maxValueBytes
        self.objects = objects
        self.codec = codec
        unsafe self.source = unsafe source
    }
}

/// The caches of one routine: nobody else can reach them. All methods may be called on any thread.
public final class CacheNamespace: Sendable {
    /// The plugin's id.
    public let plugin: String
    /// The routine's name.
    public let routine: String
    let environment: CacheEnvironment
    let budget: CacheBudget
    let build: String
    let store: CacheStore?
    let parking = CacheParking()

    /// A cache's name, by bytes: two texts that Unicode calls equal are two names.
    private struct Name: Hashable {
        let bytes: [UInt8]
        let isOnDisk: Bool
    }

    private let caches = Monitor<[Name: HostCache]>([:])

    /// A namespace; without a `place` it has no disk caches.
    public init(
        plugin: String, routine: String, budget: CacheBudget, place: CachePlace?, environment: CacheEnvironment
    ) {
        self.plugin = plugin
        self.routine = routine
        self.budget = budget
        self.environment = environment
        build = place?.build ?? ""
        store = place.map {
            CacheStore(root: $0.folder, of: $0.scope, plugin: plugin, routine: routine, settings: $0.settings)
        }
    }

    /// The cache of that name, in memory or also on disk, made by the first call; later calls ignore the options.
    public func open(_ name: String, _ options: CacheOptions, isOnDisk: Bool) -> Result<HostCache, CacheFailure> {
        if let error = check(name, options, isOnDisk: isOnDisk) { return .failure(error) }
        let key = Name(bytes: Array(name.utf8), isOnDisk: isOnDisk)
        let (cache, isNew) = caches.withLock { caches in
            if let known = caches[key] { return (known, false) }
            let cache = HostCache(name: name, options: options, namespace: self, store: isOnDisk ? store : nil)
            caches[key] = cache
            return (cache, true)
        }
        if isNew { budget.join(cache) }
        return .success(cache)
    }

    private func check(_ name: String, _ options: CacheOptions, isOnDisk: Bool) -> CacheFailure? {
        if name.utf8.count > 4096 { return .invalid("a cache's name has at most 4096 bytes") }
        if options.expire < 0 { return .invalid("expire is negative") }
        if options.refreshAfter < 0 { return .invalid("refresh_after is negative") }
        if options.maxValueBytes < 0 { return .invalid("max_value_bytes is out of range") }
        if isOnDisk, options.objects { return .invalid("a disk cache cannot hold objects") }
        if isOnDisk, store == nil { return .invalid("there is no state directory for disk caches") }
        return nil
    }

    /// The routine's callback in progress has returned: what it looked at may go. Costs one load when there is
    /// nothing. Call it on the callback's thread, and whenever the routine will not run for long.
    public func callbackEnded() {
        parking.empty()
    }

    /// Keeps a value until the callback in progress returns. For answers of `get` and `peek`.
    public func park(_ value: CacheValue) {
        parking.park(value)
    }

    /// Lets go of what disk caches hold in memory, since the files were removed: of one cache or all, of one key (empty:
    /// the unkeyed value) or all. A load in progress goes on for its callers, and is not kept.
    public func forget(name: String? = nil, key: [UInt8]? = nil) {
        let bytes = name.map { Array($0.utf8) }
        let all = caches.withLock { caches in
            caches.filter { $0.key.isOnDisk && (bytes == nil || $0.key.bytes == bytes) }.values
        }
        for cache in all { cache.forget(key) }
    }

    /// The sum over all caches of the namespace.
    public func counters() -> CacheCounters {
        let all = caches.withLock { Array($0.values) }
        return all.reduce(CacheCounters()) { $0 + $1.counters() }
    }
}
