public import HostValues

/// When one routine runs: the state machine of one session, without a clock, a lock or a thread.
///
/// Cycles start on a grid of `wait`, without drift. A cycle that ends past the next grid point is followed
/// at once by the next one; the grid starts anew there and the points passed over are counted as missed.
/// All other times are of the boot clock.
public struct Schedule: Equatable, Sendable {
    /// Where the session stands.
    public enum State: Equatable, Sendable {
        /// For the next cycle, or for the retry of one.
        case waiting
        /// A cycle is in progress.
        case running
        /// A cycle failed, and the hook is being asked.
        case inHook
        /// Over; nothing happens any more.
        case ended
    }

    /// What the caller is to do.
    public enum Action: Equatable, Sendable {
        /// Run a cycle now; then call `finish` or `fail`.
        case run
        /// Call `poll` at this time, or earlier.
        case wait(until: BootTime)
        /// Ask the plan what comes next; then call `follow`.
        case plan
        /// Ask the hook; then call `decide`.
        case askHook
        /// End the session: after its `maxCycles`, at `until`, since the host or the routine asked, or by an error.
        case end(SessionEnd)
        /// Nothing.
        case none
    }

    /// What the hook decided about a failed cycle.
    public enum Decision: Equatable, Sendable {
        /// Count it and go on.
        case goOn
        /// The same cycle again after this many ns.
        case retry(after: Int64)
        /// End the session.
        case end
    }

    /// From one cycle's start to the next one's; 0: back to back.
    public private(set) var wait: Int64
    /// The most cycles of the session; 0: no bound.
    public let maxCycles: UInt64
    /// From when on no cycle starts; `never`: no bound. While it is that, `wall` is not looked at.
    public let until: WallTime
    /// The most attempts at one cycle.
    public let maxAttempts: UInt32
    /// Whether each cycle's end is followed by `wait`, also when the next one is due at once: for a routine that
    /// takes turns with others.
    public let isYielding: Bool
    /// Whether a `RoutinePlan` says when cycles come, and the wait does not.
    public let isPlanned: Bool

    /// See `State`.
    public private(set) var state = State.waiting
    /// The cycle in progress or next, from 0; also the number of cycles that count.
    public private(set) var cycle: UInt64 = 0
    /// Of the cycle in progress or next, from 1.
    public private(set) var attempt: UInt32 = 1
    /// Of the cycles that count, those that failed and were let pass.
    public private(set) var passed: UInt64 = 0
    /// Cycles that failed, each attempt counted.
    public private(set) var failures: UInt64 = 0
    /// Grid points that were passed over.
    public private(set) var missed: UInt64 = 0
    /// When the present or next cycle is due.
    public private(set) var due: BootTime
    /// Whether the schedule waits for `resume`, whatever is due.
    public private(set) var isPaused = false

    private var grid: BootTime
    private var stopAsked = false
    private var endAsked = false
    private var againAsked = false
    /// Whether the next cycle comes whatever the plan says.
    private var isForced = false
    /// While a planned cycle runs, when the one after it is due.
    private var following = BootTime.never

    /// A session that begins now, with its first cycle due at once.
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
        grid = now
    }

    /// The time has come, or something has changed: what is to do now?
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

    /// The plan has said what comes next. Who waits for a time of the wall clock looks again before it is there.
    public mutating func follow(_ step: RoutinePlan.Step, now: BootTime, wall: WallTime) -> Action {
        switch state {
        case .waiting:
            switch step {
            case .wait(let remaining):
                due = now + remaining
                let look = now + WallWait.sleep(remaining: remaining)
                return .wait(until: clampToUntil(look, now: now, wall: wall))
            case .run(_, let late, let passed, let next):
                missed &+= passed
                due = now - late
                following = next.map { now + $0 } ?? .never
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

    /// Lets the first cycle come later than at once.
    public mutating func delayFirst(to time: BootTime) {
        guard state == .waiting, cycle == 0, attempt == 1 else { return }
        due = time
        grid = time
    }

    /// The cycle succeeded.
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

    /// The cycle failed.
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

    /// A cycle that was to run has not begun, since others have their turn first, and may not for now: it is due still.
    public mutating func withhold() {
        switch state {
        case .running:
            state = .waiting
            isForced = true
        case .waiting, .inHook, .ended: break
        }
    }

    /// The hook has decided. A retry past `maxAttempts` ends the session.
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

    /// The host asks the session to end: at the next poll when it waits, else after the cycle in progress.
    public mutating func askStop() { stopAsked = true }

    /// The routine asks the session to end after the cycle in progress.
    public mutating func endAfterCycle() { endAsked = true }

    /// Sets the wait; the next cycle comes that long after the present one's start.
    public mutating func setWait(_ wait: Int64) { self.wait = max(0, wait) }

    /// The next cycle comes at once: when it waits, now, else after the cycle in progress. The grid starts anew.
    public mutating func runNow(now: BootTime) -> Action {
        switch state {
        case .waiting:
            due = now
            grid = now
            isForced = true
            return .wait(until: now)
        case .running, .inHook:
            againAsked = true
            return .none
        case .ended:
            return .none
        }
    }

    /// No cycle starts until `resume`.
    public mutating func pause() { isPaused = true }

    /// Cycles start again; one that was due meanwhile comes now, on a new grid.
    public mutating func resume(now: BootTime) {
        isPaused = false
        if due < now {
            due = now
            grid = now
        }
    }

    /// When the next cycle, or the one after that in progress, is due as things stand: `now` when it comes at once,
    /// `never` when none will come.
    public func nextDue(now: BootTime, wall: WallTime) -> BootTime {
        let next: BootTime
        switch state {
        case .waiting:
            if stopAsked { return .never }
            next = due
        case .running, .inHook:
            if stopAsked || endAsked || (maxCycles != 0 && cycle &+ 1 >= maxCycles) { return .never }
            next = againAsked ? now : isPlanned ? following : grid + wait
            if next == .never { return .never }
        case .ended:
            return .never
        }
        if isPaused { return .never }
        let clamped = max(next, now)
        return until != .never && wall + (clamped - now) >= until ? .never : clamped
    }

    /// Starts a cycle. One that starts over a whole wait late (a suspend, a starved machine) starts a new grid.
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
            grid = now
        }
    }

    /// After a cycle that counts: the next one.
    private mutating func advance(now: BootTime, wall: WallTime) -> Action {
        if maxCycles != 0, cycle >= maxCycles { return end(.maxCycles) }
        if endAsked { return end(.endedByRoutine) }
        if stopAsked { return end(.stopped) }
        if isPlanned {
            due = againAsked ? now : following
            isForced = againAsked
            againAsked = false
            state = .waiting
            // A turn of its own asks the plan, for a routine that takes turns with others.
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

    /// The time given, or that of `until` if it comes earlier as the clocks stand.
    public func clampToUntil(_ time: BootTime, now: BootTime, wall: WallTime) -> BootTime {
        until == .never ? time : min(time, now + (until - wall))
    }
}
