import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Which plugins are described now, and when to look again.
@Suite struct LoadQueueTests {
    @Test func `a halt that is over does not have it look again and again`() {
        var queue = LoadQueue()
        for plugin in 0..<6 { queue.add(plugin) }
        queue.halt(at: 5, for: 6)
        #expect(queue.take(at: 4) == nil && queue.deadline == 5)
        #expect((0..<4).map { _ in queue.take(at: 10) } == [0, 1, 2, 3])
        #expect(
            queue.take(at: 10) == nil && queue.deadline == 500_000_010, "a load that takes long stops counting then")
        _ = queue.postpone(3, at: 10)
        #expect(queue.take(at: 20) == 4)
        #expect(queue.take(at: 20) == nil && queue.deadline == 200_000_010, "the one that was postponed is taken again")
    }

    /// When nothing is taken, it is not to be asked again at once.
    @Test(arguments: 0..<20 as Range<UInt64>) func whateverComesItDoesNotSpin(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = LoadQueue()
        var now: MonotonicTime = 0
        var inside: [Int] = []
        for plugin in 0..<500 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2: queue.add(plugin)
            case 3: queue.halt(at: now + Int64.random(in: 0..<400_000_000, using: &random), for: plugin)
            case 4: queue.goOn()
            case 5: if let last = inside.popLast() { _ = queue.postpone(last, at: now) }
            case 6: if let last = inside.popLast() { queue.leave(last) }
            default: break
            }
            now += Int64.random(in: 0..<100_000_000, using: &random)
            while let taken = queue.take(at: now) { inside.append(taken) }
            #expect(queue.deadline ?? .never > now)
        }
    }
}
