import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// How many rounds: `SCHEDHOST_KILL_ROUNDS`, or 40.
    private static var rounds: Int { HostProcess.environment("SCHEDHOST_KILL_ROUNDS").flatMap { Int($0) } ?? 40 }

    private enum Victim: CaseIterable {
        case worker, host, both
    }

    @Test(.timeLimit(.minutes(15))) func `SIGKILL at any moment to workers, the host, or both`() async throws {
        try await Fixtures.build("healthy", "faulty")
        let scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.add("faulty")
        try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
        try scratch.write(
            "{ restart: { first_delay_ms: 0, max_delay_ms: 0, same_cause_failures: 0, any_cause_failures: 0 } }",
            to: "schedhost.json5")
        var random = Seeded(seed: 20_261_124)
        var seen: Set<UInt64> = []
        var host = try Host(in: scratch)
        for round in 0..<Self.rounds {
            let pause = Int.random(in: 0..<120, using: &random)
            try await Task.sleep(for: .milliseconds(pause))  // the moment is the test's input
            let views = LedgerView.all(in: scratch)
            let workers = host.workers
            let victim = Victim.allCases[Int.random(in: 0..<3, using: &random)]
            switch victim {
            case .worker:
                if let worker = workers.randomElement(using: &random) { Processes.kill(worker, Signals.kill) }
            case .host: host.command.signal(Signals.kill)
            case .both:
                for worker in workers { Processes.kill(worker, Signals.kill) }
                host.command.signal(Signals.kill)
            }
            // What was in the ledgers before the kill had begun.
            for view in views where view.session != 0 { seen.insert(view.session) }
            guard victim != .worker else { continue }
            _ = try await host.ended()
            try await eventually("round \(round): the end of the workers", within: .seconds(2)) {
                Processes.using(scratch.path).isEmpty
            }
            host = try Host(in: scratch)
        }
        _ = try await host.sessions(2)
        _ = try await host.end(by: Signals.terminate)
        #expect(Processes.using(scratch.path).isEmpty, "an orphan")

        let records = try Records.read(scratch)  // throws for a line that is none
        let sessions = Set(records.map(\.session.rawValue))
        #expect(sessions.count == records.count, "a session has two records")
        #expect(seen.subtracting(sessions).isEmpty, "a session has no record")
        checkCycles(records.filter { $0.plugin == "healthy" }, Trace.read(scratch))
    }

    /// Each run of cycles in the trace is a session, in order; its last one may have been in flight.
    private func checkCycles(_ records: [SessionRecord], _ trace: [Trace.Beat]) {
        let records = records.sorted { $0.session < $1.session }
        var runs: [UInt64] = []
        for beat in trace {
            if beat.cycle == 0 || runs.isEmpty { runs.append(0) }
            #expect(beat.cycle == runs[runs.count - 1], "a cycle is missing or came twice")
            runs[runs.count - 1] = beat.cycle + 1
        }
        // How many runs the records so far can account for; a session without a cycle may have left none, so there may
        // be several ways to pair them.
        var accounted: Set<Int> = [0]
        for record in records {
            var next: Set<Int> = record.cycles == 0 ? accounted : []
            for count in accounted where count < runs.count {
                if runs[count] == record.cycles || runs[count] == record.cycles + 1 { next.insert(count + 1) }
            }
            #expect(!next.isEmpty, "session \(record.session): \(record.cycles) cycles, seen \(runs) by \(accounted)")
            if next.isEmpty { return }
            accounted = next
        }
        #expect(accounted.contains(runs.count), "sessions were seen that have no record: \(runs.count), \(accounted)")
        #expect(records.last?.lifetimeCycles == records.reduce(0) { $0 + $1.cycles })
    }
}

/// The same numbers in each run. SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
