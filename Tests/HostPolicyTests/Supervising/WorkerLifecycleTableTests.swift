import HostPolicy
import HostTestKit
import HostValues
import Testing

/// Every state of a worker meets every event, as the table in the comment of `WorkerLifecycle` says.
@Suite struct WorkerLifecycleTableTests {
    static let session = SessionID(rawValue: 77)
    static let exit = WorkerLifecycle.Event.exited(.exited(1), Remains())

    /// The names of the columns, with the events that lead there, and how much later the next one comes.
    static let states: [(name: String, events: [WorkerLifecycle.Event], later: MonotonicTime)] = {
        let load = WorkerLifecycle.Event.load(plugin: 1, limit: 60_000_000_000)
        let serving: [WorkerLifecycle.Event] = [load, .answer(plugin: 1), .session(slot: 0, session)]
        let hang = WorkerLifecycle.Event.hang(slot: 0, thread: 9)
        return [
            ("start", [], 0), ("descr", [load], 60_000_000_000), ("ready", [load, .answer(plugin: 1)], 0),
            ("serve", serving, 0), ("ask", serving + [.end], 10_000_000_000),
            ("leave", serving + [.end, .goodbye], 10_000_000_000),
            ("term", serving + [.overdue(slot: 0)], 2_000_000_000), ("kill", serving + [.endNow], 5_000_000_000),
            ("hung", serving + [hang], 2_000_000_000), ("hungK", serving + [hang, .noThread], 5_000_000_000),
            ("crash", serving + [.fatalSignal], 10_000_000_000),
            ("silent", serving + [.channelClosed], 200_000_000), ("exam", serving + [exit], 10_000_000_000),
            ("dead", serving + [exit, .report(Report())], 0),
        ]
    }()

    static let events: [String: WorkerLifecycle.Event] = [
        "load": .load(plugin: 2, limit: 1), "session": .session(slot: 1, session), "answer": .answer(plugin: 1),
        "over": .sessionOver(slot: 0, session), "goodbye": .goodbye, "nonsense": .nonsense, "closed": .channelClosed,
        "end": .end, "end now": .endNow, "overdue": .overdue(slot: 0), "mute": .mute(slot: 0),
        "flood": .channelAbuse(.floods),
        "hang": .hang(slot: 0, thread: 9),
        "no thread": .noThread, "fatal": .fatalSignal, "stuck": .stuck, "deadline": .deadline, "exited": exit,
        "report": .report(Report()),
    ]

    @Test func theTableHasEveryEventAndEveryState() throws {
        let table = try StateTable(of: "Policy/Supervising/WorkerLifecycle.swift")
        #expect(table.states == Self.states.map(\.name))
        #expect(Set(table.rows.keys) == Set(Self.events.keys))
    }

    @Test(arguments: Array(events.keys).sorted()) func everyStateMeetsEveryEvent(name: String) throws {
        let event = try #require(Self.events[name])
        let cells = try #require(try StateTable(of: "Policy/Supervising/WorkerLifecycle.swift").rows[name])
        var found: [String] = []
        for column in Self.states {
            var life = WorkerLifecycle()
            for event in column.events { _ = life.handle(event, at: 0) }
            #expect(Self.name(life.state) == column.name)
            let before = life.state
            let actions = life.handle(event, at: column.later).map(Self.sign).joined()
            found.append((life.state == before ? "." : Self.name(life.state)) + actions)
        }
        #expect(found == cells, "\(name): \(found.joined(separator: " "))")
    }

    @Test func nothingHappensBeforeItsTime() {
        for column in Self.states {
            var life = WorkerLifecycle()
            for event in column.events { _ = life.handle(event, at: 0) }
            let before = life
            #expect(life.handle(.deadline, at: column.later - 1).isEmpty)
            #expect(life == before, "\(column.name)")
            #expect((life.nextDeadline ?? 0) == column.later, "\(column.name)")
        }
    }

    static func name(_ state: WorkerLifecycle.State) -> String {
        switch state {
        case .starting: "start"
        case .describing: "descr"
        case .ready: "ready"
        case .serving: "serve"
        case .ending(.wanted(_, .asked)): "ask"
        case .ending(.wanted(_, .leaving)): "leave"
        case .ending(.wanted(_, .terminated)): "term"
        case .ending(.wanted(_, .killed)): "kill"
        case .ending(.hung(_, .aborting, _)): "hung"
        case .ending(.hung(_, .killed, _)): "hungK"
        case .ending(.crashing): "crash"
        case .ending(.silent): "silent"
        case .examined: "exam"
        case .dead: "dead"
        }
    }

    static func sign(_ action: WorkerLifecycle.Action) -> String {
        switch action {
        case .pass: "p"
        case .sayGarbage: "g"
        case .quit: "q"
        case .terminate: "T"
        case .kill: "K"
        case .abort: "a"
        case .giveUp: "A"
        case .examine: "E"
        case .verdict: "V"
        }
    }
}
