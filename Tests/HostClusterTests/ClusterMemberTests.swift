import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// One or two hosts and a store that answers at once, step by step.
@Suite struct ClusterMemberTests {
    @Test func aNewClusterSettlesAndThenTheClaimIsTaken() {
        var desk = MemberDesk()
        desk.pass(5.9)
        #expect(desk.begun.isEmpty)
        desk.pass(0.2)
        #expect(desk.begun == [1_790_000_000_000])
        #expect(desk.record?.host == desk.member.identity.id)
    }

    @Test func whoComesLaterNeedNotSettle() {
        let first = MemberDesk.holder()
        var second = MemberDesk(2, store: first.store, claims: [ClaimName(plugin: "p", routine: "other")])
        second.pass(1.1)
        #expect(second.begun.count == 1)
    }

    @Test func theNextLifeOnTheSameBootHasItsClaimAtOnce() {
        let first = MemberDesk.holder()
        var second = MemberDesk(1, store: first.store)
        second.pass(0.05)
        #expect(second.begun == [1_790_000_000_001])
    }

    @Test func anEarlierLifeThatMayLiveIsAwaited() {
        let first = MemberDesk.holder()
        for (boot, isGone) in [("boot", false), ("other", true)] {
            var second = MemberDesk(1, store: first.store, boot: boot, isGone: isGone)
            second.pass(5.9)
            #expect(second.begun.isEmpty)
            second.pass(0.2)
            #expect(second.begun == [1_790_000_000_001])
        }
    }

    /// As when Redis changes the name of its data, since the first replica has come: links that are open have the old one.
    @Test func whoseNameForTheStoreIsOldAsksAnewAndOverwritesNoEpoch() throws {
        var first = MemberDesk.holder()
        var second = MemberDesk(2, store: first.store)
        second.tell(.up(StoreLink(instance: "renamed", most: 64)))
        second.pass(0.1)
        first.store = second.store
        first.pass(1.1)
        #expect(first.told.last == .reopen)
        func epoch(_ desk: MemberDesk) -> EpochRecord? {
            desk.store.values["lease/epoch"].flatMap { EpochRecord($0.value) }
        }
        #expect(epoch(first)?.instance == "renamed" && epoch(first)?.number == 2)
        first.tell(.up(StoreLink(instance: "renamed", most: 64)))
        for _ in 0..<10 {
            second.store = first.store
            second.pass(1)
            first.store = second.store
            first.pass(1)
        }
        #expect(epoch(first)?.number == 2)
        #expect(first.begun.count == 1 && !first.told.contains { if case .end = $0 { true } else { false } })
        #expect(second.begun.isEmpty)
    }

    @Test func twoWithOneIdAreFoundOut() {
        var first = MemberDesk.holder()
        var second = MemberDesk(1, store: first.store, isGone: false)
        for _ in 0..<10 {
            second.pass(1)
            first.store = second.store
            first.pass(1)
            second.store = first.store
        }
        #expect(second.told == [.refuse])
        #expect(second.member.host.state == .refused)
        #expect(first.begun.count == 1)
    }

    @Test func withoutTheStoreItEndsInTime() {
        var desk = MemberDesk.holder()
        desk.isAway = true
        let start = desk.now
        desk.pass(2.9)
        #expect(desk.member.host.lease != nil)
        desk.told = []
        desk.pass(2)
        let ended = desk.told.first { if case .end = $0 { true } else { false } }
        #expect(ended != nil)
        #expect(!desk.told.contains(.kill(MemberDesk.claim)))
        desk.pass(1)
        #expect(desk.told.contains(.kill(MemberDesk.claim)))
        #expect(desk.now - start < 6 * MemberDesk.second)
        // It comes back as another incarnation, with another token.
        desk.tell(.ended(MemberDesk.claim))
        desk.isAway = false
        desk.tell(.up(StoreLink(instance: "i1", most: 64)))
        desk.pass(0.05)
        #expect(desk.begun == [1_790_000_000_001])
    }

    @Test func aReleasedClaimGoesToOthersAtOnce() {
        var first = MemberDesk.holder()
        first.tell(.leave(MemberDesk.claim, .move, bar: 60 * MemberDesk.second))
        #expect(first.told.contains(.end(MemberDesk.claim, .handedOver(.move))))
        #expect(first.record?.host != nil)
        first.tell(.ended(MemberDesk.claim))
        #expect(first.record?.host == nil)
        var second = MemberDesk(2, store: first.store)
        second.pass(1.1)
        #expect(second.begun == [1_790_000_000_001])
        #expect(first.begun.count == 1)
    }

    @Test func aHostThatStopsLeavesNothing() {
        var desk = MemberDesk.holder()
        desk.tell(.mode(.stopping))
        #expect(desk.told.contains(.end(MemberDesk.claim, .handedOver(.stop))))
        desk.tell(.ended(MemberDesk.claim))
        #expect(desk.told.last == .closed)
        #expect(desk.record?.host == nil)
        #expect(desk.store.list("lease/host/").isEmpty)
    }

    @Test func aHostThatStopsWithoutAStoreWaitsNotLong() {
        var desk = MemberDesk.holder()
        desk.isAway = true
        desk.tell(.mode(.stopping))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(2)
        #expect(desk.told.last == .closed)
    }

    @Test func whoIsDrainedOrHasNoWeightTakesNothing() {
        var idle = MemberDesk(weight: 0)
        idle.pass(20)
        #expect(idle.begun.isEmpty)
        idle.tell(.weight(5))
        idle.pass(2)
        #expect(idle.begun.count == 1)
        idle.tell(.mode(.draining))
        idle.tell(.ended(MemberDesk.claim))
        idle.pass(20)
        #expect(idle.begun.count == 1)
        idle.tell(.mode(.serving))
        idle.pass(2)
        #expect(idle.begun.count == 2)
    }

    @Test func junkInAClaimGivesNothingAway() {
        var store = ModelStore()
        _ = store.commit(StoreRequest(puts: [.init("lease/routine/p/r", Array("junk".utf8))]), at: 0)
        var desk = MemberDesk(store: store)
        desk.pass(60)
        #expect(desk.begun.isEmpty)
        #expect(desk.store.values["lease/routine/p/r"]?.value == Array("junk".utf8))
    }

    @Test func junkInTheEpochStopsEverybodyAndIsLeftAlone() {
        var desk = MemberDesk.holder()
        _ = desk.store.commit(StoreRequest(puts: [.init("lease/epoch", Array("junk".utf8))]), at: 0)
        desk.pass(4.5)
        #expect(desk.told.contains { if case .end = $0 { true } else { false } })
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(60)
        #expect(desk.begun.count == 1)
        #expect(desk.store.values["lease/epoch"]?.value == Array("junk".utf8))
        #expect(desk.requests.count < 100)
    }

    @Test func theRecordOfAHostThatCannotBeReadKeepsItsClaims() {
        let first = MemberDesk.holder()
        var second = MemberDesk(2, store: first.store)
        let key = ClusterKey.host(first.member.identity.id)
        for beat in 0..<20 {
            let junk = StoreRequest(puts: [.init(key, Array("{\"form\":2,\"beat\":\(beat)}".utf8))])
            _ = second.store.commit(junk, at: 0)
            second.pass(1)
        }
        #expect(second.begun.isEmpty)
        // It moves no more.
        second.pass(8)
        #expect(second.begun == [1_790_000_000_001])
    }

    @Test func allIsLostThatTheStoreHasLostOnlyWhenOthersHadTime() {
        var desk = MemberDesk.holder()
        desk.store.wipe(repeatsVersions: true, changesInstance: true)
        desk.tell(.down)
        desk.tell(.up(StoreLink(instance: "i\(desk.store.instance)", most: 64)))
        desk.pass(0.05)
        // What it holds is written back, with the same token.
        #expect(desk.record?.token == 1_790_000_000_000)
        #expect(desk.record?.host == desk.member.identity.id)
        desk.pass(20)
        #expect(desk.begun.count == 1)
        #expect(desk.told.allSatisfy { if case .end = $0 { false } else { true } })
    }

    @Test func moreClaimsThanOneCommitCanLookAtAreLookedAtInTurn() {
        let claims = (0..<100).map { ClaimName(plugin: "p", routine: "r", shard: $0) }
        var desk = MemberDesk(claims: claims, most: 32)
        desk.pass(6.1)
        #expect(desk.begun.count == 100)
        desk.requests = []
        desk.pass(4.5)
        var seen: Set<String> = []
        for request in desk.requests {
            #expect(request.conditions.count <= 32)
            seen.formUnion(request.conditions.map(\.key))
        }
        #expect(seen.count == 102)
        // All of them are written back after a loss, as many as fit in each commit.
        desk.store.wipe(repeatsVersions: false, changesInstance: true)
        desk.requests = []
        desk.tell(.up(StoreLink(instance: "i\(desk.store.instance)", most: 32)))
        desk.pass(0.1)
        #expect(desk.store.list("lease/routine/").count == 100)
        #expect(desk.requests.allSatisfy { $0.conditions.count <= 32 && $0.puts.count <= 32 })
        #expect(desk.begun.count == 100)
    }

    @Test func aBetterHostIsGivenTheClaimAndOnlyOnceWhereItDoesNotTakeIt() throws {
        let better = try #require(
            (2...50).first { (id: UInt64) in
                let hosts = [1, id].map { Placement.Candidate(HostID(high: $0, low: 1), weight: 100) }
                return Placement.first(for: "lease/routine/p/r", among: hosts) == hosts[1].host
            })
        var first = MemberDesk(wish: ClaimWish(isSpread: true, moves: true))
        first.pass(6.1)
        // The better one does not have the routine.
        var second = MemberDesk(better, store: first.store, claims: [])
        for _ in 0..<60 {
            second.pass(1)
            first.store = second.store
            first.pass(1)
            if first.told.last == .end(MemberDesk.claim, .handedOver(.rebalance)) {
                first.tell(.ended(MemberDesk.claim))
            }
            second.store = first.store
        }
        #expect(first.told.count { $0 == .end(MemberDesk.claim, .handedOver(.rebalance)) } == 1)
        #expect(first.begun.count == 2)
        #expect(first.record?.host == first.member.identity.id)
    }

    @Test func aClaimThatIsOfNoInterestIsGivenBack() {
        var desk = MemberDesk.holder()
        desk.tell(.drop(MemberDesk.claim, .removed))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(2)
        #expect(desk.record?.host == nil)
        desk.tell(.want(MemberDesk.claim, ClaimWish()))
        desk.pass(2)
        #expect(desk.begun.count == 2)
    }

    @Test func anAnswerThatDoesNotComeClosesTheLink() {
        var desk = MemberDesk.holder()
        desk.isAway = true
        desk.pass(2.1)
        #expect(desk.told.last == .reopen)
        let asked = desk.requests.count
        desk.isAway = false
        desk.pass(0.5)
        #expect(desk.requests.count == asked)
        desk.tell(.up(StoreLink(instance: "i1", most: 64)))
        desk.pass(20)
        #expect(desk.begun.count == 1)
    }

    @Test func aHostThatComesBehindVeryManyOthersIsAMemberAsAnyIs() {
        var desk = MemberDesk(1 << 40, claims: [])
        func others(_ beat: UInt64) -> StoreRequest {
            StoreRequest(
                puts: (UInt64(2)..<1200).map { id in
                    let record = HostRecord(
                        incarnation: Incarnation(rawValue: id), beat: beat, name: "h", pid: 1, boot: "b", version: "1",
                        weight: 1, isDraining: false, leases: 0, settled: 0, leaseMs: 6000)
                    return .init(ClusterKey.host(HostID(high: id, low: 1)), record.bytes)
                })
        }
        for beat in UInt64(0)..<20 {
            _ = desk.store.commit(others(beat), at: 0)
            desk.pass(1)
        }
        #expect(desk.member.host.lease != nil && desk.store.list("lease/host/").count == 1199)
        // A claim is not free because there is no room for its holder: it is not even asked for.
        let holder = HostID(high: 1199, low: 1)
        let claim = ClaimRecord(
            host: holder, incarnation: Incarnation(rawValue: 1199), token: 5, sinceMs: 0, settled: 0)
        _ = desk.store.commit(StoreRequest(puts: [.init("lease/routine/p/r", claim.bytes)]), at: 0)
        desk.tell(.want(MemberDesk.claim, ClaimWish()))
        _ = desk.store.commit(others(20), at: 0)
        desk.pass(1.1)
        desk.requests = []
        desk.pass(1)
        #expect(
            desk.record == claim && desk.requests.allSatisfy { !$0.puts.contains { $0.key == "lease/routine/p/r" } })
        #expect(desk.told.isEmpty || desk.told.allSatisfy { if case .extend = $0 { true } else { false } })
    }
}
