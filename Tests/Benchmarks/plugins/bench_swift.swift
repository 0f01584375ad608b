import PluginAPI

/// A value that is handed out as an object.
final class Thing: Sendable {
    let number = 1
}

let things = CacheMemory("things", expire: nil) { Thing() }

/// `count` hits of a memory cache through the Swift overlay in one cycle; the ns of one as `ns`.
let plugin = Plugin("bench", version: "1.0.0") {
    Routine("r0", wait: .seconds(1), maxCycles: 1) { scheduler in
        let count = scheduler.parameter("count", default: 10_000_000)
        var sum = try things().number
        let start = ContinuousClock.now
        for _ in 0..<count { sum &+= try things().number }
        let time = (ContinuousClock.now - start).components
        let ns = Double(time.seconds) * 1e9 + Double(time.attoseconds) / 1e9
        _ = scheduler.stat("sum", sum)
        _ = scheduler.stat("ns", ns / Double(count))
    }
}

/// The plugin's entry.
@c(schedhost_plugin_v1)
public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
