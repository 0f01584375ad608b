import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// `schedhost logs`, and the last lines in the record of a session that failed.
    @Suite struct Logs {
        private func logs(_ words: String..., in host: Host) async throws -> (ProcessEnd, String, String) {
            let command = try Command(
                [try Program.path, "logs"] + words + ["--state", host.scratch.state], in: host.scratch)
            let end = try await command.ended()
            return (end, command.output, command.errors)
        }

        /// Prints and logs, and says when it is done.
        private static let talker = Source.plugin(
            "talker", waitMs: 20,
            body: """
                printf("printed %d\\n", (int)schedhost_cycle(scheduler));
                schedhost_warning(scheduler, "logged %d", (int)schedhost_cycle(scheduler));
                """)

        @Test func `the last lines of a routine are what it logged and what its plugin printed`() async throws {
            try await Fixtures.build("logs-talker", c: Self.talker)
            let scratch = try Scratch()
            try scratch.add("logs-talker")
            let host = try Host(in: scratch)
            try await host.line("talker/run", "logged 3")
            let (end, output, _) = try await logs("talker/run", "--last", "2000", in: host)
            #expect(end == .exited(0))
            #expect(output.contains("printed 0") && output.contains("logged 0") && !output.contains("schedhost  "))
            let (_, warnings, _) = try await logs("talker", "--level", "warning", "--last", "3", in: host)
            let lines = warnings.split(separator: "\n")
            #expect(
                lines.count == 3 && lines.allSatisfy { $0.contains("WARNING") && $0.contains("logged ") }, "\(warnings)"
            )
            let (_, json, _) = try await logs("talker", "--last", "1", "--json", in: host)
            #expect(
                json.hasPrefix(#"{"ms":"#) && json.hasSuffix("}\n") && json.contains(#""subject":"talker"#), "\(json)")
            let (failed, _, errors) = try await logs("taker", in: host)
            #expect(failed == .exited(1) && errors.contains("did you mean talker?"), "\(errors)")
            let (wrong, _, complaint) = try await logs("talker/rum", in: host)
            #expect(wrong == .exited(1) && complaint.contains("did you mean talker/run?"), "\(complaint)")
        }

        @Test func `follow shows each line once and in order, until the host ends`() async throws {
            try await Fixtures.build("logs-talker", c: Self.talker)
            let scratch = try Scratch()
            try scratch.add("logs-talker")
            let host = try Host(in: scratch)
            try await host.line("talker/run", "logged 1")
            let follower = try Command(
                [try Program.path, "logs", "talker/run", "--follow", "--state", scratch.state, "--last", "2000"],
                in: scratch)
            try await eventually("lines that came later") { follower.output.contains("logged 60") }
            _ = try await host.end(by: Signals.terminate)
            #expect(try await follower.ended() == .exited(0))
            #expect(follower.errors.contains("the host has ended"), "\(follower.errors)")
            let numbers = follower.output.split(separator: "\n").filter { $0.contains("  logged ") }
                .compactMap { Int($0.split(separator: " ").last ?? "") }
            #expect(numbers == Array(0..<numbers.count))
        }

        @Test func `of a flood what is missing is counted, and the host goes on`() async throws {
            try await Fixtures.build(
                "logs-flood",
                c: Source.plugin(
                    "flood", waitMs: 10,
                    body:
                        "for (int i = 0; i < 3000; i++) schedhost_info(scheduler, \"line %d of a flood of many lines\", i);"
                ))
            let scratch = try Scratch()
            try scratch.add("logs-flood")
            let host = try Host(in: scratch)
            try await host.line("flood/run", "of a flood")
            let follower = try Command(
                [try Program.path, "logs", "flood/run", "--follow", "--state", scratch.state], in: scratch)
            try await eventually("a count of what is missing") {
                follower.errors.contains("came too fast to be shown") || follower.output.contains("log lines dropped")
            }
            follower.signal(Signals.interrupt)
            #expect(try await follower.ended() == .exited(0))
            _ = try await host.end(by: Signals.terminate)
        }

        @Test(
            arguments: [
                ("segv", "raise(SIGSEGV);", "crash"), ("kill", "kill(getpid(), SIGKILL);", "crash"),
                ("exit", "exit(3);", "exit"), ("hang", "for (;;) pause();", "timeout"),
                ("error", "return schedhost_fail(scheduler, 7, \"no bread\");", "error"),
            ])
        func `what a plugin said before its session failed is in the record, in order`(
            name: String, death: String, kind: String
        ) async throws {
            // SIGKILL leaves nobody to write what has no line's end yet.
            let rest = name == "kill" || name == "error" ? "" : "printf(\"without an end\");"
            try await Fixtures.build(
                "logs-\(name)",
                c: Source.plugin(
                    "last-\(name)", waitMs: 3_600_000, more: "#include <signal.h>\n#include <stdlib.h>",
                    fields: ", .timeout_ms = 300",
                    body: """
                        printf("first\\n");
                        schedhost_info(scheduler, "second");
                        fwrite("th\\x01ird\\xff\\n", 1, 8, stdout);
                        for (int i = 0; i < 100; i++) printf("line %d\\n", i);
                        \(rest)
                        \(death)
                        """))
            let scratch = try Scratch()
            try scratch.add("logs-\(name)")
            let host = try Host(in: scratch)
            try await eventually("its record") { try !host.records.isEmpty }
            let record = try #require(try host.records.first)
            #expect(record.reason.kind.name == kind)
            let (_, output, _) = try await Program.run(
                "records", "--show", "\(record.session)", "--state", scratch.state, in: scratch)
            let text = try #require(output.components(separatedBy: "its last lines:\n").last)
            let printed = text.split(separator: "\n").filter { $0.contains("  line ") }
                .compactMap { Int($0.split(separator: " ").last ?? "") }
            #expect(printed.count > 40 && printed == Array((100 - printed.count)..<100), "\(output)")
            if !rest.isEmpty { #expect(text.contains("without an end"), "\(text)") }
            let (_, json, _) = try await Program.run(
                "records", "--show", "\(record.session)", "--json", "--state", scratch.state, in: scratch)
            #expect(json.contains(#""lines":[{"ms":"#))
        }

        @Test func `the last words of a plugin that hangs are in the record also where its report takes too long`()
            async throws
        {
            try await Fixtures.build(
                "logs-slow-report",
                c: Source.plugin(
                    "slow-report", waitMs: 3_600_000, more: "#include <unistd.h>", fields: ", .timeout_ms = 300",
                    body: "printf(\"without an end\"); for (;;) pause();"))
            let scratch = try Scratch()
            try scratch.add("logs-slow-report")
            // A toolchain's folders, with a backtracer that never ends.
            let (tools, libexec) = (scratch.path + "/tools/bin", scratch.path + "/tools/libexec/swift/linux")
            _ = try await Command.shell(
                """
                mkdir -p \(tools) \(libexec) && cp /bin/true \(tools)/swift
                echo '#include <unistd.h>\\nint main(void) { for (;;) pause(); }' | cc -x c - -o \(libexec)/swift-backtrace
                """, in: scratch)
            let host = try Host(in: scratch, environment: ["PATH": tools + ":/usr/bin:/bin"])
            try await eventually("its record") { try !host.records.isEmpty }
            try await host.line("died: ended by SIGKILL")
            let record = try #require(try host.records.first)
            #expect(record.reason.kind.name == "timeout" && record.report == nil)
            let (_, text, _) = try await Program.run(
                "records", "--show", "\(record.session)", "--state", scratch.state, in: scratch)
            #expect(text.contains("without an end"), "\(text)")
        }
    }
}
