import HostPolicy
import HostTestKit
import HostValues
import Testing

/// At most four calls run and 64 wait, in their order.
@Suite struct CallQueueTests {
    /// A queue with so many calls added, and what was dropped and what began.
    private func filled(_ count: Int) -> (queue: CallQueue<Int>, begun: [Int], dropped: [Int]) {
        var queue = CallQueue<Int>()
        var begun: [Int] = []
        var dropped: [Int] = []
        for call in 0..<count {
            if !queue.add(call) { dropped.append(call) }
            while let next = queue.next() { begun.append(next) }
        }
        return (queue, begun, dropped)
    }

    @Test(arguments: [0, 1, 4, 5, 67, 68, 69, 200]) func `calls that come at once`(count: Int) {
        var (queue, begun, dropped) = filled(count)
        #expect(begun == Array(0..<min(count, 4)))
        #expect(dropped == Array(min(count, 68)..<count))
        #expect(queue.isEmpty == (count == 0))
        while queue.running > 0 {
            queue.ended()
            while let next = queue.next() { begun.append(next) }
            #expect(queue.running <= 4)
        }
        #expect(begun == Array(0..<min(count, 68)), "each that was taken ran once, in order")
        #expect(queue.isEmpty)
    }

    @Test func `a place that comes free is given to the next`() {
        var (queue, _, _) = filled(68)
        var taken = [queue.add(100)]
        queue.ended()
        let next = [queue.next(), queue.next()]
        #expect(next == [4, nil])
        taken += [queue.add(101), queue.add(102)]
        #expect(taken == [false, true, false])
    }

    @Test func `an end that nobody owes makes no room`() {
        var queue = CallQueue<Int>()
        queue.ended()
        for call in 0..<8 { _ = queue.add(call) }
        var begun = 0
        while queue.next() != nil { begun += 1 }
        #expect(begun == 4 && queue.running == 4)
    }
}
