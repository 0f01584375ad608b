internal import CHostSystem
internal import Glibc
internal import HostValues

/// Resource limits of this process, which its children inherit. getrlimit(2).
extension HostProcess {
    /// Limits private writable memory, in bytes: heap, stacks and data.
    ///
    /// It sets `RLIMIT_DATA` and not `RLIMIT_AS`, since the latter also counts hundreds of MB of address space that is
    /// only reserved: glibc's arenas, the ledger's mapping, the Swift runtime's libraries.
    ///
    /// The hard limit is higher by `reserve` bytes, for the crash report.
    public static func limitMemory(to bytes: UInt, reserve: UInt) { lower(RLIMIT_DATA, to: bytes, reserve: reserve) }

    /// Limits the number of open descriptors.
    public static func limitOpenFiles(to count: UInt) { lower(RLIMIT_NOFILE, to: count) }

    /// Limits the number of processes and threads of the whole user, for forks from now on. The kernel does not apply
    /// it to root. The hard limit is higher by `reserve`, for the crash report.
    public static func limitUserTasks(to count: UInt, reserve: UInt) {
        lower(__RLIMIT_NPROC, to: count, reserve: reserve)
    }

    private static func lower(_ resource: __rlimit_resource, to value: UInt, reserve: UInt = 0) {
        let kind = __rlimit_resource_t(resource.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(kind, &limit) == 0 else { return }
        limit.rlim_max = min(limit.rlim_max, rlim_t(UInt64(value).clampedPlus(UInt64(reserve))))
        limit.rlim_cur = min(limit.rlim_max, rlim_t(value))
        _ = unsafe setrlimit(kind, &limit)
    }

    /// Raises the process's nice value by `levels`, to 19 at most. nice(2).
    public static func yield(by levels: Int32) { _ = nice(levels) }

    /// The number of processes and threads that our user has now. proc(5).
    public static func userTasks() -> Int {
        guard let processes = try? Directory("/proc"), let names = try? processes.names() else { return 0 }
        var count = 0
        for name in names where name.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) {
            guard let process = try? processes.directory(name), let tasks = try? process.directory("task"),
                let status = try? processes.status(name), status.owner == user
            else { continue }
            count += (try? tasks.names().count) ?? 0
        }
        return count
    }

    /// This process's children, including adopted ones and zombies. proc(5).
    public static func children() -> [Int32] {
        guard let directory = try? Directory("/proc/self/task/\(Thread.identifier())"),
            let file = try? directory.openForReading("children"),
            let bytes = try? file.readAll(limit: 1 << 20, subject: "children")
        else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
    }

    /// The environment that a process was started with, as `NAME=value` entries that each end with a zero byte; nil if
    /// it cannot be read, also while the process executes a program. proc(5).
    public static func environment(of pid: Int32) -> [UInt8]? {
        guard let process = try? Directory("/proc/\(pid)") else { return nil }
        var timesBesideArguments = 0
        for _ in 0..<mostLooksAtAnEmptyEnvironment {
            guard let bytes = text("environ", of: process) else { return nil }
            guard bytes.isEmpty, hasProgram(process) else { return bytes }
            // Every program has an argument, its name: who has one, and no environment, was started without. Not at the
            // first look, between whose two halves the program may have come.
            if text("cmdline", of: process)?.isEmpty == false { timesBesideArguments += 1 }
            if timesBesideArguments == 3 { return bytes }
            sched_yield()
        }
        return nil
    }

    /// Whether a process executes a program just now: for a moment it seems to have neither an environment nor arguments.
    /// Where the disk is slow or the processors are busy, the moment is long. execve(2).
    public static func isExecuting(_ pid: Int32) -> Bool {
        guard let process = try? Directory("/proc/\(pid)") else { return false }
        return text("environ", of: process)?.isEmpty == true && text("cmdline", of: process)?.isEmpty == true
            && hasProgram(process)
    }

    /// About 1 ms: most programs are there by then.
    private static let mostLooksAtAnEmptyEnvironment = 100

    private static func text(_ name: String, of process: borrowing Directory) -> [UInt8]? {
        try? process.openForReading(name).readAll(limit: 2 << 20, subject: name)
    }

    /// Not so of a zombie and of a thread of the kernel.
    private static func hasProgram(_ process: borrowing Directory) -> Bool {
        var letter: CChar = 0
        return unsafe readlinkat(process.descriptor.raw, "exe", &letter, 1) > 0
    }

    /// Reaps a child for which there is no `ChildProcess`. Returns false while it runs. waitpid(2).
    public static func reap(_ child: Int32) -> Bool {
        guard child > 1 else { return true }
        var status: Int32 = 0
        return unsafe waitpid(child, &status, WNOHANG) != 0
    }

    /// Kills a child for which there is no `ChildProcess`, and reaps it if it is dead already. Returns true when it is
    /// gone. kill(2), waitpid(2).
    public static func killAndReap(_ child: Int32) -> Bool {
        guard child > 1 else { return true }
        _ = kill(child, SIGKILL)
        var status: Int32 = 0
        return unsafe waitpid(child, &status, WNOHANG) != 0
    }
}
