import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

/// Bits that threads wait for.
@Suite("WaitFlags")
struct WaitFlagsTests {
    private final class Shared: Sendable {
        let flags = WaitFlags()
        let order = Mutex<[String]>([])
        func note(_ text: String) { order.withLock { $0.append(text) } }
    }

    @Test("bits are set and cleared, unless the condition rejects those that are there")
    func change() {
        let flags = WaitFlags()
        var seen: [String] = []
        func note(_ isDone: Bool) { seen.append("\(isDone) \(flags.bits)") }
        note(flags.change(setting: 5))
        note(flags.change(setting: 2, clearing: 4))
        note(flags.change(setting: 8) { $0 & 1 == 0 })
        flags.set(to: 0)
        note(flags.change(setting: 8) { $0 & 1 == 0 })
        #expect(seen == ["true 5", "true 3", "false 3", "true 8"])
    }

    @Test("flags in memory of the caller's are at zero, whatever was there, and leave the memory to him")
    func place() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WaitFlags.size, alignment: WaitFlags.size)
        defer { unsafe memory.deallocate() }
        unsafe memory.storeBytes(of: 0x5A5A_5A5A, as: UInt32.self)
        for _ in 0..<2 {
            let flags = unsafe WaitFlags(at: memory)
            #expect(flags.bits == 0)
            flags.change(setting: 5)
            #expect(flags.bits == 5 && flags.wait(until: 0) { $0 == 5 })
        }
    }

    @Test("a wait whose time is over looks once, and one that need not wait does not")
    func noWait() {
        let flags = WaitFlags()
        flags.set(to: 1)
        let answers = [
            flags.wait(until: .never) { $0 == 1 }, flags.wait(until: 0) { $0 == 1 },
            flags.wait(until: 0) { $0 == 2 }, flags.wait(until: .longAgo) { $0 == 2 },
        ]
        #expect(answers == [true, true, false, false])
    }

    @Test("those that wait see a change after a wake-up, all of them, and others' changes do not end a wait")
    func wake() throws {
        let shared = Shared()
        let left = Monitor(3)
        for _ in 0..<3 {
            try Thread.start(name: "waits") {
                if shared.flags.wait(until: .never, for: { $0 & 2 != 0 }) { shared.note("woken") }
                left.withLock { $0 -= 1 }
                left.broadcast()
            }
        }
        for _ in 0..<100 {
            shared.flags.change(setting: 1)
            shared.flags.wakeAll()
            shared.flags.change(clearing: 1)
        }
        shared.note("set")
        shared.flags.change(setting: 2)
        shared.flags.wakeAll()
        left.wait { $0 == 0 ? () : nil }
        #expect(shared.order.withLock { $0 } == ["set", "woken", "woken", "woken"])
    }

    @Test("a wait ends at its time, and not before")
    func deadline() {
        let flags = WaitFlags()
        let deadline = SystemClock().monotonic() + 5_000_000
        let isSet = flags.wait(until: deadline) { $0 == 1 }
        #expect(!isSet && SystemClock().monotonic() >= deadline)
    }
}
