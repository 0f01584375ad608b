import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What routines learn of their sessions before; in Swift it is the guide's.
    @Suite struct History {
        /// Its sessions end by an error with their number among all of the file `runs`, and log what came before.
        private static let text = Source.plugin(
            "learner", waitMs: 20,
            body: """
                const schedhost_past_session *past;
                uint32_t count = 0;
                while ((past = schedhost_history(scheduler, count)) != NULL) {
                    schedhost_info(scheduler, "before %" PRIu32 ": %s %s, %" PRIu64 " cycles, failure %" PRIu32, count,
                                   past->reason, past->text, past->cycles, past->is_failure);
                    count++;
                }
                schedhost_info(scheduler, "%" PRIu32 " before", count);
                if (count == 2) { schedhost_end_session(scheduler, "enough"); return SCHEDHOST_OK; }
                return schedhost_fail(scheduler, 5, "error number %" PRIu32, count);
                """)

        private static func scratch() async throws -> Scratch {
            try await Fixtures.build("learner", c: text)
            let scratch = try Scratch()
            try scratch.add("learner")
            return scratch
        }

        @Test func `sessions of this host, and in the next one those of the host before`() async throws {
            let scratch = try await Self.scratch()
            let first = try Host("--exit-when-idle", in: scratch)
            try await first.ended()
            #expect(!first.lines("0 before").isEmpty && !first.lines("1 before").isEmpty, "\(first.log)")
            #expect(!first.lines("before 0: error error number 1, 0 cycles, failure 1").isEmpty, "\(first.log)")
            #expect(!first.lines("before 1: error error number 0, 0 cycles, failure 1").isEmpty, "\(first.log)")
            let second = try Host(in: scratch)
            try await second.line("3 before")
            #expect(!second.lines("before 0: ended_by_routine enough, 1 cycles, failure 0").isEmpty, "\(second.log)")
            _ = try await second.end(by: Signals.terminate)
        }

        @Test func `in schedhost try they are those of the run`() async throws {
            let scratch = try await Self.scratch()
            let tried = try await Program.run(
                "try", scratch.plugins + "/learner.so", "--for", "10m", "--log-level", "info", in: scratch)
            let output = tried.output + tried.errors
            #expect(output.contains("before 1: error error number 0, 0 cycles, failure 1"), "\(output)")
            #expect(output.contains("2 before") && !output.contains("3 before"), "\(output)")
        }
    }
}
