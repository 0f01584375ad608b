import CPluginAPI
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// What a session learns of those before it, through the function table as a plugin in C calls it.
@Suite("History of sessions")
struct SessionHistoryTests {
    private static func past(_ number: UInt64, _ end: SessionEnd, _ text: String) -> EndedSession {
        EndedSession(
            session: SessionID(rawValue: number), reason: .init(end, text: text), startMs: 1000, finishMs: 3000,
            durationMs: 1999, cycles: 7, failures: 2, missed: 3)
    }

    /// All that a routine sees, as one line each.
    private static func read(_ scheduler: HostWorkerTests.Scheduler) -> [String] {
        var lines: [String] = []
        while let past = unsafe scheduler.pointee.host.pointee.history(scheduler, UInt32(lines.count)) {
            let entry = unsafe past.pointee
            unsafe lines.append(
                "\(words(entry.session)) \(words(entry.reason)) \(entry.is_failure) \(words(entry.text)) \(entry.start_ms) "
                    + "\(entry.finish_ms) \(entry.duration_ms) \(entry.cycles) \(entry.failures) \(entry.missed)")
        }
        return lines
    }

    @Test("the host is asked once in a session, and only by a routine that wants to know")
    func asked() throws {
        let lines = Mutex<[[String]]>([])
        let curious = Script { scheduler in
            lines.withLock { unsafe $0.append(Self.read(scheduler)) }
            return 0
        }
        let kit = unsafe try PluginKit([curious, Script()])
        #expect(kit.context.runners[1].prepare(kit.order(1, maxCycles: 1)))
        kit.context.driver?.begin(1)
        #expect(try kit.nextEnd()?.failures == 0)
        let order = kit.order(0, maxCycles: 3)
        #expect(kit.context.runners[0].prepare(order))
        kit.context.driver?.begin(0)
        #expect(try kit.next() == .wantsHistory(slot: 0, session: order.session))
        let runner = kit.context.runners[0]
        // What is another session's is none of this one's.
        runner.plugin.history.answer(
            .init(slot: 0, session: SessionID(rawValue: 99), past: [Self.past(1, .crash, "no")]))
        runner.plugin.history.answer(
            .init(
                slot: 0, session: order.session,
                past: [Self.past(33, .error, "no bread"), Self.past(32, .maxCycles, "")]))
        #expect(try kit.nextEnd()?.failures == 0)
        let ids = [33, 32].map { SessionID(rawValue: $0).description }
        let expected = [
            "\(ids[0]) error 1 no bread 1000 3000 1999 7 2 3", "\(ids[1]) max_cycles 0  1000 3000 1999 7 2 3",
        ]
        #expect(lines.withLock { $0 } == [expected, expected, expected])
    }

    @Test("what a host sends is bounded, and there is none in load")
    func bounds() throws {
        let kit = unsafe try PluginKit([Script()])
        let scope = try #require(kit.context.scope)
        unsafe expect(scope.scheduler.pointee.host.pointee.history(scope.scheduler, 0) == nil)
        let many = WorkerCommand.History(
            slot: 0, session: SessionID(rawValue: 1), past: (0..<50).map { Self.past($0, .error, "") })
        #expect(many.past.count == Int(SCHEDHOST_MAX_HISTORY) && EndedSession.most == Int(SCHEDHOST_MAX_HISTORY))
        #expect(EndedSession.longestText == Int(SCHEDHOST_MAX_HISTORY_TEXT))
        #expect(WorkerCommand(line: WorkerCommand.history(many).line()) == .history(many))
        let wish = WorkerEvent.wantsHistory(slot: 3, session: SessionID(rawValue: 4))
        #expect(WorkerEvent(line: wish.line()) == wish)
        let forged =
            #"{"history":{"slot":0,"session":1,"past":["# + Array(repeating: "{}", count: 20).joined(separator: ",")
            + "]}}"
        guard case .history(let read)? = WorkerCommand(line: Array(forged.utf8)) else {
            Issue.record("it cannot be read")
            return
        }
        #expect(read.past.count == EndedSession.most)
    }
}
