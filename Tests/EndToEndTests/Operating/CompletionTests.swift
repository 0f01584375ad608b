import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Words that shells offer, of a host that runs and of none.
    @Suite struct Completion {
        /// What bash offers behind these words, of which the last one is begun.
        private func offers(_ words: String, in scratch: Scratch) async throws -> [String] {
            let program = try Program.path
            let script = """
                source <('\(program)' completion bash)
                COMP_WORDS=('\(program)' \(words))
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _schedhost
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let bash = try Command(["/bin/bash", "-c", script], in: scratch)
            #expect(try await bash.ended() == .exited(0) && bash.errors.isEmpty, "\(bash.errors)")
            return bash.output.split(separator: "\n").map { String($0) }
        }

        @Test func `bash offers ids and sessions of the running host`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            _ = try await Program.run("restart", "healthy", "--state", scratch.state, in: scratch)
            try await host.line("healthy/beat", "ended: stopped")
            try await eventually("its record") { try !host.records.isEmpty }
            let session = try #require(try host.records.first).session
            let state = "--state '\(scratch.state)'"
            for (words, offered) in [
                ("pause \(state) h", ["healthy", "healthy/beat"]),
                ("stop sleeper \(state) healthy/", ["healthy/beat"]),
                ("status --state = '\(scratch.state)' sl", ["sleeper", "sleeper/run"]),
                ("records \(state) --plugin s", ["sleeper"]),
                ("records \(state) --routine b", ["beat"]),
                ("records \(state) --routine = b", ["beat"]),
                ("records \(state) --show 1", ["\(session)"]),
                ("top --sort p", ["p99"]), ("log-", ["log-level"]),
                ("help config limits.o", ["limits.open_files"]), ("help co", ["completion", "config"]),
                ("pause \(state) x", []),
            ] {
                #expect(try await offers(words, in: scratch) == offered, "\(words)")
            }
        }

        @Test(.enabled(if: Tools.has("fish"), "fish is not installed"))
        func `fish offers the options of run before it is named, and each command's own only`() async throws {
            let scratch = try Scratch()
            let program = try Program.path
            _ = try await Command.shell("'\(program)' completion fish > '\(scratch.path)/schedhost.fish'", in: scratch)
            for (words, offered) in [
                ("schedhost --plu", ["--plugins"]), ("schedhost --plugins x --max", ["--max-cycles"]),
                ("schedhost --plugins x --isolation ", ["plugin", "routine", "shared"]),
                ("schedhost run --max", ["--max-cycles"]), ("schedhost list --max", []),
                ("schedhost list --plugins run --max", []), ("schedhost records --hel", ["--help"]),
                ("schedhost lo", ["log-level"]), ("schedhost cache sh", ["show"]), ("schedhost --plugins x lo", []),
            ] {
                let fish = try await Command.shell(
                    "fish --no-config -c \"source '\(scratch.path)/schedhost.fish'; complete -C'\(words)'\"",
                    in: scratch)
                let found = fish.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
                #expect(found == offered, "\(words)")
            }
        }

        @Test(arguments: ["ids", "plugins", "routines", "sessions"])
        func `without a host there is nothing, and nobody complains`(kind: String) async throws {
            let scratch = try Scratch()
            for state in [scratch.path, scratch.path + "/absent"] {
                let words = try await Program.run("completion", kind, "--state", state, in: scratch)
                #expect(words.end == .exited(0) && words.output.isEmpty && words.errors.isEmpty)
            }
            #expect(
                try await offers("pause --state '\(scratch.path)' ''", in: scratch).allSatisfy { $0.hasPrefix("--") })
        }

        @Test func `a host that hangs is not waited for`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            host.command.signal(Signals.stop)
            // As many as wait to be taken, so that one more cannot even connect.
            var waiting: [Asked] = []
            while waiting.count < 1000, let client = try? Asked(scratch) { waiting.append(client) }
            #expect((1..<1000).contains(waiting.count))
            let start = ContinuousClock.now
            let words = try await Program.run("completion", "ids", "--state", scratch.state, in: scratch)
            #expect(words.end == .exited(0) && words.output.isEmpty && words.errors.isEmpty)
            #expect(ContinuousClock.now - start < .seconds(5))
            host.command.signal(Signals.resume)
        }
    }
}
