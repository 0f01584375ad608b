import Glibc
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// What is read of a slot and its annex belongs together, whatever the worker writes meanwhile.
@Suite struct LedgerBytesTests {
    /// A worker's slot and annex, with one bucket that is full.
    private final class Worker {
        var slot = LedgerBytes.unused.slot
        var annex = [UInt8](repeating: 0, count: LedgerAnnex.size)
        /// How often each was read.
        var slotReads = 0, annexReads = 0
        /// Called before each read, with the number of reads before it.
        var meanwhile: (Int) -> Void = { _ in }

        init(cycles: UInt64 = 0, carries: UInt32 = 0, lower: UInt32 = 0, upper: UInt32 = 0) {
            set(&slot, 16, cycles)
            set(&slot, 92, carries)
            set(&slot, LedgerSlot.durationsOffset + 8, lower)
            set(&annex, LedgerAnnex.durationsOffset + 8, upper)
        }

        func set(_ bytes: inout [UInt8], _ offset: Int, _ value: some FixedWidthInteger) {
            for byte in 0..<value.bitWidth / 8 {
                bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (byte * 8))
            }
        }

        /// One step of a carry: the number is odd; the upper half; the lower half; the number is even.
        func carry(_ step: Int, carries: UInt32, upper: UInt32) {
            switch step {
            case 0: set(&slot, 92, carries + 1)
            case 1: set(&annex, LedgerAnnex.durationsOffset + 8, upper + 1)
            case 2: set(&slot, LedgerSlot.durationsOffset + 8, UInt32(0))
            default: set(&slot, 92, carries + 2)
            }
        }

        func read() -> LedgerBytes? {
            LedgerBytes.read(
                slot: {
                    meanwhile(slotReads + annexReads)
                    slotReads += 1
                    return slot
                },
                annex: {
                    meanwhile(slotReads + annexReads)
                    annexReads += 1
                    return annex
                })
        }
    }

    private static let many: UInt64 = 1 << 33

    @Test func `a slot that is new to the annex is read once, and the annex not at all`() throws {
        let worker = Worker(cycles: 5, lower: 4, upper: 77)
        let read = try #require(worker.read())
        #expect(worker.slotReads == 1 && worker.annexReads == 0 && read.annex == nil)
        #expect(LedgerCounts(read).durations.counts[2] == 4, "what an earlier session left counts nothing")
        #expect(LedgerCounts(read).cache == RoutineStatus.Cache())
    }

    @Test func `both halves make a count`() throws {
        let worker = Worker(cycles: Self.many, carries: 6, lower: 0x8000_0005, upper: 3)
        let counts = LedgerCounts(try #require(worker.read()))
        #expect(counts.durations.counts[2] == 0x3_8000_0005 && counts.durations.total == 0x3_8000_0005)
        #expect(counts.lateness.total == 0)
    }

    /// Each split of the four steps of a carry over the moments before each read.
    @Test(arguments: [UInt32(0), 2]) func `no count is half carried`(_ carries: UInt32) throws {
        let upper = carries / 2
        let before = UInt64(upper) << 32 | 0xFFFF_FFFF, after = before + 1
        var seen: Set<UInt64> = []
        for first in 0...6 {
            for second in first...6 {
                for third in second...6 {
                    for fourth in third...6 {
                        let worker = Worker(cycles: Self.many, carries: carries, lower: .max, upper: upper)
                        let moments = [first, second, third, fourth]
                        worker.meanwhile = { [unowned worker] number in
                            for step in 0..<4 where moments[step] == number {
                                worker.carry(step, carries: carries, upper: upper)
                            }
                        }
                        let count = LedgerCounts(try #require(worker.read())).durations.counts[2]
                        #expect(count == before || count == after, "\(moments): \(count)")
                        seen.insert(count)
                    }
                }
            }
        }
        #expect(seen == [before, after])
    }

    @Test func `a number that never stands still ends the reading all the same`() throws {
        let worker = Worker(cycles: Self.many, carries: 1, lower: 9)
        worker.meanwhile = { [unowned worker] number in worker.set(&worker.slot, 92, UInt32(number) * 2 + 1) }
        #expect(worker.read() != nil)
        #expect(worker.slotReads < 20)
    }

    @Test func `counters of caches come from the annex, if the slot says that they are there`() throws {
        let worker = Worker(cycles: 5)
        for word in 0..<11 { worker.set(&worker.annex, word * 8, UInt64(100 + word)) }
        #expect(LedgerCounts(try #require(worker.read())).cache == RoutineStatus.Cache())
        worker.set(&worker.slot, 44, UInt32(1))
        let cache = LedgerCounts(try #require(worker.read())).cache
        #expect(cache.hits == 100 && cache.loads == 101 && cache.failures == 102 && cache.stale == 103)
        #expect(cache.evictions == 104 && cache.bytes == 105 && cache.sharedHits == 107 && cache.sharedLoads == 108)
        #expect(cache.sharedWaits == 109 && cache.storeFailures == 110)
    }

    @Test func `the file's annex is found by the slot's number`() throws {
        let ledger = try WorkerLedger()
        try ledger.lengthen(to: 8)
        let worker = Worker(cycles: 5)
        worker.set(&worker.slot, 0, UInt64(9))
        worker.set(&worker.slot, 44, UInt32(1))
        worker.set(&worker.annex, 0, UInt64(123))
        for (bytes, offset) in [
            (worker.annex, LedgerAnnex.start + 3 * LedgerAnnex.size),
            (worker.slot, LedgerSlot.start + 3 * LedgerSlot.size),
        ] {
            #expect(unsafe pwrite(ledger.file.raw, bytes, bytes.count, off_t(offset)) == bytes.count)
        }
        let counts = ledger.bytes(slot: 3).flatMap { LedgerCounts($0, of: SessionID(rawValue: 9)) }
        #expect(counts?.cache.hits == 123)
        #expect(ledger.bytes(slot: 4).map { LedgerCounts($0).cache.hits } == 0)
    }

    /// Hosts before had slots of 640 bytes directly behind the replicas.
    @Test func `of a ledger in the former layout the replicas are read, and no slot`() throws {
        let ledger = try WorkerLedger(key: .unkeyed)
        let session: UInt64 = 0x18B_CFE5_6800_0001
        let place: UInt64 = 41 << 8 | LedgerState.running.rawValue
        let seldom = LedgerReplica.seldom(session: session, threadAndEnd: 7, failures: 0, missed: 0)
        let sealed = LedgerKey.unkeyed.seldom(session: session, threadAndEnd: 7, failures: 0, missed: 0)
        let words = [
            session, place, 7, 0, 0, 900, LedgerKey.unkeyed.seal(seldom: sealed, place: place, time: 900),
            LedgerReplica.check(seldom: seldom, place: place, time: 900),
        ]
        var replica = [UInt8](repeating: 0, count: LedgerReplica.size)
        let worker = Worker()
        for (index, word) in words.enumerated() { worker.set(&replica, index * 8, word) }
        var slot = [UInt8](repeating: 0, count: 640)
        worker.set(&slot, 0, session)
        worker.set(&slot, 16, UInt64(40))
        #expect(unsafe pwrite(ledger.file.raw, replica, 64, 64) == 64)
        #expect(unsafe pwrite(ledger.file.raw, slot, 640, off_t(LedgerAnnex.start + 640)) == 640)
        let snapshot = ledger.snapshot(slot: 1)
        #expect(snapshot?.session == session && snapshot?.cycle == 41)
        #expect(ledger.bytes(slot: 1) == nil)
    }
}
