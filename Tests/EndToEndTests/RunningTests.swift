import HostCore
import HostSystem
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
                #expect(record.reason.kind == .maxCycles)
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
    }
}
