import HostTestKit
import Testing

@testable import HostPolicy

/// Silence, and the first good cycle after a failure.
@Suite struct QuietWatchTests {
    @Test func silenceIsToldOnceUntilThereIsAGoodCycle() {
        var watch = QuietWatch(silence: 100, tellsRecovery: false, now: 0)
        #expect(watch.nextCheck == 100)
        #expect(watch.look(session: 1, good: 3, now: 100) == nil && watch.nextCheck == 200)
        #expect(watch.look(session: 1, good: 3, now: 200) == .silent(100))
        #expect(watch.look(session: 1, good: 3, now: 300) == nil && watch.nextCheck == 400)
        #expect(watch.look(session: 2, good: 1, now: 400) == nil)
        #expect(watch.look(session: 2, good: 1, now: 500) == .silent(100))
        watch.rests(now: 600)
        #expect(watch.nextCheck == 700)
    }

    @Test func recoveryIsToldAfterAFailure() {
        var watch = QuietWatch(silence: nil, tellsRecovery: true, now: 0)
        #expect(watch.nextCheck == nil && watch.look(session: 1, good: 9, now: 5) == nil)
        watch.failed(now: 10)
        #expect(watch.nextCheck == .ns(10 + QuietWatch.pace))
        #expect(watch.look(session: 2, good: 0, now: 20) == nil)
        #expect(watch.look(session: 2, good: 1, now: 30) == .recovered)
        #expect(watch.look(session: 2, good: 2, now: 40) == nil && watch.nextCheck == nil)
    }
}
