import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What a session learns of the one before it, in this host or in an earlier one, and what is told of records that
    /// nobody will learn of.
    @Suite struct Preceding {
        @Test func `each session is told how the one before it ended, whichever host ran that`() async throws {
            let body = """
                schedhost_info(scheduler, "before=%u;", schedhost_where(scheduler)->session_before);
                int64_t end = schedhost_param_int(scheduler, "end", 0);
                if (schedhost_where(scheduler)->session > 1 && end == 0) { return SCHEDHOST_OK; }
                if (end == 1) { return schedhost_fail(scheduler, 7, "as asked"); }
                if (end == 2) { *(volatile int *)0 = 1; }
                if (end == 3) { for (;;) { pause(); } }
                """
            try await Fixtures.build("preceded", c: Source.plugin("preceded", waitMs: 100, body: body))
            let scratch = try Scratch()
            try scratch.add("preceded")
            /// One host: what its first session does, what that learns, and how the host ends.
            func host(
                end: Int, learns before: Int, killed signal: Int32 = Signals.terminate, awaits text: String? = nil
            )
                async throws
            {
                try scratch.write(
                    "{ timeout_ms: 500, on_error: \"end_session\", params: { end: \(end) } }", to: "preceded.json5")
                let host = try Host(in: scratch)
                let first = try await host.line("before=")
                #expect(first.contains("before=\(before);"), "\(host.log)")
                if let text { try await host.line(text) }
                _ = try await host.end(by: signal, expecting: signal == Signals.kill ? .signaled(signal) : .exited(0))
            }
            try await host(end: 0, learns: 0)
            try await host(end: 0, learns: 1, killed: Signals.kill)
            try await host(end: 1, learns: 3, awaits: "ended: error")
            try await host(end: 2, learns: 2, awaits: "ended: crash")
            try await host(end: 3, learns: 3, awaits: "ended: timeout")
            try await host(end: 0, learns: 4)
            try await host(end: 0, learns: 1)
        }

        /// A record that takes more room than the host gives back when its workers have ended: each of these letters
        /// takes six bytes in a file.
        private static let large = """
            static char text[2001];
            for (int i = 0; i < 2000; i++) { text[i] = 1; }
            for (int i = 0; i < 60; i++) {
                char name[8];
                snprintf(name, sizeof name, "s%d", i);
                (void)schedhost_stat_string(scheduler, name, text);
            }
            """

        @Test(.enabled(if: Tools.hasNamespaces, "no file system can be mounted here"))
        func `records that are lost are told, in the log and by the exit status`() async throws {
            try await Fixtures.build("large-record", c: Source.plugin("large-record", waitMs: 50, body: Self.large))
            let scratch = try Scratch()
            try scratch.add("large-record")
            let disk = try await SmallDisk(at: scratch.state, kilobytes: 2048, in: scratch)
            let host = try Host(in: scratch)
            try await eventually("a cycle\n\(host.log)") { LedgerView.all(in: scratch).contains { $0.cycle > 1 } }
            try await Self.fill(scratch)
            _ = try await host.end(by: Signals.terminate, expecting: .exited(1))
            #expect(host.lines("1 record is lost").count == 1, "\(host.log)")
            #expect(!host.lines("records cannot be written", "free some space").isEmpty, "\(host.log)")
            withExtendedLifetime(disk) {}
        }

        @Test func `a limit of file sizes is told by the error that it makes, and not by its signal`() async throws {
            try await Fixtures.build("beater", c: Source.plugin("beater", waitMs: 50, body: ""))
            let scratch = try Scratch()
            try scratch.add("beater")
            let host = try Host(shell: "ulimit -f 128; exec \"$@\"", in: scratch)
            try await host.line("no session", "ulimit -f")
            // Its second attempt is over when nothing more is said.
            try await Task.sleep(for: .seconds(3))
            _ = try await host.end(by: Signals.terminate)
            #expect(host.lines("no session").count == 1 && host.lines("SIGXFSZ").isEmpty, "\(host.log)")
        }

        private static func fill(_ scratch: Scratch) async throws {
            _ = try await Command.shell(
                "dd if=/dev/zero 'of=\(scratch.state)/fill' bs=4096 2>/dev/null; true", in: scratch)
        }

        @Test(.enabled(if: Tools.hasNamespaces, "no file system can be mounted here"))
        func `records that waited for room are written when there is some`() async throws {
            try await Fixtures.build("beater", c: Source.plugin("beater", waitMs: 50, body: ""))
            let scratch = try Scratch()
            try scratch.add("beater")
            let disk = try await SmallDisk(at: scratch.state, kilobytes: 2048, in: scratch)
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            try await Self.fill(scratch)
            _ = try await Program.run("restart", "beater/run", "--state", scratch.state, in: scratch)
            try await host.line("No space left on device")
            try FileManager.default.removeItem(atPath: scratch.state + "/fill")
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.count == 2, "\(host.log)")
            withExtendedLifetime(disk) {}
        }
    }
}
