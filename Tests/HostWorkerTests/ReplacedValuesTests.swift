import CPluginAPI
import HostPolicy
import HostStore
import HostSystem
import HostValues
import Synchronization
import Testing

@testable import HostWorker

/// Values that a thread of the plugin replaces, while the routine is in a callback and while it waits.
@Suite("Values that another thread replaces")
struct ReplacedValuesTests {
    private static let size = 1 << 20

    /// Opens the routine's cache; nil if that fails.
    private static func open(_ scheduler: HostWorkerTests.Scheduler) -> OpaquePointer? {
        var options = unsafe schedhost_cache_options()
        unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
        unsafe options.expire_ms = .max
        var cache: OpaquePointer?
        let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
        return unsafe host.pointee.cache_memory(scheduler, "c", &options, &cache) == 0 ? cache : nil
    }

    /// Puts values of 1 MiB, as a thread of the plugin does.
    private static func put(_ scheduler: HostWorkerTests.Scheduler, _ count: Int) {
        let cache = unsafe open(scheduler)
        let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
        let bytes = [UInt8](repeating: 7, count: size)
        for _ in 0..<count {
            let code = unsafe bytes.withUnsafeBytes {
                unsafe host.pointee.cache_put(scheduler, cache, nil, 0, $0.baseAddress, $0.count)
            }
            expect(code == 0)
        }
    }

    @Test("while the routine waits they do not pile up; in its callback they stay, since it may have them")
    func replaced() throws {
        // Of the usual limit, 256 MiB, an eighth and then half of that before somebody looks.
        let most = (32 + 16 + 1) * (Self.size + 4096)
        let script = Script { scheduler in
            unsafe Self.put(scheduler, 1)
            var value = unsafe schedhost_cache_value()
            unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
            let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
            let cache = unsafe Self.open(scheduler)
            guard unsafe host.pointee.cache_get(scheduler, cache, nil, &value) == 0 else { return 1 }
            let place = Int(bitPattern: scheduler)
            let isDone = Monitor(false)
            let thread: ()? = try? Thread.start(name: "puts") {
                unsafe Self.put(HostWorkerTests.Scheduler(bitPattern: place).unsafelyUnwrapped, 60)
                isDone.withLock { $0 = true }
                isDone.signal()
            }
            if thread == nil { return 2 }
            isDone.wait { $0 ? () : nil }
            let bytes = unsafe UnsafeRawBufferPointer(start: value.data, count: value.size)
            let parked = unsafe scheduler.runner.plugin.budget.parked
            return unsafe bytes.count == Self.size && bytes.allSatisfy { $0 == 7 } && parked > 59 * Self.size ? 0 : 3
        }
        let kit = unsafe try PluginKit([script])
        let runner = kit.context.runners[0]
        try #require(runner.prepare(kit.order(waitMs: 3_600_000)))
        guard case .due = runner.takeTurn() else {
            Issue.record("there is another cycle")
            return
        }
        #expect(unsafe runner.cell.pointee.schedule.failures == 0)
        #expect(kit.context.budget.parked == 0)
        var highest = 0
        for _ in 0..<20 {
            unsafe Self.put(runner.scheduler, 10)
            highest = max(highest, kit.context.budget.parked)
        }
        #expect(highest > 20 * Self.size && highest <= most)
    }
}
