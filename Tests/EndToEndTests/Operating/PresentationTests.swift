import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What an operator sees, and what he is not to see twice.
    @Suite struct Presentation {
        @Test func `a crash report names the plugin, and not its copy`() async throws {
            try await Fixtures.build("faulty")
            let scratch = try Scratch()
            try scratch.add("faulty")
            try scratch.write(
                "{ params: { misdeed: 'segv', at: 1 }, restart: { same_cause_failures: 1 } }", to: "faulty.json5")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1))
            let record = try #require(try host.records.first { $0.report != nil })
            let shown = try await Program.run(
                "records", "--show", "\(record.session)", "--state", scratch.state, in: scratch)
            #expect(
                shown.output.contains(#/\n0 +misdeed_segv at misdeeds_faults.c:\d+ in faulty\n/#), "\(shown.output)")
            #expect(!shown.output.contains(".so\n"), "\(shown.output)")
        }

        @Test func `a file whose name is not UTF-8 is told by host and list`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            _ = try await Command.shell(
                "cd '\(scratch.plugins)' && cp healthy.so \"$(printf 'caf\\351.so')\" && : > \"$(printf 'caf\\351.txt')\"",
                in: scratch)
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            _ = try await host.ended()
            #expect(host.lines("ERROR", "caf\u{FFFD}.so: its name is not UTF-8").count == 1, "\(host.log)")
            #expect(host.lines(".txt").isEmpty)
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.end == .exited(1) && list.output.contains("refused: ") && list.output.contains("rename it"))
        }

        @Test func `the table of sessions at the end is not for a journal`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            for (variable, isShown) in [("$(stat -c %d:%i table)", false), ("8:1", true)] {
                let line = "exec >table && JOURNAL_STREAM=\(variable) exec \"$@\" --max-cycles 1 --exit-when-idle"
                let host = try Host(shell: line, in: scratch)
                #expect(try await host.ended() == .exited(0), "\(host.log)")
                #expect(scratch.text("table").contains("healthy/beat") == isShown, "\(scratch.text("table"))")
            }
        }

        @Test func `list has worker-2 before worker-10`() async throws {
            let scratch = try Scratch()
            for name in ["worker-10.so", "worker-2.so"] { try scratch.write("no plugin", to: name) }
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            let places = list.output.split(separator: "\n").map { $0.contains("worker-10.so") }
            #expect(places == [false, true], "\(list.output)")
        }

        @Test func `check says of a good plugin that a host refuses it where it lies`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            _ = try await Command.shell("chmod 666 '\(scratch.plugins)/healthy.so'", in: scratch)
            let check = try await Program.run("check", "--quick", scratch.plugins + "/healthy.so", in: scratch)
            #expect(check.end == .exited(0))
            #expect(check.output.contains("note: a host refuses it where it lies: "), "\(check.output)")
        }

        @Test func `a state directory that is moved away for a while quarantines nothing`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host("--no-crash-reports", in: scratch)
            let worker = try await host.worker(of: "healthy.so")
            _ = try await host.sessions(1)
            _ = try await Command.shell(
                "mv '\(scratch.state)' '\(scratch.path)/away' && kill -9 \(worker)", in: scratch)
            try await host.line("healthy", "cannot open shared object file")
            _ = try await Command.shell("mv '\(scratch.path)/away' '\(scratch.state)'", in: scratch)
            _ = try await host.sessions(1)
            #expect(host.lines("quarantined").isEmpty, "\(host.log)")
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `an end beyond the year 2262 is one`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host("--until", "2300-01-01T00:00:00Z", "--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            #expect(try host.records.map(\.reason.end) == [.maxCycles])
        }
    }
}
