import HostCluster
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// The keeper with a store worker made of a dictionary, in virtual time. All that they say goes through its lines.
@Suite struct LeaseKeeperTests {
    /// Keys with versions, changed on condition.
    final class FakeStore {
        var values: [String: StoreAnswer.Entry] = [:]
        private var version: UInt64 = 0
        var instance = "run 1"

        func answer(_ request: StoreRequest, at now: BootTime) -> StoreAnswer {
            var outcome = StoreAnswer.Outcome.done(version: 0)
            if request.conditions.contains(where: { values[$0.key]?.version ?? 0 != $0.version }) {
                outcome = .changed
            } else if request.writes {
                version += 1
                for put in request.puts { values[put.key] = .init(key: put.key, version: version, value: put.value) }
                for key in request.deletes { values[key] = nil }
                outcome = .done(version: version)
            }
            let listed = request.lists.flatMap { prefix in
                values.values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
            }
            return StoreAnswer(
                sent: now, outcome: outcome, found: request.reads.compactMap { values[$0] } + listed)
        }
    }

    /// A host: its keeper, its clock, and what the supervisor would do.
    final class Host {
        static let claim = ClaimName(plugin: "p", routine: "r")
        let clock = TestClock()
        let deadlines = Deadlines()
        let log = MemoryLog()
        let keeper: LeaseKeeper
        let store: FakeStore
        var answers = true
        var isRunning = false
        var tokens: [UInt64] = []
        var texts: [String] = []
        var others: [LeaseKeeper.Order] = []
        var opened: [StoreCommand] = []

        init(_ number: UInt64, _ store: FakeStore, length: Int64 = 10_000_000_000) {
            self.store = store
            let identity = HostIdentity(
                id: HostID(high: number, low: 1), name: "host\(number)", pid: 100 + number, boot: "boot\(number)",
                version: "1", seed: number)
            keeper = LeaseKeeper(
                identity, .init(name: "test", length: length, weight: 100), clock: clock, deadlines: deadlines,
                log: log, isOver: { _ in true })
            keeper.want(Self.claim, ClaimWish())
            keeper.storeIsReady()
            perform()
        }

        /// Does what was ordered. Sessions end at once.
        func perform() {
            while true {
                let orders = keeper.take()
                if orders.isEmpty { return }
                for order in orders {
                    switch order {
                    case .send(let command): send(command)
                    case .begin(_, let token):
                        tokens.append(token)
                        isRunning = true
                    case .end(let claim, _, let text):
                        isRunning = false
                        texts.append(text)
                        keeper.ended(claim)
                    case .extend, .kill, .left: others.append(order)
                    }
                }
            }
        }

        private func send(_ command: StoreCommand) {
            guard let read = StoreCommand(line: command.line()) else {
                Issue.record("a command is not read as it was written: \(command)")
                return
            }
            guard answers else { return }
            switch read {
            case .open:
                opened.append(read)
                hear(.up(StoreLink(instance: store.instance, most: 64)))
            case .ask(let id, let request): hear(.stored(id, store.answer(request, at: clock.boot())))
            case .share, .consult, .clear: break
            }
        }

        func hear(_ event: StoreEvent) {
            guard let read = StoreEvent(line: event.line()) else {
                Issue.record("an event is not read as it was written: \(event)")
                return
            }
            keeper.heard(read)
        }

        func pass(seconds: Int64) {
            for _ in 0..<seconds * 20 {
                deadlines.run(clock, for: 50_000_000)
                perform()
            }
        }
    }

    @Test func theClaimIsHeldAndItsLeaseIsExtended() {
        let host = Host(1, FakeStore())
        #expect(host.opened == [.open(prefix: "schedhost/test/", timeoutMs: 1666)])
        #expect(!host.isRunning)
        host.pass(seconds: 11)
        #expect(host.isRunning)
        #expect(host.keeper.isMember)
        #expect(host.keeper.hindrance == nil)
        #expect(host.keeper.explanation(of: Host.claim) == nil)
        let overview = host.keeper.overview
        #expect(overview.hosts.map(\.name) == ["host1"] && overview.hosts.first?.leases == 1)
        #expect(overview.claim(Host.claim)?.holder == overview.own && overview.claim(Host.claim)?.isHeldHere == true)
        let times = host.others.compactMap { if case .extend(let times) = $0 { times } else { nil } }
        #expect(times.count >= 6)
        #expect((times.last?.kill ?? .longAgo) > host.clock.boot() + 5_000_000_000)
    }

    @Test func callsTakeNoLongerThanTheLeasesOfTheCluster() {
        let store = FakeStore()
        let first = Host(1, store, length: 2_000_000_000)
        first.pass(seconds: 3)
        let second = Host(2, store, length: 600_000_000_000)
        #expect(
            second.opened == [
                .open(prefix: "schedhost/test/", timeoutMs: 100_000), .open(prefix: "schedhost/test/", timeoutMs: 333),
            ])
        #expect(second.keeper.length == 2_000_000_000)
    }

    @Test func anotherHostTakesOverWhenTheFirstOneIsSilent() throws {
        let store = FakeStore()
        let first = Host(1, store)
        first.pass(seconds: 11)
        let second = Host(2, store)
        second.pass(seconds: 5)
        #expect(!second.isRunning)
        let token = first.tokens.first ?? 0
        #expect(second.keeper.explanation(of: Host.claim) == "held by host host1, with token \(token)")
        // The first one is gone without a word.
        second.pass(seconds: 11)
        #expect(second.isRunning)
        let tokens = [try #require(first.tokens.first), try #require(second.tokens.first)]
        #expect(tokens[0] < tokens[1])
        let takeovers = second.keeper.overview.takeovers
        #expect(takeovers.count == 1 && takeovers.timed == 1 && first.keeper.overview.takeovers.count == 0)
        #expect((10_000_000_000...13_000_000_000).contains(takeovers.time), "\(takeovers)")
        // It comes back, finds that, and waits.
        first.clock.advance(seconds: 16)
        first.pass(seconds: 1)
        #expect(!first.isRunning)
        #expect(first.texts.count == 1)
        #expect(first.texts.first?.hasPrefix("the store did not answer for 1") == true, "\(first.texts)")
        #expect(second.isRunning)
    }

    @Test func whatIsGivenBackIsNotTakenOver() {
        let store = FakeStore()
        let first = Host(1, store)
        first.pass(seconds: 11)
        let second = Host(2, store)
        first.keeper.set(.draining)
        first.pass(seconds: 1)
        second.pass(seconds: 3)
        #expect(second.isRunning && second.keeper.overview.takeovers.count == 0)
    }

    @Test func whatIsAskedOfTheStoreIsCounted() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 30)
        let uses = host.keeper.meter.uses
        #expect(uses.map(\.operation) == [.read, .commit])
        #expect(
            uses.allSatisfy { $0.purpose == .leases && $0.done > 0 && $0.unknown == 0 && $0.durations.total == $0.done }
        )
        host.answers = false
        host.pass(seconds: 3)
        host.hear(.down("gone"))
        #expect(host.keeper.meter.uses[1].unknown > 0 || host.keeper.meter.uses[0].unknown > 0)
        #expect(host.keeper.counts.reconnects == 0)
        host.answers = true
        host.hear(.up(StoreLink(instance: "run 1", most: 64)))
        #expect(host.keeper.counts.reconnects == 1)
    }

    @Test func theStoresClockIsCompared() throws {
        let host = Host(1, FakeStore())
        host.pass(seconds: 1)
        #expect(host.keeper.skewMs == nil, "this store has no clock")
        let wall = host.clock.wall().milliseconds
        host.clock.advance(100_000_000)
        // It was asked 100 ms ago, and so has answered 50 ms ago, more or less.
        host.hear(
            .stored(
                99,
                StoreAnswer(
                    sent: host.clock.boot() - 100_000_000, outcome: .done(version: 1), found: [],
                    clockMs: wall + 50 + 2000)))
        #expect(host.keeper.skewMs == -2000)
    }

    /// A virtual machine whose time does not pass while it is paused from outside: no deadline can end what it runs. The
    /// token tells what is behind it whom to refuse, and the first renewal finds out.
    @Test func aMachineThatWasPausedFromOutsideEndsWithItsNextRenewal() throws {
        let store = FakeStore()
        let first = Host(1, store)
        first.pass(seconds: 11)
        let second = Host(2, store)
        second.pass(seconds: 14)
        #expect(first.isRunning && second.isRunning)
        let tokens = [try #require(first.tokens.first), try #require(second.tokens.first)]
        #expect(tokens[0] < tokens[1])
        // A sixth of the lease.
        first.pass(seconds: 2)
        #expect(!first.isRunning)
        #expect(first.texts == ["its record in the store is gone"])
        #expect(second.isRunning)
    }

    @Test func withoutTheStoreSessionsEndAndPeopleAreTold() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        _ = host.log.take(.info)
        host.answers = false
        host.hear(.down("connection refused"))
        host.hear(.down("connection refused"))
        host.pass(seconds: 5)
        #expect(host.isRunning)
        #expect(host.keeper.isMember)
        host.pass(seconds: 2)
        #expect(!host.isRunning)
        #expect(host.keeper.hindrance == "the store is not connected: connection refused")
        #expect(host.texts.count == 1)
        #expect(host.texts.first?.hasPrefix("the store did not answer for 6.") == true, "\(host.texts)")
        let said = host.log.take(.warning)
        #expect(said.count == 2)
        #expect(said.first == "cluster: the store is not connected: connection refused")
        host.answers = true
        host.hear(.up(StoreLink(instance: "run 1", most: 64)))
        host.pass(seconds: 1)
        #expect(host.isRunning)
        #expect(host.tokens.count == 2)
    }

    @Test func theLastReasonOfALossIsShownAndToldAtMostOnceAMinute() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        host.answers = false
        host.hear(.down("connection refused"))
        host.pass(seconds: 20)
        host.hear(.down("NOAUTH: authentication is required"))
        #expect(host.keeper.hindrance == "the store is not connected: NOAUTH: authentication is required")
        #expect(host.keeper.explanation(of: Host.claim) == host.keeper.hindrance)
        #expect(host.log.take(.warning).filter { $0.hasPrefix("cluster:") }.count == 1, "a minute has not passed")
        host.pass(seconds: 41)
        for _ in 0..<3 { host.hear(.down("NOAUTH: authentication is required")) }
        host.hear(.down("connection refused"))
        #expect(
            host.log.take(.warning) == [
                "cluster: the store is still not connected: NOAUTH: authentication is required"
            ])
        host.pass(seconds: 61)
        for _ in 0..<3 { host.hear(.down("connection refused")) }
        #expect(host.log.take(.warning) == ["cluster: the store is still not connected: connection refused"])
        host.pass(seconds: 61)
        host.hear(.down("connection refused"))
        #expect(host.log.take(.warning).isEmpty, "the same reason is told once")
    }

    @Test func ofAStoreThatGreetsAndThenFailsPeopleAreToldOnce() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        _ = host.log.take(.info)
        host.answers = false
        for _ in 0..<20 {
            host.hear(.down("no right to list"))
            host.hear(.up(StoreLink(instance: "run 1", most: 64)))
            for order in host.keeper.take() {
                guard case .send(.ask(let id, _)) = order else { continue }
                host.hear(.stored(id, StoreAnswer(sent: host.clock.boot(), outcome: .unknown, found: nil)))
            }
        }
        #expect(host.log.take(.warning) == ["cluster: the store is not connected: no right to list"])
        host.answers = true
        host.hear(.down("no right to list"))
        host.hear(.up(StoreLink(instance: "run 1", most: 64)))
        host.perform()
        #expect(host.log.take(.info) == ["cluster: the store is connected again"])
        #expect(host.isRunning)
    }

    @Test func aStoreWorkerThatIsRestartedIsNoLoss() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        host.keeper.storeIsGone()
        host.pass(seconds: 2)
        host.keeper.storeIsReady()
        host.perform()
        host.pass(seconds: 20)
        #expect(host.isRunning)
        #expect(host.tokens.count == 1)
        #expect(host.opened.count == 2)
    }

    @Test func aStoreThatHasLostAllGetsItBack() {
        let store = FakeStore()
        let host = Host(1, store)
        host.pass(seconds: 11)
        store.values = [:]
        store.instance = "run 2"
        host.hear(.down("reset"))
        host.hear(.up(StoreLink(instance: "run 2", most: 64)))
        host.pass(seconds: 1)
        #expect(store.values["lease/routine/p/r"] != nil)
        host.pass(seconds: 30)
        #expect(host.tokens.count == 1)
    }

    @Test func nonsenseFromTheStoreChangesNothing() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        for id in 0..<100 as Range<UInt64> {
            host.hear(.stored(id, StoreAnswer(sent: .never, outcome: .done(version: .max), found: [])))
            host.hear(.changed(["x"]))
        }
        host.perform()
        host.pass(seconds: 5)
        #expect(host.isRunning)
        #expect(host.tokens.count == 1)
    }

    @Test func aStopLeavesTheClaimToOthers() {
        let store = FakeStore()
        let host = Host(1, store)
        host.pass(seconds: 11)
        host.keeper.set(.stopping)
        host.perform()
        #expect(host.others.last == .left)
        #expect(host.texts == ["this host stops"])
        let second = Host(2, store)
        // Nobody says any more that this epoch has settled but the record of the claim.
        second.pass(seconds: 1)
        #expect(second.isRunning)
    }

    @Test func aStopWithoutAStoreDoesNotWait() {
        let host = Host(1, FakeStore())
        host.pass(seconds: 11)
        host.answers = false
        host.keeper.storeIsGone()
        host.keeper.set(.stopping)
        host.perform()
        host.pass(seconds: 1)
        #expect(host.others.last == .left)
    }
}
