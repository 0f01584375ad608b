internal import CPluginAPI
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// The callbacks around the cycles: `start`, the error hook, `stats` and `stop`.
extension RoutineRunner {
    enum StartOutcome {
        case goOn
        case again(at: BootTime)
        case end(SessionEnd)
    }

    /// Calls `start`, and lets the hook decide if it fails.
    func start() -> StartOutcome {
        if session.stopAsked { return .end(.stopped) }
        if unsafe cell.pointee.schedule.hasReachedUntil(wall()) { return .end(.until) }
        guard unsafe callbacks.start != nil else {
            session.hasStarted = true
            unsafe cell.pointee.ledger.waits()
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
        if isRegularEnd(code) {
            dropMessage()
            return .end(.stopped)
        }
        let failure = takeFailure(.start, code, cycle: 0, attempt: session.startAttempt)
        session.error = failure
        session.startFailures += 1
        switch decide(failure) {
        case .goOn:
            session.hasStarted = true
            return .goOn
        case .retry(let delay):
            if session.startAttempt >= session.onError.attempts { return .end(.error) }
            let now = clock.boot()
            let due = unsafe cell.pointee.schedule.clampToUntil(now + delay, now: now, wall: wall())
            unsafe cell.pointee.ledger.waits(until: due, cycle: 0)
            return .again(at: due)
        case .end:
            return .end(.error)
        }
    }

    /// Decides about a failure, by the routine's hook or else by the configuration's default.
    func decide(_ failure: Session.Failure) -> Schedule.Decision {
        var ruling = FailureDecision(session.onError)
        if unsafe callbacks.onError != nil {
            ruling = unsafe FailureDecision(failure, byDefault: session.onError) { error, decision in
                _ = call(.inHook) { runner in
                    unsafe runner.callbacks.onError?(runner.scheduler, error, decision, runner.callbacks.user)
                    return 0
                }
            }
            dropMessage()
        }
        session.disposition = ruling.disposition
        return ruling.next
    }

    /// Ends the session: calls `stats` and `stop`, and sends the event that becomes the record.
    func finish(_ end: SessionEnd) -> RunPool.Turn {
        let reason = session.reason(end)
        let schedule = unsafe cell.pointee.schedule
        session.isClosing = true
        let lastBegan = unsafe cell.pointee.ledger.began
        if session.hasStarted {
            unsafe closing(.inStats, phase: .stats, column: "stats_error", callbacks.stats)
            requests.waitForInterruption()
            endReloads()
            unsafe closing(.stopping, phase: .stop, column: "stop_error", callbacks.stop)
        }
        let now = clock.boot()
        closeCaches(now: now)
        let ended = WorkerEvent.Ended(
            slot: session.slot, session: session.id, startMs: session.startMs,
            finishMs: clock.wallMilliseconds(), durationNs: now - session.startBoot, cycles: schedule.cycle,
            goodCycles: schedule.cycle &- schedule.passed, failures: schedule.failures &+ session.startFailures,
            missed: schedule.missed, reason: reason,
            code: end == .error ? session.error?.code ?? 0 : 0, stats: session.stats,
            disposition: session.disposition,
            leftAloneNs: end == .error ? session.error?.leftAloneUntil.map { max(0, $0 - now) } : nil,
            lastRunMs: lastRunMs(schedule, began: lastBegan, now: now))
        unsafe cell.pointee.ledger.end(end, counts, began: lastBegan)
        close()
        plugin.sessionEnded(ended)
        return .over
    }

    /// What later sessions go by, in ms UTC: the time that the plan's last cycle was for, which a clock that is set and a
    /// delayed start do not change, or else when the last cycle began; nil if none has, as where `start` failed.
    private func lastRunMs(_ schedule: Schedule, began: BootTime, now: BootTime) -> Int64? {
        guard times.timing.dependsOnHistory, schedule.cycle > 0 || schedule.failures > 0 else { return nil }
        guard times.isPlanned else { return (clock.wall() - max(0, now - began)).milliseconds }
        if schedule.attempt > 1 { times.cycleEnds() }  // it was to be tried again
        return times.lastRunMs
    }

    /// Stops background refreshes, since `stop` may release what the caches' sources use.
    private func endReloads() {
        guard caches.areUsed else { return }
        requests.stopping {
            plugin.wakeCaches()
            caches.endReloads()
        }
    }

    /// Adds the caches' counts of this session to its record.
    private func closeCaches(now: BootTime) {
        // Necessary here too, for a session whose `start` failed and whose `stop` was not called.
        endReloads()
        guard let counted = caches.end(now: now) else { return }
        note(counted.sum)
        for column in counted.columns { session.stats[column.name] = .int(Int64(clamping: column.count)) }
    }

    /// Calls a closing callback. A failure becomes a column of the record, and the hook is told.
    private func closing(
        _ state: LedgerState, phase: Phase, column: String,
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

    /// Calls the plugin, after noting state and thread in the ledger, so that a hang or a crash can be attributed.
    private func call(_ state: LedgerState, _ body: (RoutineRunner) -> Int32) -> Int32 {
        let cycle = unsafe cell.pointee.schedule.cycle
        unsafe cell.pointee.ledger.callbackBegins(state, cycle: cycle, at: clock.boot())
        unsafe cell.pointee.callback.enter(isCycle: false)
        let code = body(self)
        unsafe cell.pointee.callback.leave()
        unsafe cell.pointee.ledger.callbackEnds(cycle: cell.pointee.schedule.cycle)
        if caches.areUsed { endCacheUse(now: clock.boot()) }
        if code == 0 { dropMessage() }
        return code
    }
}

/// What a callback asks in its course.
extension RoutineRunner {
    /// Whether the host has asked the session to stop. May be called on any thread.
    var isStopRequested: Bool { requests.isStopAsked }

    /// The same, asked by a callback.
    func askWhetherToStop() -> Bool {
        plugin.driver?.attend()
        return isStopRequested
    }

    /// Sleeps for `ms`; returns true as soon as the host asks the session to stop.
    func sleep(ms: UInt64) -> Bool {
        let deadline = clock.monotonic() + Int64(min(ms, UInt64(SCHEDHOST_MAX_WAIT_MS))) &* 1_000_000
        return plugin.driver?.sleep(self, until: deadline) ?? requests.sleep(until: deadline)
    }
}
