import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What plugins, their values and the names of files could send to the terminal of the person who looks at them.
    @Suite(.enabled(if: Tools.has("script"), "script (util-linux) is not installed")) struct HostileText {
        /// An escape sequence, the same introducer as one character, and an override of the text's direction.
        private static let harmful = "a\u{1B}[2Jb\u{9B}31mc\u{202E}d"

        /// Logs the text, counts it, caches it under itself as a key, prints it and fails with it.
        private static let source = Source.plugin(
            "shouter", waitMs: 50,
            more: """
                static const char text[] = "a\\033[2Jb\\302\\2331mc\\342\\200\\256d";
                static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                     schedhost_writer *writer, void *user) {
                    (void)scheduler, (void)user;
                    return schedhost_write(writer, key, size);
                }
                """,
            body: """
                schedhost_cache_value value;
                schedhost_cache *cache = schedhost_cache_disk(scheduler, "v", 3600000, fetch, NULL);
                (void)schedhost_cache_get_key(scheduler, cache, text, 0, 0, &value);
                (void)schedhost_stat_string(scheduler, "note", text);
                schedhost_info(scheduler, "%s", text);
                printf("%s\\n", text);
                fflush(stdout);
                return schedhost_fail(scheduler, 7, "%s", text);
                """)

        /// The output of a command on a terminal.
        private func shown(_ words: [String], in scratch: Scratch) async throws -> String {
            let line = try ([Program.path] + words).map { "'\($0)'" }.joined(separator: " ")
            let session = try Command(
                ["/usr/bin/env", "script", "-qec", line, "/dev/null"], in: scratch, environment: ["NO_COLOR": "1"])
            _ = try await session.ended()
            return session.output
        }

        private func isHarmless(_ output: String) -> Bool {
            !output.unicodeScalars.contains {
                ["\u{1B}", "\u{9B}", "\u{202E}"].contains($0)
            }
        }

        @Test func `nothing that a command shows of them can change the screen`() async throws {
            try await Fixtures.build("shouter", c: Self.source)
            let scratch = try Scratch()
            try scratch.add("shouter")
            try scratch.write("no plugin", to: "\(Self.harmful).so")
            try scratch.write("{ '\(Self.harmful)': 1 }", to: "\(Self.harmful).json5")
            try scratch.write("{ max_cycles: 1, on_error: 'stop' }", to: "shouter.json5")
            let state = ["--state", scratch.state]
            for format in ["text", "json"] {
                // A state of its own, since the routine stays stopped.
                let place = format == "text" ? scratch.state : scratch.path + "/\(format)"
                let log = try await shown(
                    [
                        "--plugins", scratch.plugins, "--exit-when-idle", "--log-format", format, "--state", place,
                    ], in: scratch)
                #expect(log.contains("shouter/run") && isHarmless(log), "\(log.debugDescription)")
            }
            let commands: [[String]] = [
                ["list", "--plugins", scratch.plugins], ["list", "--json", "--plugins", scratch.plugins],
                ["check", "--quick", "\(scratch.plugins)/\(Self.harmful).so"],
                ["check", "--json", "--quick", "\(scratch.plugins)/\(Self.harmful).json5"],
                ["check", "--quick", "\(scratch.plugins)/\(Self.harmful).json5"],
                ["records"] + state, ["records", "--json"] + state, ["records", "--format", "csv"] + state,
                ["cache", "list"] + state, ["cache", "list", "--json"] + state,
                ["cache", "show", "shouter/run", "v"] + state,
                ["cache", "get", "shouter/run", "v", "--key", Self.harmful] + state,
                ["why", Self.harmful] + state, ["status", "--state", "\(scratch.path)/\(Self.harmful)"],
                ["no-\(Self.harmful)"],
            ]
            for words in commands {
                let output = try await shown(words, in: scratch)
                #expect(!output.isEmpty && isHarmless(output), "\(words): \(output.debugDescription)")
            }
            // Who names no key is told of one.
            let hint = try await shown(["cache", "get", "shouter/run", "v"] + state, in: scratch)
            #expect(hint.contains("one value with one: name it, as by --key 'a") && isHarmless(hint), "\(hint)")
        }

        @Test func `nor can the name of a file that has another one's plugin`() async throws {
            try await Fixtures.build("shouter", c: Self.source)
            let scratch = try Scratch()
            try scratch.add("shouter", as: "\(Self.harmful).so")
            try scratch.add("shouter")
            let output = try await shown(["list", "--plugins", scratch.plugins], in: scratch)
            #expect(output.contains("its name shouter is taken by") && isHarmless(output), "\(output.debugDescription)")
        }

        @Test func `nor can what a running host answers`() async throws {
            try await Fixtures.build("shouter", c: Self.source)
            let scratch = try Scratch()
            try scratch.add("shouter")
            try scratch.write("no plugin", to: "\(Self.harmful).so")
            let host = try Host(in: scratch)
            try await eventually("a record") { try !host.records.isEmpty }
            for words in [
                ["status"], ["status", "--json"], ["logs"], ["why", "shouter"], ["why", "\(Self.harmful).so"],
                ["pause", Self.harmful], ["metrics"],
            ] {
                let output = try await shown(words + ["--state", scratch.state], in: scratch)
                #expect(!output.isEmpty && isHarmless(output), "\(words): \(output.debugDescription)")
            }
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
