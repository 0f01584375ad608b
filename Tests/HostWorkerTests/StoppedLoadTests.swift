import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import PluginAPI
import Synchronization
import Testing

@testable import HostWorker

/// A load that an ordinary restart cuts short, and the session after it, which a remembered failure would leave without a value.
@Suite("A load whose routine is stopped")
struct StoppedLoadTests {
    private struct Cut: Error {}

    @Test(
        "of a routine's own cache it is no failure of the source: the next session loads at once",
        arguments: [false, true])
    func ownCache(isCut: Bool) throws {
        let clock = TestClock()
        let stop = Mutex<(@Sendable () -> Void)?>(nil)
        let got = Mutex<[Int]>([])
        let plugin = Plugin("stopped", version: "1") {
            Routine("r", wait: .zero, maxCycles: 2) { (scheduler: PluginAPI.Scheduler) throws -> Void in
                let value = try scheduler.cacheMemory("c", expire: .seconds(60)) { () throws -> Int in
                    guard let stop = stop.withLock({ $0 }) else { return 5 }
                    stop()
                    throw Cut()
                }
                got.withLock { $0.append(value) }
            }
        }
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 1, clock: clock)
        let runner = kit.context.runners[0]
        stop.withLock { $0 = { if isCut { runner.ask(.stop) } } }
        let first = try kit.session(kit.order(maxCycles: 2), on: clock)
        #expect(first.stats["cache.c.load_failures"] == (isCut ? nil : .int(1)))
        stop.withLock { $0 = nil }
        let second = try kit.session(kit.order(maxCycles: 2), on: clock)
        #expect(second.failures == (isCut ? 0 : 1) && got.withLock { $0 } == (isCut ? [5, 5] : []))
    }
}
