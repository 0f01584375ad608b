import HostCluster
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// The desk with a store worker made of a dictionary, in virtual time. All that they say goes through its lines.
@Suite struct FleetDeskTests {
    final class Desk {
        let clock = TestClock()
        let deadlines = Deadlines()
        let desk: FleetDesk
        let store: LeaseKeeperTests.FakeStore
        let identity: HostIdentity
        var answers = true
        var asked: [StoreRequest] = []
        var ends = 0

        init(_ number: UInt64, _ store: LeaseKeeperTests.FakeStore, recent: [SessionRecord] = []) {
            self.store = store
            identity = HostIdentity(
                id: HostID(high: number, low: 1), name: "host\(number)", pid: number, boot: "b", version: "1",
                seed: number)
            desk = FleetDesk(identity, cluster: "test", recent: recent, clock: clock, deadlines: deadlines)
            desk.facts = {
                FleetDesk.Facts(
                    routines: 3, running: 2, quarantined: 1,
                    sessions: [.init(routine: "p/r", session: SessionID(rawValue: 1), startMs: 5, token: 9)], skewMs: -4
                )
            }
            desk.storeServes(true)
            desk.see(isMember: true, isDraining: false, isStopping: false, leases: 0)
            perform()
        }

        func perform() {
            while true {
                let orders = desk.take()
                if orders.isEmpty { return }
                for order in orders {
                    switch order {
                    case .end: ends += 1
                    case .send(let command):
                        guard
                            case .consult(let id, let request, let prefix, let timeout)? = StoreCommand(
                                line: command.line())
                        else {
                            Issue.record("\(command)")
                            continue
                        }
                        #expect(prefix == "schedhost/test/" && timeout == 1000)
                        asked.append(request)
                        guard answers else { continue }
                        let event = StoreEvent.consulted(id, store.answer(request, at: clock.boot()))
                        guard case .consulted(let number, let answer)? = StoreEvent(line: event.line()) else {
                            Issue.record("\(event)")
                            continue
                        }
                        desk.heard(number, answer)
                    }
                }
            }
        }

        func pass(_ time: Int64) {
            deadlines.run(clock, for: time)
            perform()
        }

        /// What people are shown, when the reading that they wait for is over.
        func view(after: UInt64? = nil) -> (answer: FleetAnswer, view: FleetView?, isOld: Bool) {
            var request = ControlRequest(.fleet)
            request.after = after
            var seen: (FleetView?, Bool) = (nil, false)
            let answer = desk.answer(request) { view, isOld in
                seen = (view, isOld)
                return FleetStatus(name: "test", store: "s", leaseMs: 0)
            }
            perform()
            return (answer, seen.0, seen.1)
        }
    }

    private static func record(_ number: UInt64) -> SessionRecord {
        SessionRecord(
            session: SessionID(rawValue: number), plugin: "p", routine: "r", startMs: 1, finishMs: Int64(number),
            durationMs: 1, cycles: 5, reason: .init(.maxCycles))
    }

    private let store = LeaseKeeperTests.FakeStore()

    @Test func oneHostSeesWhatAnotherOneHasSaid() throws {
        let (one, other) = (Desk(1, store), Desk(2, store, recent: [Self.record(7)]))
        one.desk.add(Self.record(8))
        one.perform()
        #expect(other.view().answer == .reading(1))
        let seen = other.view(after: 1)
        let view = try #require(seen.view)
        #expect(!seen.isOld && Set(view.records.map(\.session.rawValue)) == [7, 8])
        let report = try #require(view.hosts[one.identity.id]?.report)
        #expect(report.mode == .serving && report.running == 2 && report.skewMs == -4 && report.sessions.count == 1)
        #expect(other.view().view?.readAt == view.readAt, "what was read just now is not read again")
        other.pass(1_000_000_000)
        #expect(other.view().answer == .reading(2))
    }

    @Test func whoCannotReadShowsWhatWasReadBefore() throws {
        let desk = Desk(1, store)
        _ = desk.view()
        #expect(desk.view(after: 1).view != nil)
        desk.pass(60_000_000_000)
        desk.answers = false
        #expect(desk.view().answer == .reading(2))
        #expect(desk.view(after: 2).answer == .reading(2) && desk.view().answer == .reading(2))
        let old = desk.view(after: 0)
        #expect(old.view != nil && !old.isOld, "somebody who waits no more gets what there is")
        desk.desk.storeServes(false)
        let gone = desk.view()
        #expect(gone.isOld && gone.view != nil && gone.answer != .reading(3), "nobody waits for a store that is away")
        desk.answers = true
        desk.desk.storeServes(true)
        desk.desk.see(isMember: true, isDraining: false, isStopping: false, leases: 0)
        desk.perform()
        #expect(desk.view().answer == .reading(3))
        #expect(!desk.view(after: 3).isOld)
    }

    @Test func whoIsNoMemberSaysNothing() {
        let desk = Desk(1, store)
        let count = desk.asked.count
        #expect(count == 2 && store.values["status/\(desk.identity.id)"] != nil)
        desk.desk.storeServes(false)
        desk.desk.storeServes(true)
        desk.desk.see(isMember: false, isDraining: false, isStopping: false, leases: 0)
        desk.pass(60_000_000_000)
        #expect(desk.asked.count == count)
        desk.desk.see(isMember: true, isDraining: false, isStopping: false, leases: 0)
        desk.perform()
        #expect(desk.asked.count == count + 2)
        // The store may be another one now.
        desk.desk.storeIsNew()
        desk.desk.see(isMember: true, isDraining: false, isStopping: false, leases: 0)
        desk.perform()
        #expect(desk.asked.count == count + 4)
    }

    @Test func aReportComesWithinASecondOfALeaseThatIsTaken() {
        let desk = Desk(1, store)
        let count = desk.asked.count
        desk.pass(3_000_000_000)
        #expect(desk.asked.count == count)
        for leases in 1...3 {
            desk.desk.see(isMember: true, isDraining: false, isStopping: false, leases: leases)
            desk.perform()
        }
        desk.pass(900_000_000)
        #expect(desk.asked.count == count)
        desk.pass(200_000_000)
        #expect(desk.asked.count == count + 1, "one report for all of them")
        desk.pass(9_000_000_000)
        #expect(desk.asked.count == count + 1)
    }

    @Test func aReportSaysWhatTheHostIsAbout() throws {
        let desk = Desk(1, store)
        func report() throws -> HostReport {
            let stored = try #require(store.values["status/\(desk.identity.id)"])
            return try #require(HostReport(stored.value))
        }
        let start = try report()
        #expect(start.mode == .serving && start.modeMs == start.startMs)
        desk.pass(3_000_000_000)
        desk.desk.see(isMember: true, isDraining: true, isStopping: false, leases: 0)
        desk.perform()
        #expect(try report().mode == .draining && report().modeMs == start.modeMs + 3000)
        desk.desk.see(isMember: true, isDraining: true, isStopping: true, leases: 0)
        desk.desk.add(Self.record(3))
        desk.perform()
        #expect(try report().mode == .leaving)
        desk.desk.see(isMember: false, isDraining: true, isStopping: true, leases: 0)
        desk.desk.leave()
        desk.perform()
        #expect(try report().mode == .left && desk.ends == 1)
        #expect(store.values.keys.contains { $0.hasPrefix("record/\(desk.identity.id)/") })
        desk.pass(60_000_000_000)
        #expect(desk.ends == 1)
    }

    @Test func theEndOfAHostDoesNotWaitForItsStore() {
        let desk = Desk(1, store)
        desk.answers = false
        desk.desk.add(Self.record(3))
        desk.desk.leave()
        desk.perform()
        #expect(desk.ends == 0)
        desk.pass(499_000_000)
        #expect(desk.ends == 0)
        desk.pass(1_000_000)
        #expect(desk.ends == 1)
        let away = Desk(2, store)
        away.desk.storeServes(false)
        away.desk.leave()
        away.perform()
        #expect(away.ends == 1)
    }
}
