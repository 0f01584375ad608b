/// A system call that sandboxes may refuse, with its number on this machine's architecture; see syscalls(2).
///
/// A test compares the numbers with those in the kernel's headers.
public struct SystemCall: Equatable, Sendable {
    /// The name of the call, as in the manual.
    public let name: String
    /// The number of the call.
    public let number: UInt32

    /// Creates the call with that name; nil if it is not in the table, or this architecture does not have it.
    public init?(_ name: String) {
        var (low, high) = (0, Self.byName.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.byName[middle].name < name { low = middle + 1 } else { high = middle }
        }
        guard low < Self.byName.count, Self.byName[low].name == name else { return nil }
        self = Self.byName[low]
    }

    /// Creates the call with that number; nil if it is not in the table.
    public init?(number: UInt32) {
        guard let known = Self.all.first(where: { $0.number == number }) else { return nil }
        self = known
    }

    private init(name: String, number: UInt32) {
        self.name = name
        self.number = number
    }

    /// The highest number of a call that the rules were written for (Linux 6.18). Later calls are answered as by a
    /// kernel that does not have them, because their effects are unknown.
    static let lastKnown: UInt32 = 469

    /// All calls in the table that this architecture has, by number.
    public static let all: [SystemCall] = byName.sorted { $0.number < $1.number }

    /// The same in the order of their names, which is that of the table.
    private static let byName: [SystemCall] = table.compactMap { name, x86, arm in
        #if arch(x86_64)
            let number = x86
        #else
            let number = arm
        #endif
        return number < 0 ? nil : SystemCall(name: name, number: UInt32(number))
    }

    /// Names in their order, with the numbers on x86-64 and arm64; -1 if the architecture does not have the call.
    private static let table: [(String, Int, Int)] = [
        ("acct", 163, 89), ("add_key", 248, 217), ("adjtimex", 159, 171), ("bpf", 321, 280), ("chmod", 90, -1),
        ("chown", 92, -1), ("chroot", 161, 51), ("clock_adjtime", 305, 266), ("clock_settime", 227, 112),
        ("clone", 56, 220), ("clone3", 435, 435), ("connect", 42, 203), ("delete_module", 176, 106),
        ("fanotify_init", 300, 262), ("fchmodat", 268, 53), ("fchmodat2", 452, 452), ("fchownat", 260, 54),
        ("fcntl", 72, 25), ("file_setattr", 469, 469), ("finit_module", 313, 273), ("fsconfig", 431, 431),
        ("fsmount", 432, 432), ("fsopen", 430, 430), ("fspick", 433, 433), ("futimesat", 261, -1),
        ("init_module", 175, 105),
        ("io_uring_enter", 426, 426), ("io_uring_register", 427, 427), ("io_uring_setup", 425, 425),
        ("ioctl", 16, 29), ("ioperm", 173, -1), ("iopl", 172, -1), ("ioprio_set", 251, 30), ("kcmp", 312, 272),
        ("kexec_file_load", 320, 294), ("kexec_load", 246, 104), ("keyctl", 250, 219), ("kill", 62, 129),
        ("lchown", 94, -1), ("listen", 50, 201), ("lremovexattr", 198, 15), ("lsetxattr", 189, 6),
        ("migrate_pages", 256, 238), ("modify_ldt", 154, -1), ("mount", 165, 40), ("mount_setattr", 442, 442),
        ("move_mount", 429, 429), ("move_pages", 279, 239), ("mq_getsetattr", 245, 185), ("mq_notify", 244, 184),
        ("mq_open", 240, 180), ("mq_timedreceive", 243, 183), ("mq_timedsend", 242, 182), ("mq_unlink", 241, 181),
        ("msgctl", 71, 187), ("msgget", 68, 186), ("msgrcv", 70, 188), ("msgsnd", 69, 189),
        ("open_by_handle_at", 304, 265), ("open_tree", 428, 428), ("open_tree_attr", 467, 467),
        ("perf_event_open", 298, 241), ("personality", 135, 92), ("pidfd_getfd", 438, 438),
        ("pidfd_send_signal", 424, 424), ("pivot_root", 155, 41), ("prctl", 157, 167), ("prlimit64", 302, 261),
        ("process_madvise", 440, 440), ("process_vm_writev", 311, 271), ("ptrace", 101, 117), ("quotactl", 179, 60),
        ("quotactl_fd", 443, 443), ("reboot", 169, 142), ("removexattr", 197, 14), ("removexattrat", 466, 466),
        ("request_key", 249, 218), ("rt_sigqueueinfo", 129, 138),
        ("rt_tgsigqueueinfo", 297, 240), ("sched_setaffinity", 203, 122), ("sched_setattr", 314, 274),
        ("sched_setparam", 142, 118), ("sched_setscheduler", 144, 119), ("semctl", 66, 191), ("semget", 64, 190),
        ("semop", 65, 193), ("semtimedop", 220, 192), ("sendmmsg", 307, 269), ("sendmsg", 46, 211),
        ("sendto", 44, 206), ("setdomainname", 171, 162), ("sethostname", 170, 161), ("setns", 308, 268),
        ("setpriority", 141, 140), ("settimeofday", 164, 170), ("setxattr", 188, 5), ("setxattrat", 463, 463),
        ("shmat", 30, 196), ("shmctl", 31, 195), ("shmdt", 67, 197), ("shmget", 29, 194), ("socket", 41, 198),
        ("socketpair", 53, 199), ("swapoff", 168, 225), ("swapon", 167, 224), ("syslog", 103, 116),
        ("tgkill", 234, 131), ("tkill", 200, 130), ("truncate", 76, 45), ("umount2", 166, 39), ("unshare", 272, 97),
        ("userfaultfd", 323, 282), ("utime", 132, -1), ("utimensat", 280, 88), ("utimes", 235, -1),
        ("vhangup", 153, 58),
    ]
}
