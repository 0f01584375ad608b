import AllocationCounter
import CPluginAPI
import HostSystem
import HostWire
import Testing

@testable import HostWorker

@Suite("Allocations")
struct AllocationTests {
    @Test("the counter counts")
    func counter() {
        let before = allocation_count()
        let text = String(repeating: "x", count: Int.random(in: 100...200))
        #expect(allocation_count() > before && !text.isEmpty)
    }

    /// Waits in ms. Without optimisation the queue's arrays allocate for each access, so there it is back to back only.
    #if DEBUG
        static let waits: [UInt64] = [0]
    #else
        static let waits: [UInt64] = [0, 1]
    #endif

    @Test("a cycle allocates nothing: back to back, and through the run queue", arguments: waits)
    func cycle(_ waitMs: UInt64) throws {
        let counts = Monitor<(first: UInt64?, last: UInt64?)>((nil, nil))
        let cycles: UInt64 = waitMs == 0 ? 1_000_000 : 200
        let script = Script { scheduler in
            let cycle = unsafe scheduler.pointee.host.pointee.place(scheduler)?.pointee.cycle ?? 0
            if cycle == cycles / 2 { counts.withLock { $0.first = allocation_count() } }
            if cycle == cycles - 1 { counts.withLock { $0.last = allocation_count() } }
            return 0
        }
        let kit = unsafe try PluginKit([script])
        #expect(kit.context.runners[0].prepare(kit.order(waitMs: waitMs, maxCycles: cycles)))
        kit.context.driver?.begin(0)
        #expect(try kit.nextEnd()?.cycles == cycles)
        let (first, last) = counts.withLock { $0 }
        let before = try #require(first)
        let after = try #require(last)
        #expect(after == before, "\(after - before) in \(cycles / 2) cycles")
    }
}
