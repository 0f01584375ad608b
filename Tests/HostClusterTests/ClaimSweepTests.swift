import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// What claims leave in the store when nobody wants them any more: nothing, and no token comes twice.
@Suite struct ClaimSweepTests {
    @Test func claimsThatComeAndGoLeaveNothingBehindAndNoTokenIsGivenTwice() {
        var desk = MemberDesk.holder()
        let token = desk.record?.token ?? 0
        for number in 0..<200 {
            let name = ClaimName(plugin: "p\(number)", routine: "r")
            desk.tell(.want(name, ClaimWish()))
            desk.pass(1.1)
            desk.tell(.drop(name, .removed))
            desk.tell(.ended(name))
        }
        desk.tell(.drop(MemberDesk.claim, .removed))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(2.1)
        #expect(desk.begun.count == 201 && desk.member.view.rememberedTokens == 0)
        // The record is lost, and nothing says so.
        _ = desk.store.commit(StoreRequest(deletes: ["lease/routine/p/r"]), at: 0)
        desk.tell(.want(MemberDesk.claim, ClaimWish()))
        desk.pass(2.1)
        #expect(desk.begun.count == 202 && desk.record.map { $0.token > token } == true)
    }

    @Test func theRecordOfAClaimThatNobodyWantsGoesAndItsTokenIsNotGivenAgain() {
        var desk = MemberDesk.holder()
        let token = desk.record?.token ?? 0
        desk.tell(.drop(MemberDesk.claim, .removed))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(20)
        #expect(desk.record?.token == token, "it may come back tomorrow")
        desk.days = 1
        desk.pass(2.1)
        #expect(desk.record == nil)
        #expect(desk.store.values[ClusterKey.tokens].flatMap { TokensRecord($0.value) } == TokensRecord(largest: token))
        // Another host, which has seen nothing of it.
        var second = MemberDesk(2, store: desk.store)
        second.pass(2.1)
        #expect(second.begun == [token + 1])
    }

    @Test func theRecordOfAClaimThatIsHeldOrWantedStays() {
        var desk = MemberDesk.holder()
        desk.days = 10
        desk.pass(20)
        #expect(desk.record?.host == desk.member.identity.id)
        // A host that does not want it leaves it to its holder, and removes it when that is dead.
        var second = MemberDesk(2, store: desk.store, claims: [])
        second.days = 10
        second.pass(5.9)
        #expect(second.record != nil)
        second.pass(2)
        #expect(second.record == nil && second.store.list("lease/host/").count == 1)
    }

    @Test func whatIsOfNoFormThatIsKnownStays() {
        var store = ModelStore()
        let old = ClaimRecord(host: nil, incarnation: Incarnation(rawValue: 1), token: 5, sinceMs: 0, settled: 0)
        let puts = (0..<5).map { StoreRequest.Put("lease/routine/p/\($0)", $0 == 2 ? Array("junk".utf8) : old.bytes) }
        _ = store.commit(StoreRequest(puts: puts), at: 0)
        var desk = MemberDesk(store: store)
        desk.pass(30)
        #expect(desk.store.list("lease/routine/").map(\.key) == ["lease/routine/p/2", "lease/routine/p/r"])
        // Tokens that cannot be read keep everything as it is: nothing is removed, and nothing without a record is taken.
        _ = desk.store.commit(StoreRequest(puts: puts + [.init(ClusterKey.tokens, Array("junk".utf8))]), at: 0)
        desk.tell(.want(ClaimName(plugin: "p", routine: "q"), ClaimWish()))
        desk.pass(30)
        #expect(desk.begun.count == 1 && desk.store.list("lease/routine/").count == 6)
    }

    @Test func aClaimWithoutARecordIsTakenOnlyWhileTheTokensAreTheOnesThatWereRead() throws {
        var desk = MemberDesk()
        desk.pass(6.1)
        let request = try #require(desk.requests.first { $0.puts.contains { $0.key == "lease/routine/p/r" } })
        #expect(request.conditions.contains(.init(ClusterKey.tokens, 0)))
        #expect(request.conditions.contains(.init("lease/routine/p/r", 0)))
    }
}
