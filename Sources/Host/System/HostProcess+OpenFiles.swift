internal import CHostSystem
internal import Glibc
internal import Synchronization

/// The limit of open files. A host needs seven for each worker, and the default limit is 1024. getrlimit(2).
extension HostProcess {
    /// The limit that this process was started with; nil until `raiseOpenFiles`.
    private static let before = Mutex<rlimit?>(nil)

    /// Raises this process's soft limit to its hard limit. Children still start with the former limit, since programs
    /// that use select(2) break with descriptors from 1024 on.
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

    /// Runs `body`, which starts a child, while the limit is the one that the child is to inherit.
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
