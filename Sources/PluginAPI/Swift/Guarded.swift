internal import Glibc

/// State under a lock, with a condition to wait for. No closure of an author's runs while it is held.
///
/// pthread_mutex_lock(3) and pthread_cond_wait(3), so that a plugin needs no library beyond Swift's own and glibc.
@safe final class Guarded<State>: @unchecked Sendable {
    // @unchecked: the state is touched only between lock and unlock.
    private let state: UnsafeMutablePointer<State>  // a plain property would pay for an exclusivity check
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init(_ state: sending State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        // By this clock `wait(milliseconds:)` measures: the other one is set by people and daemons.
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the state, alone.
    @inline(__always)
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe body(&state.pointee)
    }

    /// Waits until `body` gives a result, asking again after each `signal`.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }

    /// The same for about so long, and then nil.
    func wait<Result>(milliseconds: Int, _ body: (inout State) -> Result?) -> Result? {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = end.tv_nsec + milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if unsafe pthread_cond_timedwait(condition, mutex, &end) != 0 { return unsafe body(&state.pointee) }
        }
    }

    /// Wakes the one who waits.
    func signal() { unsafe pthread_cond_signal(condition) }
}
