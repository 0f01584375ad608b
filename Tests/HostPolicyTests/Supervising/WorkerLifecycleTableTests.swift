import FoundationEssentials
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
        "end": .end, "end now": .endNow, "overdue": .overdue(slot: 0), "mute": .mute(slot: 0), "flood": .flood,
        "hang": .hang(slot: 0, thread: 9),
        "no thread": .noThread, "fatal": .fatalSignal, "stuck": .stuck, "deadline": .deadline, "exited": exit,
        "report": .report(Report()),
    ]

    /// The rows of the table in the source: the event, and a cell for each state.
    static func table() throws -> [(event: String, cells: [String])] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let sources = root.appending(path: "Sources/Host")
        // The file may move to another folder of the host's sources.
        let folders = ["Core/Supervising", "Policy", "Policy/Supervising", "Policy/Workers"]
        let found = folders.lazy.compactMap { folder in
            try? Data(contentsOf: sources.appending(path: folder + "/WorkerLifecycle.swift"))
        }
        let text = String(decoding: try #require(found.first), as: UTF8.self)
        var rows: [(event: String, cells: [String])] = []
        for line in text.split(separator: "\n") where line.hasPrefix("///     ") && !line.contains(":") {
            let row = line.dropFirst(8)
            let event = row.prefix(12).split(separator: " ").joined(separator: " ")
            let cells = row.dropFirst(12).split(separator: " ").map { String($0) }
            rows.append((event, cells))
        }
        return rows
    }

    @Test func theTableHasEveryEventAndEveryState() throws {
        let table = try Self.table()
        #expect(table.first?.event == "event")
        #expect(table.first?.cells == Self.states.map(\.name))
        #expect(Set(table.dropFirst().map(\.event)) == Set(Self.events.keys))
        #expect(table.count == Self.events.count + 1)
    }

    @Test(arguments: Array(events.keys).sorted()) func everyStateMeetsEveryEvent(name: String) throws {
        let event = try #require(Self.events[name])
        let cells = try #require(try Self.table().first { $0.event == name }?.cells)
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
