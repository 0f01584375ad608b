import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Every state meets every event.
@Suite struct RestartPolicyTableTests {
    /// States, one letter each: idle, complete, stopped, waiting, Starting, running, ending, quarantined; with a `'`
    /// while an old session still ends, with a `p` while a probe is on.
    static let states = ["i", "c", "s", "w", "S", "r", "e", "q", "s'", "q'", "Sp", "rp"]

    /// For each event the state after it, from each of `states`, and the actions: + start now, @ start later,
    /// Q quarantine, L lift, R recover.
    // swift-format-ignore: the cells stand in columns
    static let table: [(event: String, cells: String)] = [
        //                    i   c   s   w   S   r   e   q   s'  q'  Sp  rp
        ("same file", "S+  c   s   w   S   r   e   q   s   q   S   r"),
        ("new file", "S+  S+  S+  S+  e   e   e   SL+ e   eL  eL  eL"),
        ("started", "r   r   s   r   r   r   e   q   s   q   r   r"),
        ("good cycle", "i   c   s   w   S   r   e   q   s   q   S   rL"),
        ("max_cycles", "i   c   s   w   c   c   S+  q   s   q   cL  cL"),
        ("until", "i   c   s   w   c   c   S+  q   s   q   cL  cL"),
        ("ended_by_routine", "i   c   s   w   c   c   S+  q   s   q   cL  cL"),
        ("stopped", "i   c   s   w   s   s   S+  q   s   q   s   s"),
        ("error", "i   c   s   w   w@  w@  S+  q   s   q   w@  w@"),
        ("crash", "i   c   s   w   S+  S+  S+  q   s   q   qQ  qQ"),
        ("exit", "i   c   s   w   S+  S+  S+  q   s   q   qQ  qQ"),
        ("timeout", "i   c   s   w   S+  S+  S+  q   s   q   qQ  qQ"),
        ("peer_failed", "i   c   s   w   S+  S+  S+  q   s   q   S+  S+"),
        ("reloaded", "i   c   s   w   S+  S+  S+  q   s   q   S+  S+"),
        ("host_died", "i   c   s   w   S+  S+  S+  q   s   q   S+  S+"),
        ("lease_lost", "i   c   s   w   S+  S+  S+  q   s   q   S+  S+"),
        ("handed_over", "i   c   s   w   S+  S+  S+  q   s   q   S+  S+"),
        ("removed", "i   c   s   w   i   i   S+  q   s   q   i   i"),
        ("quarantined", "i   c   s   w   qQ  qQ  S+  q   s   q   qQ  qQ"),
        ("error again", "i   c   s   w   w@  w@  S+  q   s   q   w@  w@"),
        ("load returned error", "i   c   s   w   w@  w@  S+  q   s   q   w@  w@"),
        ("died at start", "i   c   s   w   S+  S+  S+  q   s   q   qQ  qQ"),
        ("host lacks", "i   c   s   w   w@  w@  S+  q   s   q   w@  w@"),
        ("load error", "qQ  c   s   qQ  qQ  qQ  S+  q   s   q   qQ  qQ"),
        ("resumed", "S+  S+  S+  S+  S   r   e   SL+ e   eL  SL  rL"),
        ("restart", "S+  S+  S+  S+  e   e   e   SL+ e   eL  eL  eL"),
        ("stop", "s   s   s   s   s   s   s   sL  s   sL  sL  sL"),
        ("hook stop", "s   s   s   s   s   s   e   sL  s   sL  sL  sL"),
        ("quarantine", "qQ  qQ  s   qQ  qQ  qQ  e   q   s   q   qQ  qQ"),
        ("too late", "i   c   s   c   S   r   e   q   s   q   S   r"),
        ("timer", "i   c   s   S+  S   r   e   S+  s   q   S   r"),
    ]

    static let events: [String: RestartPolicy.Event] = {
        var events: [String: RestartPolicy.Event] = [
            "same file": .fileChanged(content: "old"), "new file": .fileChanged(content: "new"), "started": .started,
            "good cycle": .goodCycle, "error again": .errorRepeated(cause: "cause", until: 0),
            "died at start": .startFailed(.death, cause: "cause"),
            "load returned error": .startFailed(.error, cause: "cause"),
            "host lacks": .startFailed(.host, cause: "cause"),
            "load error": .loadError("no such symbol"),
            "resumed": .resumed, "restart": .restartRequested, "stop": .stopRequested,
            "hook stop": .stopDecided,
            "quarantine": .quarantineDecided(why: "enough"), "timer": .timerFired, "too late": .tooLate,
        ]
        for end in SessionEnd.allCases {
            events[end.name] = .sessionEnded(end, cause: "cause")
        }
        return events
    }()

    @Test func everyEventIsInTheTable() {
        #expect(Set(Self.table.map(\.event)) == Set(Self.events.keys))
        #expect(Self.table.count == Self.events.count)
    }

    @Test(arguments: table) func everyStateMeetsEveryEvent(event: String, cells: String) throws {
        let expected = cells.split(separator: " ").map { String($0) }
        var found: [String] = []
        for state in Self.states {
            var driver = try Self.driver(in: state)
            let actions = driver.handle(try #require(Self.events[event]), after: driver.untilDeadline)
            found.append(driver.letter + actions.map(PolicyDriver.sign).joined())
        }
        #expect(found == expected, "\(event): \(found.joined(separator: " "))")
    }

    /// A routine brought to a state by events, as in life.
    static func driver(in state: String) throws -> PolicyDriver {
        var driver = PolicyDriver()
        driver.handle(.fileChanged(content: "old"))
        func run(_ events: RestartPolicy.Event...) { for event in events { driver.handle(event) } }
        switch state {
        case "i": driver = PolicyDriver(content: "old")
        case "c": run(.started, .sessionEnded(.maxCycles, cause: ""))
        case "s": run(.started, .stopRequested, .sessionEnded(.stopped, cause: ""))
        case "w": run(.started, .sessionEnded(.crash, cause: "a"), .started, .sessionEnded(.crash, cause: "a"))
        case "S": break
        case "r": run(.started)
        case "e": run(.started, .restartRequested)
        case "q": run(.loadError("bad"))
        case "s'": run(.started, .stopRequested)
        case "q'": run(.started, .quarantineDecided(why: "hook"))
        case "Sp", "rp":
            run(.loadError("bad"))
            driver.handle(.timerFired, after: driver.untilDeadline)
            if state == "rp" { driver.handle(.started) }
        default: Issue.record("no state \(state)")
        }
        #expect(driver.letter == String(state.prefix(1)))
        return driver
    }
}

/// A policy with its clock and its dice.
struct PolicyDriver {
    var policy: RestartPolicy
    var now: MonotonicTime = 1_000_000_000_000
    var random = SplitMix(seed: 1)

    init(settings: RestartSettings = RestartSettings(), content: String? = nil) {
        policy = RestartPolicy(settings: settings)
        policy.content = content
    }

    /// The time until the policy's deadline, 0 without one.
    var untilDeadline: Int64 { policy.nextDeadline.map { $0 - now } ?? 0 }

    @discardableResult mutating func handle(_ event: RestartPolicy.Event, after wait: Int64 = 0) -> [RestartPolicy
        .Action]
    {
        now += wait
        return policy.handle(event, at: now, using: &random)
    }

    /// One failed session that lived for `life`; the start before it comes when it is due.
    @discardableResult mutating func fail(
        _ cause: String = "cause", as ending: SessionEnd = .crash, life: Int64 = 1_000_000, good: Bool = false
    ) -> [RestartPolicy.Action] {
        if case .waiting = policy.state { handle(.timerFired, after: untilDeadline) }
        handle(.started)
        if good { handle(.goodCycle) }
        return handle(.sessionEnded(ending, cause: cause), after: life)
    }

    var letter: String {
        switch policy.state {
        case .idle: "i"
        case .complete: "c"
        case .stopped: "s"
        case .waiting: "w"
        case .starting: "S"
        case .running: "r"
        case .ending: "e"
        case .quarantined: "q"
        }
    }

    static func sign(_ action: RestartPolicy.Action) -> String {
        switch action {
        case .startNow: "+"
        case .startAt: "@"
        case .quarantine: "Q"
        case .lift: "L"
        case .recover: "R"
        }
    }
}

/// What the tests of the policy's numbers have in common.
protocol PolicyNumbers {}

extension PolicyNumbers {
    /// A routine that begins, without jitter.
    func running(_ change: (inout RestartSettings) -> Void = { _ in }) -> PolicyDriver {
        var settings = RestartSettings()
        settings.jitterPercent = 0
        change(&settings)
        var driver = PolicyDriver(settings: settings)
        driver.handle(.fileChanged(content: "a"))
        return driver
    }

    /// How long the next start has to wait, in ns; nil if there is none.
    func delay(_ actions: [RestartPolicy.Action], from now: MonotonicTime) -> Int64? {
        switch actions.last {
        case .startNow: 0
        case .startAt(let time): time - now
        case .quarantine, .lift, .recover, nil: nil
        }
    }

    /// What is said of a quarantine that begins now; nil if there is none.
    func message(_ actions: [RestartPolicy.Action]) -> String? {
        guard case .quarantine(let quarantine, let now)? = actions.last else { return nil }
        return quarantine.message(of: "market/snapshot", at: now)
    }
}
