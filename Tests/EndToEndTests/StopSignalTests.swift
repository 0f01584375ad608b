import HostCommandLine
import HostStore
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What ends a host, what only looks as if it should, and what people were told before it ended.
    @Suite struct StopSignals {
        /// Each cycle takes 0.4 s, and does not ask whether it should end.
        private static let slow = Source.plugin(
            "slow", waitMs: 100,
            body: "for (int i = 0; i < 4; i++) { usleep(100000); } schedhost_info(scheduler, \"whole\");")

        private func awaitState(_ state: String, in scratch: Scratch) async throws {
            let ask = "'\(try Program.path)' status --state '\(scratch.state)' 2>&1"
            _ = try await Command.shell(
                "for i in $(seq 400); do \(ask) | grep -q ' \(state) ' && exit 0; sleep 0.05; done; \(ask); exit 1",
                in: scratch)
        }

        @Test(arguments: [
            (Signals.terminate, Signals.terminate), (Signals.interrupt, Signals.interrupt),
            (Signals.interrupt, Signals.terminate),
        ])
        func `two stop signals within a second are one`(first: Int32, second: Int32) async throws {
            try await Fixtures.build("slow", c: Self.slow)
            let scratch = try Scratch()
            try scratch.add("slow")
            let host = try Host(in: scratch)
            try await host.line("slow/run", "whole")
            host.command.signal(first)
            host.command.signal(second)
            try await host.ended()
            #expect(host.lines("did not end in time").isEmpty && host.lines("ending at once").isEmpty, "\(host.log)")
            #expect(try host.records.map(\.reason.end) == [.stopped])
        }

        @Test func `no line says that something starts again while the host stops`() async throws {
            try await Fixtures.build(
                "failing", c: Source.plugin("failing", waitMs: 20, body: "return schedhost_fail(scheduler, 7, \"no\");")
            )
            try await Fixtures.build("slow", c: Self.slow)
            let scratch = try Scratch()
            try scratch.add("failing")
            try scratch.add("slow")
            let host = try Host(in: scratch)
            try await host.line("failing/run", "starts again")
            try await host.line("slow/run", "whole")
            _ = try await host.end(by: Signals.terminate)
            let lines = host.log.split(separator: "\n")
            let stopping = try #require(lines.firstIndex { $0.contains("stopping") })
            #expect(!lines[stopping...].contains { $0.contains("starts again") }, "\(host.log)")
        }

        @Test(.enabled(if: Tools.has("script"), "script(1) is not installed"))
        func `a closed terminal ends the host that runs in it, and SIGHUP beside it does not`() async throws {
            try await Fixtures.build("slow", c: Self.slow)
            let scratch = try Scratch()
            try scratch.add("slow")
            let line = "exec '\(try Program.path)' --plugins '\(scratch.plugins)' --state '\(scratch.state)'"
            let terminal = try Command(
                ["/usr/bin/env", "script", "-qfc", line, scratch.path + "/typescript"], in: scratch)
            try await eventually("a cycle") { scratch.text("typescript").contains("whole") }
            let host = try #require(
                Int32(
                    try await Command.shell(
                        "'\(try Program.path)' status --json --state '\(scratch.state)' | grep -oE '\"pid\": ?[0-9]+' | head -1 | grep -oE '[0-9]+'",
                        in: scratch
                    ).split(separator: "\n").first ?? ""))
            _ = try await Command.shell("kill -HUP \(host)", in: scratch)
            let before = scratch.text("typescript").split(whereSeparator: \.isNewline).count
            try await eventually("cycles after a reload\n\(scratch.text("typescript"))") {
                scratch.text("typescript").split(whereSeparator: \.isNewline).count > before + 1
            }
            terminal.signal(Signals.kill)
            try await eventually("the end of the host") { !HostProcess.exists(host) }
            let store = try SessionStore.open(try Directory(scratch.state))
            #expect(store.warnings.isEmpty)
        }

        @Test(arguments: ["stop", "pause"])
        func `what a person was told is so in the next host, also after SIGKILL`(order: String) async throws {
            try await Fixtures.build("slow", c: Self.slow)
            let scratch = try Scratch()
            try scratch.add("slow")
            let host = try Host(in: scratch)
            try await host.line("slow/run", "whole")
            _ = try await Command.shell(
                "'\(try Program.path)' \(order) slow --state '\(scratch.state)' && kill -9 \(host.pid)", in: scratch)
            _ = try await host.ended()
            let next = try Host(in: scratch)
            try await next.line("schedhost", "pid")
            let state = order == "stop" ? "stopped" : "paused"
            try await awaitState("\(state)", in: scratch)
            #expect(next.lines("slow/run", "whole").isEmpty)
            _ = try await next.end(by: Signals.terminate)
        }

        @Test func `an order outlives an edit that changes only the words of the configuration`() async throws {
            try await Fixtures.build("slow", c: Self.slow)
            let scratch = try Scratch()
            try scratch.add("slow")
            try scratch.write("{ }", to: "slow.json5")
            let host = try Host(in: scratch)
            try await host.line("slow/run", "whole")
            try scratch.write("{ wait_ms: 100 }", to: "slow.json5")
            // The edit is read before an order that comes after this reload has been answered.
            _ = try await Command.shell(
                "'\(try Program.path)' reload --state '\(scratch.state)' && '\(try Program.path)' stop slow --state '\(scratch.state)'",
                in: scratch)
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.count == 1, "the edit ended no session\n\(host.log)")
            let next = try Host(in: scratch)
            try await awaitState("stopped", in: scratch)
            _ = try await next.end(by: Signals.terminate)
        }

        @Test(arguments: ["reload", "hangup"])
        func `a reload reads configurations that no event told of`(how: String) async throws {
            try await Fixtures.build(
                "reread", c: Source.plugin("reread", waitMs: 3_600_000, body: "schedhost_info(scheduler, \"ran\");"))
            let scratch = try Scratch()
            try scratch.add("reread")
            _ = try await Command.shell(
                "cd '\(scratch.path)' && mkdir elsewhere && echo '{ }' > elsewhere/reread.json5 && ln -s ../elsewhere/reread.json5 plugins/reread.json5",
                in: scratch)
            let host = try Host(in: scratch)
            try await host.line("reread/run", "ran")
            _ = try await Command.shell(
                "echo '{ wait_ms: 20 }' > '\(scratch.path)/elsewhere/reread.json5'", in: scratch)
            if how == "reload" {
                _ = try await Command.shell("'\(try Program.path)' reload --state '\(scratch.state)'", in: scratch)
            } else {
                host.command.signal(Signals.hangup)
            }
            try await eventually("the new interval\n\(host.log)") { host.lines("reread/run", "ran").count > 5 }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `a refused plugin shows in the exit status`() async throws {
            let scratch = try Scratch()
            try scratch.write("not a plugin", to: "bad.so")
            let host = try Host("--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(1), "\(host.log)")
            let list = try Command([try Program.path, "list", "--plugins", scratch.plugins], in: scratch)
            #expect(try await list.ended() == .exited(1))
        }
    }
}
