import Testing

@testable import HostPolicy

/// What becomes of each system call in a sandbox, by the filter that the kernel gets.
@Suite struct CallRulesTests {
    private static let full = SandboxSupport.wanted
    private static let trap: UInt32 = 0x0003_0000
    private static let allow: UInt32 = 0x7FFF_0000
    private static let kill: UInt32 = 0x8000_0000
    private static func fails(_ number: UInt32) -> UInt32 { 0x0005_0000 | number }

    private func machine(_ settings: SandboxSettings = SandboxSettings(level: .on), on support: SandboxSupport = full)
        throws -> SeccompMachine
    {
        let policy = SandboxPolicy(settings, SandboxPolicy.Places(), on: support)
        return SeccompMachine(program: try #require(policy.filter))
    }

    private func answer(_ name: String, _ arguments: [UInt64] = [], in machine: SeccompMachine) throws -> UInt32? {
        machine.answer(try #require(SystemCall(name)?.number, "\(name)"), arguments)
    }

    @Test(arguments: [
        "ptrace", "process_vm_writev", "pidfd_getfd", "process_madvise", "move_pages", "migrate_pages", "kcmp", "mount",
        "umount2", "pivot_root", "chroot", "setns", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key",
        "request_key", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
        "swapon",
        "swapoff", "acct", "quotactl", "clock_settime", "settimeofday", "open_by_handle_at", "fanotify_init", "syslog",
        "shmget", "shmat", "shmctl", "semget", "semop", "msgget", "msgsnd", "mq_open", "fsopen", "move_mount",
        "open_tree",
    ]) func `is told`(call: String) throws { #expect(try answer(call, in: machine()) == Self.trap) }

    @Test(arguments: [
        "io_uring_setup", "io_uring_enter", "io_uring_register", "fchmodat", "fchmodat2", "fchownat", "setxattr",
        "lsetxattr",
        "removexattr", "setxattrat", "file_setattr",
    ]) func `fails quietly`(call: String) throws { #expect(try answer(call, in: machine()) == Self.fails(1)) }

    @Test func `times are changed of open files only`() throws {
        let machine = try machine()
        #expect(try answer("utimensat", [3, 0, 0x7FFF_0000], in: machine) == Self.allow, "futimens")
        for path: UInt64 in [0x7FFF_1000, 0x1_0000_0000] {
            #expect(try answer("utimensat", [3, path, 0], in: machine) == Self.fails(1))
        }
        for name in ["utime", "utimes", "futimesat"] where SystemCall(name) != nil {
            #expect(try answer(name, [0x7FFF_1000], in: machine) == Self.fails(1))
        }
    }

    @Test func `each call is found by its name, since the table is in their order`() {
        for call in SystemCall.all { #expect(SystemCall(call.name) == call) }
        for name in ["", "a", "clon", "clone33", "zzz"] { #expect(SystemCall(name) == nil) }
    }

    @Test func `what is not named is allowed, and what nobody knows yet does not exist`() throws {
        let machine = try machine()
        for number in 0...SystemCall.lastKnown where SystemCall(number: number) == nil {
            #expect(machine.answer(number) == Self.allow, "\(number)")
        }
        for number in [SystemCall.lastKnown + 1, 0x4000_0001, .max] {
            #expect(machine.answer(number) == Self.fails(38))
        }
        #expect(machine.answer(39, architecture: 0x4000_0003) == Self.kill, "a 32-bit call")
        for call in SystemCall.all { #expect(machine.answer(call.number) != nil, "\(call.name)") }
    }

    @Test func `new processes come without namespaces`() throws {
        let machine = try machine()
        #expect(try answer("clone3", in: machine) == Self.fails(38))
        #expect(try answer("clone", [0x003D_0F00], in: machine) == Self.allow, "a thread")
        #expect(try answer("clone", [0x11], in: machine) == Self.allow, "fork")
        #expect(try answer("clone", [0x1000_0011], in: machine) == Self.trap, "a user namespace")
        #expect(try answer("unshare", [0x400], in: machine) == Self.allow, "descriptors")
        for flag: UInt64 in [0x80, 0x0002_0000, 0x0200_0000, 0x1000_0000, 0x4000_0000] {
            #expect(try answer("unshare", [flag], in: machine) == Self.trap)
        }
        #expect(try answer("personality", [0xFFFF_FFFF], in: machine) == Self.allow, "a question")
        #expect(try answer("personality", [0x0004_0000], in: machine) == Self.trap)
    }

    @Test func `other processes are left alone`() throws {
        let machine = try machine()
        let own = UInt64(SeccompMachine.own)
        for pid in [0, own] {
            #expect(try answer("prlimit64", [pid, 7, 0x7FFF_0000_1000], in: machine) == Self.allow)
            #expect(try answer("sched_setaffinity", [pid], in: machine) == Self.allow)
            #expect(try answer("sched_setattr", [pid], in: machine) == Self.allow)
            #expect(try answer("setpriority", [0, pid], in: machine) == Self.allow)
            #expect(try answer("ioprio_set", [1, pid], in: machine) == Self.allow)
        }
        #expect(try answer("prlimit64", [1, 7, 0], in: machine) == Self.allow, "a question")
        #expect(try answer("prlimit64", [1, 7, 0x1_0000_0000], in: machine) == Self.trap)
        #expect(try answer("sched_setaffinity", [1], in: machine) == Self.trap)
        #expect(try answer("setpriority", [2, 0], in: machine) == Self.trap, "all of a user")
        #expect(try answer("ioprio_set", [3, 0], in: machine) == Self.trap)
        #expect(try answer("fcntl", [3, 8, own], in: machine) == Self.allow)
        #expect(try answer("fcntl", [3, 8, 1], in: machine) == Self.fails(1))
        #expect(try answer("fcntl", [3, 15, 0x7FFF_0000], in: machine) == Self.fails(1))
        #expect(try answer("fcntl", [3, 10, 23], in: machine) == Self.allow, "the signal of a lease")
        #expect(try answer("ioctl", [0, 0x5412], in: machine) == Self.trap)
        #expect(try answer("ioctl", [0, 0x8901], in: machine) == Self.fails(1))
        #expect(try answer("ioctl", [0, 0x5413], in: machine) == Self.allow)
        #expect(try answer("prctl", [1, 0], in: machine) == Self.fails(1))
        #expect(try answer("prctl", [1, 9], in: machine) == Self.allow)
        #expect(try answer("prctl", [35], in: machine) == Self.fails(1))
        #expect(try answer("prctl", [36, 0], in: machine) == Self.fails(1), "no subreaper any more")
        #expect(try answer("prctl", [36, 1], in: machine) == Self.allow)
        #expect(try answer("prctl", [15], in: machine) == Self.allow, "a thread's name")
        #expect(try answer("kill", [1, 9], in: machine) == Self.allow, "Landlock's")
    }

    @Test func `sockets are TCP, UDP and routes`() throws {
        let machine = try machine()
        func socket(_ family: UInt64, _ kind: UInt64, _ protocolNumber: UInt64) throws -> UInt32? {
            try answer("socket", [family, kind, protocolNumber], in: machine)
        }
        for family: UInt64 in [2, 10] {
            #expect(try socket(family, 1, 0) == Self.allow)
            #expect(try socket(family, 1 | 0x80800, 6) == Self.allow)
            #expect(try socket(family, 2, 17) == Self.allow)
            #expect(try socket(family, 1, 262) == Self.fails(93), "MPTCP")
            #expect(try socket(family, 1, 132) == Self.fails(93), "SCTP")
            #expect(try socket(family, 3, 1) == Self.fails(1), "raw")
        }
        #expect(try socket(16, 3, 0) == Self.allow)
        #expect(try socket(16, 3, 9) == Self.fails(93), "audit")
        for family: UInt64 in [1, 17, 38, 40, 43] { #expect(try socket(family, 1, 0) == Self.fails(97)) }
        #expect(try answer("socketpair", [1, 1], in: machine) == Self.allow)
        #expect(try answer("socketpair", [1, 2], in: machine) == Self.fails(97))
        #expect(try answer("listen", [3], in: machine) == Self.fails(13))
        for (name, place) in [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)] {
            var arguments = [UInt64](repeating: 0, count: 4)
            arguments[place] = 0x4000
            #expect(try answer(name, arguments, in: machine) == Self.allow)
            arguments[place] = 0x2000_4000
            #expect(try answer(name, arguments, in: machine) == Self.fails(1), "\(name) with Fast Open")
        }
    }

    @Test func `grants give back what they name, and no more`() throws {
        var settings = SandboxSettings(level: .on)
        settings.syscalls = ["ptrace"]
        settings.unix = ["/run/x"]
        settings.bind = [9100]
        settings.udp = false
        let machine = try machine(settings)
        #expect(try answer("ptrace", in: machine) == Self.allow)
        #expect(try answer("kcmp", in: machine) == Self.trap)
        #expect(try answer("socket", [1, 1, 0], in: machine) == Self.allow)
        #expect(try answer("listen", in: machine) == Self.allow)
        #expect(try answer("socket", [2, 2, 0], in: machine) == Self.fails(13))
    }

    @Test func `older kernels get by filter what Landlock lacks`() throws {
        let machine = try machine(on: SandboxSupport(abi: 1, files: 0x1FFF))
        for name in ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"] {
            #expect(try answer(name, [1, 9], in: machine) == Self.fails(1), "\(name)")
            #expect(try answer(name, [UInt64(SeccompMachine.own), 9], in: machine) == Self.allow, "\(name)")
            #expect(try answer(name, [1, 9], in: self.machine()) == Self.allow, "Landlock's")
        }
        #expect(try answer("truncate", in: machine) == Self.fails(13))
        var settings = SandboxSettings(level: .on)
        settings.connect = .only([])
        #expect(try answer("socket", [2, 1, 0], in: self.machine(settings, on: SandboxSupport())) == Self.fails(13))
        #expect(try answer("socket", [2, 1, 0], in: self.machine(settings)) == Self.allow, "Landlock's")
    }

    @Test func `the kernel takes a filter of this length, and each jump ends within it`() throws {
        let program = try machine().program
        #expect(program.instructions.count < 450)
        for (index, instruction) in program.instructions.enumerated() {
            let rest = program.instructions.count - index - 1
            switch instruction.code {
            case 0x05: #expect(instruction.operand < rest)
            case 0x15, 0x35: #expect(max(instruction.ifTrue, instruction.ifFalse) < rest)
            default: break
            }
        }
    }
}
