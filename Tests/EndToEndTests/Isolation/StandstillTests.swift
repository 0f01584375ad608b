import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import HostViews
import Testing

extension EndToEnd.Isolation {
    /// A worker that does not go on in its third cycle, or after it.
    struct Standstill: Sendable, CustomTestStringConvertible {
        let name: String
        /// What it does in that cycle.
        let misdeed: String
        /// The kind of its record.
        let kind: SessionEnd
        /// What the record says.
        let text: String
        var settings = ""
        var timeoutMs = 1500
        var testDescription: String { name }

        /// With a name of their own for the compiler's files.
        var id: String { "still-\(name)" }

        static let all = [
            Standstill(
                name: "stopped", misdeed: "if (fork() == 0) { usleep(15000); kill(worker, SIGSTOP); _exit(0); }",
                kind: .timeout, text: "stood still"),
            Standstill(
                name: "traced",
                misdeed: """
                    if (fork() == 0) {
                        usleep(15000);
                        trace(worker);
                        for (;;) pause();
                    }
                    """, kind: .timeout, text: "stood still"),
            Standstill(
                name: "stopped-in-a-cycle", misdeed: "raise(SIGSTOP);", kind: .timeout, text: "over its time"),
            Standstill(
                name: "crash-without-end", misdeed: "make_pipe(); pthread_create(&thread, NULL, crash, NULL);",
                kind: .crash, text: "", timeoutMs: 600_000),
            Standstill(
                name: "crash-without-end-in-a-cycle", misdeed: "make_pipe(); crash(NULL);", kind: .crash, text: "",
                timeoutMs: 600_000),
            Standstill(
                name: "mute-by-wish", misdeed: "lose_channel(); schedhost_end_session(scheduler, \"bye\");",
                kind: .endedByRoutine, text: "died before"),
            Standstill(
                name: "mute-by-count", misdeed: "lose_channel();", kind: .maxCycles, text: "died before",
                settings: ", max_cycles: 4"),
            Standstill(
                name: "mute-by-error", misdeed: "lose_channel(); return schedhost_fail(scheduler, 5, \"bad\");",
                kind: .error, text: "died before", settings: ", on_error: \"stop\""),
        ]

        var source: String {
            Source.plugin(
                id, waitMs: 50,
                more: """
                    #include <pthread.h>
                    #include <signal.h>
                    #include <stdlib.h>
                    #include <string.h>
                    #include <sys/ptrace.h>
                    #include <sys/socket.h>
                    #include <sys/stat.h>
                    #include <dirent.h>
                    static pthread_t thread;
                    /* Each of its threads. */
                    static void trace(pid_t process) {
                        char path[64];
                        snprintf(path, sizeof path, "/proc/%d/task", (int)process);
                        DIR *tasks = opendir(path);
                        for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;)
                            if (atoi(task->d_name) > 0) ptrace(PTRACE_ATTACH, atoi(task->d_name), NULL, NULL);
                    }
                    static void *crash(void *x) { usleep(20000); raise(SIGSEGV); return x; }
                    /* A crash report that nobody reads is never written to its end. */
                    static void make_pipe(void) {
                        const char *settings = getenv("SWIFT_BACKTRACE");
                        const char *place = settings ? strstr(settings, "output-to=") : NULL;
                        char file[4096];
                        if (place && sscanf(place + 10, "%4000[^,]", file) == 1) mkfifo(file, 0600);
                    }
                    /* Somebody else has it too, so that it does not close. */
                    static void lose_channel(void) {
                        int pair[2];
                        if (fork() == 0) { alarm(60); for (;;) pause(); }
                        socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
                        dup2(pair[0], 3);
                    }
                    """,
                body: """
                    pid_t worker = getpid();
                    (void)worker, (void)thread, (void)trace, (void)crash, (void)make_pipe, (void)lose_channel;
                    if (schedhost_cycle(scheduler) == 3) { \(misdeed) }
                    """)
        }
    }

    @Test func `whatever holds a worker up, its session has one record in bounded time, and the host can stop`()
        async throws
    {
        let scratch = try Scratch()
        // A sandbox lets no plugin trace anybody, nor put a pipe in the place of its report.
        try scratch.write("{ sandbox: \"off\" }", to: "schedhost.json5")
        for still in Standstill.all {
            try await Fixtures.build(still.id, c: still.source)
            try scratch.add(still.id)
            try scratch.write(
                "{ timeout_ms: \(still.timeoutMs), restart: { same_cause_failures: 1 } \(still.settings) }",
                to: still.id + ".json5")
        }
        let host = try Host("--grace", "1s", in: scratch)
        let all = Set(Standstill.all.map(\.id))
        var missing = all
        try await eventually("a record of each: \(missing)\n\(host.log)", within: .seconds(30)) {
            missing = try all.subtracting(host.records.map(\.plugin))
            return missing.isEmpty
        }
        let time = try await host.end(by: Signals.terminate)
        #expect(time < .seconds(15))
        let records = try host.records
        #expect(Set(records.map(\.session)).count == records.count)
        for still in Standstill.all {
            let record = try #require(records.first { $0.plugin == still.id })
            #expect(record.reason.end == still.kind, "\(still.name): \(RecordTable.reason(record.reason))")
            #expect(record.reason.text.contains(still.text), "\(still.name): \(record.reason.text)")
            #expect(record.durationMs < 20_000, "\(still.name)")
        }
        #expect(Processes.using(scratch.path).isEmpty)
    }

    @Test func `a child of a plugin that crashes is none of its worker's deaths`() async throws {
        try await Fixtures.build(
            "crashing-child",
            c: Source.plugin(
                "crashing-child", waitMs: 50, more: "#include <signal.h>\n#include <sys/wait.h>",
                body: """
                    int status = 0;
                    pid_t child = fork();
                    if (child == 0) { raise(SIGSEGV); _exit(0); }
                    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
                        return schedhost_fail(scheduler, 1, "status %d", status);
                    """))
        let scratch = try Scratch()
        try scratch.add("crashing-child")
        let host = try Host("--max-cycles", "5", "--exit-when-idle", in: scratch)
        #expect(try await host.ended() == .exited(0), "\(host.log)")
        let records = try host.records
        #expect(records.map(\.reason.end) == [.maxCycles] && records.map(\.cycles) == [5])
        #expect(records.first?.report == nil && records.first?.failures == 0, "\(host.log)")
    }

    @Test func `when memory runs out, workers and what they start go before the host`() async throws {
        try await Fixtures.build(
            "memory-order",
            c: Source.plugin(
                "memory-order", waitMs: 60_000,
                body: "if (fork() == 0) { alarm(60); for (;;) pause(); }"))
        let scratch = try Scratch()
        try scratch.add("memory-order")
        let host = try Host(in: scratch)
        func score(_ pid: Int32) -> Int? {
            Int(Scratch.text("/proc/\(pid)/oom_score_adj").trimmingPrefix(" ").prefix { $0 != "\n" })
        }
        let worker = try await host.worker(of: "memory-order.so")
        let child = try await eventually("the child") { Processes.children(of: worker).first }
        let own = try #require(score(host.pid))
        #expect(try #require(score(worker)) == min(1000, own + 500))
        #expect(try #require(score(child)) == min(1000, own + 500))
        _ = try await host.end(by: Signals.terminate)
    }

    /// What a plugin may put in the place of its crash report before it dies.
    private static let reports = [
        "long": """
        FILE *out = fopen(file, "w");
        fputs("{\\"description\\":\\"d\\",\\"threads\\":[", out);
        for (int i = 0; i < 5000000; i++) fputs("{},", out);
        fputs("{}]}", out);
        fclose(out);
        """,
        "endless": """
        if (fork() == 0) {
            FILE *out = fopen(file, "w");
            alarm(20);
            for (;;) fputs("[[[[[[[[[[[[[[[[[[[[[[[[", out);
        }
        usleep(50000);
        """,
        "pipe": "mkfifo(file, 0600);",
        "folder": "mkdir(file, 0700);",
        "zeros": "symlink(\"/dev/zero\", file);",
    ]

    @Test func `a crash report that is long, endless or none does not keep the host from answering`() async throws {
        let scratch = try Scratch()
        for (name, report) in Self.reports {
            try await Fixtures.build(
                "report-\(name)",
                c: Source.plugin(
                    "report-\(name)", waitMs: 50,
                    more: "#include <stdlib.h>\n#include <string.h>\n#include <sys/stat.h>",
                    body: """
                        char file[4096];
                        const char *settings = getenv("SWIFT_BACKTRACE");
                        const char *place = settings ? strstr(settings, "output-to=") : NULL;
                        if (schedhost_cycle(scheduler) < 3) return SCHEDHOST_OK;
                        if (place && sscanf(place + 10, "%4000[^,]", file) == 1) { \(report) }
                        _exit(3);
                        """))
            try scratch.add("report-\(name)")
        }
        try scratch.write("{ restart: { same_cause_failures: 1 } }", to: "schedhost.json5")
        let host = try Host(in: scratch)
        var slowest = Duration.zero
        let deadline = ContinuousClock.now + .seconds(20)
        repeat {
            let start = ContinuousClock.now
            let answer = try await Program.run("status", "--state", scratch.state, in: scratch)
            if answer.end == .exited(0) { slowest = max(slowest, ContinuousClock.now - start) }
        } while try host.records.count < Self.reports.count && ContinuousClock.now < deadline
        #expect(slowest < .seconds(1), "an answer took \(slowest)")
        _ = try await host.end(by: Signals.terminate)
        let records = try host.records
        #expect(records.map(\.reason.end) == Array(repeating: SessionEnd?.some(.exit), count: Self.reports.count))
        #expect(Set(records.map(\.plugin)).count == Self.reports.count && records.allSatisfy { $0.report == nil })
        #expect(Processes.using(scratch.path).isEmpty)
    }
}
