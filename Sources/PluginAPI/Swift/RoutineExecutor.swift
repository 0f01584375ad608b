internal import Glibc

/// Runs the tasks of one async routine on the thread that its cycle runs on.
///
/// One lock and one condition, pthread_mutex_lock(3) and pthread_cond_wait(3). Immortal with its context.
@safe final class RoutineExecutor: TaskExecutor, @unchecked Sendable {
    // @unchecked: all state is touched between `lock` and `unlock`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [UnownedJob] = []
    private var next = 0
    private var outcome: Result<Void, any Error>?
    private var task: Task<Void, Never>?
    private var cancelled = false

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    private func withLock<Value>(_ body: () -> Value) -> Value {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Called by the concurrency runtime, on any thread.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        withLock {
            jobs.append(job)
            _ = unsafe pthread_cond_signal(condition)
        }
    }

    /// Runs `body` as a task and its jobs on this thread, until it has ended. Jobs that it leaves behind wait for
    /// the next call.
    func run(cancelled now: Bool, _ body: @escaping @Sendable () async throws -> Void) throws {
        withLock { self.outcome = nil }
        let task = Task(executorPreference: self) {
            do {
                try await body()
                self.finish(.success(()))
            } catch {
                self.finish(.failure(error))
            }
        }
        let cancelNow = withLock {
            self.task = task
            return cancelled || now
        }
        if cancelNow { task.cancel() }
        while let job = nextJob() {
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
        try takeOutcome()?.get()
    }

    private func takeOutcome() -> Result<Void, any Error>? {
        withLock {
            task = nil
            return outcome
        }
    }

    private func finish(_ result: Result<Void, any Error>) {
        withLock {
            outcome = result
            _ = unsafe pthread_cond_signal(condition)
        }
    }

    /// Waits for a job; nil once the task has ended.
    private func nextJob() -> UnownedJob? {
        withLock {
            while outcome == nil && next == jobs.count { unsafe pthread_cond_wait(condition, mutex) }
            if outcome != nil { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                next = 0
            }
            return job
        }
    }

    /// Cancels the task in progress, or the next one if none is. On any thread.
    func cancel() {
        let task = withLock {
            cancelled = true
            return self.task
        }
        task?.cancel()
    }

    /// Whether `cancel` was called since the session's start.
    var isCancelled: Bool { withLock { cancelled } }

    /// Forgets the cancellation of the session before.
    func reset() { withLock { cancelled = false } }
}
