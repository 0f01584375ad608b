import HostTestKit
import HostValues
import HostViews
import HostWire
import Testing

/// The paragraph that `why` prints: every state has one, with what is waited for and what would change it.
@Suite struct RoutineExplanationTests {
    private static let now: Int64 = 1_767_268_800_000

    private var status: HostStatus {
        HostStatus(
            version: "1", pid: 1, host: "h", nowMs: Self.now, startMs: 0, uptimeMs: 0, pluginsPath: "", statePath: "",
            logLevel: "info")
    }

    private func text(_ state: RoutineStatus.State, _ change: (inout RoutineStatus) -> Void = { _ in }) -> String {
        var routine = RoutineStatus(plugin: "p", routine: "r", state: state)
        change(&routine)
        return RoutineExplanation(routine, at: status, last: nil, zone: .utc).text
    }

    @Test(
        arguments: [
            (.running, "It runs now: routine of cycle 0."), (.waiting, "Cycle 0 waits for its turn"),
            (.paused, "A person has paused it"), (.starting, "Its session was ordered"),
            (.standby, "It runs on one host at a time, and not on this one now: its lease is awaited."),
            (.backingOff, "It has died or could not begin"), (.failing, "Its callbacks return errors"),
            (.ending, "Its session was asked to end"), (.stopped, "It was stopped"),
            (.complete, "It is complete: its session has ended by itself."),
            (.quarantined, "It is shut out"), (.idle, "It has not started yet."),
            (.disabled, "enabled: false"),
        ] as [(RoutineStatus.State, String)])
    func `each state has its sentence`(state: RoutineStatus.State, sentence: String) {
        #expect(text(state).contains(sentence), "\(text(state))")
    }

    @Test func `what would change it is said where something would`() {
        for state in RoutineStatus.State.allCases {
            let hasCommand = text(state).contains("schedhost ") || text(state).contains("Take enabled")
            switch state {
            case .running, .starting, .standby, .ending, .idle: #expect(!hasCommand, "\(state)")
            case .waiting, .paused, .backingOff, .failing, .stopped, .complete, .quarantined, .disabled:
                #expect(hasCommand, "\(state)")
            }
        }
    }

    @Test func `a cycle that is due has its time, and what it goes by`() {
        let byWait = text(.waiting) {
            $0.nextStartMs = Self.now + 4000
            $0.waitMs = 5000
            $0.cycle = 3
        }
        #expect(
            byWait.hasPrefix(
                "It waits for cycle 3, which is due in 4.0 s, at 2026-01-01 12:00:04: it runs each 5.0 s. schedhost run-now"
            ))
        let bySchedule = text(.waiting) {
            $0.nextStartMs = Self.now + 3_600_000
            $0.schedules = ["Mon 14:00"]
            $0.zone = "Europe/Berlin"
            $0.nextLocal = "2026-01-01T14:00:00+01:00"
        }
        #expect(
            bySchedule.contains("by its schedule \"Mon 14:00\" (2026-01-01T14:00:00+01:00 in Europe/Berlin)"),
            "\(bySchedule)")
    }

    @Test func `a trouble has its cause, how often, since when, and when it is tried again`() {
        let text = text(.failing) {
            $0.why = "error no bread"
            $0.failingSinceMs = Self.now - 90_000
            $0.failuresInRow = 3
            $0.nextStartMs = Self.now + 30_000
        }
        #expect(
            text.hasPrefix(
                "Its callbacks return errors, 3 times in a row in 1m 30.0s: error no bread. "
                    + "It is tried again in 30.0 s, at 2026-01-01 12:00:30."), "\(text)")
    }

    @Test func `the last session is told with its report`() {
        var record = SessionRecord(
            session: SessionID(rawValue: 1 << 40), plugin: "p", routine: "r", startMs: 0, finishMs: Self.now - 2000,
            durationMs: 1, cycles: 1, reason: SessionRecord.Reason(named: "crash"))
        record.report = "p@x.json"
        let routine = RoutineStatus(plugin: "p", routine: "r", state: .stopped)
        let text = RoutineExplanation(routine, at: status, last: record).text
        #expect(
            text.contains("ended 2.0 s ago after 1 cycle: crash; schedhost records --show \(record.session)"), "\(text)"
        )
    }

    @Test func `a refused file says why, and a host that stops says so first`() {
        let plugin = HostStatus.Plugin(
            id: "bad", file: "bad.so", version: "", state: "refused", why: "no ELF", routines: 0)
        #expect(RoutineExplanation(plugin, at: status).text.hasPrefix("bad.so is refused: no ELF. "))
        var status = status
        status.isStopping = true
        let routine = RoutineStatus(plugin: "p", routine: "r", state: .idle)
        #expect(RoutineExplanation(routine, at: status, last: nil).text.hasPrefix("The host is stopping"))
    }
}
