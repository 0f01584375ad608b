import HostPolicy
import HostTestKit
import HostValues
import Testing

/// What bounds the lines of a worker, in lines and in bytes.
@Suite struct LineBudgetTests {
    private let second: Int64 = 1_000_000_000

    private func passed(_ budget: inout LineBudget, _ count: Int, bytes: Int = 80, at now: MonotonicTime) -> Int {
        (0..<count).count { _ in budget.spend(bytes: bytes, at: now).isAllowed }
    }

    @Test func `so many pass at once, and with time they come again`() {
        var budget = LineBudget(atOnce: 4000, perSecond: 2000)
        #expect(passed(&budget, 5000, at: 7) == 4000)
        #expect(passed(&budget, 5000, at: 7 + second / 2) == 1000)
        #expect(passed(&budget, 9000, at: 7 + 100 * second) == 4000, "what is saved is bounded")
    }

    @Test func `long lines are bounded as bytes are`() {
        var budget = LineBudget(atOnce: 4000, perSecond: 2000)
        var bytes = 0
        for step in 0..<100_000 as Range<Int64> where budget.spend(bytes: 65_536, at: .ns(step * 100_000)).isAllowed {
            bytes += 65_536
        }
        #expect(bytes > 10_000_000 && bytes < 13_000_000, "2 MB at once and 1 MB a second for 10 s: \(bytes)")
    }

    @Test(arguments: [(0, 1), (1, 1), (512, 1), (513, 2), (1024, 2), (65_536, 128)])
    func `what a line counts`(bytes: Int, lines: Int) {
        var budget = LineBudget(atOnce: 1000, perSecond: 0)
        #expect(budget.spend(bytes: bytes, at: 0).isAllowed)
        #expect(passed(&budget, 2000, at: 0) == 1000 - lines)
    }

    @Test func `one that is longer than all that may come at once passes when nothing is spent`() {
        var budget = LineBudget(atOnce: 10, perSecond: 1)
        #expect(budget.spend(bytes: .max, at: 0).isAllowed && !budget.spend(bytes: 1, at: 0).isAllowed)
        #expect(
            !budget.spend(bytes: .max, at: .ns(9 * second)).isAllowed
                && budget.spend(bytes: .max, at: .ns(10 * second)).isAllowed
        )
    }

    @Test func `those that were dropped are told once, with the next that passes`() {
        var budget = LineBudget(atOnce: 2, perSecond: 1)
        #expect(passed(&budget, 5, at: 0) == 2)
        budget.drop()
        #expect(budget.spend(bytes: 1, at: .ns(second)).dropped == 4)
        #expect(budget.spend(bytes: 1, at: .ns(2 * second)).dropped == 0)
        #expect(passed(&budget, 2, at: .ns(2 * second)) == 0 && budget.takeDropped() == 2 && budget.takeDropped() == 0)
    }

    @Test func `any times are good`() {
        var budget = LineBudget(atOnce: 2, perSecond: 1)
        for now in [.never, .longAgo, 0, -1, .never, .longAgo] as [MonotonicTime] {
            _ = budget.spend(bytes: -1, at: now)
        }
        #expect(budget.spend(bytes: 0, at: .never).isAllowed)
    }
}
