import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000
private let minute = 60 * second

/// When a routine is shut out, and how it comes back, in virtual time.
@Suite struct PolicyQuarantineTests: PolicyNumbers {
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
        let actions = driver.fail("crash SIGSEGV")
        #expect(actions.count == 1 && message(actions) == expected)
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

    @Test func causesAreBoundedAndOnOneLine() {
        var driver = running { $0.sameCauseFailures = 1 }
        let message = message(driver.fail("a\nb\u{1b}[31m" + String(repeating: "x", count: 100_000)))
        #expect(message?.contains("(a b [31mxxx") == true)
        #expect((message?.count ?? 0) < 500)
    }
}
