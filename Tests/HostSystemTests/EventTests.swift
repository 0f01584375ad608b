import HostSystem
import HostTestKit
import HostValues
import Testing

@Suite("Timers, bells, loops and monitors")
struct EventTests {
    private func ready(_ descriptor: borrowing Descriptor, within milliseconds: Int32) throws -> Bool {
        let poller = try Poller()
        try poller.add(descriptor, for: .readable, token: 9)
        var tokens: [UInt64] = []
        _ = try poller.wait(milliseconds: milliseconds) { token, _ in tokens.append(token) }
        return tokens == [9]
    }

    @Test("a timer: past deadlines expire at once, also 0 and less; max disarms; an expiry can be taken off")
    func timer() throws {
        let clock = SystemClock()
        let timer = try BootTimer()
        for past in [BootTime.longAgo, -1, 0, 1, clock.boot()] {
            timer.arm(at: past)
            #expect(try ready(timer.descriptor, within: 20_000))
            timer.acknowledge()
            #expect(try !ready(timer.descriptor, within: 0))
        }
        timer.arm(at: clock.boot())
        timer.arm(at: .never)
        #expect(try !ready(timer.descriptor, within: 0))
        let deadline = clock.boot() + 2_000_000
        timer.arm(at: deadline)
        #expect(try ready(timer.descriptor, within: 20_000))
        #expect(clock.boot() >= deadline, "never early")
    }

    @Test("a doorbell rings until it is hushed, however often it was rung")
    func doorbell() throws {
        let bell = try Doorbell()
        #expect(try !ready(bell.descriptor, within: 0))
        for _ in 0..<1000 { bell.ring() }
        #expect(try ready(bell.descriptor, within: 20_000))
        bell.hush()
        #expect(try !ready(bell.descriptor, within: 0))
        bell.hush()  // does not wait
    }

    @Test("a loop: handlers, deadlines, and an unwatch by a handler of the same round")
    func loop() throws {
        let loop = try EventLoop(clock: SystemClock())
        let first = try Doorbell()
        let second = try Doorbell()
        var calls = 0
        var tokens: [EventLoop.Token] = []
        tokens.append(
            try loop.watch(first.descriptor) { _ in
                calls += 1; loop.unwatch(second.descriptor, tokens[1])
            })
        tokens.append(
            try loop.watch(second.descriptor) { _ in
                calls += 1; loop.unwatch(first.descriptor, tokens[0])
            })
        first.ring()
        second.ring()
        var rounds = 0
        let deadline = SystemClock().monotonic() + 3_000_000
        try loop.run { now in
            rounds += 1
            if calls > 0 {
                first.hush()
                second.hush()
            }
            if now >= deadline { loop.stop() }
            return deadline
        }
        #expect(calls == 1, "the one that came first has unwatched the other")
        #expect(rounds < 10, "it sleeps between")
    }

    @Test("the edge form tells once, and one of several waiting threads")
    func edge() throws {
        let poller = try Poller()
        let bell = try Doorbell()
        try poller.add(bell.descriptor, for: [.readable, .edge], token: 1)
        bell.ring()
        #expect(try poller.waitForOne(milliseconds: 20_000))
        #expect(try !poller.waitForOne(milliseconds: 0))
        bell.ring()
        #expect(try poller.waitForOne(milliseconds: 20_000))
    }

    @Test("a monitor: 8 threads count to 80 000, and a deadline gives up", arguments: [Int64.min, 0, 1_000_000])
    func monitor(_ delay: Int64) throws {
        let monitor = Monitor((count: 0, done: 0))
        for index in 0..<8 {
            try Thread.start(name: "counter \(index)") {
                for _ in 0..<10_000 { monitor.withLock { $0.count += 1 } }
                monitor.withLock { $0.done += 1 }
                monitor.broadcast()
            }
        }
        let deadline = delay == .min ? MonotonicTime.longAgo : SystemClock().monotonic() + delay
        let nothing: Int? = monitor.wait(until: deadline) { _ in nil }
        #expect(nothing == nil && SystemClock().monotonic() >= deadline)
        #expect(monitor.wait { $0.done == 8 ? $0.count : nil } == 80_000)
    }

    @Test("a thread's block is its own, of zeros at first, and stays")
    func block() throws {
        let seen = Monitor<[Bool]>([])
        for number in 0..<2 as Range<UInt8> {
            try Thread.start(name: "other") {
                let (first, last) = unsafe (Thread.block, Thread.block + (Thread.blockSize - 1))
                let isZero = (0..<Thread.blockSize).allSatisfy {
                    unsafe first.load(fromByteOffset: $0, as: UInt8.self) == 0
                }
                unsafe first.storeBytes(of: number + 1, as: UInt8.self)
                unsafe last.storeBytes(of: number + 3, as: UInt8.self)
                seen.withLock { $0.append(isZero) }
                seen.broadcast()
                _ = seen.wait { $0.count >= 2 ? true : nil }
                let stays =
                    unsafe first == Thread.block && first.load(as: UInt8.self) == number + 1
                    && last.load(as: UInt8.self) == number + 3 && UInt(bitPattern: first) % 16 == 0
                seen.withLock { $0.append(stays) }
                seen.broadcast()
            }
        }
        #expect(seen.wait { $0.count == 4 ? $0.allSatisfy { $0 } : nil })
    }
}
