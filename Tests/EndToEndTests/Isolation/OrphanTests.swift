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
}
