import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// Leases are as long on all hosts of a cluster, whatever their configurations say.
@Suite struct LeaseLengthTests {
    private static let ns: Int64 = 1_000_000_000

    private func lease(_ desk: MemberDesk) -> Int64? { desk.member.host.lease?.length }

    /// Two hosts go on together, in turn, with one store.
    private func pass(_ first: inout MemberDesk, _ second: inout MemberDesk, seconds: Int) {
        for _ in 0..<seconds * 5 {
            first.store = second.store
            first.pass(0.2)
            second.store = first.store
            second.pass(0.2)
        }
    }

    @Test func whoComesLaterTakesTheLengthThatHolds() {
        var first = MemberDesk()
        first.pass(6.1)
        #expect(lease(first) == 6 * Self.ns)
        var second = MemberDesk(2, store: first.store, claims: [ClaimName(plugin: "p", routine: "other")], seconds: 30)
        second.pass(1.1)
        #expect(lease(second) == 6 * Self.ns && second.member.length == 6 * Self.ns)
        #expect(second.begun.count == 1, "it need not settle")
        pass(&first, &second, seconds: 40)
        #expect(lease(first) == 6 * Self.ns && lease(second) == 6 * Self.ns)
        #expect(second.member.overview.hosts.map(\.leaseMs) == [6000, 30_000])
    }

    @Test func itIsAnotherOneWhenAllSaySoAndNobodyTakesAnythingMeanwhile() {
        var first = MemberDesk()
        first.pass(6.1)
        var second = MemberDesk(2, store: first.store, claims: [ClaimName(plugin: "p", routine: "other")], seconds: 2)
        pass(&first, &second, seconds: 8)
        #expect(lease(second) == 6 * Self.ns)
        // The first one is started again with the other length.
        first.tell(.mode(.stopping))
        first.tell(.ended(MemberDesk.claim))
        second.store = first.store
        first = MemberDesk(1, store: second.store, seconds: 2)
        let start = first.now
        pass(&first, &second, seconds: 1)
        #expect(lease(first) == 2 * Self.ns && lease(second) == 2 * Self.ns)
        #expect(second.begun.count == 1, "what is held goes on")
        #expect(first.begun.isEmpty, "leases of 6 s may last yet")
        pass(&first, &second, seconds: 8)
        #expect(first.begun.count == 1 && first.now - start < 10 * Self.ns)
        #expect(second.told.allSatisfy { if case .end = $0 { false } else { true } })
    }

    @Test func aLongerOneHoldsForAHostWhenItHasSettled() {
        var watch = EpochWatch(wanted: 6000, settles: true)
        let first = EpochRecord(instance: "i", number: 1, base: 1, leaseMs: 6000, settleMs: 6000)
        watch.see((1, first.bytes), at: 0)
        #expect(watch.span(at: 1) == 6 * Self.ns && !watch.isSettled(at: 1))
        let second = EpochRecord(instance: "i", number: 2, base: 2, leaseMs: 20_000, settleMs: 20_000)
        watch.see((2, second.bytes), at: 100)
        #expect(watch.length == 20 * Self.ns && watch.span(at: 101) == 6 * Self.ns)
        #expect(watch.span(at: BootTime(nanoseconds: 100 + 20 * Self.ns)) == 20 * Self.ns)
        let third = EpochRecord(instance: "i", number: 3, base: 3, leaseMs: 2000, settleMs: 20_000)
        watch.see((3, third.bytes), at: 1000)
        #expect(watch.span(at: 1001) == 2 * Self.ns)
        #expect(!watch.isSettled(at: BootTime(nanoseconds: 19 * Self.ns)))
    }

    @Test func whatNobodyCanReadChangesNothing() {
        var watch = EpochWatch(wanted: 2000, settles: true)
        let record = EpochRecord(instance: "i", number: 1, base: 1, leaseMs: 6000, settleMs: 6000)
        watch.see((1, record.bytes), at: 0)
        #expect(watch.need(instance: "i", largestToken: 0, others: [2000, nil], wall: 1) == .none(version: 1))
        #expect(watch.need(instance: "i", largestToken: 0, others: [2000, 6000], wall: 1) == .none(version: 1))
        let next = EpochRecord(instance: "i", number: 2, base: 1025, leaseMs: 2000, settleMs: 6000)
        #expect(watch.need(instance: "i", largestToken: 0, others: [2000], wall: 1) == .write(next, version: 1))
        // A store that has lost all is no reason for another length than the one that is known.
        let other = watch.need(instance: "j", largestToken: 0, others: [UInt64?](), wall: 1)
        guard case .write(let record, _) = other else {
            Issue.record("\(other)")
            return
        }
        #expect(record.leaseMs == 6000)
    }
}
