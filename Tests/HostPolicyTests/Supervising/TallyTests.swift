import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000
private let minute = 60 * second
private let noon = WallTime(nanoseconds: 1_800_000_000 * second)

/// What of the policy outlives the host.
@Suite struct TallyTests {
    /// A host with so many failures, a day after boot.
    private func host(failures: Int) -> PolicyDriver {
        var driver = PolicyDriver()
        driver.now = .ns(86_400 * second)
        driver.handle(.fileChanged(content: "a"))
        for _ in 0..<failures { driver.fail() }
        return driver
    }

    /// The next host, which boots `pause` later: its monotonic clock begins anew.
    private func next(after driver: PolicyDriver, pause: Int64) throws -> PolicyDriver {
        let tally = try #require(driver.policy.tally(at: driver.now, wall: noon))
        var next = PolicyDriver()
        next.now = .ns(5 * second)
        next.policy = RestartPolicy(
            restoring: tally, at: next.now, wall: noon + pause)
        return next
    }

    @Test func aHealthyRoutineHasNoTally() {
        var driver = PolicyDriver()
        driver.handle(.fileChanged(content: "a"))
        driver.handle(.started)
        #expect(driver.policy.tally(at: driver.now, wall: noon) == nil)
    }

    @Test(arguments: [(Int64(0), true), (5 * minute, true), (12 * minute, false)])
    func failuresCountOnInTheNextHost(pause: Int64, isQuarantined: Bool) throws {
        var driver = try next(after: host(failures: 9), pause: pause)
        #expect(driver.handle(.fileChanged(content: "a")) == [.startNow])
        driver.fail()
        #expect((driver.policy.state == .quarantined) == isQuarantined)
    }

    @Test func backOffGoesOnInTheNextHost() throws {
        var driver = try next(after: host(failures: 3), pause: 10 * minute)
        driver.handle(.fileChanged(content: "a"))
        driver.fail()
        let wait = driver.untilDeadline
        #expect(wait >= 1800 * second / 1000 && wait <= 2200 * second / 1000)
    }

    @Test func aChangedFileIsAFreshStartInTheNextHost() throws {
        var driver = try next(after: host(failures: 10), pause: 0)
        #expect(driver.policy.state == .quarantined)
        #expect(driver.handle(.fileChanged(content: "b")) == [.lift, .startNow])
    }

    static let probes: [(Int64, Int64)] = [
        (4 * minute, 6 * minute), (20 * minute, 0), (-60 * minute, 10 * minute), (.max, 0), (.min, 10 * minute),
    ]

    @Test(arguments: probes)
    func theProbeComesWhenItWouldHaveComeOrWhatIsNearest(pause: Int64, expected: Int64) throws {
        var driver = try next(after: host(failures: 10), pause: pause)
        #expect(driver.handle(.fileChanged(content: "a")) == [])
        #expect(driver.untilDeadline == expected)
        #expect(driver.handle(.timerFired, after: expected) == [.startNow])
        #expect(driver.policy.isProbing)
        // The probe in the next host is the first one, so that the second comes after half an hour.
        driver.fail()
        #expect(driver.untilDeadline == 30 * minute)
    }

    @Test func aStopByAPersonLastsAndOneWithTheHostDoesNot() throws {
        var asked = host(failures: 1)
        asked.handle(.stopRequested)
        var driver = try next(after: asked, pause: minute)
        #expect(driver.handle(.fileChanged(content: "a")) == [])
        #expect(driver.handle(.resumed) == [.startNow])

        var ended = host(failures: 1)
        ended.handle(.started)
        ended.handle(.sessionEnded(.stopped, cause: ""))
        driver = try next(after: ended, pause: minute)
        #expect(driver.handle(.fileChanged(content: "a")) == [.startNow])
    }

    @Test func anAbsurdTallyIsClamped() {
        let tally = RoutineTally(
            content: "a",
            failures: [.min, -1, 0, .max, .max].map { RoutineTally.Failure(atMs: $0, cause: "x\n") }
                + Array(repeating: .init(atMs: .max, cause: String(repeating: "y", count: 10_000)), count: 5_000),
            rows: [
                .init(fault: "death", sinceMs: .max, count: .max, cause: "x\n"),
                .init(fault: "?", sinceMs: 0, count: 1, cause: ""),
            ],
            stopped: true, quarantine: .init(why: "z\n", probeAtMs: .min, step: .min))
        for (now, wall) in [(0, 0), (.never, .never), (.longAgo, .longAgo), (.never, .longAgo), (0, .never)]
            as [(MonotonicTime, WallTime)]
        {
            var driver = PolicyDriver()
            driver.now = now
            driver.policy = RestartPolicy(restoring: tally, at: now, wall: wall)
            #expect(driver.policy.history.deaths.count <= 30)
            #expect(driver.policy.history.deaths.allSatisfy { $0.at <= now && $0.cause.count <= 201 })
            #expect(driver.policy.history.rows.map(\.count) == [1_000_000])
            #expect(driver.policy.quarantine?.why == "z ")
            _ = driver.policy.tally(at: now, wall: wall)
            driver.handle(.fileChanged(content: "a"))
            driver.handle(.timerFired)
            driver.handle(.resumed)
            for _ in 0..<3 { driver.handle(.sessionEnded(.error, cause: "")) }
        }
    }
}
