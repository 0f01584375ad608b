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

        @Test func `a configuration that the host refuses is shown until it is mended`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            func shown(_ words: String...) async throws -> String {
                let command = try Command([try Program.path] + words + ["--state", scratch.state], in: scratch)
                #expect(try await command.ended() == .exited(0))
                return command.output
            }
            try scratch.write("{ wait_mz: 5 }", to: "healthy.json5")
            try scratch.write("{ x: 1 }", to: "schedhost.json5")
            try await host.line("wait_mz: ", "its settings stay as they were")
            try await host.line("x: ", "the settings stay as they were")
            let status = try await shown("status")
            #expect(
                status.contains("2 refused configurations\n") && status.contains("healthy.json5:1:3: wait_mz: "),
                "\(status)")
            #expect(try await shown("status", "--json").contains("\"refused_configurations\""))
            #expect(try await shown("why", "healthy").contains(" Configuration refused: "))
            #expect(
                try await shown("metrics").contains(
                    "schedhost_configuration_refused{file=\"\(scratch.plugins)/healthy.json5\"} 1\n"))
            try scratch.write("{}", to: "healthy.json5")
            try scratch.write("{}", to: "schedhost.json5")
            _ = try await shown("reload")
            #expect(try await !shown("status").contains("refused"))
        }
    }
}
