internal import CHostSystem
internal import Glibc

/// What this process asks the kernel about itself, or sets for itself.
public enum HostProcess {
    /// Our process id. getpid(2).
    public static var pid: Int32 { getpid() }
    /// Our parent's process id. getppid(2).
    public static var parent: Int32 { getppid() }
    /// The effective user id. geteuid(2).
    public static var user: UInt32 { geteuid() }
    /// The machine's name. gethostname(2).
    public static var hostName: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard unsafe gethostname(buffer.baseAddress.unsafelyUnwrapped, 255) == 0 else { return "localhost" }
            unsafe buffer[255] = 0
            return unsafe String(cString: buffer.baseAddress.unsafelyUnwrapped)
        }
    }
    /// The number of processors online, at least 1.
    public static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// A variable of the environment, or nil. getenv(3); the host sets none while it has several threads.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The whole environment, `NAME=value`.
    public static func environment() -> [String] {
        var all: [String] = []
        var next = unsafe chs_environ()
        while let list = unsafe next, let entry = unsafe list.pointee {
            unsafe all.append(String(cString: entry))
            unsafe next = unsafe list + 1
        }
        return all
    }

    /// Ends this process and its process group when the parent's thread that started it ends. Returns false if the
    /// parent, whose pid was `parent`, has ended already. prctl(2), `PR_SET_PDEATHSIG`.
    ///
    /// Only a comparison of ids can tell that, since the first process of a container is a parent like any other. The
    /// signal is one whose handler kills the group: SIGKILL would leave the processes that a plugin has started.
    public static func dieWithParent(_ parent: Int32) -> Bool {
        _ = chs_end_group_with_parent()
        return getppid() == parent
    }

    /// Ends this process at once, and its process group if it is the group's leader. kill(2), SIGKILL.
    public static func endGroup() -> Never {
        chs_end_group(0)
        _exit(0)
    }

    /// Makes this process the new parent of orphans among its descendants. prctl(2), `PR_SET_CHILD_SUBREAPER`.
    public static func adoptOrphans() { _ = chs_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

    /// Denies other processes of this user access to this process's memory, descriptors and environment, and prevents
    /// core files. It does not extend to programs that this process executes. prctl(2), `PR_SET_DUMPABLE`.
    public static func forbidInspection() { _ = chs_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) }

    /// Prevents every program that is executed from now on from gaining privileges. prctl(2), `PR_SET_NO_NEW_PRIVS`.
    public static func gainNoPrivileges() { _ = chs_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }

    /// Sets this thread's timer slack to 1 ns, from 50 us, so that its sleeps end on time. prctl(2),
    /// `PR_SET_TIMERSLACK`.
    public static func sleepPrecisely() { _ = chs_prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) }

    /// Marks all descriptors from 3 on as close-on-exec, whoever opened them. close_range(2).
    public static func closeDescriptorsOnExec() { _ = chs_close_range(3, UInt32.max, Int32(CLOSE_RANGE_CLOEXEC)) }

    /// Limits the size of core files; 0 for none. setrlimit(2).
    public static func limitCoreFiles(to bytes: UInt) {
        var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// Whether a process with this id exists. kill(2) with signal 0.
    public static func exists(_ pid: Int32) -> Bool {
        pid > 0 && (kill(pid, 0) == 0 || chs_errno() == EPERM)
    }

    /// Ends the process at once, without running exit handlers or flushing buffers. _exit(2).
    public static func exitNow(_ status: Int32) -> Never {
        mayEnd()
        _exit(status)
    }

    /// Ends the process normally, running exit handlers and flushing buffers. exit(3).
    public static func exit(_ status: Int32) -> Never { Glibc.exit(status) }
}
