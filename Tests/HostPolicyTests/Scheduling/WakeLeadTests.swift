import HostValues
import Testing

@testable import HostPolicy

@Suite("WakeLead")
struct WakeLeadTests {
    /// A gap of each kind for which it learns.
    private static let kinds: [Int64] = [2_000_000, 10_000_000, 1_000_000_000]

    private static func taught(_ latencies: [Int64], after gaps: [Int64] = kinds) -> WakeLead {
        var lead = WakeLead()
        for gap in gaps { for latency in latencies { lead.learn(latency, after: gap) } }
        return lead
    }

    @Test("a gap of 5 to 100 ms has a lead that most wake-ups keep to, others the usual one, and the shortest none")
    func gaps() {
        let lead = Self.taught(Array(repeating: 60_000, count: 200))
        let expected = lead.lead(over: 10_000_000)
        #expect((80_000...90_000).contains(expected), "half as much again as a wake-up takes")
        for gap in [5_000_000, 99_000_000, 100_000_000] as [Int64] { #expect(lead.lead(over: gap) == expected) }
        for gap in [2_000_000, 4_999_999, 100_000_001, 1_000_000_000, 86_400_000_000_000] as [Int64] {
            #expect((55_000...60_000).contains(lead.lead(over: gap)), "as much as a wake-up takes")
        }
        for gap in [500_000, 600_000, 1_000_000] as [Int64] {
            #expect(lead.lead(over: gap) == gap / 20, "so that it never takes more than a twentieth of a processor")
        }
        for gap in [.min, -1, 0, 499_999, 86_400_000_000_001, .max] as [Int64] { #expect(lead.lead(over: gap) == 0) }
    }

    @Test("who has learnt nothing has the lead of most machines, and loses it where wake-ups take no time")
    func first() {
        #expect(WakeLead().lead(over: 1_000_000_000) == 40_000)
        #expect(Self.taught(Array(repeating: 0, count: 100)).lead(over: 1_000_000_000) < 100)
    }

    @Test("the first wake-ups teach it what is usual, and a later one hardly changes that")
    func beginning() {
        #expect(Self.taught([100_000]).lead(over: 1_000_000_000) == 70_000)
        #expect(Self.taught([100_000, 100_000, 100_000]).lead(over: 1_000_000_000) == 85_000)
        let lead = Self.taught(Array(repeating: 100_000, count: 40) + [20_000])
        #expect((89_000...90_000).contains(lead.lead(over: 1_000_000_000)))
    }

    @Test("what a wake-up after a long gap takes is not expected after a short one", arguments: kinds)
    func eachKind(gap: Int64) {
        let lead = Self.taught(Array(repeating: 100_000, count: 50), after: [gap])
        for other in Self.kinds {
            let expected: Int64 = other == gap ? 100_000 : 40_000
            let eager = WakeLead.eagerGaps.contains(other) ? 3 * expected / 2 : expected
            #expect(abs(lead.lead(over: other) - min(eager, WakeLead.most)) < 1000)
        }
        #expect(lead.worthStaying == 20_000)
    }

    @Test("a thread stays awake for no longer than a wake-up after a short gap takes")
    func staying() {
        #expect(abs(Self.taught(Array(repeating: 5000, count: 100), after: [1_000_000]).worthStaying - 5000) < 100)
        #expect(Self.taught(Array(repeating: 5000, count: 100), after: [10_000_000, .max]).worthStaying == 20_000)
    }

    @Test("no lead is longer than the most, and what is no wake-up teaches nothing")
    func bounds() {
        #expect(Self.taught(Array(repeating: 240_000, count: 1000)).lead(over: 10_000_000) == WakeLead.most)
        let usual = Array(repeating: Int64(20_000), count: 100)
        let odd: [Int64] = [.min, -1, 240_001, 5_000_000, .max]
        let (disturbed, taught) = (Self.taught(usual + odd), Self.taught(usual))
        for gap in Self.kinds { #expect(disturbed.lead(over: gap) == taught.lead(over: gap)) }
    }

    @Test("it follows a machine that becomes slower or quicker")
    func follows() {
        var lead = Self.taught(Array(repeating: 10_000, count: 50))
        let before = lead.lead(over: 10_000_000)
        for _ in 0..<50 { lead.learn(60_000, after: 10_000_000) }
        #expect(lead.lead(over: 10_000_000) > 4 * before)
        for _ in 0..<50 { lead.learn(10_000, after: 10_000_000) }
        #expect(abs(lead.lead(over: 10_000_000) - before) < 1000)
    }
}
