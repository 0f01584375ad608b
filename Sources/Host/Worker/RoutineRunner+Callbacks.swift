internal import CPluginAPI
internal import HostCore
internal import HostSystem
internal import Synchronization

/// The callbacks around the cycles: start, the hook, stats and stop.
extension RoutineRunner {
    enum StartOutcome {
        case goOn
        case again(at: Int64)
        case end(Schedule.End)
    }

    /// Runs `start`, and asks the hook if it fails.
    func start() -> StartOutcome {
        if session.stopAsked { return .end(.stopped) }
        if unsafe cell.pointee.schedule.hasReachedUntil(wall()) { return .end(.until) }
        guard unsafe callbacks.start != nil else {
            session.hasStarted = true
            unsafe ledger.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
            return .goOn
        }
        session.startAttempt += 1
        let code = call(.starting) { runner in
            unsafe runner.callbacks.start?(runner.scheduler, runner.callbacks.user) ?? 0
        }
        if code == 0 {
            session.hasStarted = true
            return .goOn
        }
        let failure = takeFailure(.start, code, cycle: 0, attempt: session.startAttempt)
        session.error = failure
        session.startFailures += 1
        switch decide(failure) {
        case .goOn:
            session.hasStarted = true
            return .goOn
        case .retry(let delay):
            if session.startAttempt >= session.onError.attempts { return .end(.failed) }
            let now = clock.boot()
            let due = unsafe cell.pointee.schedule.clampToUntil(now &+ delay, now: now, wall: wall())
            unsafe ledger.pointee.due.store(due, ordering: .relaxed)
            return .again(at: due)
        case .end:
            return .end(.failed)
        }
    }

    /// Asks the routine's hook, or takes the default, which the configuration says.
    func decide(_ failure: Session.Failure) -> Schedule.Decision {
        session.disposition = .policy
        let byDefault = session.onError
        guard unsafe callbacks.on_error != nil else { return take(byDefault.decision, retryMs: byDefault.retryMs) }
        var decision = schedhost_decision()
        decision.struct_size = UInt32(MemoryLayout<schedhost_decision>.size)
        decision.decision = byDefault.decision.number
        decision.retry_ms = byDefault.decision == .retry ? byDefault.retryMs : 0
        let message = CText(failure.message)
        var error = unsafe schedhost_error()
        unsafe error.struct_size = UInt32(MemoryLayout<schedhost_error>.size)
        unsafe error.phase = failure.phase.rawValue
        unsafe error.code = failure.code
        unsafe error.attempt = failure.attempt
        unsafe error.cycle = failure.cycle
        unsafe error.message = unsafe message.pointer
        _ = call(.inHook) { runner in
            unsafe runner.callbacks.on_error?(runner.scheduler, &error, &decision, runner.callbacks.user)
            return 0
        }
        dropMessage()
        guard let decided = ErrorDecision(number: decision.decision) else {
            return take(byDefault.decision, retryMs: byDefault.retryMs)
        }
        return take(decided, retryMs: decision.retry_ms)
    }

    private func take(_ decision: ErrorDecision, retryMs: UInt64) -> Schedule.Decision {
        switch decision {
        case .goOn: return .goOn
        case .retry: return .retry(after: Int64(min(retryMs, UInt64(SCHEDHOST_MAX_RETRY_MS))) * 1_000_000)
        case .endSession: return .end
        case .stop: session.disposition = .stop
        case .quarantine: session.disposition = .quarantine
        }
        return .end
    }

    /// Ends the session: stats, stop, and the event that becomes the record.
    func finish(_ end: Schedule.End) -> RunPool.Turn {
        let reason = session.reason(end)
        let schedule = unsafe cell.pointee.schedule
        unsafe cell.pointee.place.cycle = schedule.cycle
        unsafe cell.pointee.place.missed = schedule.missed
        session.isClosing = true
        let lastBegan = unsafe ledger.pointee.began.load(ordering: .relaxed)
        if session.hasStarted {
            unsafe closing(.inStats, phase: .stats, column: "stats_error", callbacks.stats)
            // `interrupt` may still be in the plugin, and needs what `stop` takes away.
            gate.wait { gate in gate.isInterrupting ? nil : () }
            endRefreshes()
            unsafe closing(.stopping, phase: .stop, column: "stop_error", callbacks.stop)
        }
        let now = clock.boot()
        closeCaches(now: now)
        let ended = WorkerEvent.Ended(
            slot: session.slot, session: session.id, startMs: session.startMs,
            finishMs: clock.wallMilliseconds(), durationNs: now &- session.startBoot, cycles: schedule.cycle,
            goodCycles: schedule.cycle &- schedule.passed, failures: schedule.failures &+ session.startFailures,
            missed: schedule.missed, reason: reason,
            code: end == .failed ? session.error?.code ?? 0 : 0, stats: session.stats,
            disposition: session.disposition,
            leftAloneNs: end == .failed ? session.error?.leftAloneUntil.map { max(0, $0 &- now) } : nil)
        // What stays there is when the last cycle began: the next session may want to know.
        unsafe ledger.pointee.began.store(lastBegan, ordering: .relaxed)
        unsafe ledger.pointee.end.store(LedgerEnd.number(of: reason.kind), ordering: .relaxed)
        unsafe ledger.pointee.state.store(LedgerState.ended.rawValue, ordering: .relaxed)
        unsafe cell.pointee.account.set(end: LedgerEnd.number(of: reason.kind), cycle: schedule.cycle)
        session = Session.none
        phase = .idle
        busy.store(false, ordering: .releasing)
        plugin.sessionEnded(ended)
        return .over
    }

    /// Calls a closing callback; a failure becomes a column of the record, and the hook is told.
    private func closing(
        _ state: LedgerState, phase: Session.Phase, column: String,
        _ callback: (@convention(c) (UnsafePointer<schedhost_scheduler>?, UnsafeMutableRawPointer?) -> Int32)?
    ) {
        guard let callback = unsafe callback else { return }
        let code = call(state) { runner in unsafe callback(runner.scheduler, runner.callbacks.user) }
        if code == 0 { return }
        let failure = takeFailure(phase, code, cycle: unsafe cell.pointee.schedule.cycle, attempt: 1)
        session.stats[column] = .string(failure.text)
        let disposition = session.disposition
        _ = decide(failure)
        if session.disposition == .policy { session.disposition = disposition }
    }

    /// Calls the plugin, with the ledger and the thread's mark set, so that a hang or a crash there is placed.
    private func call(_ state: LedgerState, _ body: (RoutineRunner) -> Int32) -> Int32 {
        let start = clock.boot()
        unsafe ledger.pointee.began.store(start, ordering: .relaxed)
        unsafe ledger.pointee.state.store(state.rawValue, ordering: .relaxed)
        unsafe cell.pointee.account.set(state, cycle: cell.pointee.schedule.cycle)
        unsafe cell.pointee.callbackThread.store(Thread.current, ordering: .relaxed)
        let code = body(self)
        unsafe cell.pointee.callbackThread.store(0, ordering: .relaxed)
        unsafe ledger.pointee.state.store(LedgerState.waiting.rawValue, ordering: .relaxed)
        unsafe cell.pointee.account.set(.waiting, cycle: cell.pointee.schedule.cycle)
        if hasCaches.load(ordering: .relaxed) { endCacheUse(now: clock.boot()) }
        if code == 0 { dropMessage() }
        return code
    }
}

extension ErrorDecision {
    /// As the ABI numbers it.
    fileprivate var number: UInt32 {
        switch self {
        case .goOn: UInt32(SCHEDHOST_DECIDE_CONTINUE)
        case .retry: UInt32(SCHEDHOST_DECIDE_RETRY)
        case .endSession: UInt32(SCHEDHOST_DECIDE_END_SESSION)
        case .stop: UInt32(SCHEDHOST_DECIDE_STOP)
        case .quarantine: UInt32(SCHEDHOST_DECIDE_QUARANTINE)
        }
    }

    /// A plugin's answer; nil when it is none that this host knows.
    fileprivate init?(number: UInt32) {
        guard let decision = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = decision
    }
}
