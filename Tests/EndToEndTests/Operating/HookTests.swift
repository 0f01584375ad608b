import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Programs that are told of ends, recoveries and silence.
    @Suite struct Hooks {
        /// Fails in its first session's third cycle, is well in the second one, and then is silent.
        private static let moody = Source.plugin(
            "moody", waitMs: 20,
            body: """
                if (schedhost_where(scheduler)->session_before == SCHEDHOST_BEFORE_NONE) {
                    if (schedhost_cycle(scheduler) == 2) { return schedhost_fail(scheduler, 5, "no luck"); }
                } else if (schedhost_cycle(scheduler) == 2) {
                    schedhost_sleep_ms(scheduler, 3600000);
                }
                """)

        @Test func `ends, recoveries and silence are told, each to its program`() async throws {
            try await Fixtures.build("moody", c: Self.moody)
            let scratch = try Scratch()
            try scratch.add("moody")
            func hook(_ name: String) -> String { "['/bin/sh', '-c', 'cat >> \(scratch.path)/\(name)']" }
            try scratch.write(
                "{ on_failure: \(hook("failure")), on_end: \(hook("end")), on_recovery: \(hook("recovery")), "
                    + "on_silence: { after_ms: 1500, run: \(hook("silence")) } }",
                to: "moody.json5")
            let host = try Host(in: scratch)
            try await eventually("silence\n\(host.log)") { !scratch.text("silence").isEmpty }
            #expect(
                scratch.text("silence").contains("\"plugin\":\"moody\"")
                    && scratch.text("silence").contains("no good cycle for"))
            #expect(scratch.text("recovery").split(separator: "\n").count == 1)
            #expect(scratch.text("failure").contains("no luck") && scratch.text("end") == scratch.text("failure"))
            _ = try await host.end(by: Signals.terminate)
            #expect(scratch.text("end").contains("stopped"), "\(scratch.text("end")) \(host.log)")
            #expect(scratch.text("silence").split(separator: "\n").count == 1, "once")
        }
    }
}
