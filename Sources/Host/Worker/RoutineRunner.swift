internal import CPluginAPI
internal import HostCore
internal import HostSystem
internal import Synchronization

/// Runs one routine: its sessions, one after the other, on whichever thread of the pool has its turn.
///
/// One thread at a time has the turn and with it everything here but `requests` and `gate`.
@safe final class RoutineRunner: @unchecked Sendable {
    // @unchecked: the run queue hands the turn from thread to thread under its lock.

    /// What other threads ask for, to be seen at the next turn or cycle.
    struct Requests: OptionSet {
        let rawValue: UInt32
        static let stop = Requests(rawValue: 1)
        static let runNow = Requests(rawValue: 2)
        static let pause = Requests(rawValue: 4)
        static let resume = Requests(rawValue: 8)
        static let look = Requests(rawValue: 16)
    }

    /// What a thread outside of the turn may wait for.
    struct Gate {
        var stopAsked = false
        var isInterrupting = false
        var hasInterrupted = false
    }

    /// Where a session stands, as seen from the turn.
    enum Phase {
        case idle, starting, cycling
    }

    let index: Int
    let name: String
    let plugin: PluginContext
    /// The plugin's; here, since a getter would copy it twice a cycle.
    let clock: any HostClock
    let callbacks: schedhost_routine
    let cell: UnsafeMutablePointer<RoutineCell>
    let requests = Atomic<UInt32>(0)
    let gate = Monitor(Gate())
    let busy = Atomic<Bool>(false)

    var phase = Phase.idle
    var ledger: UnsafeMutablePointer<LedgerSlot>
    var session: Session
    let nameText: CText
    let hasCaches = Atomic<Bool>(false)
    let caches = Mutex<RoutineCaches?>(nil)
    var cachesCountedAt: Int64 = 0
    /// When its cycles come, beside the wait.
    var timing = RoutineTiming()
    /// What says when they come, if that is not the wait.
    var plan: RoutinePlan?
    /// When its zones were looked at, boot ns.
    var planLookedAt: Int64 = 0

    /// A runner without a session. `plugin` outlives it.
    init(index: Int, name: String, plugin: PluginContext, callbacks: schedhost_routine) {
        self.index = index
        self.name = name
        self.plugin = plugin
        clock = plugin.clock
        unsafe self.callbacks = unsafe callbacks
        nameText = CText(name)
        session = Session.none
        unsafe ledger = unsafe plugin.ledger.scratch
        unsafe cell = RoutineCell.allocate()
        unsafe cell.initialize(
            to: RoutineCell(
                scheduler: schedhost_scheduler(), place: schedhost_place(),
                schedule: Schedule(now: 0, wait: 0), account: TwinAccount(scratch: plugin.ledger.scratchTwin),
                hasSession: index >= 0, runner: self))
        unsafe cell.pointee.scheduler.struct_size = UInt32(MemoryLayout<schedhost_scheduler>.size)
        unsafe cell.pointee.scheduler.host = unsafe HostTable.shared
        unsafe cell.pointee.scheduler.host_data = unsafe UnsafeMutableRawPointer(cell)
        unsafe cell.pointee.place.struct_size = UInt32(MemoryLayout<schedhost_place>.size)
    }

    deinit { unsafe cell.deallocate() }

    /// What the plugin is handed.
    var scheduler: UnsafePointer<schedhost_scheduler> {
        unsafe UnsafeRawPointer(cell).assumingMemoryBound(to: schedhost_scheduler.self)
    }

    // MARK: Asked by the control thread

    /// Makes the next session ready; false when one is in progress. The pool's `begin` then gives it its first turn.
    func prepare(_ start: WorkerCommand.Start) -> Bool {
        guard !isBusy else { return false }
        let now = clock.boot()
        session = Session(
            start, parameters: plugin.parameters(start.parameters), startMs: clock.wallMilliseconds(), startBoot: now)
        session.trouble = makePlan(start.timing, waitMs: start.waitMs, wall: clock.wall())
        requests.store(start.isPaused ? Requests.pause.rawValue : 0, ordering: .relaxed)
        gate.withLock { $0 = Gate() }
        unsafe ledger = unsafe plugin.ledger.slot(start.slot)
        unsafe cell.pointee.schedule = Schedule(
            now: now, wait: Int64(min(start.waitMs, UInt64(SCHEDHOST_MAX_WAIT_MS))) * 1_000_000,
            maxCycles: start.maxCycles,
            until: start.untilMs.map { $0.multipliedSaturating(by: 1_000_000) } ?? .max,
            maxAttempts: start.onError.attempts, isYielding: plugin.isSerial, isPlanned: plan != nil)
        unsafe cell.pointee.place.plugin = unsafe plugin.idText.pointer
        unsafe cell.pointee.place.routine = unsafe nameText.pointer
        unsafe cell.pointee.place.session = unsafe sessionText(of: session.id)
        unsafe cell.pointee.place.session_start_ms = session.startMs
        unsafe cell.pointee.place.lifetime_cycles = start.lifetimeCycles
        unsafe cell.pointee.place.session_before = start.before
        phase = .starting
        busy.store(true, ordering: .releasing)
        openCaches()
        unsafe beginLedger(start.session, twin: plugin.ledger.twin(start.slot), now: now)
        return true
    }

    /// The id as a C string in the cell.
    private func sessionText(of id: SessionID) -> UnsafePointer<CChar> {
        for (position, byte) in id.description.utf8.enumerated() {
            unsafe cell.pointee.sessionText[position] = CChar(bitPattern: byte)
        }
        return unsafe withUnsafePointer(to: &cell.pointee.sessionText) { text in
            unsafe UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self)
        }
    }

    /// Asks for something; the pool's `poke` follows.
    func ask(_ request: Requests) {
        _ = requests.bitwiseOr(request.rawValue, ordering: .sequentiallyConsistent)
        if request.contains(.stop) {
            gate.withLock { $0.stopAsked = true }
            gate.broadcast()
        }
    }

    /// Whether a session is in progress; any thread.
    var isBusy: Bool { busy.load(ordering: .acquiring) }

    /// Whether a request waits to be seen.
    @inline(__always)
    var hasRequests: Bool { requests.load(ordering: .relaxed) != 0 }

    /// Calls the plugin's `interrupt` if a cycle is in progress that was asked to stop, once a session.
    func interruptIfRunning() {
        guard unsafe callbacks.interrupt != nil else { return }
        let isDue = gate.withLock { gate in
            guard gate.stopAsked, !gate.hasInterrupted,
                unsafe cell.pointee.isRunning.load(ordering: .sequentiallyConsistent)
            else {
                return false
            }
            gate.hasInterrupted = true
            gate.isInterrupting = true
            return true
        }
        guard isDue else { return }
        unsafe callbacks.interrupt?(scheduler, callbacks.user)
        gate.withLock { $0.isInterrupting = false }
        gate.broadcast()
    }

    // MARK: The turn

    /// Does what is due; called by the pool, one thread at a time.
    func takeTurn(on thread: Int32 = Thread.identifier()) -> RunPool.Turn {
        let number = UInt64(UInt32(bitPattern: thread))
        unsafe ledger.pointee.thread.store(number, ordering: .relaxed)
        unsafe cell.pointee.account.set(thread: number, cycle: cell.pointee.schedule.cycle)
        if hasRequests { consumeRequests() }
        switch phase {
        case .idle:
            return .over
        case .starting:
            if session.startDue > clock.boot(), !session.stopAsked { return .due(session.startDue) }
            if let trouble = session.trouble {
                session.error = Session.Failure(phase: .start, code: -1, message: trouble, cycle: 0, attempt: 1)
                return finish(.failed)
            }
            switch start() {
            case .goOn:
                phase = .cycling
                if hasRequests { consumeRequests() }  // a stop during `start` comes before the first cycle
                // The grid begins at the first cycle.
                if timing.beginsNow || plan == nil { _ = unsafe cell.pointee.schedule.runNow(now: clock.boot()) }
                delayFirst()
            case .again(let due):
                session.startDue = due
                return .due(due)
            case .end(let end): return finish(end)
            }
        case .cycling:
            break
        }
        let now = clock.boot()
        return drive(unsafe cell.pointee.schedule.poll(now: now, wall: wall()), now: now)
    }

    private func drive(_ first: Schedule.Action, now: Int64) -> RunPool.Turn {
        var action = first
        var now = now
        while true {
            switch action {
            case .run:
                action = cycle(start: now, end: &now)
            case .plan:
                action = followPlan(now)
            case .askHook:
                action = askHook(&now)
            case .wait(let until):
                unsafe ledger.pointee.due.store(cell.pointee.schedule.due, ordering: .relaxed)
                unsafe cell.pointee.account.set(.waiting, cycle: cell.pointee.schedule.cycle)
                return .due(until)
            case .end(let end):
                return finish(end)
            case .none:
                return .over
            }
        }
    }

    /// One cycle: the hot path. Two clock reads at most, plain stores, and the plugin.
    @inline(__always)
    private func cycle(start: Int64, end: inout Int64) -> Schedule.Action {
        let schedule = unsafe cell.pointee.schedule
        unsafe cell.pointee.place.cycle = schedule.cycle
        unsafe cell.pointee.place.attempt = schedule.attempt
        unsafe cell.pointee.place.missed = schedule.missed
        unsafe ledger.pointee.began.store(start, ordering: .relaxed)
        unsafe ledger.pointee.state.store(LedgerState.running.rawValue, ordering: .relaxed)
        unsafe cell.pointee.account.set(.running, cycle: schedule.cycle)
        unsafe cell.pointee.isRunning.store(true, ordering: .relaxed)
        unsafe cell.pointee.callbackThread.store(Thread.current, ordering: .relaxed)
        let code = unsafe callbacks.run.unsafelyUnwrapped(scheduler, callbacks.user)
        unsafe cell.pointee.callbackThread.store(0, ordering: .relaxed)
        unsafe cell.pointee.isRunning.store(false, ordering: .relaxed)
        end = clock.boot()
        count(start: start, end: end, due: schedule.due)
        if hasCaches.load(ordering: .relaxed) { endCacheUse(now: end) }
        if hasRequests { consumeRequests() }
        if code != 0 {
            session.error = takeFailure(.routine, code, cycle: schedule.cycle, attempt: schedule.attempt)
            let action = unsafe cell.pointee.schedule.fail()
            unsafe ledger.pointee.failures.store(cell.pointee.schedule.failures, ordering: .relaxed)
            noteFailures(.running)
            return action
        }
        if unsafe cell.pointee.hasMessage { dropMessage() }
        let action = unsafe cell.pointee.schedule.finish(now: end, wall: wall())
        unsafe ledger.pointee.cycle.store(cell.pointee.schedule.cycle, ordering: .relaxed)
        unsafe ledger.pointee.missed.store(cell.pointee.schedule.missed, ordering: .relaxed)
        if unsafe cell.pointee.schedule.missed != schedule.missed {
            noteFailures(.waiting)
        }
        return action
    }

    /// Asks the hook about the failed cycle, and does what it decides.
    private func askHook(_ now: inout Int64) -> Schedule.Action {
        guard let failure = session.error else {
            return unsafe cell.pointee.schedule.decide(.end, now: now, wall: wall())
        }
        let decision = decide(failure)
        now = clock.boot()
        if hasRequests { consumeRequests() }
        let action = unsafe cell.pointee.schedule.decide(decision, now: now, wall: wall())
        unsafe ledger.pointee.cycle.store(cell.pointee.schedule.cycle, ordering: .relaxed)
        unsafe ledger.pointee.attempt.store(UInt64(cell.pointee.schedule.attempt), ordering: .relaxed)
        unsafe ledger.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
        noteFailures(.waiting)
        return action
    }

    /// What is known of a callback that returned `code`, once.
    func takeFailure(_ phase: Session.Phase, _ code: Int32, cycle: UInt64, attempt: UInt32) -> Session.Failure {
        defer { dropMessage() }
        return session.failure(phase, code, cycle: cycle, attempt: attempt)
    }

    /// The callback is over: what it attached by `fail`, and what its caches said, concerns nobody any more.
    func dropMessage() {
        unsafe cell.pointee.hasMessage = false
        session.message = ""
        session.cacheTrouble = nil
    }

    /// The wall clock, which is only looked at when the session has an end time.
    @inline(__always)
    func wall() -> Int64 {
        unsafe cell.pointee.schedule.until == .max ? 0 : clock.wall()
    }

    private func consumeRequests() {
        let asked = Requests(rawValue: requests.exchange(0, ordering: .sequentiallyConsistent))
        if asked.contains(.pause) { unsafe cell.pointee.schedule.pause() }
        if asked.contains(.resume) { unsafe cell.pointee.schedule.resume(now: clock.boot()) }
        if asked.contains(.runNow) { session.startDue = .min }
        if asked.contains(.runNow) { _ = unsafe cell.pointee.schedule.runNow(now: clock.boot()) }
        if asked.contains(.stop) { session.stopAsked = true }
        if session.stopAsked, case .cycling = phase { unsafe cell.pointee.schedule.askStop() }
    }
}

extension Int64 {
    /// The product, or the nearest end of the range.
    func multipliedSaturating(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? ((self < 0) == (factor < 0) ? .max : .min) : product
    }
}
