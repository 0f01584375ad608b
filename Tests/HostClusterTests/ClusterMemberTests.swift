import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// One or two hosts and a store that answers at once, step by step.
@Suite struct ClusterMemberTests {
    /// A host with its store: each request is answered at once, unless it is away.
    struct Desk {
        static let second: Int64 = 1_000_000_000
        static let wall = WallTime(milliseconds: 1_790_000_000_000)
        var member: ClusterMember
        var store: ModelStore
        var now: BootTime = 1_000_000_000_000
        var isAway = false
        var told: [ClusterMember.Action] = []
        var requests: [StoreRequest] = []
        /// How many days the wall clock is ahead.
        var days: Int64 = 0
        /// Keys that the store does not write, and how many claims a list brings back; nil: all.
        var refused: Set<String> = []
        var mostListed: Int?
        let isGone: Bool

        init(
            _ id: UInt64 = 1, store: ModelStore = ModelStore(), boot: String = "boot", isGone: Bool = true,
            weight: UInt64 = 100, claims: [ClaimName] = [Self.claim], wish: ClaimWish = ClaimWish(), most: Int = 64,
            seconds: Int64 = 6
        ) {
            self.store = store
            self.isGone = isGone
            member = ClusterMember(
                .init(
                    id: HostID(high: id, low: 1), name: "h\(id)", pid: id, boot: boot, version: "1",
                    seed: .random(in: 0 ... .max)),
                length: seconds * Self.second, weight: weight)
            for claim in claims { tell(.want(claim, wish)) }
            tell(.up(StoreLink(instance: "i\(store.instance)", most: most)))
        }

        static let claim = ClaimName(plugin: "p", routine: "r")

        mutating func tell(_ event: ClusterMember.Event) {
            var waiting = [event]
            while !waiting.isEmpty {
                for action in member.handle(
                    waiting.removeFirst(), at: now,
                    wall: WallTime(milliseconds: Self.wall.milliseconds + days * 86_400_000))
                {
                    switch action {
                    case .ask(let id, let request):
                        requests.append(request)
                        if !isAway { waiting.append(.answer(id, answer(request))) }
                    case .lookFor(_, let incarnation): waiting.append(.process(incarnation, isGone: isGone))
                    case .reopen, .extend, .begin, .end, .kill, .refuse, .say, .closed: told.append(action)
                    }
                }
            }
        }

        private mutating func answer(_ request: StoreRequest) -> StoreAnswer {
            var outcome = StoreAnswer.Outcome.done(version: 0)
            if request.puts.contains(where: { refused.contains($0.key) }) {
                outcome = .refused("no room")
            } else if request.writes {
                outcome = store.commit(request, at: 0).map { .done(version: $0) } ?? .changed
            }
            let found = request.reads.compactMap { store.values[$0] }
            var lists = request.lists.map { store.list($0) }
            var cut: String?
            if let mostListed, let last = lists.last, request.lists.last == ClusterKey.claims, last.count > mostListed {
                lists[lists.count - 1] = Array(last.prefix(mostListed))
                cut = ClusterKey.claims
            }
            return StoreAnswer(sent: now, outcome: outcome, found: found + lists.joined(), cut: cut)
        }

        /// Lets time pass, and timers fire.
        mutating func pass(_ seconds: Double) {
            let end = now + Int64(seconds * 1e9)
            var steps = 0
            while member.nextDeadline <= end, steps < 1000 {
                now = max(now, member.nextDeadline)
                tell(.deadline)
                steps += 1
            }
            #expect(steps < 1000, "its timer does not come to rest")
            now = end
        }

        var begun: [UInt64] { told.compactMap { if case .begin(_, let token) = $0 { token } else { nil } } }
        var record: ClaimRecord? { store.values["claim/p/r"].flatMap { ClaimRecord($0.value) } }
    }

    /// A host that has its claim.
    private func holder() -> Desk {
        var desk = Desk()
        desk.pass(6.1)
        #expect(desk.begun.count == 1)
        return desk
    }

    @Test func aNewClusterSettlesAndThenTheClaimIsTaken() {
        var desk = Desk()
        desk.pass(5.9)
        #expect(desk.begun.isEmpty)
        desk.pass(0.2)
        #expect(desk.begun == [1_790_000_000_000])
        #expect(desk.record?.host == desk.member.identity.id)
    }

    @Test func whoComesLaterNeedNotSettle() {
        let first = holder()
        var second = Desk(2, store: first.store, claims: [ClaimName(plugin: "p", routine: "other")])
        second.pass(1.1)
        #expect(second.begun.count == 1)
    }

    @Test func theNextLifeOnTheSameBootHasItsClaimAtOnce() {
        let first = holder()
        var second = Desk(1, store: first.store)
        second.pass(0.05)
        #expect(second.begun == [1_790_000_000_001])
    }

    @Test func anEarlierLifeThatMayLiveIsAwaited() {
        let first = holder()
        for (boot, isGone) in [("boot", false), ("other", true)] {
            var second = Desk(1, store: first.store, boot: boot, isGone: isGone)
            second.pass(5.9)
            #expect(second.begun.isEmpty)
            second.pass(0.2)
            #expect(second.begun == [1_790_000_000_001])
        }
    }

    /// As when Redis changes the name of its data, since the first replica has come: links that are open have the old one.
    @Test func whoseNameForTheStoreIsOldAsksAnewAndOverwritesNoEpoch() throws {
        var first = holder()
        var second = Desk(2, store: first.store)
        second.tell(.up(StoreLink(instance: "renamed", most: 64)))
        second.pass(0.1)
        first.store = second.store
        first.pass(1.1)
        #expect(first.told.last == .reopen)
        func epoch(_ desk: Desk) -> EpochRecord? { desk.store.values["epoch"].flatMap { EpochRecord($0.value) } }
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
        var first = holder()
        var second = Desk(1, store: first.store, isGone: false)
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
        var desk = holder()
        desk.isAway = true
        let start = desk.now
        desk.pass(2.9)
        #expect(desk.member.host.lease != nil)
        desk.told = []
        desk.pass(2)
        let ended = desk.told.first { if case .end = $0 { true } else { false } }
        #expect(ended != nil)
        #expect(!desk.told.contains(.kill(Desk.claim)))
        desk.pass(1)
        #expect(desk.told.contains(.kill(Desk.claim)))
        #expect(desk.now - start < 6 * Desk.second)
        // It comes back as another incarnation, with another token.
        desk.tell(.ended(Desk.claim))
        desk.isAway = false
        desk.tell(.up(StoreLink(instance: "i1", most: 64)))
        desk.pass(0.05)
        #expect(desk.begun == [1_790_000_000_001])
    }

    @Test func aReleasedClaimGoesToOthersAtOnce() {
        var first = holder()
        first.tell(.leave(Desk.claim, .move, bar: 60 * Desk.second))
        #expect(first.told.contains(.end(Desk.claim, .handedOver(.move))))
        #expect(first.record?.host != nil)
        first.tell(.ended(Desk.claim))
        #expect(first.record?.host == nil)
        var second = Desk(2, store: first.store)
        second.pass(1.1)
        #expect(second.begun == [1_790_000_000_001])
        #expect(first.begun.count == 1)
    }

    @Test func aHostThatStopsLeavesNothing() {
        var desk = holder()
        desk.tell(.mode(.stopping))
        #expect(desk.told.contains(.end(Desk.claim, .handedOver(.stop))))
        desk.tell(.ended(Desk.claim))
        #expect(desk.told.last == .closed)
        #expect(desk.record?.host == nil)
        #expect(desk.store.list("host/").isEmpty)
    }

    @Test func aHostThatStopsWithoutAStoreWaitsNotLong() {
        var desk = holder()
        desk.isAway = true
        desk.tell(.mode(.stopping))
        desk.tell(.ended(Desk.claim))
        desk.pass(2)
        #expect(desk.told.last == .closed)
    }

    @Test func whoIsDrainedOrHasNoWeightTakesNothing() {
        var idle = Desk(weight: 0)
        idle.pass(20)
        #expect(idle.begun.isEmpty)
        idle.tell(.weight(5))
        idle.pass(2)
        #expect(idle.begun.count == 1)
        idle.tell(.mode(.draining))
        idle.tell(.ended(Desk.claim))
        idle.pass(20)
        #expect(idle.begun.count == 1)
        idle.tell(.mode(.serving))
        idle.pass(2)
        #expect(idle.begun.count == 2)
    }

    @Test func junkInAClaimGivesNothingAway() {
        var store = ModelStore()
        _ = store.commit(StoreRequest(puts: [.init("claim/p/r", Array("junk".utf8))]), at: 0)
        var desk = Desk(store: store)
        desk.pass(60)
        #expect(desk.begun.isEmpty)
        #expect(desk.store.values["claim/p/r"]?.value == Array("junk".utf8))
    }

    @Test func junkInTheEpochStopsEverybodyAndIsLeftAlone() {
        var desk = holder()
        _ = desk.store.commit(StoreRequest(puts: [.init("epoch", Array("junk".utf8))]), at: 0)
        desk.pass(4.5)
        #expect(desk.told.contains { if case .end = $0 { true } else { false } })
        desk.tell(.ended(Desk.claim))
        desk.pass(60)
        #expect(desk.begun.count == 1)
        #expect(desk.store.values["epoch"]?.value == Array("junk".utf8))
        #expect(desk.requests.count < 100)
    }

    @Test func theRecordOfAHostThatCannotBeReadKeepsItsClaims() {
        let first = holder()
        var second = Desk(2, store: first.store)
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
        var desk = holder()
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
        var desk = Desk(claims: claims, most: 32)
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
        #expect(desk.store.list("claim/").count == 100)
        #expect(desk.requests.allSatisfy { $0.conditions.count <= 32 && $0.puts.count <= 32 })
        #expect(desk.begun.count == 100)
    }

    @Test func aBetterHostIsGivenTheClaimAndOnlyOnceWhereItDoesNotTakeIt() throws {
        let better = try #require(
            (2...50).first { (id: UInt64) in
                let hosts = [1, id].map { Placement.Candidate(HostID(high: $0, low: 1), weight: 100) }
                return Placement.first(for: "claim/p/r", among: hosts) == hosts[1].host
            })
        var first = Desk(wish: ClaimWish(isSpread: true, moves: true))
        first.pass(6.1)
        // The better one does not have the routine.
        var second = Desk(better, store: first.store, claims: [])
        for _ in 0..<60 {
            second.pass(1)
            first.store = second.store
            first.pass(1)
            if first.told.last == .end(Desk.claim, .handedOver(.rebalance)) { first.tell(.ended(Desk.claim)) }
            second.store = first.store
        }
        #expect(first.told.count { $0 == .end(Desk.claim, .handedOver(.rebalance)) } == 1)
        #expect(first.begun.count == 2)
        #expect(first.record?.host == first.member.identity.id)
    }

    @Test func aClaimThatIsOfNoInterestIsGivenBack() {
        var desk = holder()
        desk.tell(.drop(Desk.claim, .removed))
        desk.tell(.ended(Desk.claim))
        desk.pass(2)
        #expect(desk.record?.host == nil)
        desk.tell(.want(Desk.claim, ClaimWish()))
        desk.pass(2)
        #expect(desk.begun.count == 2)
    }

    @Test func anAnswerThatDoesNotComeClosesTheLink() {
        var desk = holder()
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
        var desk = Desk(1 << 40, claims: [])
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
        #expect(desk.member.host.lease != nil && desk.store.list("host/").count == 1199)
        // A claim is not free because there is no room for its holder: it is not even asked for.
        let holder = HostID(high: 1199, low: 1)
        let claim = ClaimRecord(
            host: holder, incarnation: Incarnation(rawValue: 1199), token: 5, sinceMs: 0, settled: 0)
        _ = desk.store.commit(StoreRequest(puts: [.init("claim/p/r", claim.bytes)]), at: 0)
        desk.tell(.want(Desk.claim, ClaimWish()))
        _ = desk.store.commit(others(20), at: 0)
        desk.pass(1.1)
        desk.requests = []
        desk.pass(1)
        #expect(desk.record == claim && desk.requests.allSatisfy { !$0.puts.contains { $0.key == "claim/p/r" } })
        #expect(desk.told.isEmpty || desk.told.allSatisfy { if case .extend = $0 { true } else { false } })
    }

    @Test func claimsThatComeAndGoLeaveNothingBehindAndNoTokenIsGivenTwice() {
        var desk = holder()
        let token = desk.record?.token ?? 0
        for number in 0..<200 {
            let name = ClaimName(plugin: "p\(number)", routine: "r")
            desk.tell(.want(name, ClaimWish()))
            desk.pass(1.1)
            desk.tell(.drop(name, .removed))
            desk.tell(.ended(name))
        }
        desk.tell(.drop(Desk.claim, .removed))
        desk.tell(.ended(Desk.claim))
        desk.pass(2.1)
        #expect(desk.begun.count == 201 && desk.member.view.rememberedTokens == 0)
        // The record is lost, and nothing says so.
        _ = desk.store.commit(StoreRequest(deletes: ["claim/p/r"]), at: 0)
        desk.tell(.want(Desk.claim, ClaimWish()))
        desk.pass(2.1)
        #expect(desk.begun.count == 202 && desk.record.map { $0.token > token } == true)
    }

    @Test func theRecordOfAClaimThatNobodyWantsGoesAndItsTokenIsNotGivenAgain() {
        var desk = holder()
        let token = desk.record?.token ?? 0
        desk.tell(.drop(Desk.claim, .removed))
        desk.tell(.ended(Desk.claim))
        desk.pass(20)
        #expect(desk.record?.token == token, "it may come back tomorrow")
        desk.days = 1
        desk.pass(2.1)
        #expect(desk.record == nil)
        #expect(desk.store.values[ClusterKey.tokens].flatMap { TokensRecord($0.value) } == TokensRecord(largest: token))
        // Another host, which has seen nothing of it.
        var second = Desk(2, store: desk.store)
        second.pass(2.1)
        #expect(second.begun == [token + 1])
    }

    @Test func theRecordOfAClaimThatIsHeldOrWantedStays() {
        var desk = holder()
        desk.days = 10
        desk.pass(20)
        #expect(desk.record?.host == desk.member.identity.id)
        // A host that does not want it leaves it to its holder, and removes it when that is dead.
        var second = Desk(2, store: desk.store, claims: [])
        second.days = 10
        second.pass(5.9)
        #expect(second.record != nil)
        second.pass(2)
        #expect(second.record == nil && second.store.list("host/").count == 1)
    }

    @Test func whatIsOfNoFormThatIsKnownStays() {
        var store = ModelStore()
        let old = ClaimRecord(host: nil, incarnation: Incarnation(rawValue: 1), token: 5, sinceMs: 0, settled: 0)
        let puts = (0..<5).map { StoreRequest.Put("claim/p/\($0)", $0 == 2 ? Array("junk".utf8) : old.bytes) }
        _ = store.commit(StoreRequest(puts: puts), at: 0)
        var desk = Desk(store: store)
        desk.pass(30)
        #expect(desk.store.list("claim/").map(\.key) == ["claim/p/2", "claim/p/r"])
        // Tokens that cannot be read keep everything as it is: nothing is removed, and nothing without a record is taken.
        _ = desk.store.commit(StoreRequest(puts: puts + [.init(ClusterKey.tokens, Array("junk".utf8))]), at: 0)
        desk.tell(.want(ClaimName(plugin: "p", routine: "q"), ClaimWish()))
        desk.pass(30)
        #expect(desk.begun.count == 1 && desk.store.list("claim/").count == 6)
    }

    @Test func aClaimWithoutARecordIsTakenOnlyWhileTheTokensAreTheOnesThatWereRead() throws {
        var desk = Desk()
        desk.pass(6.1)
        let request = try #require(desk.requests.first { $0.puts.contains { $0.key == "claim/p/r" } })
        #expect(request.conditions.contains(.init(ClusterKey.tokens, 0)))
        #expect(request.conditions.contains(.init("claim/p/r", 0)))
    }
}
