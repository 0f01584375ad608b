internal import CPluginAPI
internal import Synchronization

/// What the host hands back to each callback of one routine, or of the plugin itself. Immortal.
@safe final class CallbackContext: @unchecked Sendable {
    // @unchecked: `table`, `host`, `scheduler` and `thrown` change only in callbacks, which never overlap.

    enum Bodies: Sendable {
        case routine(Routine.Bodies)
        case plugin(load: Routine.Body?, unload: Routine.Body?)
    }

    let bodies: Bodies
    /// Runs the tasks of an async routine.
    let executor: RoutineExecutor?
    /// The host's functions, as many as it has; NULL for the others.
    private(set) var table = unsafe schedhost_host()
    private(set) var host: UnsafePointer<schedhost_host>?
    /// The error thrown last, for `onError`.
    var thrown: (any Error)?
    /// The caches that the routine has opened. A handful: searched in order.
    let caches = Guarded<[CacheBinding]>([])
    /// The cache that was declared in place last, in a callback or in a source, which may run at the same time on a
    /// thread of the host's. Bindings are immortal.
    let lastInPlace = unsafe Atomic<Unmanaged<CacheBinding>?>(nil)
    /// What it shares with the other contexts of its plugin.
    let shared: PluginCaches
    /// By which the host calls.
    private var scheduler: UnsafePointer<schedhost_scheduler>?

    init(_ bodies: Bodies, _ shared: PluginCaches) {
        self.bodies = bodies
        self.shared = shared
        executor = if case .routine(let routine) = bodies, routine.runAsync != nil { RoutineExecutor() } else { nil }
    }

    /// The `user` pointer of a descriptor; keeps the context for ever.
    func immortalPointer() -> UnsafeMutableRawPointer {
        unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// Takes the functions of the host that calls; false when the scheduler is none that can be used.
    func bind(_ scheduler: UnsafePointer<schedhost_scheduler>) -> Bool {
        guard unsafe Int(scheduler.pointee.struct_size) >= MemoryLayout<schedhost_scheduler>.size,
            let host = unsafe scheduler.pointee.host
        else { return false }
        if unsafe self.host != host {
            // In a test the main actor is the process's own, and much else runs on it.
            if !Rehearsal.isInProgress { _ = MainActorExecutor.isServed }
            unsafe self.host = unsafe host
            unsafe table = unsafe copy(of: host, into: schedhost_host())
            caches.withLock { $0.removeAll() }
            unsafe lastInPlace.store(nil, ordering: .releasing)
            unsafe self.scheduler = nil
        }
        if unsafe self.scheduler != scheduler {
            unsafe self.scheduler = unsafe scheduler
            unsafe shared.bind(scheduler, self, host)
        }
        return true
    }

    /// Attaches an error's description for the host, and gives its code.
    func fail(_ scheduler: UnsafePointer<schedhost_scheduler>, _ error: any Error) -> Int32 {
        let code: Int32
        switch error {
        case let error as Failure: code = error.code
        case let error as CacheError: code = error.isSourceFailure ? Code.sourceFailed : error.code
        default: code = Code.error
        }
        let number = code == Code.ok ? Code.error : code
        unsafe String(describing: error).withCString { _ = unsafe table.fail?(scheduler, number, $0) }
        return number
    }
}

/// Runs one callback: finds the context, makes its scheduler the thread's current one, and turns a Swift error
/// into a code. Nothing is thrown past this function.
func callback(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ user: UnsafeMutableRawPointer?,
    _ body: (CallbackContext, Scheduler) throws -> Void
) -> Int32 {
    guard let scheduler = unsafe scheduler, let user = unsafe user else { return Code.invalid }
    let context = unsafe Unmanaged<CallbackContext>.fromOpaque(user).takeUnretainedValue()
    guard unsafe context.bind(scheduler) else { return Code.invalid }
    let own = unsafe Scheduler(context: context, pointer: scheduler)
    return CurrentScheduler.set(own) {
        do {
            try body(context, own)
            return Code.ok
        } catch {
            context.thrown = error
            return unsafe context.fail(scheduler, error)
        }
    }
}

extension CallbackContext {
    fileprivate var routine: Routine.Bodies? {
        if case .routine(let routine) = bodies { routine } else { nil }
    }
}

// The functions that the descriptors point to. `bodies` holds what each one calls, or the descriptor has NULL there.

let loadCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in
        if case .plugin(let load, _) = context.bodies { try load?(scheduler) }
    }
}

let unloadCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in
        if case .plugin(_, let unload) = context.bodies { try unload?(scheduler) }
    }
}

let startCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in
        context.thrown = nil
        context.executor?.reset()
        try context.routine?.start?(scheduler)
    }
}

let runCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in
        do {
            try context.routine?.run?(scheduler)
        } catch is CancellationError where scheduler.stopRequested {
            return
        }
    }
}

let runAsyncCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in
        guard let executor = context.executor, let run = context.routine?.runAsync else { return }
        do {
            try executor.run(cancelled: scheduler.stopRequested, { try await run(scheduler) })
        } catch is CancellationError where scheduler.stopRequested || executor.isCancelled {
            return
        }
    }
}

let stopCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in try context.routine?.stop?(scheduler) }
}

let statsCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32 = {
    unsafe callback($0, $1) { context, scheduler in try context.routine?.stats?(scheduler) }
}

let errorCallback:
    @convention(c) (
        UnsafePointer<schedhost_scheduler>?, UnsafePointer<schedhost_error>?, UnsafeMutablePointer<schedhost_decision>?,
        UnsafeMutableRawPointer?
    ) -> Void = { scheduler, error, decision, user in
        guard let error = unsafe error, let decision = unsafe decision else { return }
        let given = unsafe copy(of: error, into: schedhost_error())
        _ = unsafe callback(scheduler, user) { context, scheduler in
            guard let hook = context.routine?.onError else { return }
            let answer = unsafe hook(
                scheduler,
                RoutineError(
                    phase: ErrorPhase(rawValue: given.phase) ?? .none, code: given.code,
                    message: given.message.map { unsafe String(cString: $0) } ?? "",
                    cycle: unsafe given.cycle, attempt: unsafe Int(given.attempt), underlying: context.thrown))
            context.thrown = nil
            unsafe decision.pointee.decision = answer.number
            if case .retry(let after) = answer { unsafe decision.pointee.retry_ms = UInt64(after.milliseconds) }
        }
    }

let interruptCallback: @convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Void = {
    guard let user = unsafe $1 else { return }
    // At the same time as `run`, on a thread of the host's: touches the executor alone.
    unsafe Unmanaged<CallbackContext>.fromOpaque(user).takeUnretainedValue().executor?.cancel()
}
