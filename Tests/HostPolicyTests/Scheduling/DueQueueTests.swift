import HostPolicy
import HostTestKit
import HostValues
import Testing

@Suite("DueQueue")
struct DueQueueTests {
    @Test("random operations agree with a sorted array", arguments: 0..<20 as Range<UInt64>)
    func walk(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = DueQueue<BootTime>()
        var model: [(due: BootTime, id: Int)] = []
        for step in 0..<4000 {
            let id = Int.random(in: 0..<60, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let due =
                    [BootTime(nanoseconds: Int64.random(in: 0..<20, using: &random)), .longAgo, .never].randomElement(
                        using: &random) ?? 0
                queue.set(id, due: due)
                model.removeAll { $0.id == id }
                model.insert((due, id), at: model.firstIndex { $0.due > due } ?? model.count)
            case 2:
                queue.remove(id)
                model.removeAll { $0.id == id }
            default:
                let now = BootTime(nanoseconds: Int64.random(in: 0..<20, using: &random))
                let expected = model.first.flatMap { $0.due <= now ? $0.id : nil }
                if expected != nil { model.removeFirst() }
                #expect(queue.popDue(now: now) == expected, "seed \(seed), step \(step)")
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
            #expect(queue.earliest == model.first?.due ?? .never)
            #expect(queue.contains(id) == model.contains { $0.id == id })
            #expect(queue.nextTwo.first == model.first?.id && queue.nextTwo.second == model.dropFirst().first?.id)
        }
        while let first = model.first {
            model.removeFirst()
            #expect(queue.popDue(now: .never) == first.id)
        }
        #expect(queue.popDue(now: .never) == nil && queue.earliest == .never)
    }

    @Test("equal times come in the order of their insertion, 100 000 of them")
    func ties() {
        var queue = DueQueue<BootTime>()
        queue.reserve(100_000)
        for id in 0..<100_000 { queue.set(id * 7919 % 100_000, due: 5) }
        #expect(queue.count == 100_000 && queue.popDue(now: 4) == nil)
        for id in 0..<100_000 {
            let popped = queue.popDue(now: 5)
            if popped != id * 7919 % 100_000 {
                Issue.record("place \(id): \(String(describing: popped))")
                return
            }
        }
        #expect(queue.isEmpty)
    }

    @Test("setting an id again moves it behind its equals")
    func setAgain() {
        var queue = DueQueue<BootTime>()
        for id in 0..<3 { queue.set(id, due: 5) }
        queue.set(0, due: 5)
        #expect((0..<3).map { _ in queue.popDue(now: 5) } == [1, 2, 0])
    }

    @Test("ids that were never set are not in it")
    func unknown() {
        var queue = DueQueue<BootTime>()
        queue.remove(3)
        queue.remove(-1)
        #expect(!queue.contains(3) && !queue.contains(-1) && queue.isEmpty)
    }
}
