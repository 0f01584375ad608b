internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import Synchronization

/// The object behind a `schedhost_cache *`. It lives as long as the worker.
///
/// A routine's own cache has one, which the routine's scheduler is passed with. A cache that the plugin's routines share has
/// one for the plugin, which any scheduler of the plugin may be passed with, and one for each routine that uses it, which
/// no plugin sees: it has what belongs to the routine, such as the text of its last error.
@safe final class CacheHandle: @unchecked Sendable {
    // @unchecked: `errorText` is accessed on the routine's callback thread only.
    let cache: HostCache
    /// The caches that this handle belongs to, which own it.
    unowned let caches: RoutineCaches
    /// Theirs. It is here too, since to follow a reference that owns nothing counts references twice.
    let namespace: CacheNamespace
    let cell: UnsafeMutablePointer<RoutineCell>
    /// The routine's scheduler.
    let scheduler: UnsafePointer<schedhost_scheduler>
    /// The scheduler that the plugin passes together with the handle; nil: any of its routines'.
    let owner: UnsafePointer<schedhost_scheduler>?
    let source: SourceSlot
    /// The routine's view of a cache that it shares; nil for its own.
    private(set) var view: CacheView?
    /// Whether the cache's counts that are no routine's are told by this one, which came first.
    private let isFirst: Bool
    private let hasUse = Atomic<Bool>(false)
    private(set) var errorText: CText?

    init(
        cache: HostCache, caches: RoutineCaches, cell: UnsafeMutablePointer<RoutineCell>, source: SourceSlot,
        isOwn: Bool
    ) {
        self.cache = cache
        self.caches = caches
        namespace = caches.namespace
        unsafe self.cell = unsafe cell
        unsafe scheduler = unsafe UnsafeRawPointer(cell).assumingMemoryBound(to: schedhost_scheduler.self)
        unsafe owner = unsafe isOwn ? scheduler : nil
        self.source = source
        isFirst = false
    }

    /// Makes the handle by which a routine uses a cache that the plugin's routines share.
    init(use shared: CacheHandle, by caches: RoutineCaches, cell: UnsafeMutablePointer<RoutineCell>) {
        cache = shared.cache
        self.caches = caches
        namespace = caches.namespace
        unsafe self.cell = unsafe cell
        let scheduler = unsafe UnsafeRawPointer(cell).assumingMemoryBound(to: schedhost_scheduler.self)
        unsafe self.scheduler = unsafe scheduler
        unsafe owner = unsafe scheduler
        source = shared.source
        let isRoutines = unsafe cell.pointee.hasSession
        isFirst = isRoutines && !shared.hasUse.exchange(true, ordering: .relaxed)
        view = unsafe CacheView(of: cache, caches) { [source] key, writer in
            unsafe source.run(key, writer, for: scheduler)
        }
    }

    /// The pointer that the plugin receives.
    var opaque: OpaquePointer { unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Whether the calling thread is in a callback of the routine.
    @inline(__always)
    var isCallback: Bool { unsafe cell.pointee.callback.isOnThisThread }

    /// What the routine has counted of a shared cache. So that the routines' counts are the cache's together, the first of
    /// them has also what no routine's call has caused.
    var counters: CacheCounters {
        guard let view else { return cache.counters() }
        return isFirst ? view.counters() + cache.counters().apartFromCalls : view.counters()
    }

    /// The routine as one that may have to wait for another host; nil where no call does.
    var waiter: (any CacheCaller)? { cache.asksOtherHosts ? caches : nil }

    /// The handle by which the routine of a scheduler uses this cache of the plugin; nil if it is another plugin's, or a
    /// routine's own cache.
    func use(by scheduler: UnsafePointer<schedhost_scheduler>) -> CacheHandle? {
        guard unsafe owner == nil else { return nil }
        let runner = unsafe scheduler.runner
        guard runner.plugin === caches.owner else { return nil }
        let isCallback = unsafe scheduler.cell.pointee.callback.isOnThisThread
        guard isCallback else { return unsafe runner.useCaches().use(of: self, cell: scheduler.cell) }
        // The handle that the routine has used last is found without a lock.
        if let last = unsafe scheduler.cell.pointee.lastUse {
            let known = unsafe last.takeUnretainedValue()
            if known.cache === cache { return known }
        }
        let use = unsafe runner.useCaches().use(of: self, cell: scheduler.cell)
        unsafe scheduler.cell.pointee.lastUse = unsafe .passUnretained(use)
        return use
    }

    /// Sets the text that `cache_error` returns to the calling thread.
    func setError(_ text: String) {
        guard isCallback else { return ThreadError.set(text, of: self) }
        caches.noteError(of: self, replacing: errorText)
        errorText = CText(text)
    }

    /// The callback whose calls failed has returned.
    func forgetError() { errorText = nil }
}
