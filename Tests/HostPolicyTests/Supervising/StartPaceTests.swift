import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// How soon the sessions of one routine follow each other.
@Suite struct StartPaceTests {
    private static let second: Int64 = 1_000_000_000

    /// When sessions began that each ended after `life` by that end, for so many seconds.
    private func begun(_ end: SessionEnd, seconds: Int64, life: Int64 = 1_000_000) -> [MonotonicTime] {
        var driver = PolicyDriver()
        let start = driver.now
        var begun: [MonotonicTime] = []
        var actions = driver.handle(.fileChanged(content: "a"))
        while driver.now - start < seconds * Self.second {
            if actions.contains(.startNow) {
                begun.append(driver.now)
                driver.handle(.started)
                driver.handle(.goodCycle)
                actions = driver.handle(.sessionEnded(end, cause: "c"), after: life)
            } else if case .waiting = driver.policy.state {
                actions = driver.handle(.timerFired, after: driver.untilDeadline)
            } else {
                break
            }
        }
        return begun
    }

    @Test(arguments: [SessionEnd.peerFailed, .reloaded, .hostDied])
    func `what begins a session at once begins ten, and then two a second`(end: SessionEnd) {
        let times = begun(end, seconds: 60)
        #expect((125...131).contains(times.count), "\(times.count) in a minute")
        #expect(times[9] - times[0] < Self.second / 10, "ten at once")
        for (one, next) in zip(times.dropFirst(10), times.dropFirst(11)) {
            #expect(next - one >= Self.second / 2 - 2_000_000)
        }
    }

    @Test func `a session that lives for half a second never waits`() {
        let times = begun(.reloaded, seconds: 60, life: Self.second / 2)
        #expect(times.count == 120)
        for (one, next) in zip(times, times.dropFirst()) { #expect(next - one == Self.second / 2) }
    }

    @Test func `what is due by the rules of failures is not due later for it`() {
        // The first death has its session at once, and later ones a back-off, which is longer than the pace.
        let times = begun(.crash, seconds: 3600)
        #expect(times.count == 10 && times[1] - times[0] == 1_000_000)
    }

    @Test func `a person's order waits for its turn too, and a stop ends the waiting`() {
        var driver = PolicyDriver()
        driver.handle(.fileChanged(content: "a"))
        for number in 0..<9 {
            driver.handle(.started)
            driver.handle(.restartRequested)
            #expect(driver.handle(.sessionEnded(.stopped, cause: "")) == [.startNow], "\(number)")
        }
        driver.handle(.started)
        driver.handle(.restartRequested)
        let later = driver.now + Self.second / 2
        #expect(driver.handle(.sessionEnded(.stopped, cause: "")) == [.startAt(later)])
        #expect(driver.handle(.resumed) == [.startAt(later)] && driver.policy.nextDeadline == later)
        #expect(driver.handle(.stopRequested).isEmpty && driver.policy.state == .stopped)
        #expect(driver.handle(.resumed, after: Self.second) == [.startNow])
    }

    @Test func `any time is good`() {
        var pace = StartPace()
        for now in [MonotonicTime.longAgo, 0, .never, -1, .never, .longAgo] { _ = pace.delay(at: now) }
    }

    @Test func `who sets the longest delay to 0 wants no pace either`() {
        var driver = PolicyDriver()
        driver.policy.settings.maxDelayMs = 0
        driver.policy.settings.sameCauseFailures = 0
        driver.policy.settings.anyCauseFailures = 0
        var actions = driver.handle(.fileChanged(content: "a"))
        for _ in 0..<100 {
            #expect(actions.contains(.startNow))
            driver.handle(.started)
            actions = driver.handle(.sessionEnded(.reloaded, cause: "c"), after: 1_000_000)
        }
    }
}
