import FoundationEssentials
import HostPolicy
import HostSystem
import Testing

extension EndToEnd.Isolation {
    /// Two routines that say how many files they may open.
    private static let files: String = {
        let second = """
            #include <sys/resource.h>
            static int32_t count(const schedhost_scheduler *scheduler, void *user) {
                struct rlimit limit;
                (void)user;
                (void)getrlimit(RLIMIT_NOFILE, &limit);
                schedhost_info(scheduler, "may open %d", (int)limit.rlim_cur);
                return SCHEDHOST_OK;
            }
            """
        return Source.plugin("files", waitMs: 60_000, more: second, body: "return count(scheduler, user);")
            .replacing(
                "static const schedhost_routine *const routines[] = {&routine, NULL};",
                with: """
                    static const schedhost_routine other = {
                        SCHEDHOST_SIZED(schedhost_routine), .name = "other", .wait_ms = 60000, .run = count};
                    static const schedhost_routine *const routines[] = {&routine, &other, NULL};
                    """)
    }()

    private static let own =
        "limits: { open_files: 100 }, routines: { other: { limits: { open_files: 50 } } }"

    @Test func `limits of one routine hold with a worker for each`() async throws {
        try await Fixtures.build("files", c: Self.files)
        let scratch = try Scratch()
        try scratch.add("files")
        try scratch.write("{ isolation: \"routine\", \(Self.own) }", to: "files.json5")
        let host = try Host(in: scratch)
        try await host.line("files/run", "may open 100")
        try await host.line("files/other", "may open 50")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test(arguments: ["plugin", "shared"]) func `limits of one routine are refused where it has no worker of its own`(
        isolation: String
    ) async throws {
        try await Fixtures.build("files", c: Self.files)
        let scratch = try Scratch()
        try scratch.add("files")
        try scratch.write("{ isolation: \"routine\",\n \(Self.own) }", to: "files.json5")
        let host = try Host("--isolation", isolation, in: scratch)
        try await host.line(
            "files.json5:2:", "routines.other.limits.open_files: is a worker's",
            "with isolation \"\(isolation)\" routines share one", "set isolation: \"routine\"")
        // Mended, it runs.
        try scratch.write("{ limits: { open_files: 100 } }", to: "files.json5")
        try await host.line("files/other", "may open")
        _ = try await host.end(by: Signals.terminate)
    }
    @Test func `a plugin in a shared worker is told that its limits do not hold`() async throws {
        try await Fixtures.build("files", c: Self.files)
        let scratch = try Scratch()
        try scratch.add("files")
        try scratch.write("{ limits: { open_files: 100 } }", to: "files.json5")
        try scratch.write("{ isolation: \"shared\", limits: { open_files: 200 } }", to: "schedhost.json5")
        let host = try Host(in: scratch)
        try await host.line("files", "its limits do not hold: a shared worker has those of schedhost.json5")
        try await host.line("files/run", "may open 200")
        _ = try await host.end(by: Signals.terminate)
    }
    /// Tells its limits in its constructor.
    private static func early(_ id: String) -> String {
        Source.plugin(
            id, waitMs: 60_000,
            more: """
                #include <sys/resource.h>
                __attribute__((constructor)) static void tell(void) {
                    struct rlimit files, data;
                    (void)getrlimit(RLIMIT_NOFILE, &files);
                    (void)getrlimit(RLIMIT_DATA, &data);
                    fprintf(stderr, "constructed with %d files, %d MB, nice %d\\n", (int)files.rlim_cur,
                            (int)(data.rlim_cur >> 20), getpriority(PRIO_PROCESS, 0));
                }
                """, body: "schedhost_info(scheduler, \"runs\");")
    }

    @Test(arguments: ["early-bird.so", "libearly-bird.so", "libEarlyBird.so"], [true, false])
    func `the first look has the plugin's limits`(file: String, isInHostFile: Bool) async throws {
        try await Fixtures.build("early-bird", c: Self.early("early-bird"))
        let scratch = try Scratch()
        try scratch.add("early-bird", as: file)
        let limits = "limits: { open_files: 77, memory_mb: 100, cpu_percent: 50 }"
        if isInHostFile {
            try scratch.write("{ plugins: { \"early-bird\": { \(limits) } } }", to: "schedhost.json5")
        } else {
            try scratch.write("{ \(limits) }", to: "early-bird.json5")
        }
        let host = try Host(in: scratch)
        try await host.line("early-bird/run", "runs")
        #expect(host.lines("constructed with").count == 1, "one worker is enough\n\(host.log)")
        // With a control group the share is a bound, and the worker is as nice as the host.
        #expect(host.lines("constructed with 77 files, 100 MB, nice ").count == 1, "\(host.log)")
        #expect(
            host.lines("100 MB, nice 10").count == (host.lines("limits.cpu_percent is a share").isEmpty ? 0 : 1),
            "\(host.log)")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `a file of another name is looked at with the host's limits, and runs with its own`() async throws {
        try await Fixtures.build("early-bird", c: Self.early("early-bird"))
        let scratch = try Scratch()
        try scratch.add("early-bird", as: "owl.so")
        try scratch.write("{ limits: { open_files: 66, memory_mb: 200, cpu_percent: 100 } }", to: "schedhost.json5")
        try scratch.write("{ limits: { open_files: 77 } }", to: "early-bird.json5")
        let host = try Host(in: scratch)
        try await host.line("early-bird/run", "runs")
        try await host.line("constructed with 66 files, 200 MB, nice 0")
        try await host.line("constructed with 77 files, 200 MB, nice 0")
        _ = try await host.end(by: Signals.terminate)
    }
}
