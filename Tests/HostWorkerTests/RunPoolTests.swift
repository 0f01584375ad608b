import HostPolicy
import HostSystem
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// Threads, timer and poller for real; every wait is for an event.
@Suite("RunPool", .serialized)
struct RunPoolTests {
    private func begin(_ kit: PluginKit, _ order: WorkerCommand.Start, pool: RunPool? = nil) throws {
        let runner = kit.context.runners[order.routine]
        try #require(runner.prepare(order))
        try #require(pool ?? kit.pool).begin(order.routine)
    }

    private func stop(_ kit: PluginKit, _ index: Int) {
        let runner = kit.context.runners[index]
        runner.ask(.stop)
        kit.context.driver?.poke(index)
    }

    @Test("many quick routines all have their cycles, and none overlaps itself")
    func manyQuick() throws {
        let overlaps = Counter()
        let scripts = (0..<200).map { _ in
            let inside = Counter()
            return Script { _ in
                if inside.add(1) != 1 { overlaps.add(1) }
                inside.add(-1)
                return 0
            }
        }
        let kit = unsafe try PluginKit(scripts)
        for index in 0..<200 { try begin(kit, kit.order(index, waitMs: UInt64(index % 4), maxCycles: 50)) }
        for _ in 0..<200 {
            let end = try #require(try kit.nextEnd())
            #expect(end.cycles == 50 && end.reason.end == .maxCycles)
        }
        #expect(overlaps.value == 0)
    }

    @Test("routines that block delay no other")
    func blocking() throws {
        let gate = Monitor(false)
        var scripts = (0..<12).map { _ in
            Script { _ in
                gate.wait { $0 ? () : nil }
                return 0
            }
        }
        scripts.append(Script { _ in 0 })
        let kit = unsafe try PluginKit(scripts)
        for index in 0..<13 { try begin(kit, kit.order(index, waitMs: 1, maxCycles: index == 12 ? 100 : 1)) }
        let first = try #require(try kit.nextEnd())
        #expect(first.slot == 12 && first.cycles == 100, "the others are still blocked")
        gate.withLock { $0 = true }
        gate.broadcast()
        for _ in 0..<12 { #expect(try kit.nextEnd()?.slot != 12) }
    }

    @Test("as many routines as there are may block at once; their threads leave again, but for two")
    func surplus() throws {
        let inside = Monitor(0)
        let scripts = (0..<20).map { _ in
            Script { _ in
                inside.withLock { $0 += 1 }
                inside.broadcast()
                inside.wait { $0 >= 20 ? () : nil }
                return 0
            }
        }
        let kit = unsafe try PluginKit(scripts)
        let pool = try RunPool(
            name: "kit", runners: kit.context.runners, isSerial: false, clock: SystemClock(), linger: 20)
        for index in 0..<20 { try begin(kit, kit.order(index, maxCycles: 1), pool: pool) }
        for _ in 0..<20 { _ = try #require(try kit.nextEnd()) }
        #expect(eventually { pool.threadCount <= 2 }, "\(pool.threadCount) threads stay")
        inside.withLock { $0 = 0 }
        for index in 0..<20 { try begin(kit, kit.order(index, maxCycles: 1), pool: pool) }
        for _ in 0..<20 { _ = try #require(try kit.nextEnd()) }
        #expect(pool.threadCount <= 20, "never more than routines")
    }

    @Test("a routine's thread has the shortest slice, and what it starts the usual one")
    func slice() throws {
        let usual = Thread.slice
        let slices = Monitor<[UInt64]>([])
        let script = Script { _ in
            slices.withLock { $0.append(Thread.slice) }
            try? Thread.start(name: "started") {
                slices.withLock { $0.append(Thread.slice) }
                slices.broadcast()
            }
            return 0
        }
        let kit = unsafe try PluginKit([script])
        try begin(kit, kit.order(maxCycles: 1))
        #expect(try kit.nextEnd()?.cycles == 1)
        let seen = slices.wait { $0.count == 2 ? $0 : nil }
        // Before Linux 6.12 there is none to be seen.
        #expect(seen == (usual == 0 ? [0, 0] : [100_000, usual]))
    }

    @Test("a serial plugin's routines never overlap, and take turns")
    func serial() throws {
        let inside = Counter()
        let overlaps = Counter()
        let scripts = (0..<8).map { _ in
            Script { _ in
                if inside.add(1) != 1 { overlaps.add(1) }
                inside.add(-1)
                return 0
            }
        }
        let kit = unsafe try PluginKit(scripts, isSerial: true)
        for index in 0..<8 { try begin(kit, kit.order(index, waitMs: 0, maxCycles: index == 0 ? 0 : 500)) }
        for _ in 1..<8 { #expect(try kit.nextEnd()?.cycles == 500) }
        #expect(kit.pool?.threadCount == 1)
        stop(kit, 0)
        #expect(try kit.nextEnd()?.reason.end == .stopped)
        #expect(overlaps.value == 0)
    }

    @Test("a burst of 10 000 that are due at once is for few threads")
    func burst() throws {
        let cycles = Counter()
        let scripts = (0..<10_000).map { _ in
            Script { _ in
                cycles.add(1)
                return 0
            }
        }
        let kit = unsafe try PluginKit(scripts)
        for index in 0..<10_000 { try begin(kit, kit.order(index, waitMs: 200)) }
        #expect(eventually { cycles.value >= 30_000 })
        let threads = try #require(kit.pool?.threadCount)
        #expect(threads <= 100, "\(threads) threads")
        for index in 0..<10_000 { stop(kit, index) }
        for _ in 0..<10_000 { #expect(try kit.nextEnd()?.reason.end == .stopped) }
    }

    @Test("a stop ends a sleep at once")
    func stopInSleep() throws {
        let kit = unsafe try PluginKit([Script(), Script()])
        try begin(kit, kit.order(0, waitMs: 3_600_000))
        try begin(kit, kit.order(1, waitMs: 1, maxCycles: 3))
        #expect(try kit.nextEnd()?.slot == 1)
        let clock = SystemClock()
        let asked = clock.boot()
        stop(kit, 0)
        let end = try #require(try kit.nextEnd())
        #expect(end.reason.end == .stopped && end.cycles == 1)
        #expect(clock.boot() - asked < 1_000_000_000)
    }

    @Test("sessions that start and stop at random all end", arguments: 0..<4 as Range<UInt64>)
    func stress(_ seed: UInt64) throws {
        var random = SystemRandomNumberGenerator()
        let kit = unsafe try PluginKit((0..<8).map { _ in Script() }, isSerial: seed % 2 == 1)
        var running: Set<Int> = []
        var begun = 0
        while begun < 300 || !running.isEmpty {
            let index = Int.random(in: 0..<8, using: &random)
            if running.contains(index) {
                stop(kit, Int.random(in: 0..<8, using: &random))
                stop(kit, index)
                guard let end = try kit.nextEnd() else {
                    Issue.record("no session ends: \(running) after \(begun)")
                    return
                }
                running.remove(end.slot)
            } else if begun < 300 {
                begun += 1
                running.insert(index)
                try begin(kit, kit.order(index, waitMs: [0, 0, 1, 50].randomElement(using: &random) ?? 0))
            }
        }
    }

    @Test("pauses, resumes and runs on demand in the midst of cycles are all seen")
    func requests() throws {
        let cycles = Monitor(0)
        let kit = unsafe try PluginKit([
            Script { _ in
                cycles.withLock { $0 += 1 }
                cycles.broadcast()
                return 0
            }
        ])
        let runner = kit.context.runners[0]
        try begin(kit, kit.order(waitMs: 3_600_000))
        for count in 1...500 {
            cycles.wait { $0 >= count ? () : nil }
            runner.ask(.pause)
            kit.context.driver?.poke(0)
            runner.ask([.resume, .runNow])
            kit.context.driver?.poke(0)
        }
        stop(kit, 0)
        #expect(try kit.nextEnd()?.cycles ?? 0 >= 500)
    }

    /// The kernel's clock rounds as it likes: an expiry may come when our reading is not there yet.
    struct LateClock: HostClock {
        let late: Int64
        func boot() -> BootTime { SystemClock().boot() - late }
        func monotonic() -> MonotonicTime { SystemClock().monotonic() }
        func wall() -> WallTime { SystemClock().wall() }
    }

    @Test(
        "an expiry that comes before its time by our clock is not lost",
        arguments: [1, 1000, 100_000, 200_000] as [Int64])
    func earlyExpiry(_ late: Int64) throws {
        let kit = unsafe try PluginKit([Script(), Script()], clock: LateClock(late: late))
        try begin(kit, kit.order(0, waitMs: 2, maxCycles: 25))
        try begin(kit, kit.order(1, waitMs: 7, maxCycles: 25))
        #expect(try kit.nextEnd()?.cycles == 25)
        #expect(try kit.nextEnd()?.cycles == 25)
    }

    @Test("a thread that is woken ahead of time starts no cycle early")
    func ahead() throws {
        let early = Counter()
        let seen = Counter()
        let runner = Monitor<RoutineRunner?>(nil)
        let script = Script { _ in
            if let runner = runner.withLock({ $0 }), seen.add(1) > 1 {
                let due = unsafe runner.cell.pointee.schedule.due
                if unsafe runner.cell.pointee.ledger.began < due { early.add(1) }
            }
            return 0
        }
        let kit = unsafe try PluginKit([script])
        runner.withLock { $0 = kit.context.runners[0] }
        try begin(kit, kit.order(waitMs: 6, maxCycles: 50))
        #expect(try kit.nextEnd()?.cycles == 50)
        #expect(early.value == 0 && seen.value == 50)
    }
}

/// A number that any thread may change.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func add(_ difference: Int) -> Int {
        count.add(difference, ordering: .sequentiallyConsistent).newValue
    }
}
