internal import CHostSystem
internal import Glibc
public import HostValues

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

/// State protected by a lock, with a condition to wait for. The lock is never held while user code runs.
///
/// A pthread_mutex_lock(3) and a pthread_cond_wait(3): a futex each, and no allocation per call.
@safe public final class Monitor<State>: @unchecked Sendable {
    // @unchecked: the state is accessed only under the lock.
    private var state: State
    /// Lock and condition in one allocation, since there may be 100 000 monitors.
    private let primitives: UnsafeMutablePointer<(mutex: pthread_mutex_t, condition: pthread_cond_t)>
    private var mutex: UnsafeMutablePointer<pthread_mutex_t> {
        @inline(__always) get { unsafe primitives.pointer(to: \.mutex).unsafelyUnwrapped }
    }
    private var condition: UnsafeMutablePointer<pthread_cond_t> {
        @inline(__always) get { unsafe primitives.pointer(to: \.condition).unsafelyUnwrapped }
    }

    /// Makes a monitor with an initial state.
    public init(_ state: sending State) {
        self.state = state
        unsafe primitives = .allocate(capacity: 1)
        unsafe primitives.initialize(to: (pthread_mutex_t(), pthread_cond_t()))
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe primitives.deallocate()
    }

    /// Runs `body` with exclusive access to the state. Keep it short, and call nothing in it that may block.
    @inline(__always)
    public func withLock<Result: ~Copyable>(_ body: (inout State) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Waits until `body` returns a result; calls it again after each `signal` or `broadcast`.
    public func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }

    /// Waits until `body` returns a result, or returns nil at `deadline`. pthread_cond_timedwait(3).
    public func wait<Result>(until deadline: MonotonicTime, _ body: (inout State) -> Result?) -> Result? {
        let time = max(deadline.nanoseconds, 0)
        var absolute = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if unsafe pthread_cond_timedwait(condition, mutex, &absolute) == ETIMEDOUT { return body(&state) }
        }
    }

    /// Wakes one waiter.
    public func signal() { unsafe pthread_cond_signal(condition) }
    /// Wakes all waiters.
    public func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
