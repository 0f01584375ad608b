import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// When the store's worker is started: every state meets every event of the table.
@Suite struct StoreRestartsTests {
    private static let events: [String: StoreRestarts.Event] = [
        "plugin": .plugin, "removed": .removed, "loaded": .loaded, "failed": .failed, "due": .deadline,
    ]

    private static func machine(in state: String) -> StoreRestarts {
        var machine = StoreRestarts(lease: 10_000_000_000)
        if state == "absent" { return machine }
        _ = machine.handle(.plugin, at: 0)
        if state == "serving" { _ = machine.handle(.loaded, at: 0) }
        if state == "waiting" { _ = machine.handle(.failed, at: 0) }
        return machine
    }

    private static func word(_ machine: StoreRestarts) -> String {
        switch machine.state {
        case .absent: "absent"
        case .loading: "load"
        case .serving: "serv"
        case .waiting: "wait"
        }
    }

    @Test func everyStateMeetsEveryEvent() throws {
        let table = try StateTable(of: "Supervisor/Cluster/StoreRestarts.swift")
        #expect(table.states.count == 4 && Set(table.rows.keys) == Set(Self.events.keys))
        for (event, cells) in table.rows {
            for (state, cell) in zip(table.states, cells) {
                var machine = Self.machine(in: state)
                let before = machine
                let actions = machine.handle(try #require(Self.events[event]), at: machine.nextDeadline ?? 1)
                let letters = actions.map { action in
                    switch action {
                    case .load: "S"
                    case .ready: "R"
                    case .gone: "G"
                    }
                }
                let found = machine == before && actions.isEmpty ? "." : Self.word(machine) + letters.joined()
                #expect(found == cell, "\(event) in \(state)")
            }
        }
    }

    @Test(
        arguments: [
            (600, [20, 80, 320, 1280, 5000, 5000, 5000, 5000]), (10, [20, 80, 320, 1280, 1666, 1666, 1666, 1666]),
            (2, [20, 80, 320, 333, 333, 333, 333, 333]),
        ] as [(Int64, [Int64])])
    func itIsTriedForEverAndSoonAgainAfterAGoodTime(seconds: Int64, expected: [Int64]) {
        var machine = StoreRestarts(lease: seconds * 1_000_000_000)
        var now = MonotonicTime(nanoseconds: 0)
        _ = machine.handle(.plugin, at: now)
        var delays: [Int64] = []
        for _ in 0..<8 {
            _ = machine.handle(.failed, at: now)
            let next = machine.nextDeadline ?? now
            delays.append((next - now) / 1_000_000)
            #expect(machine.handle(.deadline, at: next) == [.load])
            now = next
        }
        #expect(delays == expected)
        _ = machine.handle(.loaded, at: now)
        #expect(machine.handle(.failed, at: now + 30_000_000_000) == [.gone])
        #expect(machine.nextDeadline == now + 30_020_000_000)
    }
}
