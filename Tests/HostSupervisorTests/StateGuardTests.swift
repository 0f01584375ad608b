import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// What is removed from a running host's state directory, with real files.
@Suite struct StateGuardTests {
    private final class Calls {
        var sockets = 0
        var sessions = 0
    }

    @Test func `a list of open sessions that is removed is asked for once, until it is there again`() throws {
        let folder = TestDirectory()
        for name in ["lock", HostState.controlSocket, OpenSessions.name] { try folder.write(name, []) }
        let clock = SystemClock()
        let loop = try EventLoop(clock: clock)
        let log = MemoryLog()
        let calls = Calls()
        let guardian = StateGuard(folder.path, loop: loop, deadlines: Deadlines(), clock: clock, log: log) {
            calls.sockets += 1
        } writeSessions: {
            calls.sessions += 1
        } giveUp: {
        }
        var steps: [() throws -> Void] = [
            { try folder.directory().remove(OpenSessions.name) },
            { try folder.write("tally.json", []) },
            { try folder.write(OpenSessions.name, []) },
            { try folder.directory().remove(OpenSessions.name) },
        ]
        var asked: [Int] = []
        // Each round is one of the loop's, whose events are those of the step before.
        try loop.run { _ in
            if !steps.isEmpty {
                do { try steps.removeFirst()() } catch { Issue.record("\(error)") }
            } else {
                loop.stop()
            }
            asked.append(calls.sessions)
            return .never
        }
        withExtendedLifetime(guardian) {}
        #expect(asked == [0, 1, 1, 1, 2] && calls.sockets == 0)
        #expect(log.take(.warning).count == 2)
    }
}
