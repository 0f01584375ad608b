import HostValues
import HostViews
import HostWire
import Testing

/// What people see of numbers at the ends of their range, which a file, a store, another host or a plugin may say: some
/// text, and no trap.
@Suite struct ExtremeNumberTests {
    private static let states: [RoutineStatus.State] = [
        .running, .waiting, .paused, .starting, .standby, .ending, .backingOff, .failing, .quarantined, .stopped,
        .complete, .idle, .disabled,
    ]

    private static func status(now: Int64, time: Int64, number: UInt64) -> HostStatus {
        var status = HostStatus(
            version: "1", pid: 1, host: "h", nowMs: now, startMs: time, uptimeMs: time, pluginsPath: "", statePath: "",
            logLevel: "info")
        var worker = HostStatus.Worker(pid: 9, name: "a", uptimeMs: time, sessions: 1)
        (worker.cpuMs, worker.residentBytes) = (number, number)
        status.workers = [worker]
        status.routines = states.map { state in
            var routine = RoutineStatus(plugin: "p", routine: state.rawValue, state: state)
            (routine.lastStartMs, routine.nextStartMs, routine.failingSinceMs) = (time, time, time)
            (routine.sessionStartMs, routine.untilMs, routine.lastDurationNs) = (time, time, time)
            (routine.cycle, routine.maxCycles, routine.cyclesTotal) = (number, number, number)
            routine.failuresInRow = number
            routine.durationTotalNs = number
            routine.waitMs = number
            routine.why = "so"
            routine.worker = 9
            routine.nextLocal = "2026-01-01T00:00:00"
            routine.durations = LatencyHistogram([number, number, number])
            return routine
        }
        return status
    }

    @Test(arguments: [(Int64.min, Int64.max), (.max, .min), (.min, .min), (.max, .max), (0, .min), (0, .max), (1, 1)])
    func statusAndExplanationHaveWords(now: Int64, time: Int64) {
        var top = TopScreen()
        for number in [UInt64.max, 0, .max] {
            for uptime in [time, 1] {
                var status = Self.status(now: now, time: time, number: number)
                status.workers[0].uptimeMs = uptime
                #expect(StatusTable.text(status).contains("p/running"))
                top.take(status)
                #expect(top.frame(columns: 300, rows: 40, isColored: false).contains("p/running"))
                let record = SessionRecord(
                    session: SessionID(rawValue: .max), plugin: "p", routine: "r", host: "h", startMs: time,
                    finishMs: time, durationMs: time, cycles: number, reason: .init(.crash))
                for routine in status.routines {
                    let text = RoutineExplanation(routine, at: status, last: record, zone: .utc).text
                    #expect(text.contains("Its last session"))
                }
                #expect(RecordTable.text([record], format: .table, zone: .utc).contains("p/r"))
                #expect(!MetricsText.text(status).isEmpty && !MetricsJSON.json(status).isEmpty)
            }
        }
    }

    @Test func theFleetsSumsStayInTheirRange() {
        var fleet = FleetStatus(name: "prod", store: "redis-store", leaseMs: .max)
        (fleet.ageMs, fleet.epoch) = (.max, .max)
        fleet.hosts = (0..<3).map { number in
            var host = FleetStatus.Host(id: "\(number)", name: "h", isOwn: false, state: .serving)
            (host.silentMs, host.weight, host.leases, host.running) = (.min, .max, .max, .max)
            (host.routines, host.skewMs, host.sinceMs) = (.max, .min, .max)
            host.sessions = [.init(routine: "p/r", session: "s", startMs: .min, token: .max)]
            return host
        }
        #expect(FleetTable.text(fleet, zone: .utc).contains("and \(UInt64.max) more\n"))
        fleet.hosts[1].running = 0
        fleet.hosts[2].running = 0
        #expect(FleetTable.text(fleet, zone: .utc).contains("and \(UInt64.max - 1) more\n"))
    }
}
