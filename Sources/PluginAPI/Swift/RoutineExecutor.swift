/// Runs the tasks of one async routine on the thread that its cycle runs on. Immortal with its context.
final class RoutineExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var next = 0
        var outcome: Result<Void, any Error>?
        var task: Task<Void, Never>?
        var cancelled = false

        /// The next job; nil inside when the task has ended, nil outside when there is nothing to do yet.
        mutating func take() -> UnownedJob?? {
            if outcome != nil { return .some(nil) }
            if next == jobs.count { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                next = 0
            }
            return job
        }
    }

    private let state = Guarded(State())

    /// Called by the concurrency runtime, on any thread.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        state.signal()
    }

    /// Runs `body` as a task and its jobs on this thread, until it has ended. Jobs that it leaves behind wait for
    /// the next call.
    ///
    /// With `askedToStop` it is asked ten times a second while there is nothing to do, and the task is cancelled when it is true.
    func run(
        cancelled: Bool, askedToStop: (() -> Bool)? = nil, _ body: @escaping @Sendable () async throws -> Void
    ) throws {
        state.withLock { $0.outcome = nil }
        let task = Task(executorPreference: self) {
            do {
                try await body()
                self.finish(.success(()))
            } catch {
                self.finish(.failure(error))
            }
        }
        let cancelNow = state.withLock { state in
            state.task = task
            return state.cancelled || cancelled
        }
        if cancelNow { task.cancel() }
        var isOver = false
        while !isOver {
            let next =
                if let askedToStop { next(unless: askedToStop) } else { state.wait { $0.take() } }
            if let job = next {
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            } else {
                isOver = true
            }
        }
        let outcome = state.withLock { state in
            state.task = nil
            return state.outcome
        }
        try outcome?.get()
    }

    /// The next job; nil when the task has ended.
    private func next(unless askedToStop: () -> Bool) -> UnownedJob? {
        while true {
            if let next = state.wait(milliseconds: 100, { $0.take() }) { return next }
            if askedToStop() { cancel() }
        }
    }

    private func finish(_ result: Result<Void, any Error>) {
        state.withLock { $0.outcome = result }
        state.signal()
    }

    /// Cancels the task in progress, or the next one if none is. On any thread.
    func cancel() {
        let task = state.withLock { state in
            state.cancelled = true
            return state.task
        }
        task?.cancel()
    }

    /// Whether `cancel` was called since the session's start.
    var isCancelled: Bool { state.withLock { $0.cancelled } }

    /// Forgets the cancellation of the session before.
    func reset() { state.withLock { $0.cancelled = false } }
}
