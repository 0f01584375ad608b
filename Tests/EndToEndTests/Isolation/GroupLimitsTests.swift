import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import HostWire
import Testing

extension EndToEnd.Isolation {
    /// Whether a host of this user can create control groups with a controller here; says so where it cannot.
    private static func hasGroups(_ controller: GroupPlaces.Controller) -> Bool {
        let places = GroupPlaces(
            membership: Scratch.text("/proc/self/cgroup"), mounts: Scratch.text("/proc/self/mountinfo"))
        let name = controller == .cpu ? ["cpu.cfs_quota_us", "cpu.max"] : ["memory.limit_in_bytes", "memory.max"]
        if let folder = places.places[controller]?.folder {
            let trial = folder + "/schedhost-test-\(HostProcess.pid)"
            try? FileManager.default.createDirectory(atPath: trial, withIntermediateDirectories: false)
            defer { rmdirectory(trial) }
            if name.contains(where: { FileManager.default.isWritableFile(atPath: trial + "/" + $0) }) { return true }
        }
        print("skipped: no control group with the controller \(controller) can be created here")
        return false
    }

    private static func rmdirectory(_ path: String) { _ = SystemGroupFiles().remove(path) }

    @Test func `shared memory counts for the limit, and the record of who exceeds it names it`() async throws {
        guard Self.hasGroups(.memory) else { return }
        // Shared memory is no data of the process: RLIMIT_DATA lets it pass.
        let body = """
            size_t size = 200u << 20;
            char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED) return schedhost_fail(scheduler, 1, "no address space");
            for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
            schedhost_info(scheduler, "it has all of it");
            """
        try await Fixtures.build(
            "shared-hog", c: Source.plugin("shared-hog", waitMs: 60_000, more: "#include <sys/mman.h>", body: body))
        let scratch = try Scratch()
        try scratch.add("shared-hog")
        try scratch.write("{ limits: { memory_mb: 64 } }", to: "shared-hog.json5")
        let host = try Host(in: scratch)
        try await eventually("a record\n\(host.log)") { try Records.read(scratch).contains { $0.reason.end == .crash } }
        _ = try await host.end(by: Signals.terminate)
        let reason = try #require(try Records.read(scratch).first { $0.reason.end == .crash }?.reason)
        #expect(reason.signal == "SIGKILL")
        #expect(reason.text == "the kernel killed it, because it needed more memory than limits.memory_mb: 64")
        #expect(host.lines("it has all of it").isEmpty)
    }

    @Test func `a share of the processor is a bound, also where nobody else wants it`() async throws {
        guard Self.hasGroups(.cpu) else { return }
        let body = """
            struct timespec now, began;
            (void)clock_gettime(CLOCK_MONOTONIC, &began);
            do (void)clock_gettime(CLOCK_MONOTONIC, &now);
            while (now.tv_sec - began.tv_sec < 3);
            (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
            schedhost_info(scheduler, "used %d ms", (int)(now.tv_sec * 1000 + now.tv_nsec / 1000000));
            """
        try await Fixtures.build(
            "spinner", c: Source.plugin("spinner", waitMs: 60_000, more: "#include <time.h>", body: body))
        let scratch = try Scratch()
        try scratch.add("spinner")
        try scratch.write("{ limits: { cpu_percent: 20, memory_mb: 100 } }", to: "spinner.json5")
        let host = try Host(in: scratch)
        try await host.line("spinner/run", "used ")
        let line = try #require(host.lines("used ").first)
        let used = try #require(Int(line.split(separator: " ").reversed()[1]))
        // 20 % of 3 to 4 s, and what the start took.
        #expect(used < 1200, "\(line)")
        let status = try await Program.run("status", "--json", "--state", scratch.state, in: scratch)
        #expect(status.output.contains("\"limit\":\"cpu_percent\",\"value\":20,\"by\":\"cpu."), "\(status.output)")
        #expect(
            host.lines("is a share where others").isEmpty,
            "it is told that the limit is no bound, and it is\n\(host.log)")
        let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
        #expect(list.output.contains("limits: memory 100 MB by memory."), "\(list.output)")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `where no control group can be had, it is told once what the limits do not do`() async throws {
        try await Fixtures.build("healthy")
        let scratch = try Scratch()
        let program = try Program.path
        guard let prefix = try await Self.withoutRights(program, in: scratch) else { return }
        try scratch.add("healthy")
        try scratch.write(
            "{ isolation: 'routine', limits: { cpu_percent: 50, memory_mb: 200 } }", to: "schedhost.json5")
        if !prefix.isEmpty { _ = try await Command.shell("chown -R 65534:65534 '\(scratch.path)'", in: scratch) }
        let host = try Command(
            prefix + [program, "--plugins", scratch.plugins, "--state", scratch.state], in: scratch)
        try await eventually("cycles\n\(host.errors)") { LedgerView.all(in: scratch).contains { $0.cycle > 3 } }
        let status = try await Program.run("status", "--json", "--state", scratch.state, in: scratch)
        host.signal(Signals.terminate)
        #expect(try await host.ended() == .exited(0), "\(host.errors)")
        if status.output.contains("\"by\":\"cpu.") { return print("skipped: everybody may create control groups here") }
        #expect(
            status.output.contains("\"limit\":\"cpu_percent\",\"value\":50,\"by\":\"nice only\""), "\(status.output)")
        #expect(host.errors.split(separator: "\n").filter { $0.contains("Delegate=cpu memory pids") }.count == 1)
    }
}
