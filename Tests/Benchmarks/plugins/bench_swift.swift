import PluginAPI

/// A value that is handed out as an object.
final class Thing: Sendable {
    let number = 1
}

let things = CacheMemory("things", expire: nil) { Thing() }
let keyed = CacheMemory("keyed", expire: nil) { (_: String) in Thing() }
let numbers = CacheMemory("numbers", expire: nil) { 1 }
let stored = Cache("stored", expire: nil) { [1, 2, 3] }

/// So many hits in the form that the mode names. Each form has a loop of its own: a closure for the form would cost a call.
func hit(_ mode: String, count: Int, _ scheduler: Scheduler) throws -> Int {
    var sum = 0
    switch mode {
    case "call": for _ in 0..<count { sum &+= try things().number }
    case "in": for _ in 0..<count { sum &+= try things(in: scheduler).number }
    case "key": for _ in 0..<count { sum &+= try keyed(key: "BTC").number }
    case "fresh": for _ in 0..<count { sum &+= try things(fresh: true, tolerance: .seconds(3600)).number }
    case "tolerance": for _ in 0..<count { sum &+= try things(tolerance: .seconds(60)).number }
    case "number": for _ in 0..<count { sum &+= try numbers() }
    case "stored": for _ in 0..<count { sum &+= try stored().count }
    case "answer": for _ in 0..<count { sum &+= try things.answer().value.number }
    case "peek": for _ in 0..<count { sum &+= try things.peek()?.value.number ?? 0 }
    case "closure":
        for _ in 0..<count { sum &+= try scheduler.cacheMemory("closure", expire: nil) { Thing() }.number }
    case "capture":
        for _ in 0..<count {
            sum &+= try scheduler.cacheMemory("capture", expire: nil) { scheduler.cycle == 0 ? Thing() : Thing() }
                .number
        }
    case "stored-closure":
        for _ in 0..<count { sum &+= try scheduler.cache("stored-closure", expire: nil) { [1, 2, 3] }.count }
    default: throw UnknownMode(mode: mode)
    }
    return sum
}

struct UnknownMode: Error { let mode: String }

/// `count` hits of a cache through the Swift overlay in one cycle, in the form that `mode` names; the ns of one as `ns`.
let plugin = Plugin("bench", version: "1.0.0") {
    Routine("r0", wait: .seconds(1), maxCycles: 1) { scheduler in
        let count = scheduler.parameter("count", default: 10_000_000)
        let mode = scheduler.parameter("mode", default: "call")
        // The first call loads.
        var sum = try hit(mode, count: 1, scheduler)
        if mode == "peek" { sum &+= try things().number }
        let start = ContinuousClock.now
        sum &+= try hit(mode, count: count, scheduler)
        let time = (ContinuousClock.now - start).components
        let ns = Double(time.seconds) * 1e9 + Double(time.attoseconds) / 1e9
        _ = scheduler.stat("sum", sum)
        _ = scheduler.stat("ns", ns / Double(count))
    }
}

/// The plugin's entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
