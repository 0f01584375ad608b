import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Subcommands, their output and their exit status.
    @Suite struct CommandLines {
        @Test(arguments: [
            (["--plugins"], "--plugins"),
            (["--plugin", "x"], "--plugins"),
            (["run"], "--plugins"),
            (["recrods"], "records"),
            (["check"], "FILE"),
            (["--plugins", "x", "--max-cycles", "0"], "--max-cycles"),
            (["--plugins", "x", "--isolation", "none"], "routine"),
            (["--plugins", "x", "--until", "later"], "--until"),
            (["--plugins", "x", "--grace", "-1"], "--grace"),
            (["list"], "--plugins"),
            (["records", "--format", "yaml"], "csv"),
            (["version", "more"], "more"),
        ])
        func `a usage error is 64, and says the mend on standard error`(words: [String], text: String) async throws {
            let scratch = try Scratch()
            let command = try Command([try Program.path] + words, in: scratch)
            #expect(try await command.ended() == .exited(64))
            #expect(command.output.isEmpty)
            #expect(command.errors.contains(text), "\(command.errors)")
        }

        /// SwiftPM knows packages by the names of their folders, so the new one would depend on itself.
        @Test func `a package is not named like the one that it depends on`() async throws {
            let scratch = try Scratch()
            let name = String(Fixtures.root.split(separator: "/").last ?? "").lowercased()
            let program = try Program.path
            for (language, end) in [("swift", ProcessEnd.exited(64)), ("c", .exited(0))] {
                let line = "cd '\(scratch.path)' && exec '\(program)' new '\(name)' --language \(language)"
                let command = try Command(["/bin/sh", "-c", line], in: scratch)
                #expect(try await command.ended() == end, "\(command.errors)")
                if end == .exited(64) { #expect(command.errors.contains("choose another name"), "\(command.errors)") }
            }
        }

        @Test(arguments: [
            "help", "man", "version", "records --format csv", "cache list", "report --output -",
            "list --plugins plugins",
        ])
        func `an answer that does not fit on the disk is a failure, and said`(words: String) async throws {
            let scratch = try Scratch()
            _ = try Directory.make(scratch.state)
            let program = try Program.path
            let line = "cd '\(scratch.path)' && STATE_DIRECTORY=state exec '\(program)' \(words) > /dev/full"
            try await Fixtures.build("healthy")
            try scratch.add("healthy")
            let command = try Command(["/bin/sh", "-c", line], in: scratch)
            #expect(try await command.ended() == .exited(1))
            #expect(command.errors.contains("standard output: No space left on device"), "\(command.errors)")
        }

        /// Runs a command whose output nobody reads any more, from the first byte on; its exit status and its errors.
        private func unread(_ words: String, in scratch: Scratch) async throws -> (ProcessEnd, String) {
            let line = """
                cd '\(scratch.path)' && mkfifo unread && exec 3<>unread 4>unread 3<&- && rm unread &&
                STATE_DIRECTORY=state exec '\(try Program.path)' \(words) >&4
                """
            let command = try Command(["/bin/sh", "-c", line], in: scratch)
            return (try await command.ended(), command.errors)
        }

        @Test(arguments: [
            "help", "man", "version", "records --format csv", "cache list --json", "report --output -",
            "list --plugins plugins", "check --quick plugins/healthy.so", "calendar 02:30", "completion bash",
        ])
        func `a reader that has enough is no failure, whatever the command`(words: String) async throws {
            let scratch = try Scratch()
            _ = try Directory.make(scratch.state)
            try await Fixtures.build("healthy")
            try scratch.add("healthy")
            let (end, errors) = try await unread(words, in: scratch)
            #expect(end == .exited(0), "\(errors)")
        }

        @Test func `nor is it one of what a running host answers`() async throws {
            let host = try await Host.healthyAndSleeping()
            for words in [
                "status", "status --json", "metrics", "metrics --json", "top --json", "top --json --interval 0.1",
                "why healthy", "logs", "run-now sleeper",
            ] {
                let (end, errors) = try await unread(words, in: host.scratch)
                #expect(end == .exited(0) && errors.isEmpty, "\(words): \(errors)")
            }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `help and version`() async throws {
            let scratch = try Scratch()
            let help = try await Program.run("help", in: scratch)
            #expect(help.end == .exited(0))
            for name in CommandName.allCases { #expect(help.output.contains(name.rawValue)) }
            for name in CommandName.allCases {
                let own = try await Program.run(name.rawValue, "--help", in: scratch)
                #expect(own.end == .exited(0), "\(name)")
                let same = try await Program.run("help", name.rawValue, in: scratch)
                #expect(own.output == same.output, "\(name)")
                #expect(own.output.contains("schedhost \(name.rawValue)"))
            }
            let version = try await Program.run("version", in: scratch)
            #expect(version.end == .exited(0))
            #expect(version.output == "schedhost \(HostVersion.text)\n")
        }

        @Test func `list shows plugins, routines, parameters and refusals`() async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write("text", to: "x.so")
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.end == .exited(1), "one file is refused")
            for text in ["healthy 1.0.0", "healthy/beat", "faulty/misbehave", "params.misdeed", "refused: ", "x.so"] {
                #expect(list.output.contains(text), "\(list.output)")
            }
            #expect(!FileManager.default.fileExists(atPath: scratch.state), "list made a state directory")
        }

        @Test func `check is 0 for good files, 1 when one is not`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("text", to: "x.so")
            let good = try await Program.run("check", scratch.plugins + "/healthy.so", in: scratch)
            #expect(good.end == .exited(0))
            #expect(good.output.contains("healthy/beat"))
            let mixed = try await Program.run(
                "check", scratch.plugins + "/x.so", scratch.plugins + "/healthy.so", in: scratch)
            #expect(mixed.end == .exited(1))
            #expect(mixed.output.contains("healthy/beat"), "it stopped at the first bad one")
            let absent = try await Program.run("check", scratch.plugins + "/absent.so", in: scratch)
            #expect(absent.end == .exited(1))
        }

        @Test(arguments: ["absent/x.so", "absent.json5", "absent/x.json5"])
        func `check says of a file that is not there what it says of a bad one, and goes on`(name: String) async throws
        {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let files = [scratch.path + "/" + name, scratch.plugins + "/healthy.so"]
            let words = try await Program.run("check", "--quick", files[0], files[1], in: scratch)
            #expect(words.end == .exited(1) && words.output.contains("healthy/beat"), "\(words.output)\(words.errors)")
            #expect(words.output.contains("No such file or directory"))
            let json = try await Program.run("check", "--quick", "--json", files[0], files[1], in: scratch)
            #expect(json.end == .exited(1))
            let found = try JSONDecoder().decode([Checked].self, from: Data(json.output.utf8))
            #expect(found == [Checked(file: files[0], good: false), Checked(file: files[1], good: true)])
        }

        private struct Checked: Decodable, Equatable {
            let file: String
            let good: Bool
        }

        @Test func `check of a plugin whose constructor crashes is 1`() async throws {
            try await Fixtures.build("faulty")
            let scratch = try Scratch()
            try scratch.add("faulty")
            let check = try await Program.run(
                "check", scratch.plugins + "/faulty.so", in: scratch, environment: ["SCHEDHOST_FAULTY": "constructor"])
            #expect(check.end == .exited(1))
            #expect(check.output.contains("its worker died while opening it"), "\(check.output)")
        }

        @Test func `records as table, json and csv, and chosen`() async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write(
                "{ params: { misdeed: 'exit3', at: 1 }, restart: { same_cause_failures: 1 } }", to: "faulty.json5")
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1), "a failed session is no success")
            func records(_ words: String...) async throws -> String {
                let command = try Command(
                    [try Program.path, "records", "--state", scratch.state] + words, in: scratch)
                #expect(try await command.ended() == .exited(0), "\(command.errors)")
                return command.output
            }
            let table = try await records()
            #expect(
                table.contains("healthy/beat") && table.contains("faulty/misbehave") && table.contains("max_cycles"))
            let json = try ListedRecord.list(try await records("--format", "json"))
            #expect(json.count == (try host.records.count))
            #expect(Set(json.map(\.session)) == Set(try host.records.map(\.session.description)))
            let csv = try await records("--format", "csv").split(whereSeparator: \.isNewline)
            #expect(csv.count == json.count + 1)
            #expect(csv.first?.contains("cycles") == true)
            let healthy = try ListedRecord.list(try await records("--plugin", "healthy", "--format", "json"))
            #expect(healthy.map(\.identifier) == ["healthy/beat"])
            let failed = try await records("--failed", "--last", "1", "--format", "json")
            let failures = try ListedRecord.list(failed)
            #expect(failures.map(\.identifier) == ["faulty/misbehave"])
            #expect(failures.first?.reason.kind == "exit")
            #expect(failures.first?.reason.text.contains("exit status 3") == true)
        }

        @Test(arguments: [["records"], ["cache", "list"], ["report", "--output", "-"]])
        func `a state directory that is not there is named, with the mend`(words: [String]) async throws {
            let scratch = try Scratch()
            let command = try Command([try Program.path] + words + ["--state", scratch.path + "/absent"], in: scratch)
            #expect(try await command.ended() == .exited(1))
            #expect(command.errors.contains(scratch.path + "/absent"), "\(command.errors)")
            #expect(command.errors.contains("with --state"), "\(command.errors)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/absent"))
        }

        @Test func `a state directory in use is 75, and says by whom`() async throws {
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("sleeper")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            let second = try Host(in: scratch)
            #expect(try await second.ended() == .exited(75))
            #expect(second.log.contains("pid \(host.pid)"), "\(second.log)")
            #expect(second.log.split(separator: "\n").count == 1)
            _ = try await host.end(by: Signals.interrupt)
            #expect(try host.records.count == 1)
        }

        @Test func `a state directory that cannot be made is 73`() async throws {
            let scratch = try Scratch()
            let host = try Command(
                [try Program.path, "--plugins", scratch.plugins, "--state", "/dev/null/state"], in: scratch)
            #expect(try await host.ended() == .exited(73))
            #expect(host.errors.contains("/dev/null/state") && host.errors.contains("--state"), "\(host.errors)")
        }

        @Test func `a plugins directory that is not there is named, with the mend`() async throws {
            let scratch = try Scratch()
            for words in [["run", "--state", scratch.state], ["list"]] {
                let command = try Command(
                    [try Program.path] + words + ["--plugins", scratch.path + "/absent"], in: scratch)
                #expect(try await command.ended() == .exited(1))
                #expect(command.errors.contains(scratch.path + "/absent"), "\(command.errors)")
                #expect(command.errors.contains("with --plugins"), "\(command.errors)")
            }
        }

        @Test func `the state directory comes from the environment`() async throws {
            let scratch = try Scratch()
            let byHome = try Command(
                [try Program.path, "--plugins", scratch.plugins, "--exit-when-idle"], in: scratch)
            #expect(try await byHome.ended() == .exited(0))
            #expect(FileManager.default.fileExists(atPath: scratch.path + "/.local/state/schedhost/lock"))
            let bySystemd = try Command(
                [try Program.path, "--plugins", scratch.plugins, "--exit-when-idle"], in: scratch,
                environment: ["STATE_DIRECTORY": scratch.path + "/given"])
            #expect(try await bySystemd.ended() == .exited(0))
            #expect(FileManager.default.fileExists(atPath: scratch.path + "/given/lock"))
        }

        @Test func `the log as JSON is one object a line`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("text", to: "x.so")
            let host = try Host(
                "--max-cycles", "1", "--exit-when-idle", "--log-format", "json", in: scratch)
            #expect(try await host.ended() == .exited(1), "one file is refused")
            let lines = host.log.split(separator: "\n")
            let entries = try lines.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
            #expect(entries.count > 3)
            #expect(entries.contains { $0["level"] == "error" && $0["text"]?.contains("x.so") == true })
            #expect(entries.allSatisfy { $0["time"]?.hasSuffix("Z") == true })
        }

        @Test func `no session begins after until`() async throws {
            try await Fixtures.build("faulty")
            let scratch = try Scratch()
            try scratch.add("faulty")
            // The next session would be due in 20 s.
            try scratch.write(
                "{ params: { misdeed: 'error', at: 0 }, restart: { first_delay_ms: 20000 } }",
                to: "faulty.json5")
            let host = try Host("--until", "+5s", "--exit-when-idle", in: scratch)
            #expect(try await host.ended(within: .seconds(12)) == .exited(1), "\(host.log)")
            #expect(try host.records.map(\.reason.end) == [.error])
            #expect(host.lines("faulty/misbehave", "not started again").count == 1, "\(host.log)")
        }

        @Test func `until a time`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let canary = try Canary()
            let before = SystemClock().wall().milliseconds
            let host = try Host("--until", "+1s", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            let record = try #require(try host.records.first)
            #expect(record.reason.end == .until)
            // It counts from when the host reads its command line.
            let time = record.finishMs - before
            #expect(time >= 1000 && Double(time) < 1500 + canary.longestMs, "\(time) ms")
        }
    }
}
