import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// What a trial is made of beside its worker.
@Suite struct TrialTests {
    @Test func `a seed has its random numbers: those of the paper's program`() {
        var random = SeededRandom(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() }
                == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func `a virtual clock goes on and never back, and all of its times together`() {
        let clock = VirtualClock(beginning: WallTime(milliseconds: 1000))
        let start = clock.boot()
        #expect(clock.wallMilliseconds() == 1000)
        clock.advance(to: start + 5_000_000)
        clock.advance(to: start + 2_000_000)
        #expect(clock.boot() - start == 5_000_000 && clock.wallMilliseconds() == 1005)
        #expect(clock.monotonic().nanoseconds == clock.boot().nanoseconds)
        clock.advance(to: .never)
        #expect(clock.wall() > WallTime(milliseconds: 1005))
    }

    @Test func `a log keeps so many lines and counts the rest`() {
        let clock = VirtualClock(beginning: 0)
        let log = TrialLog(HostLog(format: .text, level: .critical, clock: clock))
        log.write(.error, "p", "below the level", ms: nil)
        #expect(log.entries.isEmpty && log.dropped == 0)
        log.drop(3)
        #expect(log.dropped == 3)
    }
}
