/// The system calls that a sandboxed worker may make, and how the others are answered; see seccomp(2).
enum CallRules {
    private static let notPermitted = CallAnswer.fail(1)
    private static let noAccess = CallAnswer.fail(13)
    private static let noSuchCall = CallAnswer.fail(38)
    private static let noSuchProtocol = CallAnswer.fail(93)
    private static let noSuchFamily = CallAnswer.fail(97)

    /// Calls that no program makes by accident. They trap, so that the host can report the code that made them.
    private static let told = [
        // Access to other processes, and to loaded code.
        "ptrace", "process_vm_writev", "pidfd_getfd", "process_madvise", "move_pages", "migrate_pages", "kcmp",
        "userfaultfd", "perf_event_open", "bpf",
        // Mounts and the file tree.
        "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
        "open_tree",
        "open_tree_attr", "mount_setattr", "open_by_handle_at", "fanotify_init", "setns",
        // The machine as a whole.
        "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff",
        "acct", "quotactl", "quotactl_fd", "clock_settime", "settimeofday", "iopl", "ioperm", "modify_ldt", "syslog",
        "sethostname", "setdomainname", "vhangup",
        // Keys and IPC objects that all processes of a user share.
        "keyctl", "add_key", "request_key", "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl",
        "semtimedop",
        "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify",
        "mq_getsetattr",
    ]

    /// Calls that harmless programs also make, so they just fail. Landlock does not restrict what they do, and a
    /// seccomp filter does not see the operations of io_uring.
    private static let quiet = [
        "io_uring_setup", "io_uring_enter", "io_uring_register", "chmod", "fchmodat", "fchmodat2", "chown", "lchown",
        "fchownat", "setxattr", "lsetxattr", "setxattrat", "removexattr", "lremovexattr", "removexattrat",
        "file_setattr", "utime", "utimes", "futimesat", "adjtimex", "clock_adjtime",
    ]

    /// Flags of clone(2) that create namespaces; unshare(2) has one more.
    private static let namespaces: [UInt32] = [
        0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
    ]

    /// The rules by number of the call.
    static func rules(_ settings: SandboxSettings, on support: SandboxSupport) -> [UInt32: CallDecision] {
        var rules: [UInt32: CallDecision] = [:]
        func set(_ name: String, _ decision: CallDecision) {
            guard !settings.syscalls.contains(name), let call = SystemCall(name) else { return }
            rules[call.number] = decision
        }
        for name in told { set(name, .answer(.trap)) }
        for name in quiet { set(name, .answer(notPermitted)) }
        processes(set)
        if support.scopes & Scopes.signals == 0 { signals(set) }
        sockets(settings, on: support, set)
        if support.files != 0, support.files & FileRights.truncate.rawValue == 0 { set("truncate", .answer(noAccess)) }
        // Without a path (futimens(3)) it changes only what is open. By path it reaches hidden files too.
        set("utimensat", .whereNull(1, .answer(.allow), otherwise: .answer(notPermitted)))
        // F_SETOWN may name only the worker itself, because otherwise SIGIO could be sent to any process. F_SETSIG then
        // does no harm, and leases need it.
        set(
            "fcntl",
            .whereArgument(
                1, isOneOf: [8], .whereOwn(2, .answer(.allow), otherwise: .answer(notPermitted)),
                otherwise: .whereArgument(1, isOneOf: [15], .answer(notPermitted), otherwise: .answer(.allow))))
        // TIOCSTI and TIOCLINUX put input into a terminal; FIOSETOWN and SIOCSPGRP are equivalent to F_SETOWN.
        set(
            "ioctl",
            .whereArgument(
                1, isOneOf: [0x5412, 0x541C], .answer(.trap),
                otherwise: .whereArgument(
                    1, isOneOf: [0x8901, 0x8902], .answer(notPermitted), otherwise: .answer(.allow))))
        // PR_SET_PDEATHSIG is allowed only with SIGKILL, so that processes of a plugin can end with it. PR_SET_MM and
        // PR_SET_PTRACER are refused. PR_SET_CHILD_SUBREAPER cannot be taken back: the worker stays the parent of the
        // processes that its plugin leaves behind, and so an ancestor by which the host knows them.
        set(
            "prctl",
            .whereArgument(
                0, isOneOf: [1],
                .whereArgument(1, isOneOf: [9], .answer(.allow), otherwise: .answer(notPermitted)),
                otherwise: .whereArgument(
                    0, isOneOf: [36],
                    .whereArgument(1, isOneOf: [0], .answer(notPermitted), otherwise: .answer(.allow)),
                    otherwise: .whereArgument(
                        0, isOneOf: [35, 0x5961_6D61], .answer(notPermitted), otherwise: .answer(.allow)))))
        return rules
    }

    /// Sets the rules for creating processes, and for affecting other processes.
    private static func processes(_ set: (String, CallDecision) -> Void) {
        func anyFlag(_ flags: [UInt32]) -> CallDecision {
            let mask = flags.reduce(0, |)
            return .whereArgument(0, mask: mask, isOneOf: [0], .answer(.allow), otherwise: .answer(.trap))
        }
        set("clone", anyFlag(namespaces))
        set("unshare", anyFlag(namespaces + [0x80]))
        // The flags of clone3(2) are in memory, which a filter cannot read. The C library falls back to clone(2).
        set("clone3", .answer(noSuchCall))
        let asks = CallDecision.whereArgument(0, isOneOf: [.max], .answer(.allow), otherwise: .answer(.trap))
        set("personality", asks)
        let isRead = CallDecision.whereNull(2, .answer(.allow), otherwise: .answer(.trap))
        set("prlimit64", .whereOwn(0, .answer(.allow), otherwise: isRead))
        for name in ["sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"] {
            set(name, .whereOwn(0, .answer(.allow), otherwise: .answer(.trap)))
        }
        // The kinds are PRIO_PROCESS and PRIO_PGRP: 0 and 1, or for ioprio_set(2) 1 and 2.
        for (name, kinds) in [("setpriority", [UInt32(0), 1]), ("ioprio_set", [1, 2])] {
            let own = CallDecision.whereOwn(1, .answer(.allow), otherwise: .answer(.trap))
            set(name, .whereArgument(0, isOneOf: kinds, own, otherwise: .answer(.trap)))
        }
    }

    /// Sets the rules for signals on kernels where Landlock cannot scope them: a worker may signal only itself and its
    /// process group.
    private static func signals(_ set: (String, CallDecision) -> Void) {
        for name in ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"] {
            set(name, .whereOwn(0, .answer(.allow), otherwise: .answer(notPermitted)))
        }
        set("pidfd_send_signal", .answer(notPermitted))
        set("tkill", .answer(notPermitted))
    }

    /// Sets the rules for sockets. MPTCP, SMC and TCP Fast Open are refused, because they bypass Landlock's rules for
    /// ports.
    private static func sockets(
        _ settings: SandboxSettings, on support: SandboxSupport, _ set: (String, CallDecision) -> Void
    ) {
        let kind: UInt32 = 0xF
        let refusesTCP =
            settings.connect == .only([]) && settings.bind.isEmpty && support.ports & PortRights.connect == 0
        let stream = CallDecision.whereArgument(
            2, isOneOf: [0, 6], .answer(refusesTCP ? noAccess : .allow), otherwise: .answer(noSuchProtocol))
        // UDP, and ICMP echo sockets as used by ping(8), which the kernel permits or refuses by its own setting.
        let datagram = CallDecision.whereArgument(
            2, isOneOf: [0, 17, 1, 58], .answer(settings.udp ? .allow : noAccess), otherwise: .answer(noSuchProtocol))
        let internet = CallDecision.whereArgument(
            1, mask: kind, isOneOf: [1], stream,
            otherwise: .whereArgument(1, mask: kind, isOneOf: [2], datagram, otherwise: .answer(notPermitted)))
        let route = CallDecision.whereArgument(2, isOneOf: [0], .answer(.allow), otherwise: .answer(noSuchProtocol))
        let unix = CallAnswer.answer(hasUnix: !settings.unix.isEmpty, else: noSuchFamily)
        set(
            "socket",
            .whereArgument(
                0, isOneOf: [2, 10], internet,
                otherwise: .whereArgument(
                    0, isOneOf: [16], route,
                    otherwise: .whereArgument(0, isOneOf: [1], .answer(unix), otherwise: .answer(noSuchFamily)))))
        // A datagram socket from a pair can be connected to any socket of the file system later; a stream socket
        // cannot.
        if settings.unix.isEmpty {
            set(
                "socketpair",
                .whereArgument(1, mask: kind, isOneOf: [2], .answer(noSuchFamily), otherwise: .answer(.allow)))
        }
        if settings.bind.isEmpty { set("listen", .answer(noAccess)) }
        let fastOpen: UInt32 = 0x2000_0000
        for (name, argument) in [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)] {
            set(
                name,
                .whereArgument(
                    argument, mask: fastOpen, isOneOf: [0], .answer(.allow), otherwise: .answer(notPermitted)))
        }
    }
}

extension CallAnswer {
    fileprivate static func answer(hasUnix: Bool, else refusal: CallAnswer) -> CallAnswer { hasUnix ? .allow : refusal }
}
