import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import HostWire
import Testing

/// A worker whose supervisor is the test: it gets what a test wants it to get.
private final class BareWorker {
    let child: ChildProcess
    private let channel: Descriptor
    private let page: Descriptor
    private var lines = LineSplitter(limit: 1 << 20)
    private var events: [WorkerEvent] = []
    private var end: ProcessEnd?

    /// Starts a worker that is to have a sandbox, with these in the places of its policy and its ruleset.
    init(policy: borrowing Descriptor, ruleset: Ruleset, limits: WorkerLimits, variables: [String], in scratch: Scratch)
        throws
    {
        let sockets = try DescriptorPair.socket()
        let ledger = try Descriptor.memory("ledger")
        page = try CrashPage.make()
        let nothing = try Directory("/dev").openForReading("null")
        let errors = try Directory(scratch.path).openForAppending("errors")
        let descriptors: [(from: Int32, to: Int32)] = [
            (nothing.raw, 0), (errors.raw, 1), (errors.raw, 2), (sockets.second.raw, 3), (ledger.raw, 4), (page.raw, 5),
            (policy.raw, 6), (ruleset.descriptor.raw, 8),
        ]
        let words = ["schedhost", "worker", "0", "\(HostProcess.pid)"] + limits.arguments + ["rules", "early.so"]
        child = try ChildProcess(
            ChildProcess.Launch(
                executable: try Program.path, arguments: words, environment: variables + ["SWIFT_BACKTRACE=enable=no"],
                descriptors: descriptors))
        channel = sockets.first
    }

    deinit {
        if end != nil { return }
        child.signal(Signals.kill)
        while child.reap() == nil {}
    }

    /// Why it has ended itself.
    var words: String { CrashPage.read(page)?.words ?? "" }

    func send(_ commands: WorkerCommand...) throws {
        let bytes = commands.flatMap { $0.line() + [UInt8(ascii: "\n")] }
        #expect(try unsafe bytes.withUnsafeBytes { try unsafe channel.send($0, wait: true) } == bytes.count)
    }

    /// How it ends.
    func ended() async throws -> ProcessEnd {
        let how = try await eventually("its end") { child.reap() }
        end = how
        return how
    }

    /// The next event that it sends.
    func event() async throws -> WorkerEvent {
        try await eventually("an event; it says: \(words)") {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = (try? unsafe buffer.withUnsafeMutableBytes { try unsafe channel.receive(into: $0) }) ?? 0
            lines.take(buffer[..<count]) { line in
                if case .whole(let text) = line, let event = WorkerEvent(line: text) { events.append(event) }
            }
            return events.isEmpty ? nil : events.removeFirst()
        }
    }
}

/// What this machine's kernel enforces.
private enum Kernel {
    static let support = {
        let wanted = SandboxSupport.wanted
        return Sandbox.ask(.init(files: wanted.files, ports: wanted.ports, scopes: wanted.scopes))
    }()
    static var hasSandboxes: Bool { support.files != 0 && support.hasFilters }
}

/// A worker starts while its sandbox is made, and runs no code of a plugin before it has entered that.
extension EndToEnd {
    @Suite(.serialized, .enabled(if: Kernel.hasSandboxes)) struct ConfineCommands {
        private let scratch: Scratch
        private var mark: String { scratch.path + "/mark" }
        private var hasRun: Bool { FileManager.default.fileExists(atPath: mark) }

        /// A plugin whose constructor leaves a mark.
        init() async throws {
            let constructor = """
                #include <stdlib.h>
                __attribute__((constructor)) static void early(void) {
                    FILE *file = fopen(getenv("MARK"), "w");
                    if (file) fclose(file);
                }
                """
            try await Fixtures.build("early", c: Source.plugin("early", waitMs: 1000, more: constructor, body: ""))
            scratch = try Scratch()
            try scratch.add("early")
        }

        /// A worker that is to have a sandbox; its policy refuses nothing itself.
        private func worker(policy: borrowing Descriptor, ruleset: Ruleset, isConfined: Bool = true) throws
            -> BareWorker
        {
            var limits = WorkerLimits()
            limits.sandbox.level = isConfined ? .on : .off
            return try BareWorker(
                policy: policy, ruleset: ruleset, limits: limits, variables: ["MARK=" + mark], in: scratch)
        }

        private func policy() throws -> Descriptor {
            try Descriptor.sealedMemory("policy", SandboxPolicy.bytes(nil))
        }

        /// A ruleset that permits nothing, or everything.
        private func ruleset(isComplete: Bool) throws -> Ruleset {
            let ruleset = try Ruleset(files: Kernel.support.files, ports: 0, scopes: 0)
            if isComplete, let root = try Ruleset.Place("/") { try ruleset.allow(Kernel.support.files, at: root) }
            return ruleset
        }

        private var load: WorkerCommand {
            .load(
                .init(
                    plugin: 0, path: scratch.plugins + "/early.so", name: "early.so", parameters: "{}",
                    isForRunning: false, build: "x"))
        }

        @Test func `without the command a worker ends rather than to load`() async throws {
            let worker = try worker(policy: try policy(), ruleset: try ruleset(isComplete: true))
            try worker.send(.seal(LedgerKey(first: 1, second: 2)), .logLevel(0), load)
            #expect(try await worker.ended() == .exited(70))
            #expect(worker.words.contains("before its sandbox") && !hasRun, "\(worker.words)")
        }

        @Test func `with it a worker enters its sandbox, once, and loads`() async throws {
            let worker = try worker(policy: try policy(), ruleset: try ruleset(isComplete: true))
            try worker.send(.confine([]), load)
            guard case .described = try await worker.event() else { throw Unmet(description: "no description") }
            #expect(hasRun)
            try worker.send(.confine([]))
            #expect(try await worker.ended() == .exited(70))
        }

        @Test func `a ruleset without its rules lets a worker load nothing`() async throws {
            let worker = try worker(policy: try policy(), ruleset: try ruleset(isComplete: false))
            try worker.send(.confine([]), load)
            guard case .refused(_, .open, _) = try await worker.event() else { throw Unmet(description: "no refusal") }
            #expect(!hasRun)
        }

        @Test func `rules that are added after the process was started count, also those of the worker`() async throws {
            let late = try ruleset(isComplete: false)
            let first = try worker(policy: try policy(), ruleset: late)
            let root = try #require(try Ruleset.Place("/"))
            try late.allow(Kernel.support.files, at: root)
            try first.send(.confine([]), load)
            guard case .described = try await first.event() else { throw Unmet(description: "no description") }
            let second = try worker(policy: try policy(), ruleset: try ruleset(isComplete: false))
            let own = [OwnRule(path: "/", rights: Kernel.support.files), .init(path: "/none", rights: 4)]
            try second.send(.confine(own), load)
            guard case .described = try await second.event() else { throw Unmet(description: "no description") }
        }

        @Test func `a worker whose policy could have been changed ends`() async throws {
            let open = try Descriptor.memory("policy")
            try open.writeAll(SandboxPolicy.bytes(nil), subject: "policy")
            let worker = try worker(policy: open, ruleset: try ruleset(isComplete: true))
            try worker.send(.confine([]), load)
            #expect(try await worker.ended() == .exited(70))
            #expect(worker.words.contains("changed") && !hasRun, "\(worker.words)")
        }

        @Test func `a worker whose ruleset is none ends`() async throws {
            let worker = try worker(policy: try policy(), ruleset: Ruleset(inherited: try Descriptor.memory("rules")))
            try worker.send(.confine([]), load)
            #expect(try await worker.ended() == .exited(70))
            #expect(worker.words.contains("landlock") && !hasRun, "\(worker.words)")
        }

        @Test func `a worker that is to have no sandbox enters none`() async throws {
            let worker = try worker(policy: try policy(), ruleset: try ruleset(isComplete: true), isConfined: false)
            try worker.send(.confine([]))
            #expect(try await worker.ended() == .exited(70))
        }

        /// Keeps as many descriptors on their way as its user may have, and a few more whenever there is room.
        private static let hoarder = Source.plugin(
            "hoarder", waitMs: 3_600_000,
            more: """
                #include <errno.h>
                #include <pthread.h>
                #include <sys/resource.h>
                #include <sys/socket.h>
                static int one(int channel, int count) {
                    union { char bytes[CMSG_SPACE(253 * sizeof(int))]; struct cmsghdr head; } control = {0};
                    char byte = 0;
                    struct iovec part = {&byte, 1};
                    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                        .msg_controllen = CMSG_SPACE(count * sizeof(int))};
                    control.head.cmsg_level = SOL_SOCKET;
                    control.head.cmsg_type = SCM_RIGHTS;
                    control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
                    for (int i = 0; i < count; i++) ((int *)CMSG_DATA(&control.head))[i] = 0;
                    return sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
                }
                static void *hoard(void *channel) {
                    for (;;) {
                        for (int count = 253; count > 0; count = count == 253 ? 1 : 0)
                            while (one(*(int *)channel, count) == 0) {}
                        usleep(100);
                    }
                    return channel;
                }
                """,
            body: """
                static int pairs[8][2];
                int last = 0;
                for (int i = 0; i < 8 && last != ETOOMANYREFS; i++) {
                    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) != 0) return schedhost_fail(scheduler, 1, "no pair");
                    for (int count = 253; count > 0; count = count == 253 ? 1 : 0)
                        while ((last = one(pairs[i][0], count)) == 0) {}
                    pthread_t thread;
                    if (last == ETOOMANYREFS) pthread_create(&thread, NULL, hoard, &pairs[i][0]);
                }
                schedhost_warning(scheduler, "descriptors on their way: %s", strerror(last));
                """)

        /// Tells whether it can read a file of the host, as its user may.
        private static func neighbour(_ id: String) -> String {
            Source.plugin(
                id, waitMs: 3_600_000,
                more: """
                    #include <errno.h>
                    #include <fcntl.h>
                    """,
                body: """
                    int file = open(schedhost_param_string(scheduler, "file", ""), O_RDONLY);
                    schedhost_warning(scheduler, "the host's file: %s", file < 0 ? strerror(errno) : "read");
                    """)
        }

        @Test func `a plugin that uses up the descriptors on their way takes no sandbox off others`() async throws {
            // The superuser may have as many as it likes.
            guard HostProcess.user == 0 else { return }
            try await Fixtures.build("hoarder", c: Self.hoarder)
            let names = (0..<12).map { "beside-\($0)" }
            for name in names { try await Fixtures.build(name, c: Self.neighbour(name)) }
            try FileManager.default.removeItem(atPath: scratch.plugins + "/early.so")
            try scratch.add("hoarder")
            let line = """
                chown -R 12346:12346 . && ulimit -n 2048 && \
                exec setpriv --reuid 12346 --regid 12346 --clear-groups "$@"
                """
            let host = try Host(shell: line, in: scratch)
            try await host.line("hoarder", "descriptors on their way: Too many references")
            for name in names {
                try scratch.write("{ params: { file: \"\(scratch.state)/lock\" } }", to: name + ".json5")
                try scratch.add(name, as: name + ".adding")
                _ = try await Command.shell("chown 12346:12346 '\(scratch.plugins)/\(name)'.*", in: scratch)
                try FileManager.default.moveItem(
                    atPath: scratch.plugins + "/" + name + ".adding", toPath: scratch.plugins + "/" + name + ".so")
            }
            for name in names { try await host.line(name, "the host's file: Permission denied") }
            #expect(host.lines("died").isEmpty && host.lines("file: read").isEmpty, "\(host.log)")
            #expect(host.workers.count == names.count + 1)
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
