internal import CHostSystem
internal import Glibc

/// The failure of one system call: the call, its object and the `errno`.
///
/// Its description is one line that names the object, the reason and, where one is known, the remedy.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed, such as `openat`.
    public let call: String
    /// The object of the call: a path, an address, or a word such as `event loop`.
    public let subject: String
    /// The value of `errno`; see errno(3).
    public let number: Int32

    /// Makes an error from a known `errno` value.
    public init(_ call: String, _ subject: String, number: Int32) {
        self.call = call
        self.subject = subject
        self.number = number
    }

    /// Makes an error from the calling thread's `errno`. Call it before anything else can change that.
    public init(_ call: String, _ subject: String) {
        self.init(call, subject, number: chs_errno())
    }

    /// The C library's message for `number`.
    public var reason: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = unsafe chs_error_text(number, buffer.baseAddress.unsafelyUnwrapped, buffer.count) else {
                return "error \(number)"
            }
            return unsafe String(cString: text)
        }
    }

    /// The error in one line, for messages.
    public var description: String {
        let mend = (call == "openat" && wouldBlock ? Self.leased : Self.mend(number, of: call)).map { ": \($0)" } ?? ""
        return "\(subject): \(reason) (\(call))\(mend)"
    }

    /// The reason why a file with a lease cannot be opened at once.
    private static let leased: String? = "another program has a lease on it, and was asked to give it back: try again"

    private static func mend(_ number: Int32, of call: String) -> String? {
        switch number {
        case EPERM where isOnlyFiltered(call), ENOSYS:
            "a system call filter (seccomp), such as a container's profile, forbids \(call): allow it there"
        case EACCES, EPERM: "check the permissions and the owner"
        case ENOSPC, EDQUOT: "free some space on that file system"
        case EFBIG where !call.hasPrefix("read"): "raise the limit of file sizes (ulimit -f, LimitFSIZE=)"
        case EROFS: "choose a place that can be written"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: nil
        }
    }

    /// Whether the call needs no permission, so that only a system call filter can have refused it.
    private static func isOnlyFiltered(_ call: String) -> Bool {
        switch call {
        case "pidfd_open", "posix_spawn", "timerfd_create", "timerfd_settime", "posix_fallocate", "fsync",
            "fdatasync", "signalfd", "eventfd", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait2",
            "inotify_init1", "inotify_add_watch", "memfd_create", "pipe2", "socketpair":
            true
        default: false
        }
    }

    /// Whether the disk, or the user's quota of it, is full (`ENOSPC` or `EDQUOT`).
    public var isDiskFull: Bool { number == ENOSPC || number == EDQUOT }

    /// Whether the object does not exist (`ENOENT` or `ENOTDIR`).
    public var isNotFound: Bool { number == ENOENT || number == ENOTDIR }
    /// Whether permissions, a sandbox or a read-only file system refuse it (`EACCES`, `EPERM` or `EROFS`).
    public var isDenied: Bool { number == EACCES || number == EPERM || number == EROFS }
    /// Whether something else is in the place of a folder (`ENOTDIR`, or `ELOOP` for a link).
    public var isNoFolder: Bool { number == ENOTDIR || number == ELOOP }
    /// Whether the system lacked a resource or an I/O error occurred, which says nothing against the object itself.
    public var isShortage: Bool {
        switch number {
        case EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO, ESTALE: true
        default: false
        }
    }
    /// The number of an error that `isUnderWay`.
    public static let underWay: Int32 = EINPROGRESS
    /// Whether it takes longer than the caller may wait, and goes on meanwhile (`EINPROGRESS`).
    public var isUnderWay: Bool { number == EINPROGRESS }
    /// Whether the object exists already (`EEXIST`).
    public var isExisting: Bool { number == EEXIST }
    /// Whether a non-blocking call would have blocked (`EAGAIN`).
    public var wouldBlock: Bool { number == EAGAIN }
    /// Whether the peer has closed its end (`EPIPE` or `ECONNRESET`).
    public var isClosedByPeer: Bool { number == EPIPE || number == ECONNRESET }
}

/// Repeats a call while a signal interrupts it (`EINTR`); throws the `errno` if it returns -1.
@inline(__always)
func retrying<Result: FixedWidthInteger & SignedInteger>(
    _ call: String, _ subject: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let number = chs_errno()
        if number != EINTR { throw SystemError(call, subject(), number: number) }
    }
}
