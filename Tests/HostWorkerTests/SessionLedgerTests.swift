import Glibc
import HostStore
import HostSystem
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
        let annex: UnsafeMutablePointer<LedgerAnnex>
        let replica: UnsafeMutablePointer<LedgerReplica>
        let key: UnsafeMutablePointer<LedgerKey>

        init() {
            unsafe annex = Self.make(LedgerAnnex.size).assumingMemoryBound(to: LedgerAnnex.self)
            unsafe key = .allocate(capacity: 1)
            unsafe key.initialize(to: .unkeyed)
            unsafe slot = Self.make(LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
            unsafe replica = Self.make(LedgerReplica.size).assumingMemoryBound(to: LedgerReplica.self)
        }

        deinit {
            unsafe slot.deallocate()
            unsafe annex.deallocate()
            unsafe key.deallocate()
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
                slot, replica: replica, key: key, session: SessionID(rawValue: 7), now: now, nextMs: 9)
        }

        /// What all of the replica is written from.
        func counts(cycle: UInt64, failures: UInt64 = 0, missed: UInt64 = 0) -> ReplicaAccount.Counts {
            ReplicaAccount.Counts(
                session: SessionID(rawValue: 7), cycle: cycle, failures: failures, missed: missed)
        }

        /// A cycle of that duration and lateness ends. Returns how often the annex was needed.
        func ends(_ ledger: SessionLedger, duration: Int64, late: Int64 = 0) -> Int {
            var asked = 0
            func find() -> UnsafeMutablePointer<LedgerAnnex> {
                asked += 1
                return unsafe annex
            }
            unsafe ledger.cycleEnds(
                start: BootTime(nanoseconds: 1000), end: BootTime(nanoseconds: 1000 + duration),
                due: BootTime(nanoseconds: 1000 - late), annex: find())
            return asked
        }

        /// The count in a bucket of the durations, from both halves, and in one of the lateness.
        func durations(_ bucket: Int) -> UInt64 {
            let upper = unsafe carries == 0 ? 0 : UInt64(annex.pointee.durations[bucket].load(ordering: .relaxed))
            return unsafe upper << 32 | UInt64(slot.pointee.durations[bucket].load(ordering: .relaxed))
        }
        func lateness(_ bucket: Int) -> UInt64 {
            let upper = unsafe carries == 0 ? 0 : UInt64(annex.pointee.lateness[bucket].load(ordering: .relaxed))
            return unsafe upper << 32 | UInt64(slot.pointee.lateness[bucket].load(ordering: .relaxed))
        }
        var carries: UInt32 { unsafe slot.pointee.carries.load(ordering: .relaxed) }

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
        unsafe ledger.cycleEnds(start: 1000, end: 5000, due: 900, annex: memory.annex)
        ledger.cycleCounts(1, missed: 0)
        #expect(memory.state == .waiting && memory.twinState == .running)
        ledger.cycleBegins(1, at: 6000)
        unsafe ledger.cycleEnds(start: 6000, end: 7000, due: 6000, annex: memory.annex)
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
        ledger.failed(memory.counts(cycle: 4, failures: 1, missed: 2), runningSince: 40)
        unsafe expect(memory.slot.pointee.failures.load(ordering: .relaxed) == 1)
        unsafe expect(memory.replica.pointee.failures.load(ordering: .relaxed) == 1)
        unsafe expect(memory.replica.pointee.missed.load(ordering: .relaxed) == 2)
        unsafe expect(memory.twinState == .running && memory.replica.pointee.time.load(ordering: .relaxed) == 40)
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
        ledger.end(.maxCycles, memory.counts(cycle: 8), began: 400)
        #expect(memory.state == .ended && memory.twinState == .ended && memory.twinCycle == 8 && ledger.began == 400)
        unsafe expect(memory.slot.pointee.end.load(ordering: .relaxed) == SessionEnd.maxCycles.rawValue)
    }

    @Test("the thread with the turn is noted, and that nobody runs")
    func turn() {
        let memory = Memory()
        var ledger = memory.ledger()
        ledger.turn(of: 42, memory.counts(cycle: 3))
        unsafe expect(memory.slot.pointee.thread.load(ordering: .relaxed) == 42)
        unsafe expect(memory.replica.pointee.threadAndEnd.load(ordering: .relaxed) == 42)
        #expect(memory.twinState == .waiting && memory.twinCycle == 3)
    }

    @Test("a bucket counts on past 2^32, and the annex is not needed before")
    func carries() {
        let memory = Memory()
        let ledger = memory.ledger()
        let bucket = LedgerHistogram.bucket(4000)
        unsafe memory.slot.pointee.durations[bucket].store(.max - 1, ordering: .relaxed)
        unsafe memory.slot.pointee.lateness[0].store(.max - 2, ordering: .relaxed)
        #expect(memory.ends(ledger, duration: 4000) == 0)
        #expect(memory.durations(bucket) == 0xFFFF_FFFF && memory.lateness(0) == 0xFFFF_FFFE && memory.carries == 0)
        #expect(memory.ends(ledger, duration: 4000) == 1)
        #expect(memory.durations(bucket) == 0x1_0000_0000 && memory.lateness(0) == 0xFFFF_FFFF)
        #expect(memory.ends(ledger, duration: 4000) == 1)
        #expect(memory.durations(bucket) == 0x1_0000_0001 && memory.lateness(0) == 0x1_0000_0000)
        #expect(memory.carries == 4, "even between two cycles")
        // The other buckets have nothing of what an earlier session left in the annex.
        for other in 0..<LedgerHistogram.count where other != bucket { #expect(memory.durations(other) == 0) }
        for other in 1..<LedgerHistogram.count { #expect(memory.lateness(other) == 0) }
        unsafe memory.slot.pointee.durations[bucket].store(.max, ordering: .relaxed)
        #expect(memory.ends(ledger, duration: 4000) == 1)
        #expect(memory.durations(bucket) == 0x2_0000_0000, "and on past 2^33")
    }

    @Test("a session begins at zero also where the one before was carried")
    func carriedBefore() {
        let memory = Memory()
        let first = memory.ledger()
        unsafe memory.slot.pointee.durations[0].store(.max, ordering: .relaxed)
        _ = memory.ends(first, duration: 1)
        #expect(memory.durations(0) == 0x1_0000_0000)
        let second = memory.ledger()
        #expect(memory.carries == 0)
        #expect(memory.ends(second, duration: 1) == 0 && memory.durations(0) == 1)
        unsafe memory.slot.pointee.lateness[0].store(.max, ordering: .relaxed)
        #expect(memory.ends(second, duration: 1) == 1)
        #expect(memory.durations(0) == 2 && memory.lateness(0) == 0x1_0000_0000)
    }

    @Test("whatever a plugin writes over the number of carries, it is even after the next one")
    func scribbledCarries() {
        let memory = Memory()
        let ledger = memory.ledger()
        for scribble: UInt32 in [1, 7, .max, .max - 1] {
            unsafe memory.slot.pointee.carries.store(scribble, ordering: .relaxed)
            unsafe memory.slot.pointee.durations[0].store(.max, ordering: .relaxed)
            #expect(memory.ends(ledger, duration: 1) == 1)
            #expect(memory.carries.isMultiple(of: 2))
        }
    }

    @Test("counters of caches are in the annex, and the slot says so, also to the next session")
    func caches() {
        let memory = Memory()
        let ledger = memory.ledger()
        unsafe memory.slot.pointee.cachesCounted.store(0, ordering: .relaxed)
        var counters = CacheCounters()
        counters.hits = 5
        counters.storeFailures = 6
        unsafe ledger.count(counters, in: memory.annex)
        unsafe expect(memory.annex.pointee.cacheHits.load(ordering: .relaxed) == 5)
        unsafe expect(memory.annex.pointee.storeFailures.load(ordering: .relaxed) == 6)
        _ = memory.ledger()
        unsafe expect(memory.slot.pointee.cachesCounted.load(ordering: .relaxed) == 1)
    }

    @Test("a routine without caches takes no memory in the annexes' region of the file")
    func untouched() throws {
        let descriptor = try Descriptor.memory("ledger")
        try descriptor.truncate(to: LedgerSlot.start + 8 * LedgerSlot.size, subject: "ledger")
        let file = try LedgerFile(descriptor)
        func pages() -> Int {
            var status = stat()
            unsafe expect(fstat(descriptor.raw, &status) == 0)
            return Int(status.st_blocks) * 512 / 4096
        }
        #expect(pages() == 0)
        for slot in 0..<8 {
            for session in 1...3 {
                var ledger = unsafe SessionLedger(
                    file.slot(slot), replica: file.replica(slot), key: file.key,
                    session: SessionID(rawValue: UInt64(session)), now: 100, nextMs: 0)
                for cycle in 0..<100 {
                    ledger.cycleBegins(UInt64(cycle), at: 1000)
                    unsafe ledger.cycleEnds(start: 1000, end: 2000, due: 900, annex: file.annex(slot))
                }
            }
        }
        #expect(pages() == 2, "one of replicas, and one of slots")
        let ledger = unsafe SessionLedger(
            file.slot(1), replica: file.replica(1), key: file.key, session: SessionID(rawValue: 9), now: 100, nextMs: 0)
        unsafe ledger.count(CacheCounters(), in: file.annex(1))
        #expect(pages() == 3)
    }
}
