import HostTestKit
import Testing

@testable import HostCluster

@Suite struct PlacementTests {
    static let hosts = (1...5).map { Placement.Candidate(HostID(high: UInt64($0), low: 9), weight: 100) }
    static let claims = (0..<3000).map { "lease/routine/p/r#\($0)" }

    private static func counts(_ hosts: [Placement.Candidate]) -> [HostID: Int] {
        claims.reduce(into: [:]) { counts, claim in
            if let first = Placement.first(for: claim, among: hosts) { counts[first, default: 0] += 1 }
        }
    }

    @Test func eachHasItsShare() {
        let counts = Self.counts(Self.hosts)
        #expect(counts.values.allSatisfy { (500...700).contains($0) }, "\(counts)")
        var heavy = Self.hosts
        heavy[0] = Placement.Candidate(heavy[0].host, weight: 200)
        let share = Self.counts(heavy)[heavy[0].host] ?? 0
        #expect((900...1100).contains(share), "\(share) of 3000, and 1000 are its share")
    }

    @Test func fewMoveWhenOneGoes() {
        let without = Array(Self.hosts.dropLast())
        for claim in Self.claims {
            let first = Placement.first(for: claim, among: Self.hosts)
            guard first != Self.hosts.last?.host else { continue }
            #expect(Placement.first(for: claim, among: without) == first)
        }
    }

    @Test func ranksAreAnOrder() {
        for claim in Self.claims.prefix(100) {
            let ranks = Self.hosts.map { Placement.rank(of: $0.host, for: claim, among: Self.hosts.shuffled()) }
            #expect(ranks.compactMap { $0 }.sorted() == [0, 1, 2, 3, 4])
        }
    }

    @Test func whoTakesNothingHasNoRank() {
        var hosts = Self.hosts
        hosts[1] = Placement.Candidate(hosts[1].host, weight: 0)
        #expect(Placement.rank(of: hosts[1].host, for: "a", among: hosts) == nil)
        #expect(Placement.rank(of: HostID(high: 9, low: 9), for: "a", among: hosts) == nil)
        #expect(Placement.first(for: "a", among: [hosts[1]]) == nil)
        #expect(Self.counts(hosts)[hosts[1].host] == nil)
    }

    @Test func theShareIsRoundedUpAndOneMore() {
        #expect(Placement.most(weight: 100, of: 300, claims: 16) == 7)
        #expect(Placement.most(weight: 100, of: 100, claims: 16) == 16)
        #expect(Placement.most(weight: 0, of: 300, claims: 16) == 0)
        #expect(Placement.most(weight: 100, of: 0, claims: 16) == 0)
    }

    /// All machines find the same, also after an update: these numbers stay.
    @Test func theNumbersStay() {
        let host = HostID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        let found = ["lease/routine/a/b", "lease/routine/a/b#1", ""].map { Placement.distance(host, $0) >> 12 }
        #expect(found == Self.numbers)
    }

    static let numbers: [UInt64] = [501_772, 4_897_387, 4_804_070]
}
