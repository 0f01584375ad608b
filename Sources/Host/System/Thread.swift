internal import CHostSystem
internal import Glibc

/// Operations on threads. pthreads(7).
public enum Thread {
    /// Starts a detached thread with a stack of `stack` bytes. `name`, cut to 15 bytes, appears in `ps -L`.
    public static func start(name: String, stack: Int = 1 << 20, _ body: @escaping @Sendable () -> Void)
        throws(SystemError)
    {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, stack)
        let start = Start(name: name, body: body)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(start).toOpaque()
        let number = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                unsafe start.name.withCString { name in
                    _ = chs_prctl(PR_SET_NAME, UInt(bitPattern: name), 0, 0, 0)  // cut to 15 bytes by the kernel
                }
                start.body()
                return nil
            }, argument)
        if number != 0 {
            unsafe Unmanaged<Start>.fromOpaque(argument).release()
            throw SystemError("pthread_create", name, number: number)
        }
    }

    /// A number that identifies the calling thread while it lives; cheap. pthread_self(3).
    @inline(__always)
    public static var current: UInt { UInt(pthread_self()) }

    /// Hints to the processor that the thread is in a spin loop.
    @inline(__always)
    public static func relax() { chs_relax() }

    /// The kernel's id of the calling thread. gettid(2).
    public static func identifier() -> Int32 { chs_gettid() }

    /// The scheduler's time slice of the calling thread, in ns: how long it keeps a contended processor. 0 if the
    /// kernel does not support it. sched_setattr(2).
    public static var slice: UInt64 { chs_slice() }

    /// Gives the calling thread a time slice of 100 us, the shortest that the kernel accepts, so that it runs sooner
    /// after a wake-up.
    ///
    /// The thread's share of the processor stays the same. But when it wakes, it preempts a thread with a longer slice,
    /// as every thread with the default has, instead of waiting for milliseconds until that slice ends. Threads and
    /// processes that it starts have the default slice again; but if the thread's niceness is negative they inherit the
    /// short one, since the reset would clear their niceness too. Has no effect before Linux 6.12, and for policies
    /// other than `SCHED_OTHER`. sched_setattr(2), sched(7).
    public static func shortenSlice() { _ = chs_set_slice(100_000) }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
