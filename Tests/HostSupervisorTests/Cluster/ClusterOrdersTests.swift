import HostCluster
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// People's orders about a cluster, at a host that shares a store with another one, in virtual time.
@Suite struct ClusterOrdersTests {
    final class Host {
        let clock = TestClock()
        let deadlines = Deadlines()
        let log = MemoryLog()
        let store: LeaseKeeperTests.FakeStore
        let membership: Membership
        var kept: [Bool] = []
        var fault: (any Error)?
        var running: Set<ClaimName> = []
        var answers = true

        init(_ number: UInt64, _ store: LeaseKeeperTests.FakeStore, claims: [ClaimName]) throws {
            self.store = store
            let text = "{ cluster: { store: 's' } }"
            let settings = try #require(try HostConfiguration(parsing: Array(text.utf8), file: "H").cluster)
            let identity = HostIdentity(
                id: HostID(high: number << 40, low: 1), name: number < 8 ? "host\(number)" : "twin", pid: 100 + number,
                boot: "boot\(number)", version: "1", seed: number)
            membership = Membership(
                identity, settings, clock: clock, deadlines: deadlines, log: log, isOver: { _ in true })
            membership.want(
                Dictionary(uniqueKeysWithValues: claims.map { ($0, .wanted(ClaimWish())) }), isSettled: true)
            membership.keeper.storeIsReady()
            perform()
        }

        func perform() {
            while membership.hasOrders {
                for order in membership.take() {
                    switch order {
                    case .send where !answers: break
                    case .send(.open):
                        membership.keeper.heard(.up(StoreLink(instance: store.instance, most: 64)))
                    case .send(.ask(let id, let request)):
                        membership.keeper.heard(.stored(id, store.answer(request, at: clock.boot())))
                    case .begin(let claim, _): running.insert(claim)
                    case .end(let claim, _, _):
                        running.remove(claim)
                        membership.keeper.ended(claim)
                    case .send(.share), .send(.consult), .send(.clear), .extend, .kill, .left: break
                    }
                }
            }
        }

        func pass(seconds: Int64) {
            for _ in 0..<seconds * 20 {
                deadlines.run(clock, for: 50_000_000)
                perform()
            }
        }

        func order(_ action: ControlRequest.Action, _ ids: String..., to heir: String? = nil) -> ControlResponse {
            var request = ControlRequest(action, identifiers: ids)
            request.heir = heir
            guard let read = try? ControlRequest(line: request.line().dropLast()) else { return .failed("not read") }
            let response = ClusterOrders(membership: membership) {
                if let fault = self.fault { throw fault }
                self.kept.append($0)
            }.perform(read)
            perform()
            return response
        }
    }

    static let claims = (0..<3).map { ClaimName(plugin: "p", routine: "r", shard: $0) }

    /// Two hosts, of which the first one has all.
    private func cluster(_ number: UInt64 = 2) throws -> (first: Host, second: Host) {
        let store = LeaseKeeperTests.FakeStore()
        let first = try Host(1, store, claims: Self.claims)
        first.pass(seconds: 11)
        let second = try Host(number, store, claims: Self.claims)
        second.pass(seconds: 1)
        first.pass(seconds: 2)
        #expect(first.running.count == 3 && second.running.isEmpty)
        return (first, second)
    }

    private func texts(_ response: ControlResponse) -> [String] {
        switch response {
        case .outcomes(let outcomes): outcomes.map { ($0.isDone ? "" : "not: ") + $0.text }
        case .failed(let text): ["failed: " + text]
        case .status, .level, .lines, .fleet, .clearShared: []
        }
    }

    @Test func aDrainedHostGivesAllBackAndTakesNothing() throws {
        let (first, second) = try cluster()
        let answer = texts(first.order(.drain))
        #expect(answer == ["this host gives back its 3 leases, and takes none until: schedhost cluster undrain"])
        first.pass(seconds: 1)
        second.pass(seconds: 2)
        #expect(first.running.isEmpty && second.running.count == 3 && first.kept == [true])
        let status = first.membership.status
        #expect(status.isDraining && status.held == 0 && status.members.first { $0.isOwn }?.isDraining == true)
        #expect(texts(first.order(.drain)) == ["this host was drained already"])
        second.pass(seconds: 20)
        first.pass(seconds: 20)
        #expect(first.running.isEmpty)
        #expect(texts(second.order(.drain)).count == 1)
        second.pass(seconds: 1)
        #expect(texts(first.order(.undrain)) == ["this host takes leases again"])
        first.pass(seconds: 3)
        #expect(first.running.count == 3 && first.kept == [true, true, false])
    }

    @Test func whatTheNextHostWillNotKnowIsSaid() throws {
        let (first, _) = try cluster()
        first.fault = SystemError("write", "cluster.json", number: 28)
        let answer = texts(first.order(.drain))
        #expect(answer.count == 1 && answer[0].hasPrefix("not: ") && answer[0].contains("will not know of it"))
    }

    @Test func aLeaseIsMovedToTheHostThatIsNamed() throws {
        let (first, second) = try cluster()
        #expect(texts(first.order(.move, "p/r#1", to: "host2")) == ["it goes to host host2"])
        first.pass(seconds: 1)
        second.pass(seconds: 1)
        #expect(second.running == [Self.claims[1]] && first.running.count == 2)
        #expect(texts(second.order(.move, "p/r#0")) == ["not: host host1 has its lease: move it from there"])
        // It does not come back by itself.
        for _ in 0..<40 {
            first.pass(seconds: 1)
            second.pass(seconds: 1)
        }
        #expect(first.running.count == 2 && second.running.count == 1)
        #expect(first.membership.status.counts.taken == 3 && first.membership.status.counts.handedOver == 1)
        #expect(texts(second.order(.move, "p/r#1", to: "00000100")) == ["it goes to host host1"])
    }

    @Test func whatCannotBeMovedIsSaid() throws {
        let (first, second) = try cluster()
        #expect(texts(first.order(.move, "p/r#9", to: "host2"))[0].contains("no plugin or routine"))
        #expect(texts(first.order(.move, "p/r", to: "hots2"))[0].contains("did you mean host2?"))
        #expect(texts(first.order(.move, "p/r", to: "host1")) == ["failed: host1 is this host"])
        _ = second.order(.drain)
        second.pass(seconds: 2)
        first.pass(seconds: 2)
        #expect(texts(first.order(.move, "p/r", to: "host2")) == ["failed: host2 is drained: it takes nothing"])
        #expect(texts(first.order(.move, "p/r")) == ["failed: there is no other host that would take it"])
        #expect(first.running.count == 3)
        first.membership.stop()
        #expect(texts(first.order(.undrain)) == ["failed: the host is stopping"])
    }

    @Test func aMoveWhileTheStoreIsAwaySaysThat() throws {
        let (first, _) = try cluster()
        first.answers = false
        first.membership.keeper.heard(.down("connection refused"))
        first.pass(seconds: 20)
        let why = "failed: nothing can be moved now: the store is not connected: connection refused"
        #expect(texts(first.order(.move, "p/r", to: "host2")) == [why])
        #expect(texts(first.order(.move, "p/r")) == [why])
    }

    @Test func hostsOfOneNameAreNamedByTheirIds() throws {
        let (first, second) = try cluster(9)
        let third = try Host(10, first.store, claims: [])
        third.pass(seconds: 1)
        first.pass(seconds: 2)
        #expect(
            texts(first.order(.move, "p/r#2", to: "twin")) == [
                "failed: 2 hosts are called 'twin': name one by its id"
            ])
        #expect(texts(first.order(.move, "p/r#2", to: "00000900")) == ["it goes to host twin (00000900)"])
        second.pass(seconds: 1)
        #expect(second.running == [Self.claims[2]])
        #expect(first.membership.status.members.map(\.name) == ["host1", "twin (00000900)", "twin (00000a00)"])
    }
}
