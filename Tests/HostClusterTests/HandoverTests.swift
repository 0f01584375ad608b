import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// What is given back goes to another host at once, whoever would be the first for it.
@Suite struct HandoverTests {
    /// A host that holds its claim and is the first for it, beside two others.
    private func cluster() throws -> (first: MemberDesk, others: [MemberDesk]) {
        let others = try #require(
            (2...500).lazy.compactMap { (id: UInt64) -> [UInt64]? in
                let hosts = [1, id, id + 1000].map { Placement.Candidate(HostID(high: $0, low: 1), weight: 100) }
                let isFirst = Placement.first(for: "lease/routine/p/r", among: hosts) == hosts[0].host
                return isFirst && Placement.rank(of: hosts[1].host, for: "lease/routine/p/r", among: hosts) == 1
                    ? [id, id + 1000] : nil
            }.first)
        var first = MemberDesk()
        first.pass(6.1)
        var desks: [MemberDesk] = []
        for id in others {
            var desk = MemberDesk(id, store: desks.last?.store ?? first.store)
            desk.pass(0.01)
            desks.append(desk)
        }
        first.store = desks[1].store
        first.pass(0.01)
        return (first, desks)
    }

    /// The host looks now, since somebody has changed something.
    private func look(_ desk: inout MemberDesk, _ store: ModelStore, after seconds: Double = 0.02) {
        desk.store = store
        desk.tell(.changed)
        desk.pass(seconds)
    }

    @Test func nobodyWaitsForWhoHasGivenItBack() throws {
        var (first, others) = try cluster()
        first.tell(.leave(MemberDesk.claim, .move, bar: 60 * MemberDesk.second))
        first.tell(.ended(MemberDesk.claim))
        #expect(first.record?.giver == first.member.identity.id && first.record?.heir == nil)
        look(&others[0], first.store)
        #expect(others[0].begun.count == 1)
    }

    @Test func itGoesToTheHostThatItIsFor() throws {
        var (first, others) = try cluster()
        let heir = others[1].member.identity.id
        first.tell(.leave(MemberDesk.claim, .move, bar: 60 * MemberDesk.second, to: heir))
        first.tell(.ended(MemberDesk.claim))
        #expect(first.record?.heir == heir)
        look(&others[0], first.store, after: 0.5)
        #expect(others[0].begun.isEmpty)
        look(&others[1], others[0].store)
        #expect(others[1].begun.count == 1)
        #expect(others[1].record?.heir == nil && others[1].record?.giver == nil)
    }

    @Test func anHeirThatDoesNotTakeItIsNotAwaitedForever() throws {
        var (first, others) = try cluster()
        first.tell(.leave(MemberDesk.claim, .move, bar: 60 * MemberDesk.second, to: others[1].member.identity.id))
        first.tell(.ended(MemberDesk.claim))
        look(&others[0], first.store, after: 2.9)
        #expect(others[0].begun.isEmpty)
        others[0].pass(0.3)
        #expect(others[0].begun.count == 1)
    }

    @Test func theOthersAreToldAtOnceThatAHostIsDrained() {
        var desk = MemberDesk()
        desk.pass(6.4)
        desk.requests = []
        desk.tell(.mode(.draining))
        let own = desk.store.values[ClusterKey.host(desk.member.identity.id)].flatMap { HostRecord($0.value) }
        #expect(own?.isDraining == true && desk.requests.count == 1)
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(0.01)
        #expect(desk.record?.host == nil, "nothing waits for the next renewal")
        desk.tell(.mode(.serving))
        desk.pass(0.1)
        #expect(desk.begun.count == 2)
    }

    @Test func aFullHostIsNotGivenMore() {
        // Three claims of two equal hosts: three at the most each. The other one has all that it should.
        let own = HostID(high: 1, low: 1)
        let other = HostID(high: 2, low: 1)
        let names = (0..<12).map { ClaimName(plugin: "p", routine: "r", shard: $0) }
        var table = ClaimTable()
        let view = ClusterView(of: own, epoch: EpochWatch(wanted: 6000, settles: true), sweepAge: 1)
        for name in names {
            table.want(name, ClaimWish(isSpread: true, moves: true))
            for event in [ClaimMachine.Event.take(token: 1), .granted] {
                _ = table.handle(name, event, at: 0, isDropped: false, heir: nil)
            }
        }
        let hosts = [own, other].map { Placement.Candidate($0, weight: 100) }
        func moves(_ view: ClusterView) -> Int {
            var table = table
            var count = 0
            for second in 0..<60 {
                let now = BootTime(nanoseconds: Int64(second) * 1_000_000_000)
                if table.leaving(from: own, among: hosts, view, length: 6_000_000_000, at: now) != nil { count += 1 }
            }
            return count
        }
        let firsts = names.count { name in
            Placement.first(for: ClusterKey.claim(name) ?? "", among: hosts) == other
        }
        #expect(firsts > 0 && moves(view) == firsts)
        var full = view
        let record = ClaimRecord(host: other, incarnation: Incarnation(rawValue: 1), token: 1, sinceMs: 0, settled: 0)
        let entries = names.prefix(7).map {
            StoreAnswer.Entry(key: ClusterKey.claim($0) ?? "", version: 1, value: record.bytes)
        }
        full.take(
            Array(entries), of: StoreRequest(lists: [ClusterKey.claims]),
            by: MemberRequests(host: own, incarnation: Incarnation(rawValue: 7)), isWanted: { _ in true }, at: 0)
        #expect(moves(full) == 0)
    }

    @Test func theTableCountsWhatItHolds() {
        var table = ClaimTable()
        let names = (0..<50).map { ClaimName(plugin: "p", routine: "r", shard: $0) }
        for name in names.shuffled() { table.want(name, ClaimWish(isSpread: true)) }
        #expect(table.keys == table.keys.sorted() && table.count == 50 && table.held == 0)
        for name in names.prefix(20) {
            _ = table.handle(name, .take(token: 1), at: 0, isDropped: false, heir: nil)
            _ = table.handle(name, .granted, at: 0, isDropped: false, heir: nil)
        }
        #expect(table.held == 20 && table.hasSessions && table.isBusy)
        #expect(table.heldKeys == names.prefix(20).compactMap { ClusterKey.claim($0) }.sorted())
        #expect(table.standbyKeys == names.dropFirst(20).compactMap { ClusterKey.claim($0) }.sorted())
        for name in names.prefix(20) {
            _ = table.handle(name, .lost(.recordGone, kill: 5), at: 0, isDropped: false, heir: nil)
        }
        #expect(table.held == 0 && table.hasSessions && table.nextDeadline == 5 && table.due(at: 5).count == 20)
        #expect(
            table.keysToGiveBack(isIdle: false).count == 20 && table.heldKeys.isEmpty && table.standbyKeys.count == 30)
        for name in names {
            _ = table.handle(name, .leave(.removed, bar: 9), at: 1, isDropped: true, heir: nil)
            _ = table.handle(name, .ended, at: 1, isDropped: false, heir: nil)
        }
        #expect(table.keys.isEmpty && table.nextDeadline == .never && !table.hasSessions)
        #expect(table.standbyKeys.isEmpty && table.keysToGiveBack(isIdle: false).isEmpty && table.count == 0)
    }

    @Test func hostsOfOneNameAreToldApart() {
        var store = ModelStore()
        for (id, name) in [(UInt64(5), "web"), (6, "web"), (7, "db")] {
            let record = HostRecord(
                incarnation: Incarnation(rawValue: id), beat: 1, name: name, pid: 1, boot: "b", version: "1", weight: 1,
                isDraining: false, leases: 0, settled: 0, leaseMs: 6000)
            let key = ClusterKey.host(HostID(high: id << 40, low: 1))
            _ = store.commit(StoreRequest(puts: [.init(key, record.bytes)]), at: 0)
        }
        var desk = MemberDesk(1, store: store)
        desk.pass(0.1)
        let overview = desk.member.overview
        #expect(overview.name(of: HostID(high: 5 << 40, low: 1)) == "web (00000500)")
        #expect(overview.name(of: HostID(high: 7 << 40, low: 1)) == "db")
        #expect(overview.hosts(called: "web").count == 2 && overview.hosts(called: "web (00000500)").count == 1)
        #expect(overview.hosts(called: "db").count == 1 && overview.hosts(called: "00000600").count == 1)
        #expect(overview.hosts(called: "x").isEmpty)
    }
}

/// How a host leaves its cluster.
@Suite struct HostLeavingTests {
    private func situation(
        _ isMember: Bool = true, isBusy: Bool = false, isAsking: Bool = false, isFresh: Bool = true,
        hasRecord: Bool = true
    ) -> HostLeaving.Situation {
        .init(isMember: isMember, isBusy: isBusy, isAsking: isAsking, isFresh: isFresh, hasRecord: hasRecord)
    }

    private func steps(_ situations: [(HostLeaving.Situation, BootTime)]) -> [HostLeaving.Step] {
        var leaving = HostLeaving()
        return situations.map { leaving.step($0, patience: 100, at: $1) }
    }

    @Test func itGivesAllBackAndThenRemovesItsRecord() {
        let found = steps([
            (situation(isBusy: true), 0), (situation(isAsking: true), 1), (situation(isFresh: false), 2),
            (situation(), 3), (situation(hasRecord: false), 4),
        ])
        #expect(found == [.goesOn, .waits, .goesOn, .removes, .closes])
    }

    @Test func howeverLongLeasesAreTheHostStopsSoonWithAStoreThatHangs() {
        var desk = MemberDesk(seconds: 600)
        desk.pass(601)
        #expect(desk.begun.count == 1)
        desk.isAway = true
        desk.tell(.mode(.stopping))
        desk.tell(.ended(MemberDesk.claim))
        desk.pass(4.9)
        #expect(!desk.told.contains(.closed))
        desk.pass(0.2)
        #expect(desk.told.contains(.closed))
    }

    @Test func itDoesNotWaitForeverForTheStore() {
        let busy = situation(isBusy: true, isAsking: true)
        #expect(steps([(busy, 0), (busy, 99), (busy, 100)]) == [.goesOn, .goesOn, .closes])
        #expect(steps([(situation(false, isAsking: true), 0), (situation(false), 1)]) == [.waits, .closes])
    }
}
