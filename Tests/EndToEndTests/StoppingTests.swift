import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Signals to a host that runs.
    @Suite struct Stopping {
        @Test(arguments: [Signals.interrupt, Signals.terminate])
        func `in mid-sleep ends within 100 ms, with records`(signal: Int32) async throws {
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("sleeper")
            try scratch.add("healthy")
            let host = try Host(in: scratch)
            try await eventually("a first cycle of both") {
                LedgerView.all(in: scratch).filter { $0.cycle > 0 && $0.state == .waiting }.count == 2
            }
            let canary = try Canary()
            let time = try await host.end(by: signal)
            #expect(time < .milliseconds(100) + .milliseconds(Int(canary.longestMs)), "\(host.log)")
            let records = try host.records
            #expect(Set(records.map(\.identifier)) == ["sleeper/run", "healthy/beat"])
            for record in records { #expect(record.reason.end == .stopped) }
            #expect(records.first { $0.plugin == "sleeper" }?.cycles == 1)
            #expect(records.first { $0.plugin == "healthy" }?.stats.columns.isEmpty == false)
            #expect(host.command.output.contains("stopped"), "no history table")
            #expect(Processes.children(of: host.pid).isEmpty)
        }

        @Test func `a cycle that listens ends at once and counts`() async throws {
            try await Fixtures.build("patient", c: Source.patient)
            let scratch = try Scratch()
            try scratch.add("patient")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            try await running(scratch)
            let canary = try Canary()
            let time = try await host.end(by: Signals.interrupt)
            #expect(time < .milliseconds(500) + .milliseconds(Int(canary.longestMs)), "\(host.log)")
            let record = try #require(try host.records.first)
            #expect(record.reason.end == .stopped)
            #expect(record.cycles == 1)
        }

        @Test func `a second signal during a stuck cycle ends at once, with records`() async throws {
            try await Fixtures.build("stuck", c: Source.stuck)
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("stuck")
            try scratch.add("sleeper")
            let host = try Host(in: scratch)
            _ = try await host.sessions(2)
            try await running(scratch)
            host.command.signal(Signals.interrupt)
            try await host.line("SIGINT: stopping")
            try await host.line("sleeper/run", "ended: stopped")
            #expect(Processes.isAlive(host.pid), "it did not give the cycle its grace")
            // Within a second it would be the same wish.
            try await Task.sleep(for: .milliseconds(1100))
            let canary = try Canary()
            let time = try await host.end(by: Signals.interrupt)
            #expect(time < .milliseconds(500) + .milliseconds(Int(canary.longestMs)), "\(host.log)")
            let records = try host.records
            #expect(Set(records.map(\.identifier)) == ["stuck/run", "sleeper/run"])
            #expect(records.allSatisfy { $0.reason.end == .stopped })
            #expect(Set(records.map(\.session)).count == 2)
        }

        @Test func `a stuck cycle gets the grace and no more`() async throws {
            try await Fixtures.build("stuck", c: Source.stuck)
            let scratch = try Scratch()
            try scratch.add("stuck")
            let host = try Host("--grace", "300ms", in: scratch)
            _ = try await host.sessions(1)
            try await running(scratch)
            let time = try await host.end(by: Signals.terminate)
            #expect(time > .milliseconds(290) && time < .seconds(2))
            #expect(try host.records.map(\.reason.end) == [.stopped])
        }

        @Test func `during a load that hangs`() async throws {
            try await Fixtures.build("faulty")
            let scratch = try Scratch()
            try scratch.add("faulty")
            try scratch.write(#"{ params: { misdeed: "hang-load" } }"#, to: "faulty.json5")
            let host = try Host("--grace", "300ms", in: scratch)
            let worker = try await host.worker(of: "faulty.so")
            let time = try await host.end(by: Signals.interrupt)
            #expect(time < .seconds(4), "\(host.log)")
            #expect(!Processes.isAlive(worker))
        }

        /// Awaits that a routine is inside its cycle.
        private func running(_ scratch: Scratch) async throws {
            try await eventually("a cycle in progress") {
                LedgerView.all(in: scratch).contains { $0.state == .running }
            }
        }
    }
}
