import HostSystem
import Testing

extension EndToEnd {
    /// `schedhost why`, of a running host.
    @Suite struct Why {
        @Test func `each routine, and a file that is refused, has its paragraph`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            try scratch.write("x", to: "broken.so")
            try await host.line("broken.so", "not an ELF file")
            func why(_ words: String...) async throws -> (ProcessEnd, String) {
                let command = try Command(
                    [try Program.path, "why"] + words + ["--state", scratch.state], in: scratch)
                return (try await command.ended(), command.output + command.errors)
            }
            _ = try await Program.run("pause", "healthy", "--state", scratch.state, in: scratch)
            let (end, text) = try await why("healthy", "sleeper/run", "broken.so")
            #expect(end == .exited(0))
            #expect(text.contains("healthy/beat (paused): A person has paused it"), "\(text)")
            #expect(text.contains("sleeper/run (waiting): It waits for cycle 1, which is due in 59m"), "\(text)")
            #expect(text.contains("broken.so (refused): broken.so is refused: "), "\(text)")
            let (failed, unknown) = try await why("helthy")
            #expect(failed == .exited(1) && unknown.contains("did you mean healthy?"), "\(unknown)")
            let (_, json) = try await why("sleeper", "--json")
            #expect(json.hasPrefix(#"[{"id":"sleeper/run","state":"waiting","text":"It waits"#), "\(json)")
        }
    }
}
