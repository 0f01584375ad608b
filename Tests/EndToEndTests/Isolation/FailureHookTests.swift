import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// A plugin with so many routines, each of which fails in its first cycle and is not started again.
    private static func failing(_ id: String, routines count: Int) -> String {
        let routines = (0..<count).map { number in
            """
            static const schedhost_routine r\(number) = {SCHEDHOST_SIZED(schedhost_routine), .name = "r\(number)",
                .wait_ms = 60000, .run = run, .on_error = hook};
            """
        }
        return """
            #include <schedhost/plugin.h>
            static int32_t run(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                return schedhost_fail(scheduler, 7, "fails");
            }
            static void hook(const schedhost_scheduler *scheduler, const schedhost_error *error,
                             schedhost_decision *decision, void *user) {
                (void)scheduler, (void)error, (void)user;
                decision->decision = SCHEDHOST_DECIDE_STOP;
            }
            \(routines.joined(separator: "\n"))
            static const schedhost_routine *const routines[] = {
                \((0..<count).map { "&r\($0)" }.joined(separator: ", ")), NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "\(id)", .version = "1.0.0", .routines = routines};
            SCHEDHOST_PLUGIN(&plugin)
            """
    }

    /// A command whose end somebody keeps for himself: a tracer outside of its process group. ptrace(2)
    private static let keptCommand = """
        #define _GNU_SOURCE
        #include <sys/prctl.h>
        #include <sys/ptrace.h>
        #include <unistd.h>
        int main(void) {
            pid_t traced = getpid();
            int go[2];
            char word;
            if (pipe(go) != 0) return 1;
            pid_t tracer = fork();
            if (tracer == 0) {
                setsid();
                if (read(go[0], &word, 1) == 1) ptrace(PTRACE_SEIZE, traced, NULL, NULL);
                sleep(60);
                return 0;
            }
            prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
            if (write(go[1], "!", 1) != 1) return 1;
            for (;;) pause();
        }
        """

    @Test func `a command that is killed and does not end holds up no host`() async throws {
        try await Fixtures.build("fails1", c: Self.failing("fails1", routines: 1))
        let scratch = try Scratch()
        try scratch.add("fails1")
        try Data(Self.keptCommand.utf8).write(to: URL(filePath: scratch.path + "/kept.c"))
        _ = try await Command.shell("cc -o '\(scratch.path)/kept' '\(scratch.path)/kept.c'", in: scratch)
        try scratch.write(
            "{ on_failure: { command: [\"\(scratch.path)/kept\"], timeout_ms: 500 } }", to: "fails1.json5")
        let host = try Host(in: scratch)
        try await host.line("fails1/r0", "killed, and does not end", within: .seconds(20))
        #expect(try await host.end(by: Signals.terminate) < .seconds(8), "\(host.log)")
        for process in Processes.using(scratch.path) { Processes.kill(process, Signals.kill) }
    }

    @Test func `of 80 failures at once, 4 commands run, 64 wait, and 12 are dropped with a word`() async throws {
        try await Fixtures.build("fails80", c: Self.failing("fails80", routines: 80))
        let scratch = try Scratch()
        try scratch.add("fails80")
        // Each says that it began, and stays until it may go.
        let command =
            "echo + >> '\(scratch.path)/calls'; while [ ! -e '\(scratch.path)/go' ]; do sleep 0.02; done; "
            + "echo - >> '\(scratch.path)/calls'"
        try scratch.write(
            "{ on_failure: { command: [\"/bin/sh\", \"-c\", \"\(command)\"], timeout_ms: 60000 } }",
            to: "fails80.json5")
        let host = try Host(in: scratch)
        try await eventually("80 records\n\(host.log)") { try host.records.count == 80 }
        try await eventually("four calls\n\(host.log)") { scratch.text("calls") == "+\n+\n+\n+\n" }
        let dropped = host.lines("on_failure: too many commands wait: this one is not run")
        #expect(dropped.count == 12)
        #expect(Set(dropped.compactMap { $0.split(separator: " ").first { $0.hasPrefix("fails80/r") } }).count == 12)
        #expect(scratch.text("calls") == "+\n+\n+\n+\n", "no fifth while four run")

        try Data().write(to: URL(filePath: scratch.path + "/go"))
        func calls() -> [Substring] { scratch.text("calls").split(separator: "\n") }
        try await eventually("the end of 68 calls\n\(host.log)") { calls().count { $0 == "-" } == 68 }
        #expect(calls().count { $0 == "+" } == 68)
        var running = 0
        for call in calls() {
            running += call == "+" ? 1 : -1
            #expect(running <= 4)
        }
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `slow commands are ended in time, and those that wait have their turn`() async throws {
        try await Fixtures.build("fails10", c: Self.failing("fails10", routines: 10))
        let scratch = try Scratch()
        try scratch.add("fails10")
        try scratch.write(
            """
            { on_failure: { command: ["/bin/sh", "-c", "echo + >> '\(scratch.path)/calls'; trap '' TERM; sleep 60"],
              timeout_ms: 300 } }
            """, to: "fails10.json5")
        let start = ContinuousClock.now
        let host = try Host(in: scratch)
        try await eventually("ten ends\n\(host.log)") {
            host.lines("on_failure:", "killed: it took longer than it may").count == 10
        }
        // Three turns of 300 ms.
        #expect(ContinuousClock.now - start > .milliseconds(900))
        #expect(scratch.text("calls").split(separator: "\n").count == 10)
        #expect(host.workers.isEmpty, "one is left")
        _ = try await host.end(by: Signals.terminate)
    }

    @Test func `the host's end does not wait for slow commands`() async throws {
        try await Fixtures.build("fails10", c: Self.failing("fails10", routines: 10))
        let scratch = try Scratch()
        try scratch.add("fails10")
        try scratch.write(
            """
            { on_failure: { command: ["/bin/sh", "-c", "echo + >> '\(scratch.path)/calls'; sleep 600"],
              timeout_ms: 600000 } }
            """, to: "fails10.json5")
        let host = try Host(in: scratch)
        try await eventually("ten records and four calls\n\(host.log)") {
            try host.records.count == 10 && scratch.text("calls").split(separator: "\n").count == 4
        }
        let canary = try Canary()
        let time = try await host.end(by: Signals.terminate)
        #expect(time < .milliseconds(4500 + Int(canary.longestMs)), "it has 2 s for them, then they are killed")
    }

    @Test(arguments: ["plain", "of a session of its own"])
    func `what a command leaves in the background goes on, also when a worker dies`(_ way: String) async throws {
        try await Fixtures.build("hookbackground", c: Self.failing("hookbackground", routines: 1))
        try await Fixtures.build("faulty")
        let scratch = try Scratch()
        try scratch.add("hookbackground")
        let start = way == "plain" ? "" : "setsid "
        let script = """
            echo started >> '\(scratch.path)/started'
            \(start)sh -c "while [ ! -e '\(scratch.path)/go' ]; do sleep 0.02; done; echo sent >> '\(scratch.path)/sent'" \
                > /dev/null 2>&1 < /dev/null &
            """
        try Data(script.utf8).write(to: URL(filePath: scratch.path + "/hook"))
        try scratch.write(
            "{ on_failure: { command: [\"/bin/sh\", \"\(scratch.path)/hook\"] } }", to: "hookbackground.json5")
        let host = try Host(in: scratch)
        try await eventually("the command has run\n\(host.log)") { scratch.text("started") == "started\n" }
        // A worker that dies has its orphans removed: what the command left is none of them.
        try scratch.write("{ params: { misdeed: \"segv\" } }", to: "faulty.json5")
        try scratch.add("faulty")
        try await eventually("a crash\n\(host.log)") { try host.records.contains { $0.reason.end == .crash } }
        try await eventually("a second one\n\(host.log)") {
            try host.records.count { $0.reason.end == .crash } > 1
        }
        #expect(scratch.text("sent").isEmpty)
        try Data().write(to: URL(filePath: scratch.path + "/go"))
        try await eventually("what was left in the background has gone on\n\(host.log)") {
            scratch.text("sent") == "sent\n"
        }
        _ = try await host.end(by: Signals.interrupt)
    }
}
