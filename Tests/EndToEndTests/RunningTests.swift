import HostSystem
import HostValues
import Testing

extension EndToEnd {
    @Suite struct Running {
        @Test func `three cycles, then the end: one record a routine, and the table`() async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("sleepy", c: Source.plugin("sleepy", waitMs: 20, body: ""))
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("sleepy")
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let records = try host.records
            #expect(Set(records.map(\.identifier)) == ["healthy/beat", "sleepy/run"])
            for record in records {
                #expect(record.reason.end == .maxCycles)
                #expect(record.cycles == 3)
                #expect(record.lifetimeCycles == 3)
                #expect(record.failures == 0)
                #expect(record.finishMs >= record.startMs)
            }
            #expect(host.command.output.contains("healthy/beat"))
            #expect(host.command.output.contains("max_cycles"))
            #expect(host.lines("healthy/beat", "ended: max_cycles").count == 1)
            #expect(LedgerView.all(in: scratch).isEmpty, "a ledger was left behind")
        }

        @Test func `load sees the plugin's own parameters; it is tried again until they are mended`()
            async throws
        {
            try await Fixtures.build("faulty")
            let scratch = try Scratch()
            try scratch.add("faulty")
            try scratch.write("{ params: { misdeed: 'nonsense' } }", to: "faulty.json5")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            try await host.line("ERROR", "unknown misdeed 'nonsense'")
            try await host.line("faulty/misbehave", "starts again in")
            try scratch.write("{ params: { misdeed: 'none' } }", to: "faulty.json5")
            #expect(try await host.ended() == .exited(1), "\(host.log)")
            #expect(host.lines("quarantine").isEmpty, "\(host.log)")
            let records = try host.records
            #expect(records.last?.reason.end == .maxCycles)
            #expect(records.dropLast().allSatisfy { $0.reason.end == .error && $0.reason.phase == "load" })
            #expect(records.count > 1)
        }

        @Test(arguments: ["plugin", "routine", "shared"])
        func `each isolation level runs the same`(level: String) async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("sleepy", c: Source.plugin("sleepy", waitMs: 20, body: ""))
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("sleepy")
            try scratch.write("text", to: "x.so")
            let host = try Host("--isolation", level, "--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1), "one file is refused\n\(host.log)")
            let records = try host.records
            #expect(Set(records.map(\.identifier)) == ["healthy/beat", "sleepy/run"])
            #expect(records.allSatisfy { $0.reason.end == .maxCycles && $0.cycles == 3 })
            #expect(Set(records.map(\.pid)).count == (level == "shared" ? 1 : 2))
            #expect(host.lines("died").isEmpty && host.lines("WARNING").isEmpty, "\(host.log)")
        }

        @Test func `an isolation level of its own, in a plugin's configuration`() async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("sleepy", c: Source.plugin("sleepy", waitMs: 20, body: ""))
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("sleepy")
            try scratch.write("{ isolation: 'shared' }", to: "healthy.json5")
            try scratch.write("{ isolation: 'shared' }", to: "sleepy.json5")
            let host = try Host(in: scratch)
            _ = try await host.sessions(2)
            try await eventually("one worker for both") { host.workers.count == 1 }
            _ = try await host.end(by: Signals.interrupt)
            #expect(Set(try host.records.map(\.pid)).count == 1)
            #expect(host.lines("WARNING").isEmpty && host.lines("ERROR").isEmpty, "\(host.log)")
        }
    }
}
