import Testing

@testable import HostWorker

/// How long a store that is away is left alone.
@Suite struct ReconnectPauseTests {
    private func pauses(_ count: Int, timeoutMs: UInt32) -> [Int64] {
        var pause = ReconnectPause()
        return (0..<count).map { _ in pause.failed(timeoutMs: timeoutMs) / 1_000_000 }
    }

    @Test func itGrowsUpToAPartOfWhatACallMayTake() {
        #expect(pauses(3, timeoutMs: 333) == [100, 100, 100])
        #expect(pauses(5, timeoutMs: 1667) == [100, 200, 400, 416, 416])
        #expect(pauses(8, timeoutMs: 100_000) == [100, 200, 400, 800, 1600, 3200, 5000, 5000])
        #expect(pauses(3, timeoutMs: 0) == [100, 100, 100])
    }

    /// The pauses after connections that lasted for so many ms each.
    private func pauses(after lifetimes: [Int64], _ pause: inout ReconnectPause) -> [Int64] {
        lifetimes.map { pause.broke(after: $0 * 1_000_000, timeoutMs: 5000) / 1_000_000 }
    }

    @Test func itBeginsAnewWithAConnectionThatLasted() {
        var pause = ReconnectPause()
        for _ in 0..<9 { _ = pause.failed(timeoutMs: 5000) }
        #expect(pauses(after: [5000, 5000, 0, 0], &pause) == [0, 0, 100, 200])
    }

    @Test func aStoreThatGreetsAndThenFailsIsLeftAloneAsOneThatIsAway() {
        var pause = ReconnectPause()
        #expect(pauses(after: [0, 1, 0, 10, 0, 0], &pause) == [100, 199, 400, 790, 1250, 1250])
        // A connection that breaks now and then is replaced at once.
        #expect(pauses(after: [1249, 1250, 2000, 4999], &pause) == [1, 0, 0, 0])
        #expect(pauses(after: [-5], &pause) == [1250])
    }
}
