public import PluginAPI
internal import Synchronization

let source = Parameter(
    "source", default: "recorded",
    description: "where prices come from: http://…, file:///…, or the recorded snapshot that the plugin carries")
let symbol = Parameter(
    "symbol", default: "", description: "whose price goes into the session's record; empty: the snapshot's first")
let timeout = Parameter("timeout_s", default: 10, range: "1..300", description: "how long one fetch may take")

/// One snapshot a source, at most 30 s old.
let snapshots = CacheMemory("snapshot", expire: .seconds(30), cost: { $0.prices.count * 96 }) { (source: String) in
    try fetch(source, timeout: .seconds(Scheduler.current?[timeout] ?? 10))
}

/// What a session has seen of one price.
struct Totals {
    var fetched = 0
    var last = 0.0
    var least = Double.infinity
    var most = -Double.infinity

    mutating func add(_ price: Double, fetched new: Bool) {
        if new { fetched += 1 }
        last = price
        least = min(least, price)
        most = max(most, price)
    }
}

/// By session, so that nothing depends on whether a process runs one at a time.
let totals = Mutex<[String: Totals]>([:])

let plugin = Plugin(
    "market-poller", version: "1.0.0", description: "Polls a price snapshot through a memory cache",
    parameters: [source, symbol, timeout]
) {
    Routine("snapshot", wait: .seconds(5), description: "fetches at most every 30 s, reports each cycle") { scheduler in
        do {
            try report(scheduler)
        } catch is Stopped where scheduler.stopRequested {
            scheduler.log.debug("the fetch was given up: the host stops")
        }
    } start: { scheduler in
        totals.withLock { $0[scheduler.session] = Totals() }
    } stop: { scheduler in
        totals.withLock { $0[scheduler.session] = nil }
    } stats: { scheduler in
        let totals = totals.withLock { $0[scheduler.session] } ?? Totals()
        scheduler.stat("fetched", totals.fetched)
        guard totals.least <= totals.most else { return }
        scheduler.stat("last_price", totals.last)
        scheduler.stat("min_price", totals.least)
        scheduler.stat("max_price", totals.most)
    }
}

/// One cycle. When the source fails, prices up to 5 minutes past their expiry do.
func report(_ scheduler: Scheduler) throws {
    let answer = try snapshots.answer(key: scheduler[source], tolerance: .seconds(300))
    let snapshot = answer.value
    let wanted = scheduler[symbol]
    guard let price = snapshot.price(of: wanted) else {
        throw Failure(code: 2, "the snapshot has no price of \"\(wanted)\"")
    }
    totals.withLock { $0[scheduler.session, default: Totals()].add(price.price, fetched: answer.state == .loaded) }
    if answer.state == .stale {
        scheduler.log.warning("the source fails: prices are \(answer.age.components.seconds) s old")
    }
    scheduler.log.info("cycle=\(scheduler.cycle) snapshot=\(snapshot) age=\(answer.age.components.seconds)s")
}

/// The plugin's entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { unsafe plugin.descriptor }
