internal import HostSystem
public import HostValues
internal import Synchronization

/// The routine on whose behalf a call is made, for caches that the routines of a plugin share.
public protocol CacheCaller: AnyObject, Sendable {
    /// The routine's name, by which other routines learn whom they wait for; empty for `load` and `unload`.
    var callerName: String { get }
    /// Whether the host has asked the routine to stop. Called on any thread.
    var isStopAsked: Bool { get }
    /// Whether background refreshes are to end, since the routine's session does. Called on any thread.
    var endsRefreshes: Bool { get }
    /// Until when the calling thread may wait for the load of another routine or host; nil if nothing bounds that.
    var patience: MonotonicTime? { get }
    /// Lets the calling thread wait in virtual time, until that time or until a waiting call is woken. False where time
    /// is not virtual; then it has not waited.
    func waitVirtually(until deadline: MonotonicTime) -> Bool
    /// Runs a background refresh; returns false if it cannot, and the refresh is then skipped.
    func refresh(_ work: @escaping @Sendable () -> Void) -> Bool
    /// Notes that a view holds a value, until its `release` is called when the callback in progress has returned.
    /// Called on the callback's thread.
    func holds(_ view: CacheView)
    /// Keeps a value alive until the callback in progress has returned. Called on the callback's thread.
    func keep(_ value: CacheValue)
}

/// One routine's use of a cache that the routines of a plugin share: what it holds of it, and what its calls have counted.
///
/// The cache's own hit takes no reference, since one thread at a time asks, and replaced values wait for that thread.
/// Here several routines ask, each as long as it likes. So a view takes a reference to the value, once in a callback;
/// each further hit of that callback finds by one comparison that the value is still the cache's, and costs no more than a
/// hit of a routine's own cache. A value goes when the last routine that holds it is done with its callback.
@safe public final class CacheView: @unchecked Sendable {
    // @unchecked: `held` is accessed on the routine's callback thread only.

    /// The routine.
    let caller: any CacheCaller
    /// Runs the cache's own source on behalf of the routine.
    let source: CacheSource?
    private var held: CacheValue?
    /// The number of hits by `hit`. One thread at a time writes it.
    private let quickHits = Atomic<UInt64>(0)
    private let counted = Monitor(CacheCounters())

    /// Makes the view that a routine has of `cache`. `source` runs the cache's own source on behalf of the routine.
    public init(of cache: HostCache, _ caller: any CacheCaller, source: CacheSource?) {
        self.caller = caller
        unsafe self.source = unsafe source
        cache.views?.withLock { $0.append(self) }
    }

    /// The unkeyed value of `cache`, as by `HostCache.hit`. Call it only on the thread of the routine's callback in progress;
    /// the value is valid until `release`. It takes a lock only for the first hit of a callback and for the first one of
    /// another value, and allocates nothing.
    public func hit(in cache: HostCache, within oldest: Int64 = .max) -> CacheHit? {
        if let held, cache.hits.publishes(held) { return count(cache.hits.serve(held, within: oldest)) }
        guard let value = cache.current else { return nil }
        if let held { caller.keep(held) } else { caller.holds(self) }
        held = value
        // Another value may have come meanwhile; then the whole path finds it.
        return cache.hits.publishes(value) ? count(cache.hits.serve(value, within: oldest)) : nil
    }

    private func count(_ hit: CacheHit?) -> CacheHit? {
        if hit != nil { quickHits.store(quickHits.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
        return hit
    }

    /// Lets go of the value after the callback has returned.
    public func release() { held = nil }

    /// The counts of the routine's calls: hits, loads, failed loads, their time, and stale values.
    public func counters() -> CacheCounters {
        var counters = counted.withLock { $0 }
        counters.hits &+= hits
        return counters
    }

    /// The hits by `hit`, which the cache itself does not count.
    var hits: UInt64 { quickHits.load(ordering: .relaxed) }

    /// Counts a call that took the whole path.
    func count(_ result: Result<ServedValue, CacheFailure>) {
        guard case .success(let answer) = result else { return }
        switch answer.state {
        case .hit: counted.withLock { $0.hits &+= 1 }
        case .stale: counted.withLock { $0.staleServed &+= 1 }
        case .loaded: break
        }
    }

    /// Counts a load that the routine's call has performed.
    func countLoad(_ time: Int64, hasFailed: Bool) {
        counted.withLock { counted in
            if hasFailed { counted.loadFailures &+= 1 } else { counted.loads &+= 1 }
            counted.loadTime &+= UInt64(max(0, time))
        }
    }

    /// Waits for a load that another thread performs; without a view as long as it takes.
    ///
    /// The routine of a view can be stopped while it waits, and does not wait until it is taken for one that hangs: whoever
    /// loads and hangs has a timeout of its own.
    static func wait(
        for load: CacheLoad, by view: CacheView?, in contents: Monitor<CacheContents>, clock: any HostClock
    ) -> Result<CacheLoad.Outcome, CacheFailure> {
        guard let caller = view?.caller else { return .success(contents.wait { _ in load.outcome }) }
        let never = MonotonicTime(nanoseconds: 1 << 60)
        let limit = caller.patience ?? never
        func look() -> Result<CacheLoad.Outcome, CacheFailure>? {
            if let outcome = load.outcome { return .success(outcome) }
            return caller.isStopAsked ? .failure(.stopped) : nil
        }
        while true {
            if let end = contents.withLock({ _ in look() }) { return end }
            if limit != never, clock.monotonic() >= limit { break }
            if caller.waitVirtually(until: limit) { continue }
            if let end = contents.wait(until: limit, { _ in look() }) { return end }
            break
        }
        let loader = contents.withLock { _ in load.loader } ?? ""
        let whose = loader.isEmpty ? "another load" : "the load of routine \(loader)"
        return .failure(.impatient(whose, for: clock.boot() - load.flight.began))
    }
}

extension CacheFailure {
    /// A load that somebody else performs takes longer than a call may wait; it has taken so many ns.
    static func impatient(_ whose: String, for nanoseconds: Int64) -> CacheFailure {
        let time = DurationText.format(milliseconds: nanoseconds / 1_000_000)
        return .sourceFailed(
            CacheSourceFailure(code: 1, text: "\(whose) goes on for \(time), longer than this one may wait for it"))
    }
}

extension CacheCounters {
    /// What no call of a routine has caused: evictions, files set aside, failed saves, bytes, and the requests to the store of
    /// a cluster.
    public var apartFromCalls: CacheCounters {
        var rest = self
        (rest.hits, rest.loads, rest.loadFailures, rest.staleServed, rest.loadTime) = (0, 0, 0, 0, 0)
        return rest
    }
}
