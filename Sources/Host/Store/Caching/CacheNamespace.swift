public import HostSystem
public import HostValues
internal import Synchronization

/// The external dependencies of the caches in a namespace.
public struct CacheEnvironment: Sendable {
    /// The clock.
    public var clock: any HostClock
    /// The machine and boot that the clock belongs to.
    public var origin: CacheOrigin
    /// Returns a number from 0 to 1 that varies the back-off, so that failed sources are not retried all at once.
    public var jitter: @Sendable () -> Double
    /// Runs a background refresh on another thread; returns false if it cannot, and the refresh is then skipped.
    public var background: @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool
    /// Whether background refreshes are to end soon, since somebody waits for that. Called on any thread.
    public var endsRefreshes: @Sendable () -> Bool
    /// Whether the host has asked the routine to stop whose caches these are. Called on any thread.
    public var isStopAsked: @Sendable () -> Bool
    /// Receives loads, failures and damaged files. Called on the thread where they occur, without any lock held.
    public var report: @Sendable (CacheEvent) -> Void
    /// The store by which caches share values with other hosts, and which of them do; nil: none.
    public var shared: (store: any SharedStore, which: CacheSharing)?
    /// Called when calls that wait for a load are to look again; nil where they wait in real time.
    public var woken: (@Sendable () -> Void)?

    /// Makes an environment; by default for this machine's boot, without background threads and without a listener.
    public init(
        clock: any HostClock, origin: CacheOrigin = CacheOrigin(),
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        background: @escaping @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool = { _ in false },
        endsRefreshes: @escaping @Sendable () -> Bool = { false },
        isStopAsked: @escaping @Sendable () -> Bool = { false },
        report: @escaping @Sendable (CacheEvent) -> Void = { _ in },
        shared: (store: any SharedStore, which: CacheSharing)? = nil, woken: (@Sendable () -> Void)? = nil
    ) {
        self.woken = woken
        self.clock = clock
        self.origin = origin
        self.jitter = jitter
        self.background = background
        self.endsRefreshes = endsRefreshes
        self.isStopAsked = isStopAsked
        self.report = report
        self.shared = shared
    }
}

/// The folder of a namespace's disk caches.
public struct CachePlace: Sendable {
    /// The level that a folder has in the hierarchy of cache folders.
    public enum Scope: Sendable {
        /// The state directory of a host, with all caches in its `cache/v1`.
        case state
        /// The folder with the caches of all plugins, in subfolders by plugin and routine.
        case all
        /// The folder with the caches of one plugin, in subfolders by routine.
        case plugin
        /// The folder with the caches of one routine.
        case routine
    }

    /// The folder.
    public var folder: any CacheFolder
    /// The folder's level in the hierarchy.
    public var scope: Scope
    /// The settings for durability and limits.
    public var settings: CacheSettings
    /// The build id of the plugin, stored in the files for people who inspect them.
    public var build: String
    /// Opens the folder for a cache that names one of its own, which it makes if necessary; nil where none can be named.
    public var elsewhere: (@Sendable (CachePath) throws(SystemError) -> any CacheFolder)?

    /// Makes a place from its parts.
    public init(
        _ folder: any CacheFolder, of scope: Scope, settings: CacheSettings = CacheSettings(), build: String = "",
        elsewhere: (@Sendable (CachePath) throws(SystemError) -> any CacheFolder)? = nil
    ) {
        self.folder = folder
        self.scope = scope
        self.settings = settings
        self.build = build
        self.elsewhere = elsewhere
    }
}

/// The options of a cache. Times are in nanoseconds.
@safe public struct CacheOptions: Sendable {
    /// The age at which a value expires, at least 0; `Int64.max` means never.
    public var expire: Int64
    /// The age from which a hit also starts one background refresh; 0 means never. Requires `source`.
    public var refreshAfter: Int64
    /// The size in bytes above which a value is served but not kept; 0 means the budget's limit, which applies in any
    /// case.
    public var maxValueBytes: Int
    /// Whether values are objects instead of bytes; memory caches only.
    public var objects: Bool
    /// Whether a value means the same on all hosts of a cluster, which may share it; not for objects.
    public var isShared: Bool
    /// The encoding of the bytes; a value on disk with another codec counts as absent.
    public var codec: UInt32
    /// The folder that takes the place of the host's own one for caches; nil: that one.
    public var path: CachePath?
    /// The cache's own source, for calls without a source and for background refreshes.
    public var source: (@Sendable (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?)?

    /// Makes options from their parts.
    public init(
        expire: Int64, refreshAfter: Int64 = 0, maxValueBytes: Int = 0, objects: Bool = false,
        isShared: Bool = false, codec: UInt32 = 0, path: CachePath? = nil,
        source: (@Sendable (_ key: UnsafeRawBufferPointer, _ writer: CacheWriter) -> CacheSourceFailure?)? = nil
    ) {
        self.expire = expire
        self.refreshAfter = refreshAfter
        self.maxValueBytes = maxValueBytes
        self.objects = objects
        self.isShared = isShared
        self.codec = codec
        self.path = path
        unsafe self.source = unsafe source
    }
}

extension CacheOptions {
    /// What a value's state machine needs of them.
    var policy: CacheFlight.Policy {
        let refreshes = unsafe source != nil && refreshAfter > 0
        return CacheFlight.Policy(expire: expire, refreshAfter: refreshes ? refreshAfter : .max)
    }

    /// The size in bytes above which a value is not kept, whatever the budget; of objects what they say that they cost.
    var valueLimit: Int {
        let most = objects ? .max : CacheWriter.limit
        return maxValueBytes > 0 ? min(maxValueBytes, most) : most
    }
}

/// The caches of one routine, which no other routine can reach, or those that the routines of a plugin share. All methods
/// may be called on any thread.
public final class CacheNamespace: Sendable {
    /// The plugin's id.
    public let plugin: String
    /// The routine's name; empty for the caches that the routines of the plugin share.
    public let routine: String
    /// Whether the routines of the plugin share the caches.
    var isOfPlugin: Bool { routine.isEmpty }
    let environment: CacheEnvironment
    let budget: CacheBudget
    let build: String
    let store: CacheStore?
    private let place: CachePlace?
    /// The files of caches that have named a folder of their own, by that folder.
    private let elsewhere = Monitor<[CachePath: CacheStore]>([:])
    let deferredRelease: DeferredRelease

    private let caches: CacheList

    /// Makes a namespace; without a `place` it has no disk caches.
    ///
    /// `isInCallback` says whether a callback of the routine is in progress, in which `HostCache.hit` may be called; nil where
    /// nobody knows. It is called on any thread, and reads what the callback's thread notes before its first hit and after its
    /// last one.
    public init(
        plugin: String, routine: String, budget: CacheBudget, place: CachePlace?, environment: CacheEnvironment,
        isInCallback: (@Sendable () -> Bool)? = nil
    ) {
        self.plugin = plugin
        self.routine = routine
        self.budget = budget
        self.environment = environment
        self.place = place
        build = place?.build ?? ""
        deferredRelease = DeferredRelease(
            budget: budget, isInCallback: isInCallback, background: environment.background)
        caches = CacheList(deferredRelease)
        store = place.map {
            CacheStore(root: $0.folder, of: $0.scope, plugin: plugin, routine: routine, settings: $0.settings)
        }
        budget.join(caches)
    }

    /// Opens the cache of that name, in memory only or also on disk. The first call creates it; later calls ignore the
    /// options.
    public func open(_ name: String, _ options: CacheOptions, isOnDisk: Bool) -> Result<HostCache, CacheFailure> {
        if let error = check(name, options, isOnDisk: isOnDisk) { return .failure(error) }
        let key = CacheList.Name(bytes: Array(name.utf8), isOnDisk: isOnDisk)
        if let known = caches.known.withLock({ $0[key] }) { return .success(known) }
        var store = isOnDisk ? store : nil
        if let path = options.path {
            do throws(SystemError) {
                store = try self.store(at: path, name)
            } catch {
                refuse(path.text, of: name, error.description + Self.mend(error, path))
                return .failure(.invalid("its path cannot be used: \(error)"))
            }
        }
        if options.path == nil, let store { CacheNote.drop(of: name, in: store) }
        let cache = caches.known.withLock { caches in
            if let known = caches[key] { return known }
            let cache = HostCache(name: name, options: options, namespace: self, store: store)
            caches[key] = cache
            return cache
        }
        return .success(cache)
    }

    /// Says why a cache cannot have its files where it wants them.
    public func refuse(_ path: String, of name: String, _ reason: String) {
        environment.report(.placeRefused(cache: "disk cache " + name, path: path, error: reason))
    }

    private static func mend(_ error: SystemError, _ path: CachePath) -> String {
        if error.isDenied, path.isAbsolute { return "; allow it: sandbox: { write: [\"\(path.text)\"] }" }
        return error.isNoFolder ? "; give a folder that is no link" : ""
    }

    /// The files of the caches in the folder of that path; notes in the host's own folder where those of this cache are.
    private func store(at path: CachePath, _ name: String) throws(SystemError) -> CacheStore? {
        guard let place, let open = place.elsewhere else { return nil }
        let new = CacheStore(
            root: try open(path), of: .all, plugin: plugin, routine: routine, settings: place.settings,
            reopen: { () throws(SystemError) in try open(path) })
        // Whether it may write there is to be known now, and not at the first value.
        let unkeyed = CacheStore.Path(name: name, key: [])
        if let directory = try new.directory(unkeyed, create: true) {
            try directory.folder.lock(CacheStore.lockFile, at: 0, patience: 0)?.release()
        }
        if let store { try CacheNote.keep(path, of: name, in: store) }
        return elsewhere.withLock { known in
            let store = known[path] ?? new
            known[path] = store
            return store
        }
    }

    private func check(_ name: String, _ options: CacheOptions, isOnDisk: Bool) -> CacheFailure? {
        if name.utf8.count > 4096 { return .invalid("a cache's name has at most 4096 bytes") }
        if options.expire < 0 { return .invalid("expire is negative") }
        if options.refreshAfter < 0 { return .invalid("refresh_after is negative") }
        if options.maxValueBytes < 0 { return .invalid("max_value_bytes is out of range") }
        if options.isShared, options.objects { return .invalid("objects cannot be shared") }
        if isOnDisk, options.objects { return .invalid("a disk cache cannot hold objects") }
        if !isOnDisk, options.path != nil { return .invalid("a memory cache has no path") }
        if isOnDisk, options.path != nil, place?.elsewhere == nil { return .invalid("there is no place for a path") }
        if isOnDisk, store == nil { return .invalid("there is no state directory for disk caches") }
        return nil
    }

    /// The store by which a cache with these options shares its values; nil if they are this host's own.
    func sharing(_ options: CacheOptions) -> (any SharedStore)? {
        guard let shared = environment.shared, !options.objects else { return nil }
        return switch shared.which {
        case .off: nil
        case .declared: options.isShared ? shared.store : nil
        case .all: shared.store
        }
    }

    /// Releases the values that were kept for the callback that has just returned. Costs one atomic load if there are
    /// none. Call it on the callback's thread, and whenever the routine will not run for long.
    public func callbackEnded() {
        deferredRelease.releaseAll()
    }

    /// Keeps a value alive until the callback in progress returns. For results of `get` and `peek`; with `isOfPlugin` from
    /// a cache that routines share. Call it on the callback's thread.
    public func park(_ value: CacheValue, isOfPlugin: Bool = false) {
        if isOfPlugin { deferredRelease.add(shared: value) } else { deferredRelease.give(value) }
    }

    /// Makes all calls look again that wait for a load, since the host has asked a routine to stop.
    public func wake() {
        for cache in caches.all {
            cache.contents.withLock { _ in }  // so that none is between its look and its wait
            cache.wake()
        }
    }

    /// Drops values of disk caches from memory, because their files were removed. A nil `name` means all caches, a nil
    /// `key` all keys; an empty key is the unkeyed value. A load in progress completes for its callers, but its result
    /// is not kept.
    public func forget(name: String? = nil, key: [UInt8]? = nil) {
        let bytes = name.map { Array($0.utf8) }
        let all = caches.known.withLock { caches in
            caches.filter { $0.key.isOnDisk && (bytes == nil || $0.key.bytes == bytes) }.values
        }
        for cache in all { cache.forget(key) }
    }

    /// The sums of the counters over all caches of the namespace.
    public func counters() -> CacheCounters {
        caches.all.reduce(CacheCounters()) { $0 + $1.counters() }
    }
}

/// The caches of a namespace, by their names.
final class CacheList: Sendable {
    /// The key of a cache. Names are compared by bytes: texts that are equivalent in Unicode are different names.
    struct Name: Hashable {
        let bytes: [UInt8]
        let isOnDisk: Bool
    }

    let known = Monitor<[Name: HostCache]>([:])
    /// What keeps their replaced values.
    let deferredRelease: DeferredRelease

    init(_ deferredRelease: DeferredRelease) { self.deferredRelease = deferredRelease }

    var all: [HostCache] { known.withLock { Array($0.values) } }
}
