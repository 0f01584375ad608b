import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// Every state of a claim meets every event, as the table in the comment of `ClaimMachine` says.
@Suite struct ClaimMachineTableTests {
    static let now: BootTime = 1_000

    /// The names of the columns, with the events that lead there.
    static let states: [(name: String, events: [ClaimMachine.Event])] = {
        let running: [ClaimMachine.Event] = [.take(token: 7), .granted]
        return [
            ("standby", []), ("barred", [.leave(.move, bar: 900)]), ("taking", [.take(token: 7)]),
            ("quits", [.take(token: 7), .leave(.move, bar: 2000)]), ("running", running),
            ("ending", running + [.leave(.drain, bar: 2000)]), ("lost", running + [.lost(.recordGone, kill: 900)]),
            ("freeing", running + [.leave(.drain, bar: 2000), .ended]),
        ]
    }()

    static let events: [String: ClaimMachine.Event] = [
        "take": .take(token: 9), "granted": .granted, "denied": .denied, "lost": .lost(.silence(5), kill: 3000),
        "leave": .leave(.stop, bar: 4000), "ended": .ended, "released": .released, "deadline": .deadline,
    ]

    @Test func theTableHasEveryEventAndEveryState() throws {
        let table = try StateTable(of: "Cluster/ClaimMachine.swift")
        #expect(table.states == Self.states.map(\.name))
        #expect(Set(table.rows.keys) == Set(Self.events.keys))
    }

    @Test(arguments: Array(events.keys).sorted()) func everyStateMeetsEveryEvent(name: String) throws {
        let event = try #require(Self.events[name])
        let cells = try #require(try StateTable(of: "Cluster/ClaimMachine.swift").rows[name])
        var found: [String] = []
        for column in Self.states {
            var machine = ClaimMachine()
            for event in column.events { _ = machine.handle(event, at: 0) }
            #expect(Self.name(machine.state) == column.name)
            let before = machine.state
            let actions = machine.handle(event, at: Self.now).map(Self.sign).joined()
            found.append((machine.state == before ? "." : Self.name(machine.state)) + actions)
        }
        #expect(found == cells, "\(name): \(found.joined(separator: " "))")
    }

    @Test func aDeadlineBeforeItsTimeChangesNothing() {
        for column in Self.states {
            var machine = ClaimMachine()
            for event in column.events { _ = machine.handle(event, at: 0) }
            let before = machine
            #expect(machine.handle(.deadline, at: 899).isEmpty)
            #expect(machine == before, "\(column.name)")
        }
    }

    @Test func whatLivesIsKilledOnce() {
        var machine = ClaimMachine()
        for event in [ClaimMachine.Event.take(token: 1), .granted, .lost(.recordGone, kill: 10)] {
            _ = machine.handle(event, at: 0)
        }
        #expect(machine.handle(.deadline, at: 10) == [.kill])
        #expect(machine.handle(.deadline, at: 11).isEmpty)
        #expect(machine.nextDeadline == nil)
    }

    static func name(_ state: ClaimMachine.State) -> String {
        switch state {
        case .standby: "standby"
        case .barred: "barred"
        case .taking: "taking"
        case .quitting: "quits"
        case .running: "running"
        case .ending: "ending"
        case .lost: "lost"
        case .releasing: "freeing"
        }
    }

    static func sign(_ action: ClaimMachine.Action) -> String {
        switch action {
        case .take: "T"
        case .begin: "B"
        case .end: "E"
        case .kill: "K"
        case .release: "R"
        }
    }
}

/// Every state of a host meets every event, as the table in the comment of `HostMachine` says.
@Suite struct HostMachineTableTests {
    static let lease = LeaseTimes(start: 0, length: 6000)
    static let states: [(name: String, events: [HostMachine.Event])] = [
        ("closed", []), ("joining", [.open]), ("held", [.open, .proved(lease)]),
        ("doubt", [.open, .proved(lease), .deadline]), ("over", [.open, .proved(lease), .gone]),
        ("refused", [.open, .foreign]),
    ]
    /// The events, and when they come.
    static let events: [String: (event: HostMachine.Event, time: BootTime)] = [
        "open": (.open, 3000), "proved": (.proved(LeaseTimes(start: 1, length: 6000)), 3000), "gone": (.gone, 3000),
        "foreign": (.foreign, 3000), "ended": (.ended, 3000), "close": (.close, 3000), "hold": (.deadline, 3000),
        "end": (.deadline, 4000),
    ]

    @Test func theTableHasEveryEventAndEveryState() throws {
        let table = try StateTable(of: "Cluster/HostMachine.swift")
        #expect(table.states == Self.states.map(\.name))
        #expect(Set(table.rows.keys) == Set(Self.events.keys))
    }

    @Test(arguments: Array(events.keys).sorted()) func everyStateMeetsEveryEvent(name: String) throws {
        let (event, time) = try #require(Self.events[name])
        let cells = try #require(try StateTable(of: "Cluster/HostMachine.swift").rows[name])
        var found: [String] = []
        for column in Self.states {
            var machine = HostMachine()
            for event in column.events { _ = machine.handle(event, at: 3000) }
            #expect(Self.name(machine.state) == column.name)
            let before = Self.name(machine.state)
            let actions = machine.handle(event, at: time).map(Self.sign).joined()
            let after = Self.name(machine.state)
            let isProof = actions.contains("P")
            found.append((after == before && !isProof ? "." : Self.short(after, actions)) + actions)
        }
        #expect(found == cells, "\(name): \(found.joined(separator: " "))")
    }

    @Test func anAnswerThatIsLateTakesNothingAway() {
        var machine = HostMachine()
        _ = machine.handle(.open, at: 0)
        _ = machine.handle(.proved(LeaseTimes(start: 500, length: 6000)), at: 600)
        _ = machine.handle(.proved(LeaseTimes(start: 100, length: 6000)), at: 700)
        #expect(machine.lease?.start == 500)
        #expect(machine.handle(.deadline, at: 4500) == [.lose(.silence(4000), kill: 5500)])
    }

    /// The states whose names leave no room for the signs of what is done.
    private static func short(_ name: String, _ actions: String) -> String {
        actions.isEmpty ? name : ["joining": "join", "refused": "refus"][name] ?? name
    }

    static func name(_ state: HostMachine.State) -> String {
        switch state {
        case .closed: "closed"
        case .joining: "joining"
        case .held: "held"
        case .doubtful: "doubt"
        case .over: "over"
        case .refused: "refused"
        }
    }

    static func sign(_ action: HostMachine.Action) -> String {
        switch action {
        case .extend: "P"
        case .lose: "E"
        case .renew: "N"
        case .refuse: "F"
        }
    }
}
