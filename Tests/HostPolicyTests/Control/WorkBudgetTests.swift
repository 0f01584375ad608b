import HostPolicy
import HostTestKit
import HostValues
import Testing

/// What those who ask get of a processor.
@Suite struct WorkBudgetTests {
    private static let ms: Int64 = 1_000_000

    private func budget(now: MonotonicTime = 0) -> WorkBudget {
        WorkBudget(share: 20, savings: 100 * Self.ms, portion: Self.ms / 4, now: now)
    }

    @Test func `savings are spent at once, then it closes`() {
        var budget = budget()
        for _ in 0..<99 {
            budget.charge(Self.ms, now: 0)
            #expect(budget.opens(now: 0) == 0)
        }
        budget.charge(Self.ms, now: 0)
        // A portion of 0.25 ms at 2 % comes in 12.5 ms.
        #expect((12_500_000...12_500_002).contains(budget.opens(now: 0)))
        #expect(budget.opens(now: .ns(12 * Self.ms)) > .ns(12 * Self.ms))
        #expect(budget.opens(now: 12_500_002) == 12_500_002)
    }

    @Test(arguments: [10_000, 250_000, 3_000_000, 40_000_000] as [Int64])
    func `work without end gets its share and no more`(piece: Int64) {
        var budget = budget()
        var now: MonotonicTime = 0
        var worked: Int64 = 0
        while now < .ns(60_000 * Self.ms) {
            let opens = budget.opens(now: now)
            if opens > now {
                now = opens
            } else {
                now += piece
                worked += piece
                budget.charge(piece, now: now)
            }
        }
        #expect(worked <= 100 * Self.ms + now.nanoseconds / 50 + piece + Self.ms)
        #expect(worked >= now.nanoseconds / 50)
    }

    @Test func `a host that was kept waiting is not punished for long`() {
        var budget = budget()
        budget.charge(3_600_000 * Self.ms, now: .ns(3_600_000 * Self.ms))
        #expect(budget.opens(now: .ns(3_600_000 * Self.ms)) - .ns(3_600_000 * Self.ms) < 6000 * Self.ms)
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max])
    func `no number traps`(number: Int64) {
        var budget = WorkBudget(share: number, savings: number, portion: number, now: 0)
        for _ in 0..<3 {
            budget.charge(number, now: 5)
            #expect(budget.opens(now: 5) >= 5)
        }
    }
}

/// Who is served next.
@Suite struct TurnQueueTests {
    @Test func `newcomers and others by turns, each line in order`() {
        var queue = TurnQueue<Int>()
        for number in 0..<1000 { queue.append(number, isNewcomer: false) }
        for number in 1000..<1003 { queue.append(number, isNewcomer: true) }
        #expect((0..<8).map { _ in queue.next() } == [1000, 0, 1001, 1, 1002, 2, 3, 4])
        queue.append(2000, isNewcomer: true)
        var rest: [Int] = []
        while let next = queue.next() { rest.append(next) }
        #expect(rest.firstIndex(of: 2000).map { $0 < 2 } == true)
        #expect(rest.filter { $0 != 2000 } == Array(5..<1000) && queue.isEmpty && queue.next() == nil)
    }
}
