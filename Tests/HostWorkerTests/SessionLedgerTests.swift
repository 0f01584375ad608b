import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// What a session writes into its slot and the slot's replica, which stand in plain memory here.
@Suite("SessionLedger")
struct SessionLedgerTests {
    @safe private final class Memory {
        let slot: UnsafeMutablePointer<LedgerSlot>
        let replica: UnsafeMutablePointer<LedgerReplica>

        init() {
            unsafe slot = Self.make(LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
            unsafe replica = Self.make(LedgerReplica.size).assumingMemoryBound(to: LedgerReplica.self)
        }

        deinit {
            unsafe slot.deallocate()
            unsafe replica.deallocate()
        }

        /// Bytes of an earlier session.
        private static func make(_ size: Int) -> UnsafeMutableRawPointer {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0x5A, count: size)
            return unsafe memory
        }

        func ledger(now: BootTime = 100) -> SessionLedger {
            unsafe SessionLedger(
                slot, replica: replica, key: .unkeyed, session: SessionID(rawValue: 7), now: now, nextMs: 9)
        }

        var state: LedgerState? { unsafe LedgerState(rawValue: slot.pointee.state.load(ordering: .relaxed)) }
        var twinState: LedgerState? {
            unsafe LedgerState(rawValue: replica.pointee.place.load(ordering: .relaxed) & 0xFF)
        }
        var twinTime: Int64 { unsafe replica.pointee.time.load(ordering: .relaxed) }
        var twinCycle: UInt64 { unsafe replica.pointee.place.load(ordering: .relaxed) >> 8 }
    }

    @Test("a session begins with nothing of the one before")
    func begins() {
        let memory = Memory()
        let ledger = memory.ledger()
        #expect(memory.state == .waiting && memory.twinState == .waiting && ledger.began == 100)
        unsafe expect(memory.slot.pointee.session.load(ordering: .relaxed) == 7)
        unsafe expect(memory.slot.pointee.totalDuration.load(ordering: .relaxed) == 0)
        unsafe expect(memory.slot.pointee.wallDue.load(ordering: .relaxed) == 9)
        for index in 0..<LedgerHistogram.count {
            unsafe expect(memory.slot.pointee.durations[index].load(ordering: .relaxed) == 0)
        }
    }

    @Test("cycles add up")
    func cycles() {
        let memory = Memory()
        var ledger = memory.ledger()
        #expect(memory.twinTime == 100, "a session that begins is due at once")
        ledger.cycleBegins(0, at: 1000)
        #expect(memory.twinTime == 1000)
        #expect(memory.state == .running && memory.twinState == .running && ledger.began == 1000)
        ledger.cycleEnds(start: 1000, end: 5000, due: 900)
        ledger.cycleCounts(1, missed: 0)
        #expect(memory.state == .waiting && memory.twinState == .running)
        ledger.cycleBegins(1, at: 6000)
        ledger.cycleEnds(start: 6000, end: 7000, due: 6000)
        ledger.cycleCounts(2, missed: 3)
        ledger.waits(until: 9000, cycle: 2)
        #expect(memory.twinState == .waiting && memory.twinCycle == 2 && memory.twinTime == 9000)
        ledger.callbackBegins(.stopping, cycle: 2, at: 8000)
        #expect(memory.twinTime == 8000)
        ledger.callbackEnds(cycle: 2)
        #expect(memory.twinTime == 9000, "it waits for what it waited for")
        unsafe expect(memory.slot.pointee.cycle.load(ordering: .relaxed) == 2)
        unsafe expect(memory.slot.pointee.missed.load(ordering: .relaxed) == 3)
        unsafe expect(memory.slot.pointee.lastDuration.load(ordering: .relaxed) == 1000)
        unsafe expect(memory.slot.pointee.totalDuration.load(ordering: .relaxed) == 5000)
        unsafe expect(memory.slot.pointee.longest.load(ordering: .relaxed) == 4000)
        unsafe expect(memory.slot.pointee.due.load(ordering: .relaxed) == 9000)
        let bucket = LedgerHistogram.bucket(4000)
        unsafe expect(memory.slot.pointee.durations[bucket].load(ordering: .relaxed) == 1)
    }

    @Test("what failed, where it stands in the hook, and what was decided")
    func failures() {
        let memory = Memory()
        var ledger = memory.ledger()
        ledger.failed(1)
        ledger.failed(1, missed: 2, .running, cycle: 4)
        unsafe expect(memory.slot.pointee.failures.load(ordering: .relaxed) == 1)
        unsafe expect(memory.replica.pointee.failures.load(ordering: .relaxed) == 1)
        unsafe expect(memory.replica.pointee.missed.load(ordering: .relaxed) == 2)
        ledger.callbackBegins(.inHook, cycle: 4, at: 50)
        #expect(memory.state == .inHook && memory.twinState == .inHook && ledger.began == 50)
        ledger.callbackEnds(cycle: 4)
        #expect(memory.state == .waiting && memory.twinState == .waiting)
        ledger.decided(cycle: 4, attempt: 2, passed: 3)
        unsafe expect(memory.slot.pointee.passed.load(ordering: .relaxed) == 3)
        unsafe expect(memory.slot.pointee.attempt.load(ordering: .relaxed) == 2)
    }

    @Test("at the end the reason stands there, and when the last cycle began")
    func ends() {
        let memory = Memory()
        var ledger = memory.ledger()
        ledger.callbackBegins(.stopping, cycle: 8, at: 500)
        ledger.callbackEnds(cycle: 8)
        ledger.end(.maxCycles, cycles: 8, began: 400)
        #expect(memory.state == .ended && memory.twinState == .ended && memory.twinCycle == 8 && ledger.began == 400)
        unsafe expect(memory.slot.pointee.end.load(ordering: .relaxed) == SessionEnd.maxCycles.rawValue)
    }

    @Test("the thread with the turn is noted, and that nobody runs")
    func turn() {
        let memory = Memory()
        var ledger = memory.ledger()
        ledger.turn(of: 42, cycle: 3)
        unsafe expect(memory.slot.pointee.thread.load(ordering: .relaxed) == 42)
        unsafe expect(memory.replica.pointee.threadAndEnd.load(ordering: .relaxed) == 42)
        #expect(memory.twinState == .waiting && memory.twinCycle == 3)
    }
}
