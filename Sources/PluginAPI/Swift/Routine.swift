internal import CPluginAPI

/// A function that the host runs again and again, with what belongs to it.
///
///     Routine("snapshot", wait: .seconds(5), maxCycles: 100) { scheduler in
///         scheduler.log.info("cycle \(scheduler.cycle)")
///     } stats: { scheduler in
///         scheduler.stat("prices", count.value)
///     } onError: { scheduler, error in
///         error.attempt < 3 ? .retry(after: .seconds(1)) : .default
///     }
///
///     Routine("report", schedule: "Mon..Fri 09:30 Europe/Berlin") { scheduler in try report() }
///
/// The closures of one routine never run at the same time as each other, but may run on different threads. An error
/// that one throws becomes the routine's error with its description; it never reaches the host as a Swift error.
public struct Routine: Sendable {
    /// A closure that is called with the routine's scheduler.
    public typealias Body = @Sendable (Scheduler) throws -> Void
    /// A cycle that may wait without holding up its thread's other jobs.
    public typealias AsyncBody = @Sendable (Scheduler) async throws -> Void
    /// A closure that decides about an error.
    public typealias ErrorHook = @Sendable (Scheduler, RoutineError) -> ErrorDecision

    let name: String
    let description: String?
    let timing: Timing
    let maxCycles: UInt64
    let timeout: Duration
    let bodies: Bodies

    /// When its cycles begin.
    enum Timing: Sendable {
        case every(Duration)
        case schedule(String)
    }

    struct Bodies: Sendable {
        var run: Body?
        var runAsync: AsyncBody?
        var start: Body?
        var stop: Body?
        var stats: Body?
        var onError: ErrorHook?
    }

    /// A routine whose cycle is an ordinary function.
    ///
    /// - Parameters:
    ///   - name: unique in the plugin.
    ///   - wait: from one cycle's start to the next one's, in whole milliseconds up to 31 days; zero is back to back. A
    ///     negative one refuses the plugin, as a negative `timeout` does.
    ///   - maxCycles: how many cycles a session has; 0 is no bound.
    ///   - timeout: how long one cycle may take; zero is the host's default (ten times `wait`, from 60 s to 1 h).
    ///   - description: one line for `schedhost list`.
    ///   - run: one cycle.
    ///   - start: runs once at the session's start.
    ///   - stop: runs once at the session's end, if `start` succeeded; not when the worker dies.
    ///   - stats: runs once after the last cycle: names the record's columns by `Scheduler.stat`.
    ///   - onError: decides about an error of the other closures.
    @preconcurrency public init(
        _ name: String, wait: Duration, maxCycles: UInt64 = 0, timeout: Duration = .zero, description: String? = nil,
        run: @escaping Body, start: Body? = nil, stop: Body? = nil, stats: Body? = nil, onError: ErrorHook? = nil
    ) {
        self.init(
            name: name, description: description, timing: .every(wait), maxCycles: maxCycles, timeout: timeout,
            bodies: Bodies(run: run, start: start, stop: stop, stats: stats, onError: onError))
    }

    /// A routine whose cycle is `async`; the parameters are those of the other initialiser.
    ///
    /// The cycle is a `Task` on an executor that runs on the routine's own thread, so that everything of `Scheduler`
    /// may be called in it, also in `async let` and task groups. An unstructured `Task {}` runs elsewhere: only what
    /// is allowed on any thread may be called in there, and it must have ended before `stop` returns. The same holds for
    /// what is isolated to the main actor, which has a thread of its own in a worker. When the host asks to stop, the cycle is cancelled; a
    /// `CancellationError` is then its regular end.
    @preconcurrency public init(
        _ name: String, wait: Duration, maxCycles: UInt64 = 0, timeout: Duration = .zero, description: String? = nil,
        run: @escaping AsyncBody, start: Body? = nil, stop: Body? = nil, stats: Body? = nil, onError: ErrorHook? = nil
    ) {
        self.init(
            name: name, description: description, timing: .every(wait), maxCycles: maxCycles, timeout: timeout,
            bodies: Bodies(runAsync: run, start: start, stop: stop, stats: stats, onError: onError))
    }

    /// A routine whose cycles begin at the times of a schedule; the other parameters are those of the other initialisers.
    ///
    /// - Parameters:
    ///   - schedule: a calendar, such as "Mon..Fri 09:30 Europe/Berlin", or the five fields of cron; `schedhost calendar`
    ///     shows what a text means. One that means nothing refuses the plugin. A host of ABI 1.0 does not know schedules:
    ///     `needsMinor: 1` keeps the plugin from running there.
    @preconcurrency public init(
        _ name: String, schedule: String, maxCycles: UInt64 = 0, timeout: Duration = .zero, description: String? = nil,
        run: @escaping Body, start: Body? = nil, stop: Body? = nil, stats: Body? = nil, onError: ErrorHook? = nil
    ) {
        self.init(
            name: name, description: description, timing: .schedule(schedule), maxCycles: maxCycles, timeout: timeout,
            bodies: Bodies(run: run, start: start, stop: stop, stats: stats, onError: onError))
    }

    /// The same with an `async` cycle.
    @preconcurrency public init(
        _ name: String, schedule: String, maxCycles: UInt64 = 0, timeout: Duration = .zero, description: String? = nil,
        run: @escaping AsyncBody, start: Body? = nil, stop: Body? = nil, stats: Body? = nil, onError: ErrorHook? = nil
    ) {
        self.init(
            name: name, description: description, timing: .schedule(schedule), maxCycles: maxCycles, timeout: timeout,
            bodies: Bodies(runAsync: run, start: start, stop: stop, stats: stats, onError: onError))
    }

    private init(
        name: String, description: String?, timing: Timing, maxCycles: UInt64, timeout: Duration, bodies: Bodies
    ) {
        self.name = name
        self.description = description
        self.timing = timing
        self.maxCycles = maxCycles
        self.timeout = timeout
        self.bodies = bodies
    }

    /// The descriptor, immortal. `start` is always there: it prepares what a session needs. `shared` is its plugin's.
    func descriptor(_ shared: PluginCaches) -> UnsafePointer<schedhost_routine> {
        var routine = unsafe schedhost_routine()
        unsafe routine.struct_size = unsafe UInt32(MemoryLayout<schedhost_routine>.size)
        unsafe routine.name = unsafe immortal(name)
        unsafe routine.description = unsafe description.map(immortal)
        switch timing {
        case .every(let wait): unsafe routine.wait_ms = wait.signedMilliseconds
        case .schedule(let text): unsafe routine.schedule = unsafe immortal(text)
        }
        unsafe routine.max_cycles = maxCycles
        unsafe routine.timeout_ms = timeout.signedMilliseconds
        unsafe routine.user = unsafe CallbackContext(.routine(bodies), shared).immortalPointer()
        unsafe routine.start = unsafe startCallback
        unsafe routine.run = unsafe bodies.runAsync == nil ? runCallback : runAsyncCallback
        if bodies.stop != nil { unsafe routine.stop = unsafe stopCallback }
        if bodies.stats != nil { unsafe routine.stats = unsafe statsCallback }
        if bodies.onError != nil { unsafe routine.on_error = unsafe errorCallback }
        if bodies.runAsync != nil { unsafe routine.interrupt = unsafe interruptCallback }
        return unsafe immortal(routine)
    }
}
