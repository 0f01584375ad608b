import FoundationEssentials
import HostSystem
import HostValues
import Testing

/// What hostile code tries first, from within a sandbox.
extension EndToEnd {
    @Suite(.serialized) struct Escapes {
        /// What each attempt of the fixture must come to. What stays open is `works`, and named in Isolation.md.
        static let expected: [String: String] = [
            "append to sessions.jsonl": "EACCES", "truncate(sessions.jsonl)": "EACCES", "unlink open.jsonl": "EACCES",
            "rename names.json into own data": "EACCES", "RENAME_EXCHANGE sessions.jsonl with own": "EACCES",
            "hard link to sessions.jsonl": "EXDEV", "write through own symlink": "EACCES",
            "chmod sessions.jsonl": "EPERM",
            "fchmodat2(O_PATH state, EMPTY_PATH)": "EPERM", "open state dir + fchmod": "EACCES",
            "setxattr on sessions.jsonl": "EPERM", "utimensat on sessions.jsonl": "EPERM",
            "futimens of an own file": "works",
            "read neighbour's cache file": "EACCES", "write neighbour's cache file": "EACCES",
            "create in neighbour's cache": "EACCES", "read own copy": "works", "chmod + write own copy": "EACCES",
            "write plugins/evil.json5": "EACCES", "write plugins/evil.so": "EACCES",
            "write plugins/libm.so.6": "EACCES",
            "read neighbour's plugins/neighbour.json5": "EACCES", "append to ~/.bashrc": "EACCES",
            "create ~/authorized_keys": "EACCES", "create file in /tmp": "EACCES",
            "open neighbour's ledger RW": "EACCES",
            "own data: save, exchange, mkdir": "works", "mkfifo in own data": "works",
            "own report O_CREAT, O_TRUNC": "works", "file among the reports": "EACCES",
            "open state dir (readdir)": "EACCES", "inotify on state": "works", "/proc/SUP/mem RDWR": "EACCES",
            "/proc/SUP/fd/N reopen": "EACCES", "/proc/SUP/environ": "EACCES", "/proc/SUP/stat": "works",
            "/proc/SUP/oom_score_adj RDWR": "EACCES", "/proc/SUP/timerslack_ns RDWR": "EACCES",
            "ptrace(SEIZE, neighbour)": "EPERM", "process_vm_readv(neighbour)": "EPERM",
            "process_vm_writev(neighbour)": "EPERM", "process_vm_readv(self)": "works",
            "pidfd_getfd(supervisor)": "EPERM",
            "kill(supervisor)": "EPERM", "kill(neighbour)": "EPERM", "pidfd_send_signal(supervisor)": "EPERM",
            "prlimit(neighbour)": "EPERM", "setrlimit(self)": "works", "setpriority(neighbour)": "EPERM",
            "sched_setaffinity(neighbour)": "EPERM", "sched_setaffinity(own thread)": "works",
            "sched_setscheduler(neighbour)": "EPERM", "ioprio_set(neighbour)": "EPERM",
            "SIGIO by F_SETOWN(neighbour)": "EPERM", "PR_SET_PDEATHSIG 0": "EPERM",
            "connect control.sock": "EAFNOSUPPORT",
            "connect abstract socket": "EAFNOSUPPORT", "socketpair of datagrams": "EAFNOSUPPORT",
            "connect one of a socketpair": "EISCONN", "TCP connect, port not granted": "EACCES",
            "TCP connect, granted": "works", "MPTCP connect, not granted": "EPROTONOSUPPORT",
            "SMC socket": "EAFNOSUPPORT",
            "TCP Fast Open sendto, not granted": "EPERM", "TCP Fast Open sendmsg, not granted": "EPERM",
            "TCP bind, not granted": "EACCES", "TCP listen without bind": "EACCES", "UDP sendto": "works",
            "raw socket": "EPERM", "netlink route": "works", "netlink audit": "EPROTONOSUPPORT",
            "AF_ALG": "EAFNOSUPPORT",
            "AF_VSOCK": "EAFNOSUPPORT", "io_uring_setup": "EPERM", "unshare(NEWUSER)": "EPERM",
            "exec /bin/true": "works",
            "exec of a memfd": "works", "add_key user keyring": "EPERM", "shmget": "EPERM", "perf_event_open": "EPERM",
            "int 0x80 (32-bit getpid)": "SYS", "TIOCSTI": "EPERM", "/dev/tty": "EACCES",
            "unshare with SIGSYS blocked": "SYS",
            "write core_pattern": "EACCES", "/dev/pts": "EACCES", "/dev/ptmx": "EACCES", "/dev": "EACCES",
            "/dev/urandom": "works", "setpriority(self, -20)": "EACCES", "PR_SET_CHILD_SUBREAPER 0": "EPERM",
        ]

        /// Runs a host in the scratch directory as that user.
        private static func host(as user: Int, in scratch: Scratch, _ arguments: String = "") throws -> Host {
            let line =
                user == 0
                ? "exec \"$@\" \(arguments)"
                : """
                chown -R \(user):\(user) . && exec setpriv --reuid \(user) --regid \(user) --clear-groups "$@" \(arguments)
                """
            return try Host(shell: line, in: scratch)
        }

        private static func touch(_ path: String, _ text: String = "") throws {
            let folder = path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(text.utf8).write(to: URL(filePath: path))
        }

        @Test(arguments: [0, 12_345], ["\"all\"", "[]"]) func `what hostile code tries first fails`(
            user: Int, read: String
        ) async throws {
            guard user == 0 || HostProcess.user == 0 else { return }
            try await Fixtures.build("escapes")
            try await Fixtures.build("quiet-neighbour", c: Source.sleeper("neighbour"))
            let scratch = try Scratch()
            try scratch.add("quiet-neighbour", as: "neighbour.so")
            try scratch.write("{}", to: "neighbour.json5")
            for name in ["sessions.jsonl", "open.jsonl", "cache/v1/neighbour/run/x.shc"] {
                try Self.touch(scratch.state + "/" + name)
            }
            try Self.touch(scratch.state + "/names.json", "{}")
            try Self.touch(scratch.path + "/home/.bashrc")
            let granted = try TCPListener(address: "127.0.0.1", port: 0)
            let refused = try TCPListener(address: "127.0.0.1", port: 0)
            let host = try Self.host(as: user, in: scratch)
            try await host.line("neighbour", "1 routine")
            _ = try await host.sessions(1)
            try scratch.write(
                """
                { params: { state: "\(scratch.state)", plugins: "\(scratch.plugins)",
                    granted: \(granted.port), refused: \(refused.port) },
                  max_cycles: 1, sandbox: { connect: [\(granted.port)], read: \(read) } }
                """, to: "escapes.json5")
            try scratch.add("escapes", as: "adding")
            if user != 0 { _ = try await Command.shell("chown -R \(user) '\(scratch.plugins)'", in: scratch) }
            try FileManager.default.moveItem(
                atPath: scratch.plugins + "/adding", toPath: scratch.plugins + "/escapes.so")
            try await host.line("attempts are over", within: .seconds(60))
            var found: [String: String] = [:]
            for line in host.lines("attempt|") {
                let parts = line.split(separator: "|").map(String.init)
                if parts.count == 3 { found[parts[1]] = parts[2] }
            }
            for (name, result) in Self.expected { #expect(found[name] == result, "\(name)") }
            try await host.line("escapes", "its sandbox refused ptrace at trace_neighbour (escapes_processes.c:")
            #expect(host.lines("neighbour", "died").isEmpty, "\(host.log)")
            _ = try await host.end(by: Signals.terminate)
        }
    }
}
