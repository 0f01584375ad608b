internal import CPluginAPI
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// Runs the sessions of one routine, one after the other, on whichever thread of the pool has its turn.
///
/// One thread at a time has the turn, and with it exclusive access to everything here except `requests` and the caches,
/// which any thread may use. The parts of a session have types of their own: `Session` for what it collects, `Schedule`
/// and `SessionTimes` for when its cycles are due, `SessionLedger` for its counts, `SessionCaches`, and `TurnRequests`
/// for requests of other threads.
@safe final class RoutineRunner: @unchecked Sendable {
    // @unchecked: the run queue passes the turn from thread to thread under its lock.

    /// The phase of a session. Accessed by the thread that has the turn.
    enum Stage {
        case idle, starting, cycling
    }

    /// How many bytes a runner takes at most, of which a turn needs nearly all. A worker may have 100 000 runners, so that
    /// what several have in common is in objects that they share.
    static let size = 200

    let plugin: PluginContext
    /// The plugin's clock.
    let clock: TurnClock
    let callbacks: RoutineCallbacks
    let cell: UnsafeMutablePointer<RoutineCell>
    let requests: TurnRequests
    var times = SessionTimes()
    var session: Session
    let caches: SessionCaches
    private let busy = Atomic<Bool>(false)
    var stage = Stage.idle
    private let number: Int32

    /// The routine's number in its plugin; -1 for the plugin's own scope.
    var index: Int { Int(number) }
    /// The routine's name; empty for the plugin's own scope.
    var name: String { unsafe callbacks.name.map { unsafe String(cString: $0) } ?? "" }

    /// Makes a runner without a session, with the cell of that number. `plugin` must outlive it.
    init(
        index: Int, plugin: PluginContext, callbacks: RoutineCallbacks, cells: RoutineCells, cell place: Int
    ) {
        number = Int32(clamping: index)
        self.plugin = plugin
        clock = plugin.turnClock
        requests = unsafe TurnRequests(at: cells.wait(place))
        caches = SessionCaches(isVirtual: plugin.isVirtual)
        self.callbacks = callbacks
        session = Session.none
        unsafe cell = cells[place]
        unsafe cell.initialize(
            to: RoutineCell(
                scheduler: schedhost_scheduler(), schedule: Schedule(now: .longAgo, wait: 0),
                ledger: SessionLedger(scratch: plugin.ledger), hasSession: index >= 0, runner: self))
        unsafe cell.pointee.scheduler.struct_size = UInt32(MemoryLayout<schedhost_scheduler>.size)
        unsafe cell.pointee.scheduler.host = unsafe plugin.table
        unsafe cell.pointee.scheduler.host_data = unsafe UnsafeMutableRawPointer(cell)
    }

    deinit { unsafe cell.deinitialize(count: 1) }

    /// The scheduler that is passed to the plugin.
    var scheduler: UnsafePointer<schedhost_scheduler> {
        unsafe UnsafeRawPointer(cell).assumingMemoryBound(to: schedhost_scheduler.self)
    }

    // MARK: Called by the control thread

    /// Prepares the next session; returns false if one is in progress. The pool's `begin` then gives it its first turn.
    func prepare(_ start: WorkerCommand.Start) -> Bool {
        guard !isBusy else { return false }
        let now = clock.boot()
        session = Session(
            start,
            plugin.terms(
                parameters: start.parameters, caches: start.caches, onError: start.onError,
                timeout: Int64(clamping: start.timeoutMs).clampedTimes(1_000_000)),
            startMs: clock.wallMilliseconds(), startBoot: now)
        planTimes(start.timing, waitMs: start.waitMs, now: now)
        requests.begin(start.isPaused ? .pause : [])
        unsafe cell.pointee.schedule = Schedule(
            now: now, wait: Int64(min(start.waitMs, UInt64(SCHEDHOST_MAX_WAIT_MS))) * 1_000_000,
            maxCycles: start.maxCycles,
            until: start.untilMs.map { WallTime(milliseconds: $0) } ?? .never,
            maxAttempts: start.onError.attempts, isYielding: plugin.isSerial || plugin.driver?.separatesCycles == true,
            isPlanned: times.isPlanned)
        stage = .starting
        busy.store(true, ordering: .releasing)
        caches.open()
        unsafe cell.pointee.ledger = SessionLedger(
            plugin.ledger.slot(start.slot), replica: plugin.ledger.replica(start.slot), key: plugin.ledger.key,
            session: start.session, now: now, nextMs: times.nextMs)
        return true
    }

    /// Makes a request. The caller then calls the driver's `poke`.
    func ask(_ request: TurnRequests.Kinds) {
        requests.ask(request)
        if request.contains(.stop) { plugin.wakeCaches() }
    }

    /// Whether a session is in progress. May be called on any thread.
    var isBusy: Bool { busy.load(ordering: .acquiring) }

    /// The routine's caches, created by the first call. May be called on any thread.
    func useCaches() -> RoutineCaches {
        caches.use {
            RoutineCaches(plugin: plugin, routine: name, number: index, settings: session.terms.caches, runner: self)
        }
    }

    /// Drops values of disk caches from memory, because their files were removed.
    func dropCached(_ name: String?, key: String?) { caches.forget(name: name, key: key) }

    /// Calls the plugin's `interrupt`, once a session, if the session was asked to stop and a cycle is in progress.
    func interruptIfRunning() {
        guard unsafe callbacks.interrupt != nil else { return }
        requests.interrupt(if: { unsafe cell.pointee.callback.isInCycle }) {
            unsafe callbacks.interrupt?(scheduler, callbacks.user)
        }
    }

    // MARK: The turn

    /// Does what is due. The pool calls it on one thread at a time.
    ///
    ///     idle        there is no session: does nothing
    ///     starting    calls `start` when it is due; then continues with cycling, or retries `start` later
    ///     cycling     does what the schedule says, until nothing is due
    ///
    /// The session may end in each of these phases.
    func takeTurn(on thread: Int32 = Thread.identifier()) -> RunPool.Turn {
        if stage == .idle { return .over }
        unsafe cell.pointee.ledger.turn(of: thread, counts)
        if hasRequests { consumeRequests() }
        switch stage {
        case .idle: return .over
        case .starting: return begin() ?? drive()
        case .cycling: return session.gate.isWaiting ? waitForGate() : drive()
        }
    }

    /// Has the processor bring near what a turn needs beside the runner and its cell. Called while the routine waits for its
    /// turn and cannot have it.
    @inline(__always)
    func fetch() {
        unsafe cell.pointee.ledger.fetch()
        times.fetch()
        if let user = unsafe callbacks.user { unsafe ProcessorCache.fetch(user, bytes: 64) }
    }

    /// Brings the session to its first cycle. Returns how the turn ends if that is not possible yet, or not at all;
    /// else nil.
    private func begin() -> RunPool.Turn? {
        let now = clock.boot()
        if session.startDue > now, !session.stopAsked, unsafe !cell.pointee.schedule.hasReachedUntil(wall()) {
            return .due(unsafe cell.pointee.schedule.clampToUntil(session.startDue, now: now, wall: wall()))
        }
        if let trouble = session.trouble {
            session.error = Session.Failure(phase: .start, code: -1, message: trouble, cycle: 0, attempt: 1)
            return finish(.error)
        }
        switch start() {
        case .goOn:
            stage = .cycling
            if hasRequests { consumeRequests() }  // a stop during `start` takes effect before the first cycle
            layFirstCycle()
            return nil
        case .again(let due):
            session.startDue = due
            return .due(due)
        case .end(let end): return finish(end)
        }
    }

    /// Performs the schedule's actions, each of which yields the next one, until nothing is due.
    func drive(_ first: Schedule.Action? = nil) -> RunPool.Turn {
        var now = clock.boot()
        var action = unsafe first ?? cell.pointee.schedule.poll(now: now, wall: wall())
        while true {
            switch action {
            case .run:
                if let turn = stopAtGate(now) { return turn }
                action = cycle(start: now, end: &now)
                leaveGate()
            case .plan: action = followPlan(now)
            case .askHook: action = askHook(&now)
            case .wait(let until):
                leaveGate()
                unsafe cell.pointee.ledger.waits(until: cell.pointee.schedule.due, cycle: cell.pointee.schedule.cycle)
                return .due(until)
            case .end(let end):
                leaveGate()
                return finish(end)
            case .none: return .over
            }
        }
    }

    /// Runs one cycle. This is the hot path: at most two clock reads, plain stores, and the plugin's own work.
    @inline(__always)
    private func cycle(start: BootTime, end: inout BootTime) -> Schedule.Action {
        let schedule = unsafe cell.pointee.schedule
        unsafe cell.pointee.ledger.cycleBegins(schedule.cycle, at: start)
        unsafe cell.pointee.callback.enter(isCycle: true)
        let code = unsafe callbacks.run.unsafelyUnwrapped(scheduler, callbacks.user)
        unsafe cell.pointee.callback.leave()
        end = clock.boot()
        unsafe cell.pointee.ledger.cycleEnds(
            start: start, end: end, due: schedule.due, annex: plugin.ledger.annex(session.slot))
        if caches.areUsed { endCacheUse(now: end) }
        if hasRequests { consumeRequests() }
        if code != 0, !isRegularEnd(code) {
            session.error = takeFailure(.routine, code, cycle: schedule.cycle, attempt: schedule.attempt)
            let action = unsafe cell.pointee.schedule.fail()
            unsafe cell.pointee.ledger.failed(cell.pointee.schedule.failures)
            unsafe cell.pointee.ledger.failed(counts, runningSince: start)
            return action
        }
        if unsafe cell.pointee.hasMessage { dropMessage() }
        times.cycleEnds()
        let action = unsafe cell.pointee.schedule.finish(now: end, wall: wall())
        unsafe cell.pointee.ledger.cycleCounts(cell.pointee.schedule.cycle, missed: cell.pointee.schedule.missed)
        if unsafe cell.pointee.schedule.missed != schedule.missed {
            noteFailures()
        }
        return action
    }

    /// Lets the hook decide about the failed cycle, and applies its decision.
    private func askHook(_ now: inout BootTime) -> Schedule.Action {
        guard let failure = session.error else {
            return unsafe cell.pointee.schedule.decide(.end, now: now, wall: wall())
        }
        let decision = decide(failure)
        now = clock.boot()
        if hasRequests { consumeRequests() }
        if case .retry = decision {} else { times.cycleEnds() }  // a retry keeps its due time
        let action = unsafe cell.pointee.schedule.decide(decision, now: now, wall: wall())
        unsafe cell.pointee.ledger.decided(
            cycle: cell.pointee.schedule.cycle, attempt: cell.pointee.schedule.attempt,
            passed: cell.pointee.schedule.passed)
        noteFailures()
        return action
    }

    /// Writes the counts of failed and missed cycles to the slot's replica.
    private func noteFailures() { unsafe cell.pointee.ledger.failed(counts) }

    /// What the slot's replica says of the session.
    var counts: ReplicaAccount.Counts { unsafe ReplicaAccount.Counts(session.id, cell.pointee.schedule) }

    /// Whether a callback that returns this code has ended as it should, since the host asks it to stop.
    func isRegularEnd(_ code: Int32) -> Bool { code == SCHEDHOST_STOPPED.code && isStopRequested }

    /// Releases what the caches kept for the callback that has just returned.
    func endCacheUse(now: BootTime) {
        if let counted = caches.callbackEnded(now: now) { note(counted) }
    }

    /// Writes the counters of the routine's caches to the ledger.
    func note(_ counted: CacheCounters) {
        unsafe cell.pointee.ledger.count(counted, in: plugin.ledger.annex(session.slot))
    }

    /// The failure of a callback that returned `code`. Clears the text that belongs to it.
    func takeFailure(_ phase: Phase, _ code: Int32, cycle: UInt64, attempt: UInt32) -> Session.Failure {
        defer { dropMessage() }
        return session.failure(phase, code, cycle: cycle, attempt: attempt)
    }

    /// Clears the text that the callback has attached with `fail`, and the failure of its cache calls, after the
    /// callback.
    func dropMessage() {
        unsafe cell.pointee.hasMessage = false
        session.message = ""
        session.cacheTrouble = nil
    }

    /// The wall time; read only if the session has an end time, since nothing else needs it here.
    @inline(__always)
    func wall() -> WallTime {
        unsafe cell.pointee.schedule.until == .never ? .longAgo : clock.wall()
    }

    /// Whether a request is waiting.
    @inline(__always)
    var hasRequests: Bool { !requests.isEmpty }

    private func consumeRequests() {
        let asked = requests.take()
        if asked.contains(.pause) { unsafe cell.pointee.schedule.pause() }
        if asked.contains(.resume) { unsafe cell.pointee.schedule.resume(now: clock.boot()) }
        if asked.contains(.runNow) { session.startDue = .longAgo }
        if asked.contains(.runNow), !session.gate.isWaiting {
            _ = unsafe cell.pointee.schedule.runNow(now: clock.boot())
        }
        if asked.contains(.stop) { session.stopAsked = true }
        if session.stopAsked, case .cycling = stage { unsafe cell.pointee.schedule.askStop() }
    }

    /// Closes the session after its record was made; the next one may begin.
    func close() {
        session = Session.none
        stage = .idle
        busy.store(false, ordering: .releasing)
    }
}

/// Cycles whose times are not determined by the wait alone.
extension RoutineRunner {
    private func planTimes(_ timing: RoutineTiming, waitMs: UInt64, now: BootTime) {
        let wall = clock.wall()
        do throws(TimeZones.Failure) {
            times = try SessionTimes(timing, waitMs: waitMs, boot: now, wall: wall) { () throws(TimeZones.Failure) in
                try calendar(timing, wall)
            }
        } catch {
            times = SessionTimes()
            session.trouble = "its schedule: \(error)"
        }
    }

    private func calendar(_ timing: RoutineTiming, _ wall: WallTime) throws(TimeZones.Failure) -> CalendarSchedule {
        let boot = clock.boot()
        return try timing.schedule(
            routine: "\(plugin.id)/\(name)",
            zone: { (name) throws(TimeZones.Failure) in
                try TimeZoneCache.shared.zone(name, boot: boot, wall: wall) { self.say($0) }.rules
            }, isZone: { TimeZones.has($0) })
    }

    /// Writes a line of the host's own to the log.
    private func say(_ text: String) {
        plugin.channel.log(
            WorkerEvent.Log(
                plugin: plugin.number, routine: index < 0 ? nil : index, level: LogLevel.warning.number, text: text,
                ms: clock.wallMilliseconds()))
    }

    /// Determines when the first cycle is due, at which the grid of cycles starts. One that was asked for during `start`
    /// is due already.
    private func layFirstCycle() {
        let (now, wall) = (clock.boot(), clock.wall())
        if times.nextMs != 0 {
            unsafe cell.pointee.schedule.expect(now + (WallTime(milliseconds: times.nextMs) - wall))
        }
        let first = times.first(wait: unsafe cell.pointee.schedule.wait, boot: now, wall: wall)
        if unsafe first == .byPlan || cell.pointee.schedule.isForced { return }
        _ = unsafe cell.pointee.schedule.runNow(now: now)
        if case .at(let due) = first { unsafe cell.pointee.schedule.delayFirst(to: due) }
    }

    private func followPlan(_ now: BootTime) -> Schedule.Action {
        let wall = clock.wall()
        let waitMs = unsafe cell.pointee.schedule.wait / 1_000_000
        let timing = times.timing
        let step = times.step(waitMs: waitMs, boot: now, wall: wall) { () throws(TimeZones.Failure) in
            try calendar(timing, wall)
        }
        let action = unsafe cell.pointee.schedule.follow(step, now: now, wall: wall)
        if case .run(let dueMs, _, _, _) = step, action == .run { times.cycleBegins(for: dueMs) }
        unsafe cell.pointee.ledger.planned(missed: cell.pointee.schedule.missed, nextMs: times.nextMs)
        return action
    }
}
