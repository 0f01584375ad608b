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

    @Test func itBeginsAnewWithAConnection() {
        var pause = ReconnectPause()
        for _ in 0..<9 { _ = pause.failed(timeoutMs: 5000) }
        pause.succeeded()
        #expect(pause.failed(timeoutMs: 5000) == 100_000_000)
    }
}
