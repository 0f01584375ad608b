/// A call together with the load that it performs or waits for.
struct CacheTicket {
    let load: CacheLoad
    var call: CacheFlight.Call
    /// Whether this is a background refresh, for whose result no caller waits.
    let isAhead: Bool
    /// Whether the calling thread is that of the routine's callback in progress.
    var isByCallback = false
    /// The routine on whose behalf the load is performed, for a cache that routines share.
    var view: CacheView?
    /// The routine that waits while another host loads, for a cache that hosts share.
    var caller: (any CacheCaller)?

    var entry: CacheEntry { load.entry }

    init(_ load: CacheLoad, _ call: CacheFlight.Call) {
        self.load = load
        self.call = call
        isAhead = false
    }

    /// Makes the ticket of a background refresh, whose request has the default options.
    init(ahead load: CacheLoad) {
        self.load = load
        call = CacheFlight.Call(request: CacheLookup(), at: load.flight.began, version: 0)
        isAhead = true
    }

    /// Runs the source that the call has given, or else the routine's or the cache's own one, which writes to the load. Each is
    /// called where it is found: to make one value of them first would allocate for each.
    func run(_ given: CacheSource?, _ own: CacheSource?, _ key: UnsafeRawBufferPointer) -> CacheSourceFailure? {
        if let given = unsafe given { return unsafe given(key, load) }
        if let source = unsafe view?.source { return unsafe source(key, load) }
        return unsafe own?(key, load)
    }

    /// What bounds the waiting for another host: the routine's stop and the time of its callback, or, for a background refresh,
    /// that the session ends, which waits for it.
    func bounds(_ environment: CacheEnvironment) -> CacheShelf.Bounds {
        let caller = caller ?? view?.caller
        if isAhead { return CacheShelf.Bounds { caller?.endsRefreshes ?? environment.endsRefreshes() } }
        return CacheShelf.Bounds(patience: caller?.patience) { caller?.isStopAsked ?? false }
    }

    /// Whether the routine that performs the load was asked to stop, or, for a background refresh, whether its session ends,
    /// which waits for it. Then a failure of the source says nothing about the source: its sleep was cut short, or its task was
    /// cancelled.
    func isToEnd(_ environment: CacheEnvironment) -> Bool {
        let caller = caller ?? view?.caller
        if isAhead, caller?.endsRefreshes ?? environment.endsRefreshes() { return true }
        return caller?.isStopAsked ?? environment.isStopAsked()
    }
}

/// The answer to a caller.
struct CacheServed {
    let result: Result<ServedValue, CacheFailure>
    /// The background refresh that the value's age has started; the caller must perform it.
    var ahead: CacheLoad?
}

/// The caller's next step.
enum CacheStep {
    case take(CacheServed)
    /// Wait until the load has ended; then share its result if `joins` is set, else ask again.
    case wait(CacheTicket, joins: Bool)
    /// Perform the load.
    case load(CacheTicket)
}

/// A value that was just loaded or put.
struct CacheMade {
    let entry: CacheEntry
    let value: CacheValue
    /// The value that it replaces, for release.
    let old: CacheValue?
    /// How often the source has made the value.
    let loads: UInt64
    /// Whether the entry holds the new value now.
    let isKept: Bool
    /// Whether it would, if it were not too large; so what was there before is outdated, and nothing comes in its place.
    var isTooLarge = false
}

/// How the steps of a load end that come before its source.
extension HostCache {
    /// The outcome of reading the disk.
    enum Prepared {
        /// The disk has a value that satisfies the call, and the load has ended.
        case found(CacheServed)
        /// Run the source, and release the lock after the result was saved.
        case load((any CacheFileLock)?)
    }

    /// The outcome of asking the store.
    enum Shared {
        /// The store has a value that satisfies the call, and the load has ended.
        case found(CacheServed)
        /// The source failed on another host, and the load has ended.
        case failed(Result<ServedValue, CacheFailure>)
        /// Run the source; with a claim, for all hosts.
        case load(CacheShelf.Claim?)
    }
}
