internal import Glibc

/// Runs the tasks of one async routine on the thread that its cycle runs on, or those of one `async` source on the thread that
/// asks for the value. Immortal: with its context, or as one of a handful.
///
/// A source that is made within a cycle holds up the thread on which the cycle's other jobs are to run, and may wait for one
/// of them, such as that of an actor which both use. So whoever waits for a source runs the jobs of all executors that its thread
/// is in: each knows the one around it, and the one within it, which is to be woken in its place.
final class RoutineExecutor: TaskExecutor, @unchecked Sendable {
    // @unchecked: all but the state is of the thread that is in `run`, which alone reads and writes it: so nothing is checked there,
    // which each cycle would pay for.
    private struct State {
        var jobs: [UnownedJob] = []
        var next = 0
        var outcome: Result<Void, any Error>?
        var task: Task<Void, Never>?
        var cancelled = false
        /// The one that the same thread has begun to run within this one, and waits in.
        var inner: RoutineExecutor?

        /// The next job, if there is one.
        mutating func take() -> UnownedJob? {
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

    /// What there is to do for a thread that waits.
    private enum Step {
        case run(UnownedJob)
        /// One of an executor around this one.
        case outer(UnownedJob, of: RoutineExecutor)
        case end
    }

    private let state = Guarded(State())
    /// The one that the thread runs already.
    @safe @exclusivity(unchecked) private var outer: RoutineExecutor?
    /// Whose callback it was that called `run`.
    @safe @exclusivity(unchecked) private var scheduler: Scheduler?
    /// Within how many jobs of those around it the thread is.
    @safe @exclusivity(unchecked) private var depth = 0
    /// The value of a cache that the task makes, if it is a source's.
    @safe @exclusivity(unchecked) private var load: Load?

    /// Jobs within jobs take the thread's stack: past so many, only those of the source itself are run, for which it waits.
    private static let mostDepth = 64

    /// Called by the concurrency runtime, on any thread.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let inner = state.withLock { state in
            state.jobs.append(job)
            return state.inner
        }
        wake(inner)
    }

    /// Makes the thread look again that waits here, or in the one within.
    private func wake(_ inner: RoutineExecutor?) {
        guard let inner else { return state.signal() }
        // Its lock is taken before it is woken: otherwise it might have looked already, and not wait yet.
        inner.wake(inner.state.withLock { $0.inner })
    }

    /// Runs `body` as a task and its jobs on this thread, until it has ended. Jobs that it leaves behind wait for
    /// the next call.
    ///
    /// `load` is what the task makes, if it is a source. `whileIdle` is called ten times a second while there is nothing to do, with
    /// the number of such calls in a row; if it throws, so does this, and the task goes on: see `finishElsewhere`.
    func run(
        cancelled: Bool, load: Load? = nil, whileIdle: ((Int) throws -> Void)? = nil,
        _ body: @escaping @Sendable () async throws -> Void
    ) throws {
        state.withLock { $0.outcome = nil }
        enter(load)
        defer { leave() }
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
        try serve(until: self, whileIdle)
        let outcome = state.withLock { state in
            state.task = nil
            return state.outcome
        }
        try outcome?.get()
    }

    private func enter(_ load: Load?) {
        scheduler = Scheduler.current
        if let load { self.load = load }
        if let around = Self.innermost {
            outer = around
            depth = around.depth
            around.state.withLock { $0.inner = self }
        }
        Self.innermost = self
    }

    private func leave() {
        Self.innermost = outer
        if let around = outer {
            around.state.withLock { $0.inner = nil }
            outer = nil
            depth = 0
        }
        if load != nil { load = nil }
    }

    /// Runs the jobs of the executors that this thread is in, of which this is the innermost one, until the task of `awaited` has
    /// ended, which is one of them.
    @inline(__always)
    private func serve(until awaited: RoutineExecutor, _ whileIdle: ((Int) throws -> Void)?) throws {
        while true {
            switch try next(until: awaited, whileIdle) {
            case .run(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            case .outer(let job, let owner): run(job, of: owner)
            case .end: return
            }
        }
    }

    private func next(until awaited: RoutineExecutor, _ whileIdle: ((Int) throws -> Void)?) throws -> Step {
        guard let whileIdle else { return state.wait { self.step(&$0, until: awaited) } }
        var calls = 0
        while true {
            if let step = state.wait(milliseconds: 100, { self.step(&$0, until: awaited) }) { return step }
            calls += 1
            try whileIdle(calls)
        }
    }

    /// What there is to do; nil: nothing yet. Takes the locks from the inside outwards, and nobody takes two of them the other way.
    private func step(_ state: inout State, until awaited: RoutineExecutor) -> Step? {
        let isOver =
            awaited === self ? state.outcome != nil : awaited.state.withLock { $0.outcome != nil }
        if isOver { return .end }
        if let job = state.take() { return .run(job) }
        if outer == nil { return nil }
        var next = depth < Self.mostDepth ? outer : awaited === self ? nil : awaited
        while let owner = next {
            if let job = owner.state.withLock({ $0.take() }) { return .outer(job, of: owner) }
            next = depth < Self.mostDepth ? owner.outer : nil
        }
        return nil
    }

    /// Runs a job of an executor around this one. The host sees a source that asks: what it answers, it keeps until that returns.
    private func run(_ job: UnownedJob, of owner: RoutineExecutor) {
        depth += 1
        defer { depth -= 1 }
        guard let scheduler = owner.scheduler else {
            return unsafe job.runSynchronously(on: owner.asUnownedTaskExecutor())
        }
        CurrentScheduler.set(scheduler, isSource: true) {
            unsafe job.runSynchronously(on: owner.asUnownedTaskExecutor())
        }
    }

    private func finish(_ result: Result<Void, any Error>) {
        let inner = state.withLock { state in
            state.outcome = result
            return state.inner
        }
        wake(inner)
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

// MARK: The thread's executors

extension RoutineExecutor {
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return unsafe pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    /// The one that this thread has begun to run last and not yet left.
    private static var innermost: RoutineExecutor? {
        get {
            guard let key, let executor = unsafe pthread_getspecific(key) else { return nil }
            return unsafe Unmanaged<RoutineExecutor>.fromOpaque(executor).takeUnretainedValue()
        }
        set {
            guard let key else { return }
            let executor = unsafe newValue.map { unsafe UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }
            unsafe pthread_setspecific(key, executor)
        }
    }

    /// The value of a cache that an `async` source makes, as others that want it on the same thread may share it.
    struct Load {
        let binding: CacheBinding
        let key: String
        /// The value, when it is made.
        let made: () -> ValueBox?
    }

    /// The value that this thread is making already, below the job that asks: waits for it while it runs what there is to run. Nil
    /// if it makes none for that key, or if `isWithin` says that the one who asks is a part of that source.
    static func share(
        _ binding: CacheBinding, _ key: String, unless isWithin: (RoutineExecutor) -> Bool
    ) throws -> ValueBox? {
        let innermost = Self.innermost
        var next = innermost
        while let executor = next {
            if let load = executor.load, load.binding === binding, Bytewise(load.key) == Bytewise(key) {
                if isWithin(executor) { return nil }
                try innermost?.serve(until: executor, nil)
                try executor.state.withLock { $0.outcome }?.get()
                return load.made()
            }
            next = executor.outer
        }
        return nil
    }

    /// Runs the jobs of a task, for which nobody waits any more, on a thread of its own until it has ended, and calls `then`.
    func finishElsewhere(then end: @escaping @Sendable () -> Void) {
        let rest = unsafe Unmanaged.passRetained(Rest(executor: self, end: end))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { rest in
                if let rest = unsafe rest { unsafe Unmanaged<Rest>.fromOpaque(rest).takeRetainedValue().run() }
                return nil
            }, rest.toOpaque())
        // Without a thread the task waits for ever, as it would have done before.
        if code == 0 { pthread_detach(thread) } else { unsafe rest.release() }
    }

    private final class Rest: Sendable {
        let executor: RoutineExecutor
        let end: @Sendable () -> Void

        init(executor: RoutineExecutor, end: @escaping @Sendable () -> Void) {
            self.executor = executor
            self.end = end
        }

        func run() {
            executor.enter(nil)
            try? executor.serve(until: executor, nil)
            executor.leave()
            executor.state.withLock { $0.task = nil }
            end()
        }
    }
}
