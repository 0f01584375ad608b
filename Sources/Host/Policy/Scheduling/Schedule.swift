public import HostValues

/// The state machine of one session, which decides when its routine runs. It has no clock, lock or thread.
///
/// Cycles start on a grid of the interval `wait`, without drift. If a cycle ends after the next grid point, the next
/// cycle starts at once; the grid starts anew there, and the skipped grid points count as missed. Times without a type
/// are in ns of the boot clock.
public struct Schedule: Equatable, Sendable {
    /// The state of the session.
    public enum State: Equatable, Sendable {
        /// The session waits for its next cycle or for a retry.
        case waiting
        /// A cycle is in progress.
        case running
        /// A cycle has failed, and the error hook is being called.
        case inHook
        /// The session has ended; nothing happens any more.
        case ended
    }

    /// What the caller must do.
    public enum Action: Equatable, Sendable {
        /// Run a cycle now; then call `finish` or `fail`.
        case run
        /// Call `poll` at this time or earlier.
        case wait(until: BootTime)
        /// Ask the plan for the next step; then call `follow`.
        case plan
        /// Call the error hook; then call `decide`.
        case askHook
        /// End the session: after `maxCycles`, at `until`, at the request of the host or the routine, or after an
        /// error.
        case end(SessionEnd)
        /// Do nothing.
        case none
    }

    /// The decision of the hook about a failed cycle.
    public enum Decision: Equatable, Sendable {
        /// Count the cycle and continue.
        case goOn
        /// Run the same cycle again after this many ns.
        case retry(after: Int64)
        /// End the session.
        case end
    }

    // In the order of their sizes, without gaps: a worker may have 100 000 sessions.

    /// The interval from one cycle's start to the next one's, in ns; 0 means back to back.
    public private(set) var wait: Int64
    /// The number of cycles after which the session is complete; 0 means no bound.
    public let maxCycles: UInt64
    /// The time from which on no cycle starts; `never` means no bound, and then `wall` is ignored.
    public let until: WallTime
    /// The current or next cycle, from 0, which equals the number of completed cycles.
    public private(set) var cycle: UInt64 = 0
    /// The number of completed cycles that failed but whose error was ignored.
    public private(set) var passed: UInt64 = 0
    /// The number of failed attempts.
    public private(set) var failures: UInt64 = 0
    /// The number of grid points that were skipped.
    public private(set) var missed: UInt64 = 0
    /// When the current or next cycle is due.
    public private(set) var due: BootTime
    /// The point of the grid from which the next one is counted; with a plan, when the next cycle is due, while one runs.
    private var grid: BootTime
    /// The maximum number of attempts at one cycle.
    public let maxAttempts: UInt32
    /// The attempt at the current or next cycle, from 1.
    public private(set) var attempt: UInt32 = 1
    /// The state of the session.
    public private(set) var state = State.waiting
    /// Whether the action after each cycle is always `wait`, even if the next cycle is due at once. It is set for a
    /// routine that takes turns with others.
    public let isYielding: Bool
    /// Whether a `RoutinePlan` determines when cycles start, instead of the interval.
    public let isPlanned: Bool
    /// Whether the session is paused: no cycle starts until `resume`, even if it is due.
    public private(set) var isPaused = false
    private var stopAsked = false
    private var endAsked = false
    private var againAsked = false
    /// Whether the next cycle starts regardless of the plan.
    public private(set) var isForced = false

    /// Creates a session that begins now; its first cycle is due at once.
    public init(
        now: BootTime, wait: Int64, maxCycles: UInt64 = 0, until: WallTime = .never, maxAttempts: UInt32 = 3,
        isYielding: Bool = false, isPlanned: Bool = false
    ) {
        self.wait = max(0, wait)
        self.maxCycles = maxCycles
        self.until = until
        self.maxAttempts = maxAttempts
        self.isYielding = isYielding
        self.isPlanned = isPlanned
        due = now
        grid = isPlanned ? .never : now
    }

    /// Starts the grid anew; a plan is its own.
    private mutating func restartGrid(_ time: BootTime) { if !isPlanned { grid = time } }

    /// Decides what to do now, because the time has come or something has changed.
    public mutating func poll(now: BootTime, wall: WallTime) -> Action {
        switch state {
        case .waiting:
            if stopAsked { return end(.stopped) }
            if hasReachedUntil(wall) { return end(.until) }
            if isPaused { return .wait(until: clampToUntil(.never, now: now, wall: wall)) }
            if isPlanned, attempt == 1, !isForced { return .plan }
            if now < due { return .wait(until: clampToUntil(due, now: now, wall: wall)) }
            begin(now)
            return .run
        case .running, .inHook, .ended:
            return .none
        }
    }

    /// Takes the plan's next step. A wait for a time of the wall clock is split, so that the plan is asked again
    /// shortly before.
    public mutating func follow(_ step: RoutinePlan.Step, now: BootTime, wall: WallTime) -> Action {
        switch state {
        case .waiting:
            switch step {
            case .wait(let remaining):
                due = now + remaining
                grid = due
                let look = now + WallWait.sleep(remaining: remaining)
                return .wait(until: clampToUntil(look, now: now, wall: wall))
            case .run(_, let late, let passed, let next):
                missed &+= passed
                due = now - late
                grid = next.map { now + $0 } ?? .never
                state = .running
                return .run
            case .passOver(let passed):
                missed &+= passed
                return .plan
            case .over:
                return end(.until)
            }
        case .running, .inHook, .ended:
            return .none
        }
    }

    /// Notes when the plan's first cycle is due, for a cycle that begins before it.
    public mutating func expect(_ due: BootTime) { if isPlanned { grid = due } }

    /// Delays the first cycle.
    public mutating func delayFirst(to time: BootTime) {
        guard state == .waiting, cycle == 0, attempt == 1 else { return }
        due = time
        restartGrid(time)
    }

    /// Reports that the cycle succeeded.
    public mutating func finish(now: BootTime, wall: WallTime) -> Action {
        switch state {
        case .running:
            cycle &+= 1
            attempt = 1
            return advance(now: now, wall: wall)
        case .waiting, .inHook, .ended:
            return .none
        }
    }

    /// Reports that the cycle failed.
    public mutating func fail() -> Action {
        switch state {
        case .running:
            failures &+= 1
            state = .inHook
            return .askHook
        case .waiting, .inHook, .ended:
            return .none
        }
    }

    /// Takes back `run` for a cycle that may not begin yet, because others have their turn first. The cycle stays due. If its
    /// plan has it again (`byPlan`), the plan is asked once more before it begins, since a later time may be due by then, or
    /// this one be too late.
    public mutating func withhold(byPlan: Bool) {
        switch state {
        case .running:
            state = .waiting
            isForced = !byPlan
        case .waiting, .inHook, .ended: break
        }
    }

    /// Takes the decision of the hook. A retry beyond `maxAttempts` ends the session.
    public mutating func decide(_ decision: Decision, now: BootTime, wall: WallTime) -> Action {
        switch state {
        case .inHook:
            switch decision {
            case .goOn:
                cycle &+= 1
                passed &+= 1
                attempt = 1
                return advance(now: now, wall: wall)
            case .retry(let delay):
                if stopAsked { return end(.stopped) }
                if attempt >= maxAttempts { return end(.error) }
                attempt &+= 1
                due = now + max(0, delay)
                state = .waiting
                return poll(now: now, wall: wall)
            case .end:
                return end(.error)
            }
        case .waiting, .running, .ended:
            return .none
        }
    }

    /// Requests the end of the session on behalf of the host: at the next `poll` if it waits, otherwise after the
    /// current cycle.
    public mutating func askStop() { stopAsked = true }

    /// Requests the end of the session after the current cycle, on behalf of the routine.
    public mutating func endAfterCycle() { endAsked = true }

    /// Sets the interval, which applies from the start of the current cycle on.
    public mutating func setWait(_ wait: Int64) { self.wait = max(0, wait) }

    /// Makes the next cycle due at once, or after the current cycle if one is in progress. The grid starts anew.
    public mutating func runNow(now: BootTime) -> Action {
        switch state {
        case .waiting:
            due = now
            restartGrid(now)
            isForced = true
            return .wait(until: now)
        case .running, .inHook:
            againAsked = true
            return .none
        case .ended:
            return .none
        }
    }

    /// Pauses the session: no cycle starts until `resume`.
    public mutating func pause() { isPaused = true }

    /// Resumes the session. If a cycle became due in the meantime, it starts now, on a new grid. A cycle in progress keeps
    /// its grid, since none became due beside it.
    public mutating func resume(now: BootTime) {
        guard isPaused else { return }
        isPaused = false
        switch state {
        case .waiting where due < now:
            due = now
            restartGrid(now)
        case .waiting, .running, .inHook, .ended: break
        }
    }

    /// When the next cycle, or the one after the current cycle, is expected to be due: `now` if it starts at once,
    /// `never` if there will be none.
    public func nextDue(now: BootTime, wall: WallTime) -> BootTime {
        let next: BootTime
        switch state {
        case .waiting:
            if stopAsked { return .never }
            next = due
        case .running, .inHook:
            if stopAsked || endAsked || (maxCycles != 0 && cycle &+ 1 >= maxCycles) { return .never }
            next = againAsked ? now : isPlanned ? grid : grid + wait
            if next == .never { return .never }
        case .ended:
            return .never
        }
        if isPaused { return .never }
        let clamped = max(next, now)
        return until != .never && wall + (clamped - now) >= until ? .never : clamped
    }

    /// Starts a cycle. If it starts later than by a whole interval, after a suspend or on an overloaded machine, the
    /// grid starts anew.
    private mutating func begin(_ now: BootTime) {
        state = .running
        if attempt > 1 { return }
        isForced = false
        if wait > 0, !isPlanned {
            let late = now - grid
            if late >= wait {
                missed &+= UInt64(late / wait)
                grid = now
            }
        } else {
            restartGrid(now)
        }
    }

    /// Prepares the next cycle after a completed one.
    private mutating func advance(now: BootTime, wall: WallTime) -> Action {
        if maxCycles != 0, cycle >= maxCycles { return end(.maxCycles) }
        if endAsked { return end(.endedByRoutine) }
        if stopAsked { return end(.stopped) }
        if isPlanned {
            due = againAsked ? now : grid
            isForced = againAsked
            againAsked = false
            state = .waiting
            // A routine that takes turns with others asks the plan in its next turn.
            return isYielding && !isPaused && !hasReachedUntil(wall) ? .wait(until: now) : poll(now: now, wall: wall)
        }
        let next = grid + wait
        if againAsked {
            againAsked = false
            grid = now
        } else if next >= now {
            grid = next
        } else {
            if wait > 0 { missed &+= UInt64((now - next) / wait) }
            grid = now
        }
        due = grid
        state = .waiting
        return isYielding && !isPaused && !hasReachedUntil(wall)
            ? .wait(until: clampToUntil(due, now: now, wall: wall)) : poll(now: now, wall: wall)
    }

    private mutating func end(_ reason: SessionEnd) -> Action {
        state = .ended
        return .end(reason)
    }

    /// Whether the wall clock has reached `until`.
    public func hasReachedUntil(_ wall: WallTime) -> Bool { until != .never && wall >= until }

    /// The given time, or the time of `until` if that is earlier according to the current clocks.
    public func clampToUntil(_ time: BootTime, now: BootTime, wall: WallTime) -> BootTime {
        until == .never ? time : min(time, now + (until - wall))
    }
}
