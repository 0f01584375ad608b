import HostPolicy
import HostTestKit
import HostValues
import Testing

@Suite struct SlotTrustTests {
    private func read(_ isSealed: Bool, session: UInt64 = 1, cycle: UInt64 = 3) -> LedgerSnapshot {
        var snapshot = LedgerSnapshot(session: session, state: .running, cycle: cycle, began: 1)
        snapshot.isSealed = isSealed
        return snapshot
    }

    @Test func `what was whole and is a slot's word alone counts from when that was first seen`() {
        var trust = SlotTrust()
        #expect(trust.lost(7, read(true), at: 100) == nil)
        #expect(trust.lost(7, read(false), at: 200) == 200)
        #expect(trust.lost(7, read(false), at: 300) == 200)
        #expect(trust.lost(7, read(true), at: 400) == nil, "it was read while it was written")
        #expect(trust.lost(7, read(false), at: 500) == 500)
    }

    @Test func `an old replica that is put back is no better than none`() {
        var trust = SlotTrust()
        #expect(trust.lost(7, read(true, cycle: 5), at: 100) == nil)
        #expect(trust.lost(7, read(true, cycle: 4), at: 200) == 200)
        #expect(trust.lost(7, read(true, cycle: 4), at: 300) == 200)
        #expect(trust.lost(7, read(true, cycle: 6), at: 400) == nil)
    }

    @Test func `what was never whole is as it was: a plugin spoils its own`() {
        var trust = SlotTrust()
        #expect(trust.lost(7, read(false), at: 100) == nil && trust.lost(7, read(false), at: 200) == nil)
    }

    @Test func `another session, and another routine, are others`() {
        var trust = SlotTrust()
        #expect(trust.lost(7, read(true), at: 100) == nil)
        #expect(trust.lost(8, read(false), at: 200) == nil)
        #expect(trust.lost(7, read(false, session: 2), at: 200) == nil)
        trust.remove(7)
        #expect(trust.lost(7, read(false), at: 300) == nil)
    }
}
