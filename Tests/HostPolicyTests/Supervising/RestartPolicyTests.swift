import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000
private let minute = 60 * second

/// The numbers of the policy, in virtual time.
@Suite struct RestartPolicyTests {
    private func running(_ change: (inout RestartSettings) -> Void = { _ in }) -> PolicyDriver {
        var settings = RestartSettings()
        settings.jitterPercent = 0
        change(&settings)
        var driver = PolicyDriver(settings: settings)
        driver.handle(.fileChanged(content: "a"))
        return driver
    }

    private func delay(_ actions: [RestartPolicy.Action], from now: MonotonicTime) -> Int64? {
        switch actions.last {
        case .startNow: 0
        case .startAt(let time): time - now
        case .quarantine, .lift, .recover, nil: nil
        }
    }

    private func message(_ actions: [RestartPolicy.Action]) -> String? {
        if case .quarantine(let message)? = actions.last { message } else { nil }
    }

    @Test func `a copy of a policy does not see what happens to the other`() {
        var random = SplitMix(seed: 1)
        var policy = RestartPolicy(id: "p/r")
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

    @Test func theResetDoesNotCancelTheLimit() {
        var driver = running()
        // Thirty deaths of thirty kinds within the hour, each after a healthy minute and a half.
        for round in 1...29 {
            let actions = driver.fail("cause \(round)", life: 90 * second, good: true)
            #expect(actions == [.startNow])
        }
        let last = driver.fail("cause 30", life: 90 * second, good: true)
        #expect(message(last)?.contains("died 30 times within 1 h (the last: cause 30)") == true)
    }

    @Test func tenDeathsForOneCauseQuarantine() {
        var driver = running()
        for _ in 0..<9 { #expect(message(driver.fail("crash SIGSEGV")) == nil) }
        let expected =
            "market/snapshot is quarantined: it died 10 times within 10 min for the same cause (crash SIGSEGV); replace "
            + "its file, or run `schedhost resume market/snapshot`; the host tries it again in 10 min"
        #expect(driver.fail("crash SIGSEGV") == [.quarantine(message: expected)])
        #expect(driver.policy.quarantine?.probeAt == driver.now + 10 * minute)
    }

    @Test func tenDeathsForTenCausesDoNot() {
        var driver = running { $0.maxDelayMs = 1000 }
        for cause in 0..<29 { #expect(message(driver.fail("cause \(cause)")) == nil) }
        #expect(message(driver.fail("cause 29")) != nil)
    }

    @Test(arguments: [(66 * second, true), (67 * second, false)])
    func theWindowOfTheSameCauseIsTenMinutes(gap: Int64, isQuarantined: Bool) {
        var driver = running { $0.maxDelayMs = 0 }
        driver.handle(.started)
        driver.handle(.sessionEnded(.crash, cause: "a"))
        var last: [RestartPolicy.Action] = []
        for _ in 0..<9 {
            driver.handle(.started)
            last = driver.handle(.sessionEnded(.crash, cause: "a"), after: gap)
        }
        // Ten deaths, the last one nine gaps after the first.
        #expect((message(last) != nil) == isQuarantined)
    }

    @Test(arguments: [(124 * second, true), (125 * second, false)])
    func theWindowOfAnyCauseIsAnHour(gap: Int64, isQuarantined: Bool) {
        var driver = running { $0.maxDelayMs = 0 }
        driver.handle(.started)
        driver.handle(.sessionEnded(.crash, cause: "x"))
        var last: [RestartPolicy.Action] = []
        for round in 0..<29 {
            driver.handle(.started)
            last = driver.handle(.sessionEnded(.crash, cause: "\(round)"), after: gap)
        }
        #expect((message(last) != nil) == isQuarantined)
    }

    @Test func limitsAreConfigurable() {
        var driver = running {
            $0.sameCauseFailures = 2
            $0.sameCauseWindowMs = 60_000
        }
        driver.fail()
        #expect(message(driver.fail())?.contains("died 2 times within 1 min") == true)
    }

    @Test func aLoadErrorQuarantinesAtOnceUntilTheContentChanges() {
        var driver = running()
        let actions = driver.handle(.loadError("undefined symbol:\nfoo"))
        #expect(message(actions)?.contains("a load error (undefined symbol: foo)") == true)
        #expect(driver.handle(.fileChanged(content: "a")) == [])
        #expect(driver.handle(.fileChanged(content: "b")) == [.lift, .startNow])
        #expect(driver.policy.nextDeadline == nil)
    }

    @Test func probesComeAfterTenMinutesHalfAnHourAndThenHourly() throws {
        var driver = running()
        var message = message(driver.handle(.loadError("bad")))
        for (wait, words) in [
            (10 * minute, "10 min"), (30 * minute, "30 min"), (60 * minute, "1 h"), (60 * minute, "1 h"),
        ] {
            #expect(message?.hasSuffix("the host tries it again in \(words)") == true)
            #expect(driver.policy.nextDeadline == driver.now + wait)
            #expect(driver.handle(.timerFired, after: wait - 1) == [])
            #expect(driver.handle(.timerFired, after: 1) == [.startNow])
            #expect(driver.policy.isProbing)
            message = self.message(driver.fail())
        }
        #expect(driver.handle(.resumed) == [.lift, .startNow])
        #expect(!driver.policy.isProbing)
        #expect(self.message(driver.handle(.loadError("bad")))?.hasSuffix("in 10 min") == true)
    }

    @Test func aProbeThatLivesAMinuteWithAGoodCycleLifts() {
        var driver = running()
        driver.handle(.loadError("bad"))
        driver.handle(.timerFired, after: driver.untilDeadline)
        driver.handle(.started)
        #expect(driver.handle(.goodCycle) == [])
        #expect(driver.untilDeadline == minute)
        #expect(driver.handle(.timerFired, after: minute) == [.lift])
        #expect(driver.policy.nextDeadline == nil)
        #expect(driver.fail() == [.startNow])
    }

    @Test func aProbeWithASlowFirstCycleIsLookedAtEverMoreRarely() {
        var driver = running()
        driver.handle(.loadError("bad"))
        driver.handle(.timerFired, after: driver.untilDeadline)
        driver.handle(.started)
        for minutes in [1, 2, 4, 8] as [Int64] {
            #expect(driver.untilDeadline == minutes * minute)
            #expect(driver.handle(.timerFired, after: driver.untilDeadline) == [])
        }
        #expect(driver.handle(.goodCycle) == [.lift])
    }

    @Test func aProbeThatProvedItselfAndThenFailsIsAFirstFailure() {
        var driver = running()
        driver.handle(.loadError("bad"))
        driver.handle(.timerFired, after: driver.untilDeadline)
        #expect(driver.fail(life: minute, good: false).count == 1)
        driver.handle(.timerFired, after: driver.untilDeadline)
        driver.handle(.started)
        driver.handle(.goodCycle)
        #expect(driver.handle(.sessionEnded(.crash, cause: "a"), after: minute) == [.lift, .startNow])
    }

    @Test func aHooksQuarantineHasNoProbe() {
        var driver = running()
        driver.handle(.started)
        let message = message(driver.handle(.quarantineDecided(why: "the key was revoked")))
        #expect(message?.contains("its error hook's decision (the key was revoked)") == true)
        #expect(message?.hasSuffix("the host does not retry it") == true)
        driver.handle(.sessionEnded(.quarantined, cause: ""))
        #expect(driver.policy.nextDeadline == nil)
        #expect(driver.handle(.resumed) == [.lift, .startNow])
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
        }
    }

    @Test func aProbeThatMeetsAnErrorStaysOnTrial() {
        var driver = running()
        for _ in 0..<10 { driver.fail("crash", as: .crash) }
        #expect(driver.policy.state == .quarantined)
        driver.handle(.timerFired, after: driver.untilDeadline)
        #expect(message(driver.fail("away", as: .error)) == nil)
        #expect(driver.untilDeadline == second / 2 && driver.policy.quarantine != nil)
        // A death while on trial is the probe's failure: the next one comes later.
        let again = driver.fail("crash", as: .crash)
        #expect(message(again)?.hasSuffix("in 30 min") == true)
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

    @Test func causesAreBoundedAndOnOneLine() {
        var driver = running { $0.sameCauseFailures = 1 }
        let message = message(driver.fail("a\nb\u{1b}[31m" + String(repeating: "x", count: 100_000)))
        #expect(message?.contains("(a b [31mxxx") == true)
        #expect((message?.count ?? 0) < 500)
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
