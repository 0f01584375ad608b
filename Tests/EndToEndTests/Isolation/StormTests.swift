import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// One of several hostile plugins that run at once, each of which does its worst again and again.
    private struct Hostile: Sendable {
        let name: String
        /// What it does in its cycles.
        let body: String
        /// How its sessions end before the host stops.
        let end: SessionEnd
        var settings = ""
        /// The fewest sessions that end so within the storm.
        var least = 1

        var id: String { "storm-\(name)" }

        static let all = [
            Hostile(
                name: "log",
                body: """
                    while (!schedhost_stop_requested(scheduler)) {
                        schedhost_warning(scheduler, "a line of a flood of lines that nobody wants to read");
                    }
                    """, end: .stopped),
            Hostile(
                name: "crash", body: "raise(SIGSEGV);", end: .crash,
                settings: "restart: { first_delay_ms: 20, max_delay_ms: 100, same_cause_failures: 1000, "
                    + "any_cause_failures: 1000 }", least: 5),
            Hostile(
                name: "fork",
                body: """
                    atomic_int *born = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                    for (int i = 0; i < 4; i++) {
                        if (fork() != 0) continue;
                        alarm(60);
                        setsid();
                        while (atomic_fetch_add(born, 1) < 200) {
                            if (fork() == 0) setsid();
                            usleep(1000);
                        }
                        for (;;) pause();
                    }
                    usleep(50000);
                    _exit(3);
                    """, end: .exit,
                settings: "limits: { processes: 60 }, restart: { first_delay_ms: 200, max_delay_ms: 1000, "
                    + "same_cause_failures: 1000, any_cause_failures: 1000 }", least: 2),
            Hostile(
                name: "frozen", body: "raise(SIGSTOP);", end: .timeout,
                settings: "timeout_ms: 500, restart: { same_cause_failures: 1000, any_cause_failures: 1000 }", least: 2),
            Hostile(
                name: "channel",
                body: """
                    static char garbage[4096];
                    memset(garbage, 'x', sizeof garbage);
                    for (int i = 63; i < 4096; i += 64) garbage[i] = '\\n';
                    while (!schedhost_stop_requested(scheduler)) { (void)!write(3, garbage, sizeof garbage); }
                    """, end: .error),
        ]

        var source: String {
            Source.plugin(
                id, waitMs: 20,
                more: """
                    #include <signal.h>
                    #include <stdatomic.h>
                    #include <string.h>
                    #include <sys/mman.h>
                    """, body: body)
        }
    }

    /// A neighbour at 10 ms misses a cycle only if a thread of another process, which has nothing to do with the host,
    /// could not have run either.
    @Test(.timeLimit(.minutes(1)))
    func `in a storm of hostile plugins the neighbour is punctual, each session has a record, and the host can stop`()
        async throws
    {
        let scratch = try Scratch()
        for hostile in Hostile.all {
            try await Fixtures.build(hostile.id, c: hostile.source)
            try scratch.add(hostile.id)
            try scratch.write("{ \(hostile.settings) }", to: hostile.id + ".json5")
        }
        try await Fixtures.build("healthy")
        try scratch.add("healthy")
        try scratch.write("{ wait_ms: 10 }", to: "healthy.json5")
        let canary = try Canary()
        let host = try Host("--grace", "1s", in: scratch)
        try await host.line("INFO", "healthy", "1 routine")
        var seen: Set<UInt64> = []
        func isDone(_ hostile: Hostile) throws -> Bool {
            try hostile.end == .stopped
                || host.records.count { $0.plugin == hostile.id && $0.reason.end == hostile.end } >= hostile.least
        }
        try await eventually("the worst of each\n\(host.log.suffix(4000))", within: .seconds(30)) {
            for slot in LedgerView.all(in: scratch) where slot.session != 0 { seen.insert(slot.session) }
            return try Hostile.all.allSatisfy(isDone)
        }
        let status = try await Program.run("status", "--state", scratch.state, in: scratch)
        #expect(status.end == .exited(0), "\(status.errors)")
        let time = try await host.end(by: Signals.terminate)
        #expect(time < .seconds(8))

        let records = try host.records
        #expect(Set(records.map(\.session)).count == records.count, "a session has two records")
        #expect(seen.isSubset(of: records.map(\.session.rawValue)), "a session has no record")
        let healthy = records.filter { $0.plugin == "healthy" }
        let neighbour = try #require(healthy.first)
        #expect(healthy.count == 1 && neighbour.reason.end == .stopped)
        let excuse = canary.late(over: 10)
        let story = "missed \(neighbour.missed) of \(neighbour.cycles), excused \(excuse), noise \(canary.longestMs) ms"
        print("storm: \(story)")
        #expect(neighbour.missed <= excuse, "\(story)")
        #expect(neighbour.cycles + neighbour.missed >= UInt64(clamping: neighbour.durationMs) * 95 / 1000)
        #expect(Processes.using(scratch.path).isEmpty)

        // Nothing is left for the next host to record.
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.plugins) {
            try FileManager.default.removeItem(atPath: scratch.plugins + "/" + name)
        }
        let next = try Host("--exit-when-idle", in: scratch)
        #expect(try await next.ended() == .exited(0), "\(next.log)")
        #expect(try next.records.count == records.count)
    }
}
