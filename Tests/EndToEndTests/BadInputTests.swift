import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Invariant 8: bad input never traps, and says where it is.
    @Suite struct BadInput {
        static let garbage =
            "\u{0}\u{FFFD}{\"session\": 12, [[[[ 999999999999999999999999e999999\n{}\n[]\nnull\n\"\n{\"plugin\":\n"

        @Test(arguments: ["sessions.jsonl", "open.jsonl", "tally.json", "lock", "sessions.1.jsonl"])
        func `invariant 8: a state file of garbage`(name: String) async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: true)
            try Data(Self.garbage.utf8).write(to: URL(filePath: scratch.state + "/" + name))
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let records = try await Program.run("records", "--state", scratch.state, "--format", "json", in: scratch)
            #expect(records.end == .exited(0))
            let read = try ListedRecord.list(records.output)
            #expect(read.map(\.identifier) == ["healthy/beat"])
        }

        @Test func `invariant 8: a torn last record is set aside, with a warning`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let first = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            _ = try await first.ended()
            let path = scratch.state + "/sessions.jsonl"
            let whole = scratch.text("state/sessions.jsonl")
            try Data((whole + whole.prefix(100)).utf8).write(to: URL(filePath: path))
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("WARNING", "sessions.jsonl").count == 1, "\(host.log)")
            let records = try Records.read(scratch)
            #expect(records.map(\.cycles) == [1, 1])
            #expect(records.last?.lifetimeCycles == 2)
        }

        @Test(arguments: [
            ("{ wait_ms: 'soon' }", "wait_ms"), ("{ wiat_ms: 5 }", "wait_ms"), ("{ wait_ms: 5", ":1:"),
            ("{ routines: { heat: {} } }", "beat"), ("{ params: { trace: 7 } }", "trace"), ("[1]", ":1:"),
            ("{ max_cycles: -1 }", "max_cycles"),
        ])
        func `invariant 8: a wrong configuration refuses its plugin, and says where`(
            text: String, mend: String
        ) async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("sleepy", c: Source.plugin("sleepy", waitMs: 20, body: ""))
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("sleepy")
            try scratch.write(text, to: "healthy.json5")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended().description.contains("exited"))
            #expect(host.lines("ERROR", "healthy.json5", mend).count == 1, "\(host.log)")
            #expect(try host.records.map(\.identifier) == ["sleepy/run"])
        }

        @Test func `a wrong configuration of the host is 65, and nothing runs`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{ wait_ms: 'soon' }", to: "schedhost.json5")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(65), "\(host.log)")
            #expect(host.log.contains("schedhost.json5") && host.log.contains("wait_ms"), "\(host.log)")
            #expect(try host.records.isEmpty)
            let absent = try Host("--config", scratch.path + "/absent.json5", in: scratch)
            #expect(try await absent.ended() == .exited(1), "\(absent.log)")
            #expect(absent.log.contains("absent.json5"))
        }

        @Test(arguments: ["scribble-ledger", "garbage-events", "log-flood", "log-huge", "environment", "descriptors"])
        func `invariant 8: what a plugin scribbles on`(misdeed: String) async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
            try scratch.write(
                "{ params: { misdeed: '\(misdeed)', at: 2, once: true }, max_cycles: 8 }", to: "faulty.json5")
            let host = try Host(in: scratch)
            try await host.line("faulty/misbehave", "ended: ")
            let beats = Trace.read(scratch).count
            try await eventually("healthy goes on") { Trace.read(scratch).count >= beats + 5 }
            _ = try await host.end(by: Signals.interrupt)
            let trace = Trace.read(scratch)
            #expect(trace.map(\.cycle) == Array(0..<UInt64(trace.count)))
            let records = try host.records
            #expect(records.contains { $0.plugin == "faulty" })
            #expect(records.filter { $0.plugin == "healthy" }.map(\.reason.end) == [.stopped])
            #expect(Set(records.map(\.session)).count == records.count)
            for record in records {
                #expect(record.durationMs < 120_000 && record.cycles < 100_000, "a number of the plugin's was believed")
            }
        }
    }
}
