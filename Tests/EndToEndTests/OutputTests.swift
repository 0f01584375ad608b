import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Where the log goes, and what happens when it goes nowhere.
    @Suite struct Output {
        @Test(arguments: ["2>&-", "0<&- 1>&- 2>&-", "2>/dev/full", "1>/dev/full"])
        func `standard streams that are closed or full lose words, and no record`(streams: String) async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("text", to: "x.so")
            let host = try start(scratch, "--max-cycles 3 --exit-when-idle \(streams)")
            #expect(try await host.ended() == .exited(1), "one file is refused")
            let records = try Records.read(scratch)
            #expect(records.map(\.identifier) == ["healthy/beat"])
            #expect(records.first?.cycles == 3)
        }

        @Test func `a log that nobody reads holds up neither the host nor a routine`() async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
            try scratch.write("{ params: { misdeed: 'log-flood', at: 2 }, max_cycles: 5 }", to: "faulty.json5")
            // The shell holds the reading end open, and never reads.
            let host = try start(
                scratch, "2>'\(scratch.path)/log'",
                before: "mkfifo '\(scratch.path)/log' && exec 9<>'\(scratch.path)/log' &&")
            try await eventually("the record of the flood") {
                try Records.read(scratch).contains { $0.plugin == "faulty" }
            }
            let beats = Trace.read(scratch).count
            try await eventually("healthy goes on") { Trace.read(scratch).count >= beats + 10 }
            let canary = try Canary()
            let start = ContinuousClock.now
            host.signal(Signals.interrupt)
            #expect(try await host.ended() == .exited(0))
            #expect(ContinuousClock.now - start < .seconds(1) + .milliseconds(Int(canary.longestMs)))
            let trace = Trace.read(scratch)
            #expect(trace.map(\.cycle) == Array(0..<UInt64(trace.count)))
            #expect(Set(try Records.read(scratch).map(\.plugin)) == ["healthy", "faulty"])
        }

        /// 128 MiB and more, as entries of the log and as lines that are printed.
        @Test(arguments: [
            ("logs", "scheduler->host->log(scheduler, SCHEDHOST_LOG_CRITICAL, text, sizeof text);"),
            ("prints", "fwrite(text, 1, 8000, stdout); fputc(10, stdout);"),
        ])
        func `a flood of long lines is bounded in bytes, told, and harms no neighbour`(_ way: String, _ call: String)
            async throws
        {
            let body = """
                static char text[65536];
                memset(text, 'A', sizeof text);
                if (schedhost_cycle(scheduler) == 1) for (int i = 0; i < 2000; i++) { \(call) }
                """
            try await Fixtures.build("flood-\(way)", c: Source.plugin("flood-\(way)", waitMs: 10, body: body))
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("flood-\(way)")
            try scratch.add("healthy")
            let host = try Host("--max-cycles", "30", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            let count = host.log.utf8.count
            // 2 MB at once and 1 MB a second; what is printed, a tenth of that.
            #expect(count > 50_000 && count < 20 << 20, "\(count) bytes")
            #expect(!host.lines("dropped").isEmpty, "it is told that something was dropped")
            #expect(try host.records.allSatisfy { $0.reason.end == .maxCycles && $0.cycles == 30 })
        }

        @Test func `what a plugin prints comes as lines of the log, its errors as warnings`() async throws {
            let body = #"printf("to output\n"); fflush(stdout); fprintf(stderr, "to errors \033[31m\n");"#
            try await Fixtures.build("printer", c: Source.plugin("printer", waitMs: 10, body: body))
            let scratch = try Scratch()
            try scratch.add("printer")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            #expect(host.lines("INFO", "printer", "to output").count == 2, "\(host.log)")
            #expect(host.lines("WARNING", "printer", "to errors").count == 2)
            #expect(!host.log.contains("\u{1B}"), "a plugin's control characters reached the terminal")
        }

        @Test func `levels choose what is shown, also in the workers`() async throws {
            let body = #"schedhost_debug(scheduler, "quiet"); schedhost_warning(scheduler, "loud");"#
            try await Fixtures.build("talker", c: Source.plugin("talker", waitMs: 10, body: body))
            let scratch = try Scratch()
            try scratch.add("talker")
            let usual = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            _ = try await usual.ended()
            #expect(usual.lines("loud").count == 1 && usual.lines("quiet").isEmpty, "\(usual.log)")
            let all = try Host("--max-cycles", "1", "--exit-when-idle", "--log-level", "debug", in: scratch)
            _ = try await all.ended()
            #expect(all.lines("DEBUG", "talker/run", "quiet").count == 1, "\(all.log)")
            let few = try Host("--max-cycles", "1", "--exit-when-idle", "--log-level", "error", in: scratch)
            _ = try await few.ended()
            #expect(few.log.isEmpty, "\(few.log)")
        }

        /// Starts a host through a shell, for its redirections.
        private func start(_ scratch: Scratch, _ words: String, before: String = "") throws -> Command {
            let program = try Program.path
            return try Command(
                [
                    "/bin/sh", "-c",
                    "\(before) exec '\(program)' --plugins '\(scratch.plugins)' --state '\(scratch.state)' \(words)",
                ], in: scratch)
        }
    }
}
