import Testing

@testable import HostWorker

/// How often the store is asked what has changed.
@Suite struct WatchPaceTests {
    private static let ms: Int64 = 1_000_000

    @Test func `what does not wait is asked ever less often, and after some quiet as at first`() {
        var pace = WatchPace()
        let pauses = (0..<8).map { _ in pace.rest(after: 0) / Self.ms }
        #expect(pauses == [20, 40, 80, 160, 320, 640, 1000, 1000])
        #expect(pace.rest(after: 999 * Self.ms) == 1000 * Self.ms)
        #expect(pace.rest(after: 1000 * Self.ms) == 20 * Self.ms)
        #expect(pace.rest(after: 50 * Self.ms) == 20 * Self.ms)
    }
}
