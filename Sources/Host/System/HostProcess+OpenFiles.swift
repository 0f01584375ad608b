internal import CHostSystem
internal import Glibc
internal import Synchronization

/// The limit of open files. A host needs eight for each worker, and the default limit is 1024. getrlimit(2).
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

    /// The number of a descriptor that a child is to inherit for its whole life: not one of the low numbers, which programs
    /// close in a row or open anew. It is within the limit that children start with.
    public static func remoteDescriptor() -> Int32 {
        let limit = before.withLock(\.self)?.rlim_cur ?? rlim_t(openFileLimit)
        return Int32(clamping: max(min(limit, 256), 1) - 1)
    }

    /// How many files this process may have open now.
    public static var openFileLimit: Int {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
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
