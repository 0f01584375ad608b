/// One call at one load, which it runs itself or waits for.
struct CacheTicket {
    let load: CacheLoad
    var call: CacheFlight.Call
    /// Whether nobody waits for its answer: it reloads a value before that expires.
    let isAhead: Bool

    var entry: CacheEntry { load.entry }

    init(_ load: CacheLoad, _ call: CacheFlight.Call) {
        self.load = load
        self.call = call
        isAhead = false
    }

    /// A reload ahead of expiry, which asks as the cache itself would.
    init(ahead load: CacheLoad) {
        self.load = load
        call = CacheFlight.Call(request: CacheLookup(), at: load.flight.began, version: 0)
        isAhead = true
    }
}

/// What a caller gets.
struct CacheServed {
    let result: Result<ServedValue, CacheFailure>
    /// The reload that the value's age has begun, to be performed in the background.
    var ahead: CacheLoad?
}

/// What a caller does next.
enum CacheStep {
    case take(CacheServed)
    /// Wait until the load is over; then share what came of it, if the call joins it, or ask again.
    case wait(CacheTicket, joins: Bool)
    /// Perform the load.
    case load(CacheTicket)
}

/// A value that has just come.
struct CacheMade {
    let entry: CacheEntry
    let value: CacheValue
    /// The one that it replaces.
    let old: CacheValue?
    /// How often the source has made it.
    let loads: UInt64
    /// Whether the entry holds it now.
    let isKept: Bool
}
