internal import CHostSystem
internal import Glibc
public import HostValues

/// State protected by a lock, with a condition to wait for. The lock is never held while user code runs.
///
/// A pthread_mutex_lock(3) and a pthread_cond_wait(3): a futex each, and no allocation per call. A thread that takes the
/// lock twice waits for itself forever. The methods are inlinable, so that each module gets them for its own types: otherwise
/// every call would go through the type's metadata.
@safe public final class Monitor<State>: @unchecked Sendable {
    // @unchecked: the state is accessed only under the lock.

    /// Before the state, in the same allocation, since there may be 100 000 monitors.
    @usableFromInline let lock: LockAndCondition
    /// The state. It is reached by a pointer because the lock already keeps its accesses apart: for a property of a class
    /// the runtime would check each access once more, which takes about as long as the lock.
    @usableFromInline let state: UnsafeMutablePointer<State>

    /// Makes a monitor with an initial state.
    public init(_ state: sending State) {
        let (lock, place) = unsafe LockAndCondition.make(before: State.self)
        self.lock = lock
        unsafe self.state = unsafe place
        unsafe place.initialize(to: state)
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        lock.deallocate()
    }

    /// Runs `body` with exclusive access to the state. Keep it short, and call nothing in it that may block.
    @inlinable
    @inline(__always)
    public func withLock<Result: ~Copyable>(_ body: (inout State) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return unsafe body(&state.pointee)
    }

    /// Waits until `body` returns a result; calls it again after each `signal` or `broadcast`.
    @inlinable
    public func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            _ = lock.wait(until: .never)
        }
    }

    /// Waits until `body` returns a result, or returns nil at `deadline`. pthread_cond_timedwait(3).
    @inlinable
    public func wait<Result>(until deadline: MonotonicTime, _ body: (inout State) -> Result?) -> Result? {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if !lock.wait(until: deadline) { return unsafe body(&state.pointee) }
        }
    }

    /// Wakes one waiter.
    public func signal() { lock.signal() }
    /// Wakes all waiters.
    public func broadcast() { lock.broadcast() }
}

/// The lock and the condition of a monitor, at an address of their own.
@usableFromInline
@safe struct LockAndCondition: @unchecked Sendable {
    // @unchecked: a pthread lock may be used on any thread.
    private typealias Primitives = (mutex: pthread_mutex_t, condition: pthread_cond_t)
    private let primitives: UnsafeMutablePointer<Primitives>
    private var mutex: UnsafeMutablePointer<pthread_mutex_t> {
        @inline(__always) get { unsafe primitives.pointer(to: \.mutex).unsafelyUnwrapped }
    }
    private var condition: UnsafeMutablePointer<pthread_cond_t> {
        @inline(__always) get { unsafe primitives.pointer(to: \.condition).unsafelyUnwrapped }
    }

    /// Allocates them with space behind them for a value of that type. The caller initializes that space.
    static func make<State>(before: State.Type) -> (LockAndCondition, UnsafeMutablePointer<State>) {
        let mask = MemoryLayout<State>.alignment - 1
        let offset = unsafe (MemoryLayout<Primitives>.size + mask) & ~mask
        let block = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: offset + MemoryLayout<State>.size,
            alignment: max(MemoryLayout<Primitives>.alignment, MemoryLayout<State>.alignment))
        let place = unsafe (block + offset).bindMemory(to: State.self, capacity: 1)
        return unsafe (LockAndCondition(at: block.bindMemory(to: Primitives.self, capacity: 1)), place)
    }

    private init(at primitives: UnsafeMutablePointer<Primitives>) {
        unsafe self.primitives = unsafe primitives
        unsafe primitives.initialize(to: (pthread_mutex_t(), pthread_cond_t()))
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    /// Releases them and the space behind them, whose value the caller has deinitialized.
    func deallocate() {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe primitives.deallocate()
    }

    @usableFromInline func lock() { unsafe pthread_mutex_lock(mutex) }
    @usableFromInline func unlock() { unsafe pthread_mutex_unlock(mutex) }

    /// Releases the lock, waits for a signal, and takes the lock again. Returns false at `deadline`; that of `never` does
    /// not come.
    @usableFromInline
    func wait(until deadline: MonotonicTime) -> Bool {
        if deadline == .never {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        let time = max(deadline.nanoseconds, 0)
        var absolute = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        return unsafe pthread_cond_timedwait(condition, mutex, &absolute) != ETIMEDOUT
    }

    func signal() { unsafe pthread_cond_signal(condition) }
    func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
