import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// Claims that a host does not want, and whose records say that it holds them.
@Suite struct StrayTests {
    /// The store as it was, under another name.
    private func goBack(_ desk: inout MemberDesk, to store: ModelStore) {
        desk.store = store
        desk.store.failOver(since: .max, repeatsVersions: true)
        desk.tell(.down)
        desk.tell(.up(StoreLink(instance: "i\(desk.store.instance)", most: 64)))
    }

    @Test func aStoreThatGoesBackInTimeLeavesNoClaimWithAHostThatDoesNotWantIt() throws {
        var desk = MemberDesk.holder()
        let old = desk.store
        let token = try #require(desk.begun.first)
        desk.tell(.drop(MemberDesk.claim, .rest))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(1)
        #expect(desk.record?.host == nil)
        goBack(&desk, to: old)
        #expect(desk.record?.host == desk.member.identity.id || desk.record?.host == nil)
        desk.pass(1)
        #expect(desk.record?.host == nil && desk.record?.token == token)
        // Another host has it once the new epoch is settled.
        var other = MemberDesk(2, store: desk.store)
        other.pass(7)
        #expect(other.begun.first.map { $0 > token } == true)
    }

    @Test func aClaimThatIsGrantedWhenNobodyWantsItAnyMoreIsGivenBack() throws {
        var desk = MemberDesk(claims: [])
        desk.pass(6.1)
        desk.isAway = true
        desk.tell(.want(MemberDesk.claim, ClaimWish()))
        let asked = try #require(desk.requests.last { $0.puts.contains { $0.key == "lease/routine/p/r" } })
        desk.tell(.down)
        desk.tell(.drop(MemberDesk.claim, .removed))
        desk.isAway = false
        desk.tell(.up(StoreLink(instance: "i1", most: 64)))
        #expect(desk.store.commit(asked, at: 0) != nil, "it comes by the old connection")
        #expect(desk.record?.host == desk.member.identity.id)
        desk.pass(1.1)
        #expect(
            desk.record?.host == nil && desk.record?.token == asked.puts.first.flatMap { ClaimRecord($0.value) }?.token)
        #expect(desk.begun.isEmpty)
    }

    @Test func recordsOfAnEarlierLifeAreLeftAlone() {
        var desk = MemberDesk(claims: [])
        let record = ClaimRecord(
            host: desk.member.identity.id, incarnation: Incarnation(rawValue: 9), token: 5, sinceMs: 0, settled: 0)
        _ = desk.store.commit(StoreRequest(puts: [.init("lease/routine/p/r", record.bytes)]), at: 0)
        desk.pass(20)
        #expect(desk.record == record)
    }

    @Test func aStrayThatTheStoreRefusesToWriteHoldsUpNothing() {
        var desk = MemberDesk.holder()
        let old = desk.store
        desk.tell(.drop(MemberDesk.claim, .rest))
        desk.tell(.ended(MemberDesk.claim))
        desk.refused = ["lease/routine/p/r"]
        goBack(&desk, to: old)
        desk.tell(.want(ClaimName(plugin: "p", routine: "q"), ClaimWish()))
        desk.pass(7)
        #expect(desk.begun.count == 2 && desk.record?.host != nil)
        desk.refused = []
        desk.pass(2)
        #expect(desk.record?.host == nil)
    }
}
