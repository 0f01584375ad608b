import CPluginAPI
import HostSystem
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// What a worker writes on the replica of a slot.
@Suite("ReplicaAccount")
struct ReplicaAccountTests {
    private struct Seen: Equatable {
        var session: UInt64
        var state: LedgerState?
        var cycle: UInt64
        var failures: UInt64
        var missed: UInt64
        var end: UInt64
        var isWhole: Bool
    }

    /// Reads the replica of the kit's first slot.
    private static func read(_ kit: PluginKit) -> Seen {
        let replica = unsafe kit.context.ledger.replica(0)
        let session = unsafe replica.pointee.session.load(ordering: .relaxed)
        let place = unsafe replica.pointee.place.load(ordering: .relaxed)
        let failures = unsafe replica.pointee.failures.load(ordering: .relaxed)
        let missed = unsafe replica.pointee.missed.load(ordering: .relaxed)
        let both = unsafe replica.pointee.threadAndEnd.load(ordering: .relaxed)
        let time = unsafe replica.pointee.time.load(ordering: .relaxed)
        let seldom = LedgerReplica.seldom(session: session, threadAndEnd: both, failures: failures, missed: missed)
        let key = unsafe kit.context.ledger.key.pointee
        let sealed = key.seldom(session: session, threadAndEnd: both, failures: failures, missed: missed)
        let isWhole =
            unsafe replica.pointee.check.load(ordering: .relaxed)
            == LedgerReplica.check(seldom: seldom, place: place, time: time)
            && key.seal(seldom: sealed, place: place, time: time) == replica.pointee.seal.load(ordering: .relaxed)
        return Seen(
            session: session, state: LedgerState(rawValue: place & 0xFF), cycle: place >> 8, failures: failures,
            missed: missed, end: both >> 32, isWhole: isWhole)
    }

    private final class Box {
        var kit: PluginKit?
        var seen: [Seen] = []
        func look() { if let kit { seen.append(ReplicaAccountTests.read(kit)) } }
    }

    @Test("each callback, each failure and the end are in it")
    func life() throws {
        let clock = TestClock()
        let box = Box()
        let script = Script { scheduler in
            box.look()
            let cycle = unsafe place(scheduler).cycle
            clock.advance(cycle == 1 ? 25_000_000 : 1_000_000)
            return cycle == 2 ? 1 : 0
        }
        unsafe script.start = { _ in
            box.look(); return 0
        }
        unsafe script.onError = { _, _, decision in
            box.look()
            decision.decision = UInt32(SCHEDHOST_DECIDE_CONTINUE)
        }
        unsafe script.stop = { _ in
            box.look(); return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        unsafe kit.context.ledger.key.pointee = .random()
        box.kit = kit
        defer { box.kit = nil }
        let order = kit.order(waitMs: 10, maxCycles: 4)
        let end = try kit.session(order, on: clock)
        #expect(end.cycles == 4 && end.failures == 1 && end.missed == 1)
        let session = order.session.rawValue
        func seen(_ state: LedgerState, _ cycle: UInt64, failures: UInt64 = 0, missed: UInt64 = 0, end: UInt64 = 0)
            -> Seen
        {
            Seen(
                session: session, state: state, cycle: cycle, failures: failures, missed: missed, end: end,
                isWhole: true)
        }
        box.look()
        #expect(
            box.seen == [
                seen(.starting, 0), seen(.running, 0), seen(.running, 1), seen(.running, 2, missed: 1),
                seen(.inHook, 2, failures: 1, missed: 1), seen(.running, 3, failures: 1, missed: 1),
                seen(.stopping, 4, failures: 1, missed: 1),
                seen(.ended, 4, failures: 1, missed: 1, end: SessionEnd.maxCycles.rawValue),
            ])
    }

    @Test("what a plugin writes there is not taken over", arguments: [0, 8, 24, 40, 48, 56])
    func scribble(offset: Int) throws {
        let clock = TestClock()
        let box = Box()
        let script = Script { scheduler in
            guard unsafe place(scheduler).cycle == 1, let kit = box.kit else { return 0 }
            unsafe UnsafeMutableRawPointer(kit.context.ledger.replica(0)).storeBytes(
                of: 0xA5A5, toByteOffset: offset, as: UInt64.self)
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        box.kit = kit
        defer { box.kit = nil }
        let runner = kit.context.runners[0]
        try #require(runner.prepare(kit.order(waitMs: 10)))
        for _ in 0..<4 {
            guard case .due(let due) = runner.takeTurn() else { return #expect(Bool(false), "it ended") }
            clock.advance(max(0, due - clock.boot()))
        }
        let seen = Self.read(kit)
        // The words of each cycle are written anew; the others stay wrong, and the check says so.
        #expect(seen.isWhole == [8, 40, 48, 56].contains(offset))
        if seen.isWhole { #expect(seen.cycle == 4 && seen.failures == 0) }
    }
}
