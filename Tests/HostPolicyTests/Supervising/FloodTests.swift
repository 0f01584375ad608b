import HostPolicy
import HostTestKit
import HostValues
import Testing

/// What bounds the reading of a plugin that writes without end, and what is told of it.
@Suite struct FloodTests {
    private static let second: Int64 = 1_000_000_000
    private static let ms: Int64 = 1_000_000

    /// Reads for so long, 3 ms of a processor each time, and pauses as it is told. Returns what was spent.
    private func spent(_ share: inout ReadingShare, seconds: Int64, each cost: Int64 = 3 * ms) -> Int64 {
        var now = MonotonicTime.ns(5)
        let end = now + seconds * Self.second
        var spent: Int64 = 0
        while now < end {
            now = now + cost
            spent += cost
            if let pause = share.spend(cost, at: now) { now = now + pause }
        }
        return spent
    }

    @Test(arguments: [10_000, 100_000, 3_000_000, 5_000_000] as [Int64])
    func `a flood costs its burst, and then its part of the time`(cost: Int64) {
        var share = ReadingShare(atOnce: 60 * Self.ms, part: 100)
        let all = spent(&share, seconds: 100, each: cost)
        #expect(all <= (60 + 1000 + 10) * Self.ms, "\(all / Self.ms) ms")
    }

    @Test func `what keeps to its share is never left alone`() {
        var share = ReadingShare(atOnce: 60 * Self.ms, part: 100)
        for step in 0..<10_000 as Range<Int64> {
            #expect(share.spend(Self.ms, at: .ns(step * 100 * Self.ms)) == nil)
        }
        #expect(share.spend(60 * Self.ms, at: .ns(10_000 * 100 * Self.ms)) == nil, "and has its burst left")
    }

    @Test func `a pause is neither short nor long, whatever was spent`() {
        for cost in [1, Self.ms, Self.second, .max] as [Int64] {
            var share = ReadingShare(atOnce: 0, part: 100)
            let pause = share.spend(cost, at: 0)
            #expect(pause.map { (ReadingShare.leastPause...ReadingShare.mostPause).contains($0) } == true)
            #expect(share.spend(0, at: .ns(2 * Self.second)) == nil, "it is open again after the longest pause")
        }
        var share = ReadingShare(atOnce: 5, part: 100)
        for now in [.never, .longAgo, 0, -1, .never] as [MonotonicTime] { _ = share.spend(.max, at: now) }
    }

    @Test func `a flood is told when it begins and when it is over`() {
        var watch = FloodWatch()
        #expect(watch.nextCheck == nil && watch.drop(0, at: 0) == nil && watch.finish() == nil)
        #expect(watch.drop(7, at: .ns(Self.second)) == .began(lines: 7))
        for step in 1...40 as ClosedRange<Int64> {
            let now = MonotonicTime.ns(Self.second + step * Self.second / 2)
            #expect(watch.look(at: now) == nil && watch.drop(1000, at: now) == nil)
        }
        #expect(watch.nextCheck == .ns(26 * Self.second))
        #expect(watch.look(at: .ns(25 * Self.second)) == nil)
        #expect(watch.look(at: .ns(26 * Self.second)) == .ended(lines: 40_007, milliseconds: 20_000))
        #expect(watch.nextCheck == nil && watch.look(at: .never) == nil)
        #expect(watch.drop(.max, at: 0) == .began(lines: .max) && watch.drop(.max, at: 1) == nil)
        #expect(watch.finish() == .ended(lines: .max, milliseconds: 0))
    }

    @Test func `a channel that is overdrawn for five seconds is flooded, with the longest pauses too`() {
        func flooded(after seconds: Double, every step: Double) -> Bool {
            var flood = ChannelFlood()
            return stride(from: 0, through: seconds, by: step).contains { time in
                flood.overdrawn(at: .ns(Int64(time * 1e9)))
            }
        }
        #expect(flooded(after: 5, every: 1) && flooded(after: 5, every: 0.25) && !flooded(after: 4.9, every: 0.1))
        #expect(!flooded(after: 100, every: 3), "it ceases again and again")
    }
}
