import HostTestKit
import HostValues
import Testing

@testable import HostPolicy
@testable import HostSupervisor

/// What routines that are gone leave to their successors.
@Suite struct RoutineLegaciesTests {
    private static let second: Int64 = 1_000_000_000

    /// A pace with so many sessions begun.
    private func pace(_ count: Int, at now: MonotonicTime) -> StartPace {
        var pace = StartPace()
        for _ in 0..<count { #expect(pace.delay(at: now) == nil) }
        return pace
    }

    @Test func `who comes back has no more sessions at once than if it had never been away`() {
        for gap in stride(from: 0, to: 6 * Self.second, by: 400_000_000) {
            var legacies = RoutineLegacies()
            legacies.leave([("p/r", .init(pace: pace(10, at: 0)))], at: 0)
            let now = MonotonicTime.ns(gap)
            // Others come and go meanwhile.
            legacies.leave([("q/r", .init(pace: pace(1, at: now)))], at: now)
            var stayed = pace(10, at: 0)
            var back = legacies.take("p/r").pace
            for _ in 0..<12 { #expect(back.delay(at: now) == stayed.delay(at: now)) }
        }
    }

    @Test func `ever new names fill no memory`() {
        var legacies = RoutineLegacies()
        for number in 0..<10_000 as Range<Int64> {
            let now = MonotonicTime.ns(number * Self.second)
            legacies.leave([("p\(number)/r", .init(pace: pace(1, at: now)))], at: now)
            #expect(legacies.count <= 1)
        }
    }

    @Test func `a pause that no tally has is kept, and taken once`() {
        var legacies = RoutineLegacies()
        legacies.leave([("p/r", .init(isPaused: true)), ("p/s", .init(isPaused: nil))], at: 0)
        legacies.leave([], at: .ns(1000 * Self.second))
        #expect(legacies.count == 1)
        #expect(legacies.take("p/r").isPaused == true && legacies.take("p/r").isPaused == nil)
        #expect(legacies.take("p/s") == .init() && legacies.count == 0)
    }
}
