import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// Forks a child in each cycle, which it awaits in the next one; and, if asked, leaves an orphan that dies. Fails in
    /// cycle 24.
    private static func forking(_ id: String, leavesOrphans: Bool) -> String {
        Source.plugin(
            id, waitMs: 2,
            more: """
                #include <sys/wait.h>
                static pid_t mine;
                static void orphan(void) {
                    pid_t child = fork();
                    if (child == 0) {
                        if (fork() == 0) _exit(0);
                        _exit(0);
                    }
                    (void)waitpid(child, NULL, 0);
                }
                """,
            body: """
                if (mine > 0 && waitpid(mine, NULL, 0) != mine) return schedhost_fail(scheduler, 2, "lost its child");
                mine = 0;
                if (\(leavesOrphans ? 1 : 0)) orphan();
                if (schedhost_cycle(scheduler) == 24) return schedhost_fail(scheduler, 1, "on purpose");
                mine = fork();
                if (mine == 0) _exit(0);
                """)
    }

    @Test(arguments: [true, false]) func `the dead that a plugin leaves do not pile up`(leavesOrphans: Bool)
        async throws
    {
        let id = leavesOrphans ? "orphans" : "children"
        try await Fixtures.build(id, c: Self.forking(id, leavesOrphans: leavesOrphans))
        let scratch = try Scratch()
        try scratch.add(id)
        try scratch.write(
            "{ restart: { first_delay_ms: 0, max_delay_ms: 0, same_cause_failures: 0, any_cause_failures: 0 } }",
            to: "schedhost.json5")
        let host = try Host(in: scratch)
        try await eventually("four failures\n\(host.log)") { try host.records.count >= 4 }
        _ = try await host.end(by: Signals.terminate)
        let records = try host.records.prefix(4)
        #expect(records.allSatisfy { $0.reason.text.contains("on purpose") }, "\(host.log)")
        #expect(records.allSatisfy { $0.cycles == 24 })
        // A crowded worker is replaced; one whose plugin waits for its children stays.
        #expect(Set(records.map(\.pid)).count == (leavesOrphans ? 4 : 1))
        #expect(Processes.using(scratch.path).isEmpty)
    }

    /// Leaves children of every kind in its third cycle, the first of them in its load; each writes its id into a file.
    private static let leaver = Source.plugin(
        "leaves-children", waitMs: 50,
        more: """
            #include <stdlib.h>
            #include <string.h>
            #include <sys/prctl.h>
            static void stay(const char *kind) {
                char path[4096];
                snprintf(path, sizeof path, "%s/left", getenv("HOME"));
                FILE *out = fopen(path, "a");
                fprintf(out, "%s %d\\n", kind, (int)getpid());
                fclose(out);
                alarm(100);
                for (;;) pause();
            }
            __attribute__((constructor)) static void early(void) { if (fork() == 0) stay("constructor"); }
            """,
        body: """
            if (schedhost_cycle(scheduler) != 3) return SCHEDHOST_OK;
            if (fork() == 0) stay("group");
            if (fork() == 0) { setsid(); stay("session"); }
            if (fork() == 0) { setsid(); if (fork() == 0) stay("daemon"); _exit(0); }
            if (fork() == 0) { prctl(PR_SET_PDEATHSIG, 0); signal(SIGTERM, SIG_IGN); signal(SIGHUP, SIG_IGN); stay("deaf"); }
            if (fork() == 0) execl("/bin/sh", "sh", "-c", "echo program $$ >> \\"$HOME/left\\"; exec sleep 100", NULL);
            """
    ).replacing("#include <stdio.h>", with: "#include <signal.h>\n#include <stdio.h>")

    @Test func `what the workers of a killed host have left is ended by the next one, and nothing else`() async throws {
        try await Fixtures.build("leaves-children", c: Self.leaver)
        try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
        let scratch = try Scratch()
        let other = try Scratch()
        try scratch.add("leaves-children")
        try other.add("sleeper")
        // Another host's worker, and a process that only looks like one.
        let neighbour = try Host(in: other)
        let worker = try await neighbour.worker(of: "sleeper.so")
        let stranger = try Command(
            ["/bin/sleep", "100"], in: scratch, environment: [HostMark.variable: "\(neighbour.pid)-x"])
        let host = try Host(in: scratch, environment: ["HOME": scratch.state + "/data/leaves-children"])
        func left(_ kinds: Set<String>) -> [Int32] {
            scratch.text("state/data/leaves-children/left").split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                return words.count == 2 && kinds.contains(String(words[0])) ? Int32(words[1]) : nil
            }
        }
        // Those of the worker's process group go with it; the others need the next host.
        let group: Set = ["constructor", "group", "deaf", "program"]
        let apart: Set = ["session", "daemon"]
        try await eventually("all children\n\(host.log)") {
            left(group).count >= group.count && left(apart).count == apart.count
        }
        host.command.signal(Signals.kill)
        _ = try await host.ended()
        try await eventually("the end of the worker's group") { !left(group).contains { Processes.isAlive($0) } }
        #expect(left(apart).allSatisfy { Processes.isAlive($0) })
        try FileManager.default.removeItem(atPath: scratch.plugins + "/leaves-children.so")
        let next = try Host(in: scratch)
        try await next.line("ended 2 processes", "that workers of a host before this one had left behind")
        #expect(!left(apart).contains { Processes.isAlive($0) }, "\(scratch.text("left"))")
        #expect(Processes.isAlive(worker) && Processes.isAlive(stranger.pid))
        _ = try await next.end(by: Signals.terminate)
        // One that ended in order has left nothing to look for.
        #expect(scratch.text("state/marks").isEmpty)
        stranger.signal(Signals.kill)
        _ = try await neighbour.end(by: Signals.terminate)
    }

    /// Leaves processes that fork without end, each in a session of its own, up to 20 000 in all, and dies.
    private static func bomb(_ id: String) -> String {
        Source.plugin(
            id, waitMs: 50,
            more: """
                #include <stdatomic.h>
                #include <stdlib.h>
                #include <sys/mman.h>
                #include <sys/prctl.h>
                """,
            body: """
                if (schedhost_cycle(scheduler) != 3) return SCHEDHOST_OK;
                atomic_int *born = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                for (int i = 0; i < 8; i++) {
                    if (fork() != 0) continue;
                    prctl(PR_SET_NAME, "forkingorphan");
                    alarm(100);
                    setsid();
                    for (;;) {
                        if (atomic_load(born) > 20000) pause();
                        if (atomic_fetch_add(born, 1) % 100 == 99) usleep(1000);
                        if (fork() == 0) { alarm(100); setsid(); }
                    }
                }
                usleep(50000);
                abort();
                """)
    }

    @Test func `orphans that fork without end are ended, and the host answers meanwhile and can stop`() async throws {
        try await Fixtures.build("forking-orphans", c: Self.bomb("forking-orphans"))
        let scratch = try Scratch()
        try scratch.add("forking-orphans")
        try scratch.write(
            "{ limits: { processes: 60 }, restart: { same_cause_failures: 1 } }", to: "forking-orphans.json5")
        let host = try Host(in: scratch)
        func orphans() -> Int {
            ProcessFamily.all().count { Scratch.text("/proc/\($0)/comm") == "forkingorphan\n" && Processes.isAlive($0) }
        }
        try await eventually("its death\n\(host.log)") { try host.records.count == 1 }
        let start = ContinuousClock.now
        let answer = try await Program.run("status", "--state", scratch.state, in: scratch)
        #expect(answer.end == .exited(0) && ContinuousClock.now - start < .seconds(2))
        try await eventually("the end of all orphans", within: .seconds(5)) { orphans() == 0 }
        let time = try await host.end(by: Signals.terminate)
        #expect(time < .seconds(5))
        #expect(orphans() == 0)
    }
}
