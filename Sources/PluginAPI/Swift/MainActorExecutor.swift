internal import Glibc

/// Runs what is isolated to the main actor, one job after the other, on a thread of the plugin's own.
///
/// The main thread of a worker serves the host and never runs the concurrency runtime's main queue, so that whoever waits
/// for the main actor would wait for ever. The runtime asks a hook which executor the main actor has, and gets this one.
/// Immortal: its thread begins with the first job and stays.
@safe final class MainActorExecutor: SerialExecutor, @unchecked Sendable {
    // @unchecked: the state is under a lock.
    private struct State {
        var jobs: [UnownedJob] = []
        var hasThread = false
        /// Its thread, from its first job on.
        var thread: pthread_t?
    }

    private let state = Guarded(State())

    private typealias Original = @convention(thin) () -> UnownedSerialExecutor
    private typealias Hook = @convention(thin) (Original) -> UnownedSerialExecutor

    private static let shared = MainActorExecutor()

    /// Whether the main actor has an executor that runs: this one, or that of a plugin in the same worker.
    static let isServed: Bool = {
        // A runtime that is linked into the plugin does not show its hook: there nobody serves the main actor.
        guard let symbol = unsafe dlsym(nil, "swift_task_getMainExecutor_hook") else { return false }
        let place = unsafe symbol.assumingMemoryBound(to: Hook?.self)
        if unsafe place.pointee == nil {
            let hook: Hook = { _ in unsafe MainActorExecutor.shared.asUnownedSerialExecutor() }
            unsafe place.pointee = hook
        }
        return true
    }()

    /// Whether this is the thread that it runs on.
    static var isThisThread: Bool {
        shared.state.withLock { $0.thread }.map { pthread_equal(pthread_self(), $0) != 0 } ?? false
    }

    /// Whether jobs wait for their turn.
    static var hasJobs: Bool { shared.state.withLock { !$0.jobs.isEmpty } }

    /// Called by the concurrency runtime, on any thread.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            defer { state.hasThread = true }
            return !state.hasThread
        }
        if isFirst { begin() }
        state.signal()
    }

    /// The runtime asks where a check of isolation fails otherwise.
    func checkIsolated() {
        precondition(Self.isThisThread, "this is not the main actor")
    }

    private func begin() {
        // Where no thread can be had, jobs wait as they would without this.
        var thread = pthread_t()
        _ = unsafe pthread_create(&thread, nil, { _ in MainActorExecutor.shared.serve() }, nil)
    }

    private func serve() -> Never {
        state.withLock { $0.thread = pthread_self() }
        while true {
            let job = state.wait { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }
}
