import CPluginAPI
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// Routines on a clock that jumps to what is due next: turns in the order of their times, and callbacks that sleep.
@Suite struct VirtualTimeTests {
    private static let second: Int64 = 1_000_000_000

    /// Ends virtual time at a moment, or as soon as something holds.
    private final class Guide: VirtualTimeGuide {
        let end: BootTime
        private let clock: VirtualClock
        private let kit: PluginKit
        private let routines: Int
        private var isStopping = false
        var isOver: () -> Bool = { false }
        private(set) var rests = 0

        init(_ kit: PluginKit, routines: Int, clock: VirtualClock, seconds: Int64) {
            self.kit = kit
            self.routines = routines
            self.clock = clock
            end = clock.boot() + seconds * VirtualTimeTests.second
        }

        var earliest: BootTime { .never }

        func settle() -> Bool {
            if clock.boot() >= end || isOver() { stop() }
            return !(isStopping && kit.context.runners.allSatisfy { !$0.isBusy })
        }

        func rest() {
            rests += 1
            stop()
        }

        private func stop() {
            if isStopping { return }
            isStopping = true
            for index in 0..<routines {
                kit.context.runners[index].ask(.stop)
                kit.context.driver?.poke(index)
            }
        }
    }

    /// What happened, each with the second at which it did.
    private final class Diary: Sendable {
        private let lines = Mutex<[String]>([])
        let clock: VirtualClock
        private let start: BootTime

        init(_ clock: VirtualClock) {
            self.clock = clock
            start = clock.boot()
        }

        func note(_ text: String) {
            let seconds = (clock.boot() - start) / VirtualTimeTests.second
            lines.withLock { $0.append("\(seconds) \(text)") }
        }

        var text: [String] { lines.withLock { $0 } }
    }

    /// A routine that only notes each of its turns.
    private static func noting(_ name: String, each waitMs: UInt64, in diary: Diary) -> Script {
        let script = Script { _ in
            diary.note(name)
            return 0
        }
        script.waitMs = waitMs
        return script
    }

    private func run(
        _ scripts: [Script], isSerial: Bool = false, seconds: Int64, _ clock: VirtualClock,
        isOver: @escaping () -> Bool = { false }
    ) throws -> Guide {
        let kit = try unsafe PluginKit(scripts, isSerial: isSerial, virtual: clock)
        let guide = Guide(kit, routines: scripts.count, clock: clock, seconds: seconds)
        guide.isOver = isOver
        for (index, script) in scripts.enumerated() {
            let order = kit.order(index, waitMs: script.waitMs)
            let isReady = kit.context.runners[index].prepare(order)
            try #require(isReady)
            kit.context.driver?.begin(index)
        }
        let time = kit.context.driver as? VirtualTime
        try #require(time != nil)
        time?.run(guide)
        return guide
    }

    @Test func `turns come in the order of their times, and the clock jumps`() throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let fast = Self.noting("fast", each: 2000, in: diary)
        let slow = Self.noting("slow", each: 3000, in: diary)
        _ = try run([fast, slow], seconds: 7, clock)
        #expect(diary.text == ["0 fast", "0 slow", "2 fast", "3 slow", "4 fast", "6 slow", "6 fast"])
    }

    @Test func `while a callback sleeps others have their turns, and it wakes at its time`() throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let sleeper = Script { scheduler in
            diary.note("asleep")
            let stopped = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, 5000)
            diary.note(stopped == 0 ? "awake" : "stopped")
            return 0
        }
        sleeper.waitMs = 10_000
        let other = Self.noting("other", each: 2000, in: diary)
        _ = try run([sleeper, other], seconds: 12, clock)
        #expect(
            diary.text == [
                "0 asleep", "0 other", "2 other", "4 other", "5 awake", "6 other", "8 other", "10 asleep", "10 other",
                "12 stopped",
            ])
    }

    @Test(arguments: [false, true]) func `virtual time ends while a callback sleeps, also where one runs at a time`(
        isSerial: Bool
    ) throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let long = Script { scheduler in
            let stopped = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, 31 * 86_400_000)
            diary.note(stopped == 0 ? "slept" : "stopped")
            return 0
        }
        long.waitMs = 1000
        _ = try run([long], isSerial: isSerial, seconds: 12, clock)
        #expect(diary.text == ["12 stopped"])
    }

    @Test(arguments: [false, true]) func `a callback that goes on until it is to stop ends with virtual time`(
        sleeps: Bool
    ) throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        var asked = 0
        let endless = Script { scheduler in
            let host = unsafe scheduler.pointee.host.pointee
            // In each form the guide must learn of it, for it may want to end the run.
            while unsafe (sleeps ? host.sleep_ms(scheduler, 1000) : host.stop_requested(scheduler)) == 0 {}
            diary.note("over")
            return 0
        }
        endless.waitMs = 1000
        _ = try run([endless], isSerial: true, seconds: 12, clock) {
            asked += 1
            return asked > 100
        }
        #expect(diary.text == [sleeps ? "12 over" : "0 over"])
    }

    @Test func `callbacks that sleep at the same time wake in the order of their times`() throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let scripts = (0..<5).map { index in
            let script = Script { scheduler in
                _ = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, UInt64(5 - index) * 1000)
                diary.note("\(index)")
                return 0
            }
            script.waitMs = 60_000
            return script
        }
        _ = try run(scripts, seconds: 30, clock)
        #expect(diary.text == ["1 4", "2 3", "3 2", "4 1", "5 0"])
    }

    @Test func `in a serial plugin nobody has a turn while a callback sleeps`() throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let sleeper = Script { scheduler in
            _ = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, 5000)
            diary.note("awake")
            return 0
        }
        sleeper.waitMs = 60_000
        let other = Self.noting("other", each: 2000, in: diary)
        _ = try run([sleeper, other], isSerial: true, seconds: 8, clock)
        #expect(diary.text == ["5 awake", "5 other", "7 other"])
    }

    @Test func `a stop wakes who sleeps, at once`() throws {
        let clock = VirtualClock(beginning: 0)
        let diary = Diary(clock)
        let patient = Script { scheduler in
            let stopped = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, 3_600_000)
            diary.note("stopped \(stopped)")
            return 0
        }
        let ticks = Mutex(0)
        let ticker = Script { _ in
            ticks.withLock { $0 += 1 }
            return 0
        }
        ticker.waitMs = 1000
        _ = try run([patient, ticker], seconds: 7200, clock) { ticks.withLock { $0 } == 4 }
        #expect(diary.text == ["3 stopped 1"])
    }

    @Test func `a routine without a wait does not make time stand still`() throws {
        let clock = VirtualClock(beginning: 0)
        let cycles = Mutex(0)
        let busy = Script { _ in
            cycles.withLock { $0 += 1 }
            return 0
        }
        _ = try run([busy], seconds: 1, clock)
        #expect((999...1001).contains(cycles.withLock { $0 }), "a millisecond for each")
    }

    @Test func `a session that waits for nothing more is asked to end, once`() throws {
        let clock = VirtualClock(beginning: 0)
        let idle = Script { _ in 0 }
        idle.waitMs = 31 * 86_400_000
        let guide = try run([idle], seconds: 86_400, clock)
        #expect(guide.rests == 1)
        #expect(clock.wall() == WallTime(nanoseconds: 86_400 * Self.second))
    }

    @Test func `a thread of the plugin's own that sleeps in a source wakes when the clock has come there`() throws {
        let clock = VirtualClock(beginning: 0)
        let kit = try unsafe PluginKit([Script { _ in 0 }], virtual: clock)
        let driver = try #require(kit.context.driver)
        let runner = kit.context.runners[0]
        let isAwake = Monitor(false)
        let began = Monitor(false)
        let guide = Guide(kit, routines: 1, clock: clock, seconds: 10)
        let isReady = runner.prepare(kit.order(0, waitMs: 1000))
        try #require(isReady)
        driver.begin(0)
        guide.isOver = {
            if began.withLock({ $0 }) { return false }
            began.withLock { $0 = true }
            let deadline = clock.monotonic() + 5 * Self.second
            let asleep = Monitor(false)
            try? Thread.start(name: "own") {
                asleep.withLock { $0 = true }
                asleep.signal()
                _ = driver.sleep(runner, until: deadline)
                isAwake.withLock { $0 = true }
                isAwake.signal()
            }
            asleep.wait { $0 ? () : nil }
            return false
        }
        (driver as? VirtualTime)?.run(guide)
        // Whether it came to sleep in time depends on the machine; that it wakes, at the latest at the end, does not.
        isAwake.wait { $0 ? () : nil }
    }
}
