import FoundationEssentials
import HostCommandLine
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// What a command needs before it to run as a user without rights; nil when that cannot be had, which is said.
    static func withoutRights(_ program: String, in scratch: Scratch) async throws -> [String]? {
        guard HostProcess.user == 0 else { return [] }
        let words = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        guard FileManager.default.isExecutableFile(atPath: words[0]) else {
            print("skipped: there is no setpriv(1), and root is not bound by RLIMIT_NPROC")
            return nil
        }
        let trial = try Command(words + [program, "version"], in: scratch)
        guard try await trial.ended() == .exited(0) else {
            print("skipped: \(program) cannot be run by another user: \(trial.errors)")
            return nil
        }
        return words
    }

    @Test func `a fork bomb of a user without rights is bounded without a control group too`() async throws {
        try await Fixtures.build("healthy", "faulty")
        let scratch = try Scratch()
        let program = try Program.path
        guard let prefix = try await Self.withoutRights(program, in: scratch) else { return }
        try scratch.add("healthy")
        try scratch.add("faulty")
        try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
        try scratch.write(
            "{ limits: { processes: 20 }, params: { misdeed: \"fork-bomb\", bound: 500, once: true } }",
            to: "faulty.json5")
        if !prefix.isEmpty { _ = try await Command.shell("chown -R 65534:65534 '\(scratch.path)'", in: scratch) }
        let canary = try Canary()
        let host = try Command(
            prefix + [program, "--plugins", scratch.plugins, "--state", scratch.state], in: scratch)
        try await eventually("cycles after the bomb\n\(host.errors)") {
            LedgerView.all(in: scratch).filter { $0.cycle > 20 }.count == 2
        }
        let worker = try #require(
            Processes.children(of: host.pid).first { Scratch.text("/proc/\($0)/cmdline").contains("faulty.so") })
        if !prefix.isEmpty {
            #expect(!Scratch.text("/proc/\(worker)/cgroup").contains("schedhost-"), "it has a control group")
        }
        let count = Processes.using(scratch.path).count
        // The host, both workers, and 20; a few more when others left since the limit was counted.
        #expect(count > 10 && count <= 30, "\(count) processes")
        host.signal(Signals.terminate)
        #expect(try await host.ended() == .exited(0), "\(host.errors)")
        #expect(Processes.using(scratch.path).isEmpty, "an orphan")
        let trace = Trace.read(scratch)
        #expect(Trace.longestGapMs(trace) < 50 + canary.longestMs, "the neighbour was disturbed")
        #expect(try Records.read(scratch).map(\.reason.end) == [.stopped, .stopped])
    }
}
