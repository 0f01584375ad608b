import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000
private let minute = 60 * second

/// The numbers of the policy, in virtual time.
@Suite struct RestartPolicyTests: PolicyNumbers {
    @Test func `a copy of a policy does not see what happens to the other`() {
        var random = SplitMix(seed: 1)
        var policy = RestartPolicy()
        _ = policy.handle(.fileChanged(content: "c"), at: 0, using: &random)
        _ = policy.handle(.started, at: 0, using: &random)
        let before = policy
        _ = policy.handle(.sessionEnded(.error, cause: "no"), at: 10, using: &random)
        let failed = policy
        #expect(before.trouble == nil && failed.trouble?.count == 1)
        _ = policy.handle(.resumed, at: 20, using: &random)
        #expect(policy.trouble == nil && failed.trouble?.count == 1)
    }

    @Test func delaysDoubleFromHalfASecondToAMinute() {
        var driver = running {
            $0.sameCauseFailures = 0
            $0.anyCauseFailures = 0
        }
        var delays: [Int64] = []
        for _ in 0..<11 {
            let actions = driver.fail()
            delays.append(delay(actions, from: driver.now) ?? -1)
        }
        #expect(
            delays == [0, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000].map { $0 * 1_000_000 })
    }

    @Test(arguments: [(UInt64(2000), UInt64(5000), [0, 2000, 4000, 5000, 5000]), (0, 60_000, [0, 0, 0, 0, 0])])
    func delaysAreConfigurable(first: UInt64, most: UInt64, expected: [Int64]) {
        var driver = running {
            $0.firstDelayMs = first
            $0.maxDelayMs = most
            $0.sameCauseFailures = 0
        }
        let delays = expected.map { _ in
            let actions = driver.fail()
            return delay(actions, from: driver.now) ?? -1
        }
        #expect(delays == expected.map { $0 * 1_000_000 })
    }

    @Test func jitterVariesByTenPercentToEitherSideAndNotMore() {
        var least = Int64.max
        var most = Int64.min
        for seed in 0..<500 {
            var driver = running { $0.jitterPercent = 10 }
            driver.random = SplitMix(seed: UInt64(seed))
            driver.fail()
            let actions = driver.fail()
            let found = delay(actions, from: driver.now) ?? -1
            least = min(least, found)
            most = max(most, found)
        }
        #expect(least >= 450_000_000 && least < 460_000_000)
        #expect(most <= 550_000_000 && most > 540_000_000)
    }

    @Test(arguments: [
        (60 * second, true, Int64(0)), (60 * second - 1, true, 1000), (60 * second, false, 1000),
        (3600 * second, true, 0),
    ])
    func aMinuteAliveWithAGoodCycleEndsTheRow(life: Int64, good: Bool, expectedMs: Int64) {
        var driver = running()
        driver.fail("a")
        driver.fail("b")
        let actions = driver.fail("c", life: life, good: good)
        #expect(delay(actions, from: driver.now) == expectedMs * 1_000_000)
    }

    @Test func aSourceThatIsAwayIsAskedAtItsOwnIntervalAndNeverShutOut() {
        var driver = running { $0.intervalMs = 5000 }
        driver.handle(.started)
        var last = driver.now
        var gaps: [Int64] = []
        for _ in 0..<1000 {
            let actions = driver.fail("error connection refused", as: .error, life: 0)
            #expect(message(actions) == nil)
            driver.handle(.timerFired, after: driver.untilDeadline)
            gaps.append((driver.now - last) / 1_000_000)
            last = driver.now
        }
        #expect(gaps.prefix(9) == [5000, 5000, 5000, 5000, 8000, 16_000, 32_000, 60_000, 60_000])
        #expect(gaps.allSatisfy { $0 >= 5000 && $0 <= 60_000 })
        #expect(driver.policy.trouble?.count == 1000)
        #expect(driver.policy.history.deaths.isEmpty)
    }

    /// `first: "after_wait"`: from the failure of one cycle to the next cycle, which each session waits an interval for.
    @Test func aSessionThatWaitsByItselfIsNotMadeToWaitTwice() {
        var driver = running {
            $0.intervalMs = 5000
            $0.waitsFirst = true
        }
        driver.handle(.started)
        var gaps: [Int64] = []
        for _ in 0..<10 {
            let failed = driver.now + 5 * second
            driver.fail("error connection refused", as: .error, life: 5 * second)
            if driver.policy.state != .starting { driver.handle(.timerFired, after: driver.untilDeadline) }
            gaps.append((driver.now + 5 * second - failed) / 1_000_000)
        }
        #expect(gaps == [5000, 5000, 5000, 5000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
        // What fails in `start` has not waited: an interval lies between two of them too.
        driver.fail("error no database", as: .error, life: 0)
        #expect(driver.untilDeadline == minute)
        driver.handle(.timerFired, after: minute)
        driver.handle(.started)
        driver.handle(.goodCycle)
        driver.handle(.sessionEnded(.error, cause: "no database"))
        #expect(driver.untilDeadline == 5 * second)
    }

    @Test(arguments: [UInt64(0), 1, 499, 60_000, 90_000, 86_400_000])
    func noErrorIsTriedSoonerThanTheInterval(interval: UInt64) {
        for seed in 0..<50 {
            var driver = running {
                $0.intervalMs = interval
                $0.jitterPercent = 10
            }
            driver.random = SplitMix(seed: UInt64(seed))
            for _ in 0..<12 {
                driver.fail(as: .error)
                let wait = UInt64(driver.untilDeadline / 1_000_000)
                #expect(wait >= max(interval, 450) && wait <= max(interval, 60_000))
            }
        }
    }

    @Test func aGoodCycleEndsTheRowOfErrors() {
        var driver = running()
        for _ in 0..<8 { driver.fail(as: .error) }
        driver.handle(.timerFired, after: driver.untilDeadline)
        #expect(driver.policy.trouble?.count == 8)
        driver.handle(.started)
        #expect(driver.policy.isOnProbation && driver.untilDeadline == second)
        let actions = driver.handle(.goodCycle, after: second)
        guard case .recover(let trouble)? = actions.first else {
            Issue.record("no word of the recovery: \(actions)")
            return
        }
        #expect(trouble.count == 8 && trouble.cause == "cause")
        #expect(driver.policy.trouble == nil && driver.policy.nextDeadline == nil)
        #expect(driver.handle(.goodCycle) == [])
        driver.handle(.sessionEnded(.error, cause: "cause"))
        #expect(driver.untilDeadline == 500_000_000)
    }

    @Test func errorsAndDeathsHaveRowsOfTheirOwn() {
        var driver = running()
        for _ in 0..<20 { driver.fail("away", as: .error) }
        // The first death is followed at once, whatever the errors before it.
        #expect(driver.fail("crash", as: .crash) == [.startNow])
        #expect(driver.policy.trouble?.fault == .death)
        driver.fail("away", as: .error)
        #expect(driver.untilDeadline == minute)
        let deaths = (0..<8).map { _ in message(driver.fail("crash", as: .exit)) }
        #expect(deaths.allSatisfy { $0 == nil })
        #expect(message(driver.fail("crash", as: .timeout))?.contains("10 times") == true)
    }

    @Test func whatTheHostLacksCountsAgainstNobody() {
        var driver = running()
        for count in 1...1000 {
            if case .waiting = driver.policy.state { driver.handle(.timerFired, after: driver.untilDeadline) }
            driver.handle(.startFailed(.host, cause: "no worker: No space left on device"))
            #expect(driver.untilDeadline == 2 * second)
            #expect(driver.policy.trouble?.count == count)
        }
        #expect(driver.handle(.timerFired, after: 2 * second) == [.startNow])
        #expect(driver.handle(.started).count == 1)
        #expect(driver.policy.trouble == nil && driver.policy.history.deaths.isEmpty)
    }

    @Test func anErrorThatACacheRepeatsAddsNothingToTheRow() {
        var driver = running { $0.intervalMs = 100 }
        driver.fail("away", as: .error)
        #expect(driver.untilDeadline == second / 2)
        for _ in 0..<20 {
            driver.handle(.timerFired, after: driver.untilDeadline)
            driver.handle(.started)
            driver.handle(.errorRepeated(cause: "away", until: driver.now + 20 * second))
            #expect(driver.untilDeadline == 20 * second)
        }
        #expect(driver.policy.trouble?.count == 1)
        driver.fail("away", as: .error)
        #expect(driver.untilDeadline == second)
        // What a plugin made up: it is not believed beyond the greatest delay, nor below the interval.
        for until in [MonotonicTime.longAgo, 0, driver.now, .never] {
            driver.handle(.timerFired, after: driver.untilDeadline)
            driver.handle(.started)
            driver.handle(.errorRepeated(cause: "away", until: until))
            #expect(driver.untilDeadline == (until == .never ? minute : second / 10))
            driver.handle(.timerFired, after: driver.untilDeadline)
            driver.handle(.started)
            driver.handle(.goodCycle)
            driver.fail("away", as: .error)
        }
    }

    @Test func whoAlwaysSaysThatItsSourceMayBeAskedAtOnceBacksOffAllTheSame() {
        var driver = running()
        driver.fail("away", as: .error)
        var waits: [Int64] = []
        for _ in 0..<8 {
            driver.handle(.timerFired, after: driver.untilDeadline)
            driver.handle(.started)
            driver.handle(.errorRepeated(cause: "away", until: driver.now))
            waits.append(driver.untilDeadline)
        }
        #expect(Array(waits.dropFirst()) == [1, 2, 4, 8, 10, 10, 10].map { $0 * second })
        #expect(waits[0] <= 1 && driver.policy.trouble?.count == 1)
        // The next failure counts as the second, and what repeats that one is believed again.
        driver.fail("away", as: .error)
        #expect(driver.untilDeadline == second)
        driver.handle(.timerFired, after: driver.untilDeadline)
        driver.handle(.started)
        driver.handle(.errorRepeated(cause: "away", until: driver.now))
        #expect(driver.untilDeadline <= 1)
    }

    @Test func deadPeersDoNotCountAgainstTheInnocent() {
        var driver = running()
        for _ in 0..<100 {
            driver.handle(.started)
            #expect(driver.handle(.sessionEnded(.peerFailed, cause: "peer"), after: second) == [.startNow])
        }
        #expect(driver.policy.history.deaths.isEmpty)
    }

    @Test func aCrashWhileTheFileIsReplacedDoesNotCountAgainstTheNewOne() {
        var driver = running()
        driver.handle(.started)
        #expect(driver.handle(.fileChanged(content: "b")) == [])
        #expect(driver.handle(.sessionEnded(.crash, cause: "old bug")) == [.startNow])
        #expect(driver.policy.history.deaths.isEmpty)
    }

    @Test func aResumeWaitsForTheOldSessionToEnd() {
        var driver = running()
        driver.handle(.started)
        driver.handle(.stopRequested)
        #expect(driver.handle(.resumed) == [])
        #expect(driver.handle(.sessionEnded(.stopped, cause: "")) == [.startNow])
    }

    /// Any events in any order: what must never happen does not.
    @Test(arguments: 0..<40) func randomWalksKeepTheInvariants(seed: Int) throws {
        var dice = SplitMix(seed: UInt64(seed))
        var settings = RestartSettings()
        if seed % 4 == 3 {
            settings.firstDelayMs = .max
            settings.maxDelayMs = .max
            settings.probeAfterMs = seed % 8 == 3 ? [] : [.max]
        }
        var driver = PolicyDriver(settings: settings)
        driver.random = SplitMix(seed: UInt64(seed))
        let events = RestartPolicyTableTests.events.sorted { $0.key < $1.key }
        var open = false
        for step in 0..<2000 {
            var (name, event) = try #require(events.randomElement(using: &dice))
            if name == "new file" { event = .fileChanged(content: "\(step)") }
            let before = driver.policy
            let wait = Int64.random(in: 0...(dice.next() % 4 == 0 ? 200 * minute : second), using: &dice)
            if driver.now > .ns(.max / 2) { driver.now = 0 }
            let actions = driver.handle(event, after: wait)
            switch event {
            case .started: open = true
            case .sessionEnded, .errorRepeated, .startFailed, .loadError: open = false
            case .fileChanged, .goodCycle, .resumed, .restartRequested, .stopRequested, .stopDecided,
                .quarantineDecided, .timerFired, .tooLate:
                break
            }
            let starts = actions.count { $0 == .startNow }
            #expect(starts <= 1, "\(name) from \(before.state)")
            if starts == 1 {
                #expect(!open, "\(name) from \(before.state): a second start")
                #expect(driver.policy.state == .starting)
                if driver.policy.quarantine != nil {
                    // Shut out before and after: only a probe whose time has come, or one that its peers disturbed.
                    let isDue = before.nextDeadline.map { $0 <= driver.now } ?? false
                    #expect(isDue || before.isProbing || before.state == .idle, "\(name) from \(before.state)")
                }
                open = true
            }
            for case .startAt(let time) in actions {
                #expect(driver.policy.state == .waiting(until: time))
                let most = Int64(nanosecondsFrom: max(settings.maxDelayMs, settings.intervalMs))
                #expect(time > driver.now && time - driver.now <= most)
                // On trial it goes on after an error, which is not its fault.
                #expect(driver.policy.quarantine == nil || driver.policy.trouble?.fault != .death)
            }
            for case .quarantine in actions {
                #expect(driver.policy.state == .quarantined && driver.policy.quarantine != nil)
            }
            if actions.contains(.lift) { #expect(driver.policy.quarantine == nil && before.quarantine != nil) }
            #expect(driver.policy.history.deaths.count <= settings.failuresKept)
            #expect(driver.policy.isOpen == open, "\(name) from \(before.state)")
        }
    }
}
