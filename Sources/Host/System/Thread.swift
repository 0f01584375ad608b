internal import CHostSystem
internal import Glibc
public import HostValues

/// Threads of the host's own making. pthreads(7).
public enum Thread {
    /// Starts a detached thread. `name` shows in `ps -L` and is cut to 15 bytes; `stack` is in bytes.
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

    /// A number that only the calling thread has now; cheap. pthread_self(3).
    @inline(__always)
    public static var current: UInt { UInt(pthread_self()) }

    /// One turn of a loop that lets a moment pass without sleeping.
    @inline(__always)
    public static func relax() { chs_relax() }

    /// The kernel's id of the calling thread. gettid(2).
    public static func identifier() -> Int32 { chs_gettid() }

    /// The slice of the calling thread, ns: for so long it has the processor where others want it too. 0 where there is no
    /// such thing. sched_setattr(2).
    public static var slice: UInt64 { chs_slice() }

    /// Gives the calling thread a slice of 100 us, the least that the kernel knows. Its share stays what it is; but when it
    /// wakes it takes the processor from a thread whose slice is longer, as all are that ask for none, in place of waiting
    /// for the end of that, which is milliseconds on a busy machine. What it starts has the usual slice again, unless its
    /// niceness is negative, which would go too. Before Linux 6.12, or with another policy than `SCHED_OTHER`, nothing
    /// happens. sched_setattr(2), sched(7).
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

/// State under a lock, with a condition to wait for. Neither is held while user code runs.
///
/// One lock and one condition, pthread_mutex_lock(3) and pthread_cond_wait(3): a futex each, and no allocation.
@safe public final class Monitor<State>: @unchecked Sendable {
    // @unchecked: the state is touched only between lock and unlock.
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// A monitor over a first state.
    public init(_ state: sending State) {
        self.state = state
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the state, alone. Keep it short; call nothing that may block.
    @inline(__always)
    public func withLock<Result: ~Copyable>(_ body: (inout State) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Waits until `body` gives a result, asking again after each `signal` or `broadcast`.
    public func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }

    /// The same, but gives up at `deadline` with nil. pthread_cond_timedwait(3).
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
