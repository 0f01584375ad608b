import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// With `rebalance: "move"` a claim goes to the host that is the first for it, as often as that host comes back.
@Suite struct RebalanceTests {
    /// Two hosts with one store, of which the second one is the first for the claim; no session takes time to end.
    private struct Pair: CustomTestStringConvertible {
        static let wish = ClaimWish(moves: true)

        let testDescription = "two hosts"
        let seconds: Int64
        let id: UInt64
        let claims: [ClaimName]
        var earlier: MemberDesk
        var later: MemberDesk?
        /// When the first host gave something up for the second one.
        var moved: [BootTime] = []

        init(seconds: Int64 = 6, claims count: Int = 1) {
            (self.seconds, id) = (seconds, 2)
            let hosts = [1, id].map { Placement.Candidate(HostID(high: $0, low: 1), weight: 100) }
            let later = (0..<200).map { ClaimName(plugin: "p", routine: "r\($0)") }.filter {
                Placement.first(for: ClusterKey.claim($0) ?? "", among: hosts) == hosts[1].host
            }
            claims = Array(later.prefix(count))
            earlier = MemberDesk(claims: claims, wish: Self.wish, seconds: seconds)
            earlier.pass(Double(seconds) + 0.1)
        }

        /// The second host begins: a new life with the same id.
        mutating func begin(wants: Bool = true) {
            var desk = MemberDesk(
                id, store: earlier.store, claims: wants ? claims : [], wish: Self.wish, seconds: seconds)
            desk.pass(0)
            earlier.store = desk.store
            later = desk
        }

        /// Lets time pass for both, in steps that are small beside a lease of 6 s.
        mutating func pass(_ seconds: Int) {
            for _ in 0..<seconds * 20 {
                let givenUp = Self.step(&earlier)
                moved += repeatElement(earlier.now, count: givenUp)
                guard var desk = later else { continue }
                desk.store = earlier.store
                _ = Self.step(&desk)
                (earlier.store, later) = (desk.store, desk)
            }
        }

        /// The second host stops in order, or is gone at once.
        mutating func end(inOrder: Bool) {
            if inOrder {
                later?.tell(.mode(.stopping))
                pass(1)
            }
            later = nil
        }

        /// How many claims the host gave up for a better one.
        private static func step(_ desk: inout MemberDesk) -> Int {
            desk.pass(0.05)
            var count = 0
            while let index = desk.told.firstIndex(where: { if case .end = $0 { true } else { false } }) {
                guard case .end(let name, let ending) = desk.told.remove(at: index) else { continue }
                if ending == .handedOver(.rebalance) { count += 1 }
                desk.tell(.ended(name))
            }
            return count
        }

        var holder: HostID? {
            claims.first.flatMap { ClusterKey.claim($0) }.flatMap { earlier.store.values[$0] }
                .flatMap { ClaimRecord($0.value)?.host }
        }
        var isWithEarlier: Bool { holder == HostID(high: 1, low: 1) }
        var isWithLater: Bool { holder == HostID(high: id, low: 1) }
    }

    @Test(arguments: [true, false]) func itGoesBackAsOftenAsTheBetterHostIsBack(inOrder: Bool) {
        var pair = Pair()
        #expect(pair.isWithEarlier)
        for round in 1...3 {
            pair.begin()
            pair.pass(15)
            #expect(pair.isWithEarlier, "the better host is there for less than three leases, round \(round)")
            pair.pass(10)
            #expect(pair.isWithLater, "round \(round)")
            pair.end(inOrder: inOrder)
            pair.pass(inOrder ? 2 : 20)
            #expect(pair.isWithEarlier, "round \(round)")
        }
    }

    @Test func whoDidNotTakeItIsAskedAgainWhenItHasBegunAnew() {
        var pair = Pair()
        pair.begin(wants: false)
        pair.pass(60)
        #expect(pair.isWithEarlier)
        let begun = pair.earlier.begun
        #expect(begun.count == 2, "it is offered once, and taken back")
        pair.end(inOrder: true)
        pair.begin()
        pair.pass(25)
        #expect(pair.isWithLater)
    }

    /// It was cut off just then, or did not want it at that time: nobody knows.
    @Test func whoDidNotTakeItIsAskedAgainMoreAndMoreSeldom() {
        var pair = Pair()
        pair.begin(wants: false)
        pair.pass(210)
        let gaps = zip(pair.moved, pair.moved.dropFirst()).map { ($1 - $0) / MemberDesk.second }
        #expect(gaps.count == 1 && (180...184).contains(gaps[0]), "\(gaps)")
        pair.later?.tell(.want(pair.claims[0], Pair.wish))
        pair.pass(700)
        #expect(pair.isWithEarlier)
        pair.pass(40)
        #expect(pair.isWithLater)
    }

    @Test func oneGoesEachSecondHoweverLongLeasesAre() {
        var pair = Pair(seconds: 60, claims: 4)
        pair.begin()
        pair.pass(200)
        let moved = pair.moved
        #expect(moved.count == 4)
        // To a step of time.
        let gaps = zip(moved, moved.dropFirst()).map { ($1 - $0) / 100_000_000 }
        #expect(gaps.allSatisfy { (9...12).contains($0) }, "\(gaps)")
    }

    @Test func threeLeasesAreCountedFromWhenTheClaimIsHere() {
        let pair = Pair()
        let (own, name) = (HostID(high: 1, low: 1), pair.claims[0])
        let hosts = [own, HostID(high: pair.id, low: 1)].map { Placement.Candidate($0, weight: 100) }
        let view = ClusterView(of: own, epoch: EpochWatch(wanted: 6000, settles: true), sweepAge: 1)
        var table = ClaimTable()
        table.want(name, Pair.wish)
        func handle(_ events: [ClaimMachine.Event], at now: BootTime) {
            for event in events { _ = table.handle(name, event, at: now, isDropped: false, heir: nil) }
        }
        func leaves(at now: BootTime) -> Bool {
            table.leaving(from: own, among: hosts, view, length: 6 * MemberDesk.second, at: now) != nil
        }
        handle([.take(token: 1), .granted], at: 0)
        #expect(!leaves(at: 0) && table.nextMove == 18_000_000_000)
        handle([.lost(.recordGone, kill: 1), .ended, .deadline, .take(token: 2), .granted], at: 17_000_000_000)
        #expect(!leaves(at: 18_000_000_000) && table.nextMove == 36_000_000_000)
        #expect(leaves(at: 36_000_000_000))
    }
}
