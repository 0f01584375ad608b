import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// The promises that the whole program makes, one by one.
    @Suite struct Invariants {
        @Test func `invariant 1: the host never executes plugin code`() async throws {
            let constructor = """
                __attribute__((constructor)) static void construct(void) {
                    const char *path = getenv("SCHEDHOST_CONSTRUCTED");
                    FILE *file = path == NULL ? NULL : fopen(path, "a");
                    if (file != NULL) { fprintf(file, "%d\\n", (int)getpid()); fclose(file); }
                }
                """
            try await Fixtures.build(
                "constructed",
                c: Source.plugin("constructed", waitMs: 20, more: "#include <stdlib.h>\n" + constructor, body: ""))
            let scratch = try Scratch()
            try scratch.add("constructed")
            let environment = ["SCHEDHOST_CONSTRUCTED": Trace.place(scratch, of: "constructed")]
            let host = try Host(in: scratch, environment: environment)
            _ = try await host.sessions(1)
            let workers = host.workers
            #expect(workers == [try await host.worker(of: "constructed.so")])
            #expect(!Processes.maps(of: host.pid).contains(scratch.path), "the host has mapped the plugin")
            #expect(
                Scratch.text(Trace.place(scratch, of: "constructed")).split(separator: "\n").map { Int32($0) }
                    == workers)
            _ = try await host.end(by: Signals.interrupt)
            for words in [["list", "--plugins", scratch.plugins], ["check", scratch.plugins + "/constructed.so"]] {
                let command = try Command([try Program.path] + words, in: scratch, environment: environment)
                #expect(try await command.ended() == .exited(0))
                #expect(
                    !Scratch.text(Trace.place(scratch, of: "constructed")).split(separator: "\n").contains(
                        "\(command.pid)"), "\(words[0]) ran it")
            }
            #expect(
                Scratch.text(Trace.place(scratch, of: "constructed")).split(separator: "\n").map { Int32($0) }
                    == workers, "what only looks at a plugin lets it write nowhere")
        }

        /// A misdeed, and how its session ends: the kind, and a text of the record.
        struct Misdeed: CustomTestStringConvertible, Sendable {
            let name: String
            let kind: SessionEnd
            let signal: String?
            var testDescription: String { name }

            init(_ name: String, _ kind: SessionEnd, _ signal: String? = nil) {
                self.name = name
                self.kind = kind
                self.signal = signal
            }
        }

        @Test(arguments: [
            Misdeed("segv", .crash, "SIGSEGV"), Misdeed("abort", .crash, "SIGABRT"), Misdeed("ill", .crash, "SIGILL"),
            Misdeed("stack-overflow", .crash, "SIGSEGV"), Misdeed("double-free", .crash, "SIGABRT"),
            Misdeed("exit0", .exit), Misdeed("exit3", .exit), Misdeed("_exit0", .exit), Misdeed("quick-exit", .exit),
            Misdeed("kill", .crash, "SIGKILL"), Misdeed("execve", .exit), Misdeed("error", .error),
            Misdeed("close-all", .exit), Misdeed("start", .crash, "SIGSEGV"), Misdeed("stop", .crash, "SIGSEGV"),
            Misdeed("stats", .crash, "SIGSEGV"), Misdeed("on-error", .crash, "SIGSEGV"),
        ])
        func `invariant 2 and 3: no plugin takes down the host or another, and its end is recorded`(
            misdeed: Misdeed
        ) async throws {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
            // One failure is enough: the routine is shut out at once.
            try scratch.write(
                "{ params: { misdeed: '\(misdeed.name)', at: 3 }, max_cycles: 6, restart: { same_cause_failures: 1 } }",
                to: "faulty.json5")
            let host = try Host(in: scratch)
            try await host.line("faulty/misbehave", "ended: \(misdeed.kind.name)")
            let beats = Trace.read(scratch).count
            try await eventually("healthy goes on") { Trace.read(scratch).count >= beats + 5 }
            _ = try await host.end(by: Signals.interrupt)
            let trace = Trace.read(scratch)
            #expect(trace.map(\.cycle) == Array(0..<UInt64(trace.count)))
            let records = try host.records
            #expect(records.filter { $0.plugin == "healthy" }.map(\.reason.end) == [.stopped])
            let failed = try #require(records.first { $0.plugin == "faulty" })
            #expect(failed.reason.end == misdeed.kind)
            if let signal = misdeed.signal { #expect(failed.reason.signal == signal) }
            #expect(Set(records.map(\.session)).count == records.count)
        }

        @Test func `invariant 3: no session goes unrecorded when all is killed again and again`() async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("stuck", c: Source.stuck)
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("stuck")
            var sessions: Set<UInt64> = []
            for round in 0..<6 {
                let host = try Host(in: scratch)
                for slot in try await host.sessions(2) { sessions.insert(slot.session) }
                if round.isMultiple(of: 2) {
                    for worker in host.workers { Processes.kill(worker, Signals.kill) }
                }
                host.command.signal(Signals.kill)
                _ = try await host.ended()
            }
            let last = try Host("--grace", "10ms", in: scratch)
            for slot in try await last.sessions(2) { sessions.insert(slot.session) }
            _ = try await last.end(by: Signals.interrupt)
            let recorded = try last.records.map(\.session.rawValue)
            #expect(sessions.isSubset(of: recorded), "a session has no record")
            #expect(Set(recorded).count == recorded.count, "a session has two records")
        }

        @Test func `invariant 4: a neighbour that blocks in the same plugin delays nobody`() async throws {
            let source = """
                #define _GNU_SOURCE
                #include <schedhost/plugin.h>
                #include <time.h>
                #include <unistd.h>
                static int64_t longest, last;
                static int32_t quick(const schedhost_scheduler *scheduler, void *user) {
                    struct timespec now;
                    (void)scheduler, (void)user;
                    clock_gettime(CLOCK_BOOTTIME, &now);
                    int64_t us = now.tv_sec * 1000000 + now.tv_nsec / 1000;
                    if (last != 0 && us - last > longest) longest = us - last;
                    last = us;
                    return SCHEDHOST_OK;
                }
                static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
                    (void)user;
                    return schedhost_stat_int(scheduler, "longest_us", longest);
                }
                static int32_t block(const schedhost_scheduler *scheduler, void *user) {
                    (void)scheduler, (void)user;
                    usleep(1000000);
                    return SCHEDHOST_OK;
                }
                #define BLOCKER(number) static const schedhost_routine block##number = { \\
                    SCHEDHOST_SIZED(schedhost_routine), .name = "block" #number, .wait_ms = 5, .run = block};
                BLOCKER(1) BLOCKER(2) BLOCKER(3) BLOCKER(4)
                static const schedhost_routine routine = {
                    SCHEDHOST_SIZED(schedhost_routine), .name = "quick", .wait_ms = 10, .run = quick, .stats = stats};
                static const schedhost_routine *const routines[] = {&block1, &block2, &routine, &block3, &block4, NULL};
                static const schedhost_plugin plugin = {
                    SCHEDHOST_SIZED(schedhost_plugin), .id = "neighbours", .version = "1.0.0", .routines = routines};
                SCHEDHOST_PLUGIN(&plugin)
                """
            try await Fixtures.build("neighbours", c: source)
            let scratch = try Scratch()
            try scratch.add("neighbours")
            let canary = try Canary()  // before the first cycle: the longest gap is that of all of them
            let host = try Host(in: scratch)
            _ = try await host.sessions(5)
            try await eventually("150 quick cycles") { LedgerView.all(in: scratch).contains { $0.cycle >= 150 } }
            let noise = canary.longestMs
            _ = try await host.end(by: Signals.interrupt)
            let quick = try #require(try host.records.first { $0.routine == "quick" })
            guard case .int(let longest)? = quick.stats["longest_us"] else {
                throw Unmet(description: "no stat longest_us")
            }
            #expect(Double(longest) / 1000 < 50 + noise)
            #expect(try host.records.filter { $0.routine.hasPrefix("block") }.allSatisfy { $0.cycles >= 1 })
        }

        @Test func `invariant 6: a back-to-back cycle makes no system call`() async throws {
            try await Fixtures.build("busy", c: Source.busy)
            let scratch = try Scratch()
            try scratch.add("busy")
            let host = try Host(in: scratch)
            let slot = try #require(try await host.sessions(1).first)
            let worker = try #require(host.workers.first)
            func cycles() throws -> UInt64 { try #require(LedgerView.all(in: scratch).first).cycle }
            let thread = try await eventually("the routine's thread") {
                LedgerView.all(in: scratch).first.flatMap { $0.thread > 0 ? $0.thread : nil }
            }
            if FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") {
                let strace = try Command(
                    ["/usr/bin/strace", "-f", "-o", scratch.path + "/calls", "-p", "\(worker)"], in: scratch)
                try await eventually("strace attached\n\(strace.errors)") { strace.errors.contains("attached") }
                let start = try cycles()
                try await eventually("100000 cycles") { try cycles() >= start + 100_000 }
                strace.signal(Signals.interrupt)
                _ = try await strace.ended()
                let calls = scratch.text("calls").split(separator: "\n").filter {
                    $0.hasPrefix("\(thread) ") && !$0.contains("---")
                }
                #expect(calls.isEmpty, "\(calls.prefix(20))")
            }
            // The thread never gives the processor away by itself: it is in no call that waits.
            let switches = Processes.number("voluntary_ctxt_switches", of: worker, task: thread)
            let start = try cycles()
            try await eventually("a million cycles") { try cycles() >= start + 1_000_000 }
            #expect(Processes.number("voluntary_ctxt_switches", of: worker, task: thread) == switches)
            #expect(switches != nil)
            #expect(slot.session != 0)
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test func `invariant 6: the supervisor takes no part in a cycle`() async throws {
            try await Fixtures.build("quick", c: Source.plugin("quick", waitMs: 1, body: ""))
            let scratch = try Scratch()
            try scratch.add("quick")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            try await eventually("the start is over") { LedgerView.all(in: scratch).contains { $0.cycle >= 50 } }
            let start = ContinuousClock.now
            let before = try #require(Processes.number("voluntary_ctxt_switches", of: host.pid))
            try await eventually("500 cycles") { LedgerView.all(in: scratch).contains { $0.cycle >= 550 } }
            let after = try #require(Processes.number("voluntary_ctxt_switches", of: host.pid))
            // It looks after hangs now and then, and a busy machine has half a second of cycles in several.
            let seconds = Int((ContinuousClock.now - start) / .seconds(1))
            #expect(after - before <= 1 + 2 * seconds, "it was woken \(after - before) times in \(seconds) s")
            _ = try await host.end(by: Signals.interrupt)
        }

        @Test func `invariant 7: an idle host is idle`() async throws {
            try await Fixtures.build("many-idle", c: Source.sleeper("idle-00"))
            let bytes = try Fixtures.bytes("many-idle")
            let scratch = try Scratch()
            let id = Array("idle-00".utf8)
            let place = try #require(
                bytes.indices.dropLast(id.count).first { bytes[$0..<$0 + id.count].elementsEqual(id) })
            for number in 0..<20 {
                var copy = bytes
                copy.replaceSubrange(place + 5..<place + 7, with: Array("\(number + 10)".utf8))
                try Data(copy).write(to: URL(filePath: "\(scratch.plugins)/idle-\(number).so"))
            }
            let host = try Host(in: scratch)
            try await eventually("the first cycle of all") {
                LedgerView.all(in: scratch).filter { $0.cycle == 1 && $0.state == .waiting }.count == 20
            }
            let processes = [host.pid] + host.workers
            #expect(processes.count == 21)
            func switches() -> [Int?] {
                processes.map { Processes.number("voluntary_ctxt_switches", of: $0) }
            }
            // The start leaves a save for later; then come 3 s without a wake-up. Anything periodic would be in each try.
            try await eventually("3 s without a wake-up, of \(processes)", within: .seconds(8)) {
                let before = switches()
                try Self.pause(milliseconds: 3000)
                return switches() == before
            }
            _ = try await host.end(by: Signals.interrupt)
            #expect(try host.records.count == 20)
        }

        /// A span over which something must not happen: there is nothing to await.
        private static func pause(milliseconds: Int64) throws {
            let nothing = Monitor(false)
            let end = SystemClock().monotonic() + milliseconds * 1_000_000
            let _: Bool? = nothing.wait(until: end) { $0 ? true : nil }
        }
    }
}
