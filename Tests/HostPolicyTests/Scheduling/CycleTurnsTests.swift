import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Whose cycle may begin, where only so many may run at once.
@Suite struct CycleTurnsTests {
    private func wish(_ session: UInt64, _ number: UInt64 = 1) -> CycleTurns.Request {
        CycleTurns.Request(session: SessionID(rawValue: session), number: number)
    }

    private func host(_ most: UInt64, _ group: String? = nil, of size: UInt64 = 1) -> CycleTurns.Bounds {
        CycleTurns.Bounds(host: most, group: group.map { .init($0, most: size) })
    }

    @Test func firstDueIsFirst() {
        var turns = CycleTurns()
        for (session, due) in [(1, 30), (2, 10), (3, 20), (4, 10)] as [(UInt64, BootTime)] {
            turns.want(wish(session), due: due, begun: 0, host(2))
        }
        #expect(turns.take(at: 0) == [wish(2), wish(4)] && turns.take(at: 0).isEmpty)
        turns.over(wish(4).session)
        #expect(turns.take(at: 0) == [wish(3)])
        turns.over(wish(2).session)
        turns.over(wish(3).session)
        #expect(turns.take(at: 0) == [wish(1)] && turns.waitingCount == 0 && turns.runningCount == 1)
    }

    /// Its request is the last one, however often a session asks and withdraws at a full host.
    @Test func aSessionWaitsOnce() {
        var turns = CycleTurns()
        turns.want(wish(1), due: 0, begun: 0, host(1))
        #expect(turns.take(at: 0) == [wish(1)])
        for number in 1...1000 as ClosedRange<UInt64> {
            turns.want(wish(2, number), due: 5, begun: 0, host(1))
            if number % 3 == 0 { turns.over(wish(2).session) }
            #expect(turns.take(at: 0).isEmpty && turns.waitingCount <= 1)
        }
        turns.want(wish(3), due: 6, begun: 0, host(1))
        turns.keep { $0 != wish(1).session }
        #expect(turns.take(at: 0) == [wish(2, 1000)] && turns.waitingCount == 1)
        turns.keep { $0 != wish(3).session }
        #expect(turns.waitingCount == 0)
    }

    /// Whatever it says of since when its cycles are due, a session does not pass those who waited before its last turn.
    @Test func whoClaimsToHaveWaitedForEverStarvesNobody() {
        var turns = CycleTurns()
        turns.want(wish(1), due: 10, begun: 0, host(1))
        #expect(turns.take(at: 10) == [wish(1)])
        for session in 2...4 as ClosedRange<UInt64> {
            turns.want(wish(session), due: .ns(10 + Int64(session)), begun: 0, host(1))
        }
        turns.want(wish(5), due: .longAgo, begun: 11, host(1))
        turns.over(wish(1).session)
        #expect(turns.take(at: 20) == [wish(5)], "it began before the others asked")
        var order: [UInt64] = []
        for number in 2...7 as ClosedRange<UInt64> {
            turns.want(wish(5, number), due: .longAgo, begun: 11, host(1))
            let next = turns.take(at: .ns(Int64(number) * 20))
            order += next.map(\.session.rawValue)
            for wish in next where wish.session != self.wish(5).session { turns.over(wish.session) }
        }
        #expect(order.prefix(3) == [2, 3, 4] && Set(order.dropFirst(3)) == [5])
        // Whoever has ended is known no more, and begins anew.
        turns.forget(wish(5).session)
        #expect(turns.runningCount == 0 && turns.waitingCount == 0)
    }

    /// Since when an honest worker's cycle is due is never before its last turn, so that its place is what it says.
    @Test func whatIsDueAfterTheLastTurnHasThatPlace() {
        var turns = CycleTurns()
        for session in 1...3 as ClosedRange<UInt64> { turns.want(wish(session), due: 0, begun: 0, host(0, "g", of: 3)) }
        #expect(turns.take(at: 5).count == 3)
        for (session, due) in [(1, 30), (2, 10), (3, 5)] as [(UInt64, BootTime)] {
            turns.want(wish(session, 2), due: due, begun: 0, host(0, "g", of: 3))
        }
        #expect(turns.take(at: 40) == [wish(3, 2), wish(2, 2), wish(1, 2)])
    }

    @Test func aSessionWithoutBoundsTakesNobodysPlace() {
        var turns = CycleTurns()
        turns.want(wish(1), due: 0, begun: 0, host(0))
        turns.want(wish(2), due: 1, begun: 0, host(1))
        #expect(turns.take(at: 2) == [wish(2)] && turns.waitingCount == 0)
    }

    @Test func aFullGroupHoldsUpNobodyElse() {
        var turns = CycleTurns()
        turns.want(wish(1), due: 1, begun: 0, host(0, "heavy"))
        turns.want(wish(2), due: 2, begun: 0, host(0, "heavy"))
        turns.want(wish(3), due: 3, begun: 0, host(0, "other", of: 2))
        turns.want(wish(4), due: 4, begun: 0, host(0, "other", of: 2))
        #expect(turns.take(at: 0) == [wish(1), wish(3), wish(4)])
        turns.over(wish(1).session)
        #expect(turns.take(at: 0) == [wish(2)])
    }

    @Test func whoWantsNoMoreOrIsGoneLeavesItsPlace() {
        var turns = CycleTurns()
        for session in 1...4 as ClosedRange<UInt64> {
            turns.want(wish(session), due: .ns(Int64(session)), begun: 0, host(1))
        }
        #expect(turns.take(at: 0) == [wish(1)])
        turns.over(wish(2).session)
        // A wish that was taken back and comes again has a number of its own, and the place of its time.
        turns.want(wish(3, 2), due: 9, begun: 0, host(1))
        turns.keep { $0 != wish(1).session }
        #expect(turns.take(at: 0) == [wish(4)])
        turns.over(wish(4).session)
        #expect(turns.take(at: 0) == [wish(3, 2)])
    }

    /// Whatever comes, never more run than may, nobody is let in twice, and all get their turn.
    @Test(arguments: 0..<20 as Range<UInt64>) func whateverComes(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var turns = CycleTurns()
        var running: [SessionID: CycleTurns.Bounds] = [:]
        var numbers: [SessionID: UInt64] = [:]
        var wants: [SessionID: CycleTurns.Bounds] = [:]
        var begun = 0
        for step in 0..<3000 {
            let session = SessionID(rawValue: UInt64.random(in: 1...30, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0,
                1 where running[session] == nil:
                let group = ["a", "b", nil].randomElement(using: &random) ?? nil
                let bounds = host(6, group, of: group == "a" ? 2 : 3)
                numbers[session, default: 0] += 1
                wants[session] = bounds
                turns.want(
                    .init(session: session, number: numbers[session] ?? 0), due: .ns(Int64(step)), begun: 0, bounds)
                running[session] = nil
            case 2:
                turns.over(session)
                (running[session], wants[session]) = (nil, nil)
            default: break
            }
            for wish in turns.take(at: 0) {
                #expect(running[wish.session] == nil && wish.number == numbers[wish.session])
                running[wish.session] = wants.removeValue(forKey: wish.session)
                begun += 1
            }
            #expect(running.count <= 6 && running.values.count { $0.group?.name == "a" } <= 2)
            #expect(running.count == turns.runningCount && wants.count == turns.waitingCount)
        }
        while let session = running.keys.first {
            turns.over(session)
            running[session] = nil
            for wish in turns.take(at: 0) { running[wish.session] = wants.removeValue(forKey: wish.session) }
        }
        #expect(wants.isEmpty && begun > 100)
    }
}
