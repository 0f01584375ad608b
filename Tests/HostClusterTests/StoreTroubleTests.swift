import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// Stores that do not take or bring back all: only what is concerned waits, and people are told once.
@Suite struct StoreTroubleTests {
    private func names(_ count: Int) -> [ClaimName] {
        (0..<count).map { ClaimName(plugin: "p", routine: "r\($0)") }
    }

    @Test func aClaimThatTheStoreRefusesHoldsUpNoOther() {
        var desk = MemberDesk(claims: names(5))
        desk.refused = ["lease/routine/p/r0", "lease/routine/p/r3"]
        desk.pass(20)
        #expect(desk.begun.count == 3)
        #expect(desk.member.host.lease != nil)
        let said = desk.told.filter { if case .say = $0 { true } else { false } }
        #expect(
            said == [
                .say(.refuses(key: "lease/routine/p/r0", "no room")),
                .say(.refuses(key: "lease/routine/p/r3", "no room")),
            ])
        #expect(desk.member.overview.claims.map { $0.refusal } == ["no room", nil, nil, "no room", nil])
        desk.refused = []
        desk.pass(2)
        #expect(desk.begun.count == 5)
        #expect(desk.member.overview.claims.allSatisfy { $0.refusal == nil })
    }

    @Test func aClaimThatCannotBeGivenBackIsGivenBackLater() {
        var desk = MemberDesk(claims: names(3))
        desk.pass(6.1)
        desk.refused = ["lease/routine/p/r1"]
        for name in names(3) {
            desk.tell(.leave(name, .move, bar: 60 * MemberDesk.second))
            desk.tell(.ended(name))
        }
        func free() -> [Bool] {
            names(3).map { name in
                desk.store.values["lease/routine/p/\(name.routine)"].flatMap { ClaimRecord($0.value) }?.host == nil
            }
        }
        desk.pass(0.5)
        #expect(free() == [true, false, true])
        desk.refused = []
        desk.pass(2)
        #expect(free() == [true, true, true])
    }

    @Test func aHostWhoseOwnRecordIsRefusedSaysSoAndEndsInTime() {
        var desk = MemberDesk()
        desk.pass(6.1)
        desk.refused = [ClusterKey.host(desk.member.identity.id)]
        desk.pass(3.5)
        let trouble = StoreTrouble.refuses(key: ClusterKey.host(desk.member.identity.id), "no room")
        #expect(desk.told.count { $0 == .say(trouble) } == 1)
        #expect(desk.member.trouble == trouble)
        desk.pass(2)
        #expect(desk.told.contains { if case .end(_, .lost(.silence)) = $0 { true } else { false } })
        desk.tell(.ended(MemberDesk.claim))
        desk.refused = []
        desk.pass(3)
        #expect(desk.told.last(where: { if case .say = $0 { true } else { false } }) == .say(nil))
        #expect(desk.begun.count == 2)
    }

    @Test func claimsBehindTheEndOfAListAreKeptAndNotTakenOver() {
        var desk = MemberDesk(claims: names(8))
        desk.pass(6.1)
        #expect(desk.begun.count == 8)
        desk.mostListed = 5
        desk.pass(20)
        #expect(desk.told.count { $0 == .say(.tooMuch(ClusterKey.claims)) } == 1)
        #expect(desk.told.allSatisfy { if case .end = $0 { false } else { true } })
        // One of those is another host's by now: that is seen, and nothing else ends.
        let other = ClaimRecord(
            host: HostID(high: 9, low: 9), incarnation: Incarnation(rawValue: 9), token: 1 << 52, sinceMs: 0,
            settled: 0)
        _ = desk.store.commit(StoreRequest(puts: [.init("lease/routine/p/r7", other.bytes)]), at: 0)
        desk.pass(3)
        let ends = desk.told.compactMap { if case .end(let name, _) = $0 { name } else { nil } }
        #expect(ends == [ClaimName(plugin: "p", routine: "r7")])
        desk.tell(.ended(ends.first ?? MemberDesk.claim))
        // A host that comes takes none of which it knows nothing.
        var second = MemberDesk(2, store: desk.store, claims: [])
        second.mostListed = 5
        for name in names(8) + [ClaimName(plugin: "q", routine: "new")] { second.tell(.want(name, ClaimWish())) }
        second.pass(30)
        #expect(second.begun.count == 5, "the first five, whose host has gone")
        second.mostListed = nil
        second.pass(10)
        #expect(second.told.contains(.say(nil)) && second.begun.count == 9)
    }

    @Test func moreHostsThanAnAnswerBringsBackAreSaid() {
        var desk = MemberDesk()
        desk.tell(.want(MemberDesk.claim, ClaimWish()))
        guard case .ask(let id, _)? = ask(&desk) else { return }
        desk.tell(
            .answer(id, StoreAnswer(sent: desk.now, outcome: .done(version: 0), found: [], cut: ClusterKey.leases)))
        #expect(desk.told.last == .say(.tooMuch(ClusterKey.hosts)))
        #expect(!desk.member.talk.isFresh)
    }

    /// A request that has no answer yet.
    private func ask(_ desk: inout MemberDesk) -> ClusterMember.Action? {
        desk.isAway = true
        desk.tell(.down)
        return desk.member.handle(.up(StoreLink(instance: "i1", most: 64)), at: desk.now, wall: MemberDesk.wall).first
    }

    @Test func whatIsRefusedIsLeftAloneForAWhileAndToldOnce() {
        var refusals = StoreRefusals()
        #expect(refusals.bar(of: "a", at: 0) == nil)
        let news = [
            refusals.add("a", "full", at: 0, until: 10), refusals.add("a", "full", at: 10, until: 20),
            refusals.add("a", "read only", at: 12, until: 22),
        ]
        #expect(news == [true, false, true])
        #expect(refusals.bar(of: "a", at: 21) == 22 && refusals.bar(of: "a", at: 22) == nil)
        #expect(refusals.text(of: "a") == "read only" && refusals.text(of: "b") == nil)
        refusals.remove(["a"])
        #expect(refusals.text(of: "a") == nil && refusals.bar(of: "a", at: 0) == nil)
    }

    @Test func claimsAreLookedAtInTurn() {
        var turns = ConditionTurns()
        let keys = ["a", "b", "c", "d", "e"]
        let looks = [2, 2, 2, 9, 0].map { turns.next(of: keys, room: $0) }
        #expect(looks == [["a", "b"], ["c", "d"], ["e", "a"], keys, []])
        let none = turns.next(of: [], room: 2)
        #expect(none.isEmpty)
    }
}
