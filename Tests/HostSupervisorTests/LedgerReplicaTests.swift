import Glibc
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// A ledger and its replicas: what spoils one leaves the other.
@Suite struct LedgerReplicaTests {
    private static let session: UInt64 = 0x18B_CFE5_6800_0001
    private static let key = LedgerKey(first: 0x0123_4567_89AB_CDEF, second: 0xFEDC_BA98_7654_3210)

    /// The bytes of a replica as the worker writes it that has the key.
    private func replica(
        session: UInt64 = session, cycle: UInt64 = 41, state: LedgerState = .running, time: Int64 = 900,
        end: UInt64 = 0, key: LedgerKey = key
    ) -> [UInt8] {
        let place = cycle << 8 | state.rawValue
        let both = LedgerReplica.threadAndEnd(77, end)
        let seldom = LedgerReplica.seldom(session: session, threadAndEnd: both, failures: 2, missed: 1)
        let sealed = key.seldom(session: session, threadAndEnd: both, failures: 2, missed: 1)
        return bytes([
            session, place, both, 2, 1, UInt64(time), key.seal(seldom: sealed, place: place, time: time),
            LedgerReplica.check(seldom: seldom, place: place, time: time),
        ])
    }

    private func read(_ bytes: [UInt8]) -> LedgerReader.Replica { LedgerReader.replica(bytes, key: Self.key) }

    private func bytes(_ words: [UInt64]) -> [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }

    /// The bytes of a slot of that session.
    private func slot(session: UInt64 = session, cycle: UInt64 = 41, passed: UInt64 = 1) -> [UInt8] {
        var words = [session, LedgerState.inHook.rawValue, cycle, 1000, 2000, 78, 3, 4]
        words += [UInt64](repeating: 0, count: LedgerSlot.size / 8 - words.count)
        words[15] = passed
        return bytes(words)
    }

    /// A ledger with that slot and that replica as its second.
    private func ledger(_ slot: [UInt8], _ replica: [UInt8]) throws -> WorkerLedger {
        let ledger = try WorkerLedger(key: Self.key)
        for (bytes, offset) in [(replica, LedgerReplica.size), (slot, LedgerSlot.start + LedgerSlot.size)] {
            #expect(unsafe pwrite(ledger.file.raw, bytes, bytes.count, off_t(offset)) == bytes.count)
        }
        return ledger
    }

    @Test(arguments: [8, 16, 64, 1024])
    func `a ledger has its room on the disk, and keeps what is in it when it gets more`(_ count: Int) throws {
        let ledger = try WorkerLedger()
        try ledger.lengthen(to: 8)
        var byte = [UInt8(7)]
        #expect(unsafe pwrite(ledger.file.raw, &byte, 1, off_t(LedgerReplica.size * 7)) == 1)
        #expect(unsafe pwrite(ledger.file.raw, &byte, 1, off_t(LedgerSlot.start + LedgerSlot.size * 7)) == 1)
        try ledger.lengthen(from: 8, to: count)
        var status = stat()
        #expect(unsafe fstat(ledger.file.raw, &status) == 0)
        let needed = count * (LedgerReplica.size + LedgerAnnex.size + LedgerSlot.size)
        #expect(Int(status.st_blocks) * 512 >= needed)
        #expect(Int(status.st_blocks) * 512 < needed + 4 * 4096)
        #expect(ledger.bytes(slot: 7)?.slot.first == 7)
        #expect(ledger.bytes(slot: count - 1)?.slot.count == LedgerSlot.size)
        try ledger.lengthen(from: count, to: count)
        #expect(ledger.bytes(slot: 7)?.slot.first == 7)
    }

    @Test func `a replica that is whole is read`() {
        var expected = LedgerSnapshot(
            session: Self.session, state: .running, cycle: 41, began: 900, due: .longAgo, thread: 77, failures: 2,
            missed: 1, end: nil)
        // It does not say whether these were tried again: no more than is sure is called good.
        expected.passed = 2
        #expect(read(replica()) == .whole(expected))
        expected.end = .maxCycles
        #expect(read(replica(end: SessionEnd.maxCycles.rawValue)) == .whole(expected))
    }

    @Test func `each bit that is turned is seen`() {
        let good = replica()
        for bit in 0..<good.count * 8 {
            var bad = good
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(read(bad) == .spoiled, "bit \(bit)")
        }
    }

    @Test func `each filling and each swap of words is seen`() {
        for byte in UInt8(1)...255 {
            #expect(read([UInt8](repeating: byte, count: 64)) == .spoiled, "filled with \(byte)")
        }
        #expect(read([UInt8](repeating: 0, count: 64)) == .unused)
        #expect(read([]) == .unused)
        let words = (0..<8).map { Array(replica()[$0 * 8..<$0 * 8 + 8]) }
        for first in 0..<8 {
            for second in first + 1..<8 where words[first] != words[second] {
                var swapped = words
                swapped.swapAt(first, second)
                #expect(read(swapped.flatMap { $0 }) == .spoiled, "words \(first) and \(second)")
            }
        }
    }

    @Test func `the replica is believed, with that time of its slot which it has not itself`() throws {
        let read = try ledger(slot(cycle: 0), replica()).snapshot(slot: 1)
        #expect(read?.isSealed == true)
        let snapshot = try #require(read)
        #expect(snapshot.cycle == 41 && snapshot.state == .running && snapshot.failures == 2)
        #expect(snapshot.began == 900 && snapshot.due == 2000)
        let waiting = try ledger(slot(cycle: 0), replica(state: .waiting)).snapshot(slot: 1)
        #expect(waiting?.began == 1000 && waiting?.due == 900)
        // Of two failures one was let pass, and one cycle was good at a later attempt.
        #expect(snapshot.passed == 1 && snapshot.goodCycles == 40)
    }

    @Test func `a slot that was scribbled on is told by its replica`() throws {
        let ledger = try ledger([UInt8](repeating: 0xA5, count: LedgerSlot.size), replica())
        let read = ledger.snapshot(slot: 1)
        let snapshot = try #require(read)
        #expect(snapshot.session == Self.session && snapshot.cycle == 41 && snapshot.thread == 77)
        #expect(snapshot.began == 900 && snapshot.due == .longAgo)
        let isSpoiled = ledger.isSpoiled(slot: 1)
        #expect(!isSpoiled)
    }

    /// Another process can read the file, knows how check words are made, and can write whatever it likes.
    @Test func `who has not the key makes no replica, also from those that he has read`() throws {
        let mine = replica(), later = replica(cycle: 42)
        #expect(read(replica(key: .unkeyed)) == .spoiled && read(replica(key: .random())) == .spoiled)
        // Each word of one with a seal of another, and its check word mended.
        for word in 0..<6 {
            var words = (0..<8).map { index in
                mine[index * 8..<index * 8 + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            words[word] &+= 256
            let seldom = LedgerReplica.seldom(
                session: words[0], threadAndEnd: words[2], failures: words[3], missed: words[4])
            words[7] = LedgerReplica.check(seldom: seldom, place: words[1], time: Int64(words[5]))
            #expect(read(bytes(words)) == .spoiled, "word \(word)")
            words[6] = later[48..<56].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect((read(bytes(words)) == .spoiled) == (word != 1), "with the next seal, word \(word)")
        }
        // What is left of a dead host's worker has no key any more: only accidents are told.
        #expect(LedgerReader.replica(replica(key: .random()), key: nil) != .spoiled)
        let ledger = try ledger(slot(cycle: 40), replica(key: .unkeyed))
        let snapshot = ledger.snapshot(slot: 1)
        #expect(snapshot?.isSealed == false && snapshot?.cycle == 40, "the slot is read instead")
    }

    @Test func `each bit of key and words changes the seal`() {
        let key = Self.key
        func seal(_ key: LedgerKey, _ words: [UInt64]) -> UInt64 {
            key.seal(
                seldom: key.seldom(session: words[0], threadAndEnd: words[1], failures: words[2], missed: words[3]),
                place: words[4], time: Int64(bitPattern: words[5]))
        }
        let words: [UInt64] = [1, 2, 3, 4, 5, 6]
        var seals: Set<UInt64> = [seal(key, words)]
        for bit in 0..<64 {
            for word in words.indices {
                var changed = words
                changed[word] ^= 1 << UInt64(bit)
                seals.insert(seal(key, changed))
            }
            seals.insert(seal(LedgerKey(first: key.first ^ 1 << UInt64(bit), second: key.second), words))
            seals.insert(seal(LedgerKey(first: key.first, second: key.second ^ 1 << UInt64(bit)), words))
        }
        #expect(seals.count == 1 + 64 * 8)
    }

    @Test func `a replica that was scribbled on leaves the slot`() throws {
        var bad = replica()
        bad[9] ^= 1
        let ledger = try ledger(slot(cycle: 40), bad)
        let read = ledger.snapshot(slot: 1)
        let snapshot = try #require(read)
        #expect(snapshot.session == Self.session && snapshot.cycle == 40 && snapshot.state == .inHook)
        #expect(!snapshot.isSealed)
        let isSpoiled = ledger.isSpoiled(slot: 1)
        #expect(isSpoiled)
    }

    @Test func `without a replica the slot is read, without both nothing`() throws {
        let ledger = try ledger(slot(), [])
        let snapshots = [1, 2, -1].map { ledger.snapshot(slot: $0)?.cycle }
        #expect(snapshots == [41, nil, nil])
        let isSpoiled = ledger.isSpoiled(slot: 1)
        #expect(!isSpoiled)
    }
}
