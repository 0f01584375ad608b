import FoundationEssentials
import HostCore
import HostSystem
import Testing

extension EndToEnd.Isolation {
    /// A source that is away while a file is there; in `start` or in the cycle.
    private static func away(_ id: String, in scratch: Scratch, isStart: Bool) -> String {
        let look = "if (access(\"\(scratch.path)/away\", F_OK) == 0)"
        return Source.plugin(
            id, waitMs: 200,
            more: """
                static int32_t start(const schedhost_scheduler *scheduler, void *user)
                {
                    (void)scheduler, (void)user;
                    \(isStart ? look + " return schedhost_fail(scheduler, SCHEDHOST_ERROR, \"connection refused\");" : "")
                    return SCHEDHOST_OK;
                }
                """,
            fields: ", .start = start",
            body: (isStart
                ? "" : look + " return schedhost_fail(scheduler, SCHEDHOST_ERROR, \"connection refused\");\n")
                + "schedhost_info(scheduler, \"good\");")
    }

    @Test(arguments: [false, true])
    func `a source that is away is asked at the routine's interval, and used again when it is back`(
        isStart: Bool
    ) async throws {
        let scratch = try Scratch()
        let name = "away-\(isStart)-\(scratch.path.split(separator: "-").last ?? "")"
        try await Fixtures.build(name, c: Self.away("away", in: scratch, isStart: isStart))
        try scratch.add(name, as: "away.so")
        _ = try await Command.shell("touch '\(scratch.path)/away'", in: scratch)
        try scratch.write("{ restart: { first_delay_ms: 1, max_delay_ms: 250 } }", to: "away.json5")
        let host = try Host(in: scratch)
        try await eventually("15 failures\n\(host.log)") { try host.records.count >= 15 }
        let status = try await Command.shell(
            "'\(try Program.path)' status --state '\(scratch.state)'", in: scratch)
        #expect(status.contains("failing") && status.contains("connection refused"), "\(status)")
        _ = try await Command.shell("rm '\(scratch.path)/away'", in: scratch)
        try await host.line("away/run", "good", within: .seconds(10))
        try await host.line("away/run", "good again after")
        #expect(host.lines("quarantined").isEmpty, "\(host.log)")
        let records = try host.records
        #expect(records.allSatisfy { $0.reason.kind == .error })
        // Start to start: what the record says of the end may be a little earlier than the host's own time.
        let gaps = zip(records, records.dropFirst()).map { $1.startMs - $0.startMs }
        #expect(gaps.allSatisfy { $0 >= 195 }, "\(gaps)")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `deaths shut a routine out, and the message says how to resume`() async throws {
        try await Fixtures.build("faulty")
        let scratch = try Scratch()
        try scratch.add("faulty")
        try scratch.write(
            "{ params: { misdeed: 'exit3' }, restart: { first_delay_ms: 1, max_delay_ms: 5 } }", to: "faulty.json5")
        let host = try Host(in: scratch)
        let line = try await host.line("faulty/misbehave", "is quarantined")
        #expect(line.contains("it died 10 times within 10 min for the same cause"), "\(line)")
        #expect(line.contains("schedhost resume faulty/misbehave"), "\(line)")
        try await eventually("ten records") { try host.records.count == 10 }
        _ = try await host.end(by: Signals.terminate)
        let next = try Host(in: scratch)
        try await next.line("still quarantined")
        _ = try await Command.shell(
            "'\(try Program.path)' resume faulty/misbehave --state '\(scratch.state)'", in: scratch)
        try await next.line("faulty/misbehave", "ended: exit")
        _ = try await next.end(by: Signals.terminate)
    }
}
