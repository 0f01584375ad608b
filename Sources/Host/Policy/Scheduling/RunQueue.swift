public import HostValues

/// The queue of a thread pool's routines by due time, and the decisions about its threads.
///
/// It follows the leader/followers pattern: all idle threads wait for one timer, whose expiry wakes one of them. That
/// thread takes the due routine, and before it enters plugin code it has the timer set for its successor. So a routine
/// that blocks does not delay others.
///
/// A routine that becomes due while another thread runs is left to that thread for a short time, after which the thread
/// counts as blocked: setting a timer and waking a thread cost ten times as much as running a routine that takes a
/// microsecond. For the same reason a thread stays awake for routines that are due within microseconds, and for short
/// intervals the timer is set ahead of time (`WakeLead`).
///
/// When the last idle thread enters plugin code while more routines are queued, a new thread is started, up to the
/// number of routines. Surplus threads end after a while.
///
/// Pure: its owner holds the lock and the threads, sets the timer according to `takeAlarm` before it releases the lock,
/// and performs the steps. It allocates only when it outgrows its reserved space.
public struct RunQueue: Sendable {
    /// The reason why a thread asks for its next step.
    public enum Arrival: Sendable {
        /// The thread was started because a step had `grow`.
        case started
        /// The thread has run this routine, which took `length` ns and is due again at `due`; nil means never.
        case finished(Int, due: BootTime?, length: Int64)
        /// The thread has stayed awake until the requested time.
        case stayed
        /// The thread was woken by the timer; `woke` was called before.
        case woken
        /// The thread is surplus and has waited as long as such a thread may wait.
        case timedOut
    }

    /// What a thread does next.
    public enum Step: Equatable, Sendable {
        /// Run the routine; if `grow`, start another thread first.
        case run(Int, grow: Bool)
        /// Stay awake until this time without sleeping, and ask again.
        case stay(until: BootTime)
        /// Wait for the timer; a surplus thread waits for a limited time only.
        case wait(isSurplus: Bool)
        /// End.
        case leave
    }

    /// If turns usually take less than this, in ns, one thread runs all routines. While a thread has just taken a
    /// routine, others would gain nothing and only wait for the lock.
    static let quick: Int64 = 10_000
    /// With at least this many threads in plugin code, an idle or new thread takes a routine only if none has been
    /// taken for a while (`patience`). So the running threads handle a burst, and a blocked thread is still noticed.
    static let eager = 4
    /// The number of idle threads that are never surplus.
    static let kept = 2

    private var queue = DueQueue<BootTime>()
    private let limit: Int
    /// The number of threads, including those being started.
    public private(set) var threads = 0
    /// The number of threads that were started but have not asked for a step yet.
    private var starting = 0
    private var idle = 0
    private var active = 0
    /// Whether a thread that has run a routine stays awake for the next one.
    private var isAttended = false
    /// When a thread last took a routine.
    private var lastTaken = BootTime.longAgo
    /// The routine that was last taken, while it runs; otherwise -1.
    private var latest = -1
    /// The usual duration of a turn in ns: a moving average with weight 1/8, in which a turn counts as at most 40 us.
    private var usual: Int64 = 0
    private var lead = WakeLead()
    /// The time for which the timer is set, how far ahead of that time it expires, and how long before that time it was set,
    /// in ns.
    private var armed = BootTime.never
    private var ahead: Int64 = 0
    private var gap: Int64 = 0
    private var isToSet = false

    /// Creates a queue for `routines` routines; with `isSerial` their turns never overlap.
    public init(routines: Int, isSerial: Bool) {
        limit = isSerial ? 1 : routines
        queue.reserve(routines)
    }

    // MARK: Called with the lock held

    /// Whether the routine waits for its turn.
    public func contains(_ routine: Int) -> Bool { queue.contains(routine) }

    /// The routine that is due next, if it is due within a millisecond, and the one after it: what they need may be brought
    /// near meanwhile.
    public func upcoming(now: BootTime) -> (first: Int?, second: Int?) {
        queue.earliest - now <= 1_000_000 ? queue.nextTwo : (nil, nil)
    }

    /// Makes a routine due now. Returns true if the caller must start a thread.
    public mutating func call(_ routine: Int, now: BootTime) -> Bool {
        queue.set(routine, due: now)
        // A running thread takes the routine if it returns soon enough; otherwise an idle thread does.
        let isForOthers = leavesToOthers(hasWorked: false, now: now)
        arm(by: isForOthers ? lastTaken + patience : now, now: now)
        return idle == 0 && grows()
    }

    /// Reports that a thread could not be started. Returns true if there is no other thread.
    public mutating func hasFailedToStart() -> Bool {
        threads -= 1
        starting -= 1
        return threads == 0
    }

    /// The time to which the timer must be set; `never` switches it off. Nil if the timer need not change.
    public mutating func takeAlarm() -> BootTime? {
        defer { isToSet = false }
        return isToSet ? armed - ahead : nil
    }

    /// Reports that the timer has woken a thread, and learns the latency. If the thread was woken ahead of the due
    /// time, returns the time until which it must stay awake.
    public mutating func woke(now: BootTime) -> BootTime? {
        if armed == .never { return nil }
        lead.learn(now - (armed - ahead), after: gap)
        return armed > now && armed - now <= WakeLead.most ? armed : nil
    }

    // MARK: Decision

    /// Decides the next step of a thread. No other function decides about threads.
    ///
    /// No wake-up is lost. Whenever the lock is released while something is queued, one of two conditions holds. Either
    /// a thread will ask for its next step: one that was started, that runs a routine, that stays awake, or that the
    /// timer has woken. Or a thread is idle, and the timer will wake it in time. An expiry wakes one thread only. So
    /// that thread treats the timer as not set, whatever the clock says, and sets it again before it leaves anything
    /// behind.
    public mutating func next(after arrival: Arrival, now: BootTime) -> Step {
        var hasWorked = false
        var hasTimedOut = false
        switch arrival {
        case .started:
            starting -= 1
        case .finished(let routine, let due, let length):
            hasWorked = true
            usual += (min(length, 40_000) - usual) / 8
            active -= 1
            if latest == routine { latest = -1 }
            if let due { queue.set(routine, due: due) }
        case .stayed:
            hasWorked = true
            isAttended = false
        case .woken:
            idle -= 1
            armed = .never
        case .timedOut:
            idle -= 1
            hasTimedOut = true
        }
        let isPatient = leavesToOthers(hasWorked: hasWorked, now: now)
        if !isPatient, let routine = queue.popDue(now: now) {
            active += 1
            lastTaken = now
            latest = routine
            return .run(routine, grow: entrusts(now: now))
        }
        if hasWorked, !isPatient, isQuick, queue.earliest - now <= lead.worthStaying {
            isAttended = true
            return .stay(until: queue.earliest)
        }
        if hasTimedOut, idle > 0 {
            threads -= 1
            return .leave
        }
        idle += 1
        arm(at: isPatient ? max(queue.earliest, lastTaken + patience) : queue.earliest, now: now)
        return .wait(isSurplus: idle > Self.kept)
    }

    private var isQuick: Bool { usual < Self.quick }

    /// The time in ns after which a turn counts as blocked. For quick turns it is 200 us, since the machine may be busy
    /// with other work for so long. Otherwise it is 50 us, and up to 800 us with more active threads: on a busy
    /// machine, threads that wait for a processor look like blocked ones, and more threads would only add to the load.
    private var patience: Int64 {
        max(isQuick ? 200_000 : 0, 50_000 << Int64(min(max(active / Self.eager - 1, 0), 4)))
    }

    /// Whether a thread leaves due routines to the running threads.
    private func leavesToOthers(hasWorked: Bool, now: BootTime) -> Bool {
        guard now - lastTaken < patience else { return false }
        return isQuick ? latest >= 0 || isAttended : !hasWorked && active >= Self.eager
    }

    /// Makes sure, before a thread enters plugin code, that another thread handles the rest of the queue. Returns true
    /// if a thread must be started for that.
    private mutating func entrusts(now: BootTime) -> Bool {
        if queue.isEmpty { return false }
        if idle == 0 { return grows() }
        let isForFew = isQuick || active >= Self.eager
        arm(by: isForFew ? max(queue.earliest, now + patience) : queue.earliest, now: now)
        return false
    }

    /// Counts a new thread if one is permitted and none is being started. Returns whether the caller must start it.
    private mutating func grows() -> Bool {
        guard starting == 0, threads < limit else { return false }
        threads += 1
        starting += 1
        return true
    }

    /// Makes sure that an idle thread is woken at `time` or earlier. If the timer's time has passed, nothing needs to
    /// be done, because the woken thread will ask for its next step.
    private mutating func arm(by time: BootTime, now: BootTime) {
        if armed > time { arm(at: time, now: now) }
    }

    private mutating func arm(at time: BootTime, now: BootTime) {
        if time == armed { return }
        armed = time
        gap = time - now
        ahead = lead.lead(over: gap)
        isToSet = true
    }
}
