import FoundationEssentials
import HostCommandLine
import HostPolicy
import HostSystem
import HostValues
import HostWire
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
        #expect(records.allSatisfy { $0.reason.end == .error })
        // Start to start: what the record says of the end may be a little earlier than the host's own time.
        let gaps = zip(records, records.dropFirst()).map { $1.startMs - $0.startMs }
        #expect(gaps.allSatisfy { $0 >= 195 }, "\(gaps)")
        _ = try await host.end(by: Signals.terminate)
    }

    /// The second thread waits for the report of the first one, which stops it.
    @Test func `two threads have a fault at once, and one report tells of it`() async throws {
        try await Fixtures.build(
            "twofaults",
            c: Source.plugin(
                "twofaults", waitMs: 10_000,
                more: """
                    #include <pthread.h>
                    static pthread_barrier_t barrier;
                    static void *fault(void *place) {
                        pthread_barrier_wait(&barrier);
                        *(volatile int *)place = 1;
                        return NULL;
                    }
                    """,
                body: """
                    pthread_t thread;
                    pthread_barrier_init(&barrier, NULL, 2);
                    pthread_create(&thread, NULL, fault, (void *)8);
                    fault((void *)16);
                    """))
        let scratch = try Scratch()
        try scratch.add("twofaults")
        try scratch.write(
            "{ restart: { first_delay_ms: 1, max_delay_ms: 1, same_cause_failures: 0, any_cause_failures: 0 } }",
            to: "twofaults.json5")
        let host = try Host(in: scratch)
        try await eventually("eight deaths\n\(host.log)", within: .seconds(60)) { try host.records.count >= 8 }
        _ = try await host.end(by: Signals.terminate)
        for record in try host.records.filter({ $0.reason.end == .crash }) {
            let report = try #require(record.report)
            let text = scratch.text("state/reports/" + report)
            #expect(text.contains("fault") && !text.contains("failed to suspend"), "\(text)")
        }
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

extension EndToEnd.Isolation {
    private static func status(_ id: String, in host: Host) throws -> RoutineStatus? {
        guard case .status(let status)? = try? Asked(host.scratch, timeout: 5000).ask(ControlRequest(.status)) else {
            return nil
        }
        return status.routines.first { $0.identifier == id }
    }

    /// A cache whose source fails once, and is then left alone for about half a second.
    private static let shy = Source.plugin(
        "shy", waitMs: 20,
        more: """
            static int asked = 0;
            static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                 schedhost_writer *writer, void *user)
            {
                (void)key, (void)size, (void)user;
                schedhost_info(scheduler, "asked");
                if (asked++ == 0) return schedhost_fail(scheduler, 7, "connection refused");
                return schedhost_write(writer, "v", 1);
            }
            """,
        body: """
            schedhost_cache_value value;
            schedhost_cache *cache = schedhost_cache_memory(scheduler, "c", 2000, fetch, NULL);
            int32_t code = schedhost_cache_get(scheduler, cache, 0, 0, &value);
            if (code != SCHEDHOST_OK) return RETURNED;
            schedhost_info(scheduler, "good");
            """)

    @Test(arguments: ["code", "value.last_error"])
    func `a source that a cache leaves alone after its failure is no new failure`(returned: String) async throws {
        let name = "shy-\(returned.count)"
        try await Fixtures.build(name, c: Self.shy.replacing("RETURNED", with: returned))
        let scratch = try Scratch()
        try scratch.add(name, as: "shy.so")
        try scratch.write("{ restart: { first_delay_ms: 50 } }", to: "shy.json5")
        let host = try Host(in: scratch)
        try await host.line("shy/run", "good")
        #expect(host.lines("shy/run", "asked").count == 2, "\(host.log)")
        // The failure, one session that was refused and told until when, and then the good one.
        let failed = try host.records.filter { $0.reason.end == .error }
        #expect(failed.count <= 3 && failed.allSatisfy { $0.reason.text.contains("connection refused") }, "\(host.log)")
        try await host.line("shy/run", "good again after 1 failure")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test(arguments: [
        ("continue", "ended: max_cycles", 6), ("retry", "ended: error", 3), ("end_session", "starts again", 1),
        ("stop", "ended: error", 1), ("quarantine", "is quarantined: its error hook's decision", 1),
    ])
    func `on_error in the configuration decides where no hook does`(
        decision: String, seen: String, attempts: Int
    ) async throws {
        try await Fixtures.build(
            "no-hook",
            c: Source.plugin(
                "no-hook", waitMs: 1,
                body: """
                    schedhost_info(scheduler, "attempt");
                    return schedhost_fail(scheduler, SCHEDHOST_ERROR, "connection refused");
                    """))
        let scratch = try Scratch()
        try scratch.add("no-hook")
        try scratch.write(
            """
            { plugins: { "no-hook": { routines: { run: { on_error: "\(decision)", max_cycles: 6,
              retry: { delay_ms: 1 }, restart: { first_delay_ms: 30000 } } } } } }
            """, to: "schedhost.json5")
        let host = try Host(in: scratch)
        try await host.line("no-hook/run", seen)
        #expect(host.lines("no-hook/run", "attempt").count == attempts, "\(host.log)")
        let states: [String: RoutineStatus.State] = [
            "continue": .complete, "retry": .failing, "end_session": .failing, "stop": .stopped,
            "quarantine": .quarantined,
        ]
        try await eventually("the state\n\(host.log)") {
            try Self.status("no-hook/run", in: host)?.state == states[decision]
        }
        let status = try #require(try Self.status("no-hook/run", in: host))
        if status.state == .failing {
            #expect(status.why?.contains("connection refused") == true && status.failuresInRow == 1)
            #expect(status.failingSinceMs != nil)
        }
        if status.state == .complete { #expect(status.cycle == 6) }
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `a routine that is not enabled is not started, and a person cannot start it`() async throws {
        try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
        let scratch = try Scratch()
        try scratch.add("sleeper")
        try scratch.write("{ enabled: false }", to: "sleeper.json5")
        let host = try Host(in: scratch)
        try await host.line("sleeper/run", "enabled: false")
        try await eventually("its state") { try Self.status("sleeper/run", in: host)?.state == .disabled }
        let answer = try await Command.shell(
            "'\(try Program.path)' restart sleeper/run --state '\(scratch.state)' 2>&1 || true", in: scratch)
        #expect(answer.contains("it is disabled"), "\(answer)")
        try scratch.write("{ enabled: true }", to: "sleeper.json5")
        _ = try await host.sessions(1)
        _ = try await host.end(by: Signals.terminate)
        #expect(try host.records.map(\.reason.end) == [.stopped])
    }

    @Test func `a session that dies counts as failed, and a refused file is in the status`() async throws {
        try await Fixtures.build("faulty")
        let scratch = try Scratch()
        try scratch.add("faulty")
        try scratch.write("this is no plugin", to: "x.so")
        try scratch.write(
            "{ params: { misdeed: 'exit3' }, restart: { same_cause_failures: 2, first_delay_ms: 1 } }",
            to: "faulty.json5")
        let host = try Host(in: scratch)
        try await host.line("faulty/misbehave", "is quarantined")
        try await eventually("two that failed") {
            try Self.status("faulty/misbehave", in: host)?.failuresTotal == 2
        }
        let table = try await Command.shell(
            "'\(try Program.path)' status --state '\(scratch.state)'", in: scratch)
        #expect(table.contains("x.so is refused"), "\(table)")
        #expect(table.contains("it died 2 times"), "\(table)")
        _ = try await host.end(by: Signals.terminate)
    }
}
