internal import CHostSystem
internal import Glibc
internal import Synchronization

/// The limit of open files: a host needs seven a worker, and has 1024 by default. getrlimit(2).
extension HostProcess {
    /// What the process began with, once it has raised its own limit.
    private static let before = Mutex<rlimit?>(nil)

    /// Raises this process's limit to what the kernel allows it. Children begin with the one before: programs that use
    /// select(2) break with descriptors from 1024 on.
    public static func raiseOpenFiles() {
        before.withLock { before in
            var limit = rlimit()
            guard before == nil, unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
                return
            }
            before = limit
            limit.rlim_cur = limit.rlim_max
            set(limit)
        }
    }

    /// Runs `body`, which starts a child, with the limit that the child is to have.
    static func withOpenFilesOfChildren<Result>(_ body: () -> Result) -> Result {
        before.withLock { before in
            guard let before else { return body() }
            set(before)
            defer { set(rlimit(rlim_cur: before.rlim_max, rlim_max: before.rlim_max)) }
            return body()
        }
    }

    private static func set(_ limit: rlimit) {
        var limit = limit
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
