import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Programs that are told of ends, recoveries and silence.
    @Suite struct Hooks {
        /// Fails in its first session's third cycle, is well in the second one, and then is silent: for 3.8 s, and after half a
        /// second of good cycles for good. It says when that begins.
        private static let moody = Source.plugin(
            "moody2", waitMs: 20,
            body: """
                uint64_t cycle = schedhost_cycle(scheduler);
                if (schedhost_where(scheduler)->session_before == SCHEDHOST_BEFORE_NONE) {
                    if (cycle == 2) { return schedhost_fail(scheduler, 5, "no luck"); }
                } else if (cycle == 2) {
                    schedhost_sleep_ms(scheduler, 3800);
                } else if (cycle == 27) {
                    schedhost_info(scheduler, "silent again");
                    schedhost_sleep_ms(scheduler, 3600000);
                }
                """)

        @Test func `ends, recoveries and silence are told, each to its program, and once`() async throws {
            try await Fixtures.build("moody2", c: Self.moody)
            let scratch = try Scratch()
            try scratch.add("moody2")
            func hook(_ name: String) -> String { "['/bin/sh', '-c', 'cat >> \(scratch.path)/\(name)']" }
            try scratch.write(
                "{ on_failure: \(hook("failure")), on_end: \(hook("end")), on_recovery: \(hook("recovery")), "
                    + "on_silence: { after_ms: 1500, run: \(hook("silence")) } }",
                to: "moody2.json5")
            let host = try Host(in: scratch)
            func count(_ name: String) -> Int { scratch.text(name).split(separator: "\n").count }
            // The first silence lasts longer than twice its time: whoever told it again would have done so before its end.
            try await eventually("second silence\n\(host.log)") { host.log.contains("silent again") }
            #expect(count("silence") == 1, "\(scratch.text("silence"))")
            #expect(
                scratch.text("silence").contains("\"plugin\":\"moody2\"")
                    && scratch.text("silence").contains("no good cycle for"))
            // The second one is an event that is certain: what would come twice after the recovery or the failure has come.
            try await eventually("silence\n\(host.log)") { count("silence") == 2 }
            #expect(count("recovery") == 1, "\(scratch.text("recovery"))")
            #expect(scratch.text("failure").contains("no luck") && scratch.text("end") == scratch.text("failure"))
            _ = try await host.end(by: Signals.terminate)
            // The host has waited for all that it ran.
            #expect(count("end") == 2 && scratch.text("end").contains("stopped"), "\(scratch.text("end")) \(host.log)")
            #expect(count("failure") == 1 && count("recovery") == 1 && count("silence") == 2, "\(host.log)")
        }

        /// Each of its cycles is good at the third attempt, but for the first session's only one. It says when it has
        /// had 60 of them and 200, after 1.2 and 4 s, and then is silent.
        private static let stubborn = Source.plugin(
            "stubborn", waitMs: 20,
            body: """
                if (schedhost_where(scheduler)->session_before == SCHEDHOST_BEFORE_NONE) {
                    return schedhost_fail(scheduler, 5, "no luck");
                }
                if (schedhost_where(scheduler)->attempt < 3) { return schedhost_fail(scheduler, 6, "again"); }
                if (schedhost_cycle(scheduler) == 60) { schedhost_info(scheduler, "sixty cycles"); }
                if (schedhost_cycle(scheduler) == 200) {
                    schedhost_info(scheduler, "all cycles");
                    schedhost_sleep_ms(scheduler, 3600000);
                }
                """)

        @Test func `a cycle that is good at a later attempt is a good one, for recovery and for silence`() async throws
        {
            try await Fixtures.build("stubborn", c: Self.stubborn)
            let scratch = try Scratch()
            try scratch.add("stubborn")
            func hook(_ name: String) -> String { "['/bin/sh', '-c', 'cat >> \(scratch.path)/\(name)']" }
            try scratch.write(
                "{ on_error: 'retry', retry: { delay_ms: 1, attempts: 3 }, on_recovery: \(hook("recovery")), "
                    + "on_silence: { after_ms: 2000, run: \(hook("silence")) } }",
                to: "stubborn.json5")
            let host = try Host(in: scratch)
            try await eventually("the 60th cycle\n\(host.log)") { host.log.contains("sixty cycles") }
            try await eventually("recovery\n\(host.log)") { !scratch.text("recovery").isEmpty }
            #expect(!host.log.contains("all cycles"), "within a second: \(host.log)")
            try await eventually("the 200th cycle\n\(host.log)") { host.log.contains("all cycles") }
            #expect(scratch.text("silence").isEmpty, "\(scratch.text("silence"))")
            try await eventually("silence\n\(host.log)") { !scratch.text("silence").isEmpty }
            #expect(scratch.text("recovery").split(separator: "\n").count == 1)
        }
    }
}
