import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    private static let atOnce =
        "{ restart: { first_delay_ms: 0, max_delay_ms: 0, same_cause_failures: 0, any_cause_failures: 0 } }"

    /// Writes the time of each cycle, and crashes in cycle 3.
    private static func crasher(_ file: String) -> String {
        Source.plugin(
            "crasher", waitMs: 1, more: "#include <fcntl.h>",
            body: """
                static int trace = -1;
                static int *volatile nowhere;
                struct timespec now;
                if (trace < 0) trace = open("\(file)", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
                clock_gettime(CLOCK_BOOTTIME, &now);
                dprintf(trace, "%d %lld\\n", (int)schedhost_cycle(scheduler), now.tv_sec * 1000000LL + now.tv_nsec / 1000);
                if (schedhost_cycle(scheduler) == 3) *nowhere = 1;
                """)
    }

    @Test func `from a crash to the plugin's next cycle, without a report`() async throws {
        let scratch = try Scratch()
        let name = "crasher-\(scratch.path.split(separator: "-").last ?? "")"
        try await Fixtures.build(name, c: Self.crasher(Trace.place(scratch, of: "crasher")))
        try scratch.add(name, as: "crasher.so")
        try scratch.write(Self.atOnce, to: "schedhost.json5")
        let canary = try Canary()
        let host = try Host("--no-crash-reports", in: scratch)
        // So many sessions begin at once as may, and no more: after ten they are paced.
        try await eventually("nine crashes\n\(host.log)") {
            Trace.read(scratch, of: "crasher").count { $0.cycle == 3 } >= 9
        }
        let noise = canary.longestMs
        _ = try await host.end(by: Signals.terminate)
        let trace = Trace.read(scratch, of: "crasher")
        let gaps = zip(trace, trace.dropFirst()).filter { $0.cycle == 3 && $1.cycle == 0 }
            .map { Double($1.timeUs - $0.timeUs) / 1000 }.sorted()
        #expect(gaps.count >= 8)
        let median = gaps[gaps.count / 2]
        print("crash to next cycle: median \(median) ms, longest \(gaps.last ?? 0) ms, noise \(noise) ms")
        // Neither a pause nor a report comes between; how long it takes is measured by scripts/bench.
        #expect(median <= 500 + noise)
        let crash = try #require(try host.records.first)
        #expect(crash.reason.signal == "SIGSEGV")
        #expect(crash.reason.frame == "run", "the function is known without a report too")
        #expect(crash.report == nil)
    }

    @Test func `the level 'shared': a crash takes all with it, and all come back`() async throws {
        try await Fixtures.build("healthy", "faulty")
        let scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.add("faulty")
        try scratch.write("{ params: { misdeed: \"segv\", once: true } }", to: "faulty.json5")
        try scratch.write(Self.atOnce, to: "schedhost.json5")
        let host = try Host("--isolation", "shared", in: scratch)
        try await host.line("healthy/beat", "peer_failed")
        #expect(try await host.sessions(2).count == 2)
        #expect(host.workers.count == 1)
        _ = try await host.end(by: Signals.terminate)
        let records = try host.records
        let faulty = records.filter { $0.plugin == "faulty" }
        let healthy = records.filter { $0.plugin == "healthy" }
        #expect(faulty.map(\.reason.end) == [.crash, .stopped])
        #expect(faulty.first?.reason.frame?.hasPrefix("misdeed_segv (misdeeds_faults.c:") == true)
        #expect(healthy.map(\.reason.end) == [.peerFailed, .stopped], "one crash, one guilty routine")
    }

    @Test func `the level 'routine': a crash is not even the plugin's other routine's`() async throws {
        let second = """
            static int32_t other(const schedhost_scheduler *scheduler, void *user) {
                (void)scheduler, (void)user;
                return SCHEDHOST_OK;
            }
            """
        let text = Source.plugin(
            "pair", waitMs: 5, more: second,
            body: "static int *volatile nowhere; if (schedhost_cycle(scheduler) == 3) *nowhere = 1;"
        ).replacing(
            "static const schedhost_routine *const routines[] = {&routine, NULL};",
            with: """
                static const schedhost_routine calm = {
                    SCHEDHOST_SIZED(schedhost_routine), .name = "calm", .wait_ms = 5, .run = other};
                static const schedhost_routine *const routines[] = {&routine, &calm, NULL};
                """)
        try await Fixtures.build("pair", c: text)
        let scratch = try Scratch()
        try scratch.add("pair")
        try scratch.write(Self.atOnce, to: "schedhost.json5")
        let host = try Host("--isolation", "routine", in: scratch)
        try await eventually("three crashes\n\(host.log)") { try host.records.count { $0.reason.end == .crash } >= 3 }
        _ = try await host.end(by: Signals.terminate)
        let records = try host.records
        #expect(records.filter { $0.routine == "calm" }.map(\.reason.end) == [.stopped])
        #expect(records.allSatisfy { $0.reason.end != .peerFailed })
    }

    @Test func `20 reports of a plugin are kept, and shown`() async throws {
        try await Fixtures.build("faulty")
        let scratch = try Scratch()
        try scratch.add("faulty")
        try scratch.write("{ params: { misdeed: \"segv\", at: 0 } }", to: "faulty.json5")
        try scratch.write(Self.atOnce, to: "schedhost.json5")
        let host = try Host(in: scratch)
        try await eventually("22 crashes\n\(host.log)", within: .seconds(60)) { try host.records.count >= 22 }
        _ = try await host.end(by: Signals.terminate)
        let records = try host.records.filter { $0.reason.end == .crash }
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.state + "/reports").sorted()
        let kept = files.filter { $0.hasSuffix(".json") }  // beside them lie the sessions' last lines
        #expect(kept == records.compactMap(\.report).suffix(20))
        for name in kept {
            let text = scratch.text("state/reports/" + name)
            #expect(text.contains("misdeed_segv"), "\(name): \(text)")
            #expect(!text.contains("registers") && !text.contains("capturedMemory"), "\(name): \(text)")
        }

        let last = try #require(records.last)
        let shown = try await Program.run("records", "--show", "\(last.session)", "--state", scratch.state, in: scratch)
        #expect(shown.end == .exited(0))
        #expect(shown.output.contains("misdeed_segv at misdeeds_faults.c:"), "\(shown.output)")
        let first = try #require(records.first)
        let gone = try await Program.run("records", "--show", "\(first.session)", "--state", scratch.state, in: scratch)
        #expect(gone.output.contains("its crash report is gone"))
        let none = try await Program.run("records", "--show", "0000000000000", "--state", scratch.state, in: scratch)
        #expect(none.end == .exited(1))
    }

    @Test func `the failure hook gets the record, and is bounded`() async throws {
        try await Fixtures.build("faulty")
        let scratch = try Scratch()
        try scratch.add("faulty")
        try scratch.write(
            """
            { params: { misdeed: "exit3", once: true },
              on_failure: { command: ["/bin/sh", "-c", "cat >> '\(scratch.path)/hook'; echo seen; sleep 60"], timeout_ms: 500 } }
            """, to: "faulty.json5")
        let host = try Host(in: scratch)
        try await host.line("faulty/misbehave", "on_failure: seen")
        try await host.line("faulty/misbehave", "on_failure:", "killed: it took longer than it may")
        _ = try await host.end(by: Signals.terminate)
        let line = scratch.text("hook").split(separator: "\n")
        #expect(line.count == 1)
        let record = try SessionRecord(line: Array(try #require(line.first).utf8))
        #expect(record == (try host.records.first))
    }

    @Test func `an idle host with 20 waiting plugins makes no wake-up in 10 s`() async throws {
        let scratch = try Scratch()
        for number in 1...20 {
            try await Fixtures.build("idle\(number)", c: Source.sleeper("idle\(number)"))
            try scratch.add("idle\(number)")
        }
        let host = try Host(in: scratch)
        _ = try await host.sessions(20)
        try await eventually("first cycles") { LedgerView.all(in: scratch).count { $0.cycle == 1 } == 20 }
        try await Task.sleep(for: .seconds(2))  // what was still to do: tallies are saved a second after a change
        func switches() -> Int? { Processes.number("voluntary_ctxt_switches", of: host.pid) }
        let before = switches()
        try await Task.sleep(for: .seconds(10))  // the measured time itself
        #expect(before != nil)
        #expect(switches() == before, "the supervisor woke up")
        _ = try await host.end(by: Signals.terminate)
    }
}
