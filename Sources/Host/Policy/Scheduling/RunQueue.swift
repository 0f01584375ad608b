public import HostValues

/// The routines of a pool in the order of their due times, and what each of the pool's threads does next.
///
/// Leader and followers: every idle thread waits for one timer, and its expiry wakes one of them. Whoever wakes takes the
/// routine that is due, and before it enters plugin code has the timer set for whoever follows, so a routine that blocks
/// delays no other. What is due soon is left to the thread that runs, for the little while after which it counts as
/// blocked: to set a timer and wake a thread costs ten times as much as to run a routine that takes a microsecond.
/// For the same reason a thread stays awake for what is due within microseconds, and for short intervals the timer is set
/// ahead of time (`WakeLead`). When the last idle thread leaves for plugin code and more is to come, a new one is wanted,
/// up to the number of routines; surplus ones leave after a while.
///
/// Pure: its owner locks, keeps the threads, sets the timer by `takeAlarm` before it releases the lock, and does what it
/// is told. Allocates only when it outgrows its room.
public struct RunQueue: Sendable {
    /// What brings a thread here.
    public enum Arrival: Sendable {
        /// It was started because `grow` was said.
        case started
        /// It has run this routine, which took so long and is due again at that time; nil: no more.
        case finished(Int, due: BootTime?, length: Int64)
        /// The time is over that it was to stay awake.
        case stayed
        /// It took the timer's expiry; `woke` came before.
        case woken
        /// It has waited in vain for as long as a surplus thread stays.
        case timedOut
    }

    /// What a thread does next.
    public enum Step: Equatable, Sendable {
        /// It runs the routine; first it starts another thread if there is to be one.
        case run(Int, grow: Bool)
        /// It lets the time until then pass awake, and comes back.
        case stay(until: BootTime)
        /// It waits for the timer, a surplus one not for ever.
        case wait(isSurplus: Bool)
        /// It ends.
        case leave
    }

    /// Turns that take less than this by and large are for one thread, also for those that run: while another has just
    /// taken one, there is nothing to win but waits for the lock.
    static let quick: Int64 = 10_000
    /// From this many threads in plugin code on, an idle or new one takes a routine only when none was taken for some
    /// time: a burst is for the threads that run, and one that blocks is still noticed.
    static let eager = 4
    /// Idle threads that stay for ever.
    static let kept = 2

    private var queue = DueQueue<BootTime>()
    private let limit: Int
    /// Threads there are, those on their way included.
    public private(set) var threads = 0
    /// Of these, those that were started and have not come here yet.
    private var starting = 0
    private var idle = 0
    private var active = 0
    /// Whether a thread that has worked stays awake for what is due next.
    private var isAttended = false
    /// When a routine was last taken.
    private var lastTaken = BootTime.longAgo
    /// Which one that was, while its turn lasts; else -1.
    private var latest = -1
    /// How long turns took of late: each counts an eighth, and as 40 us at most.
    private var usual: Int64 = 0
    private var lead = WakeLead()
    /// The time that the timer is set for, and by how much ahead of it.
    private var armed = BootTime.never
    private var ahead: Int64 = 0
    private var isToSet = false

    /// A queue for so many routines, whose turns overlap unless it `isSerial`.
    public init(routines: Int, isSerial: Bool) {
        limit = isSerial ? 1 : routines
        queue.reserve(routines)
    }

    // MARK: For who holds the lock

    /// Whether the routine waits for its turn.
    public func contains(_ routine: Int) -> Bool { queue.contains(routine) }

    /// Gives a routine its turn now; true when a thread is to be started.
    public mutating func call(_ routine: Int, now: BootTime) -> Bool {
        queue.set(routine, due: now)
        // Whoever runs takes it, if he is back soon, or else an idle thread does.
        let isForOthers = leavesToOthers(hasWorked: false, now: now)
        arm(by: isForOthers ? lastTaken + patience : now, now: now)
        return idle == 0 && grows()
    }

    /// A thread that was to be started is not. True when there is no other one.
    public mutating func hasFailedToStart() -> Bool {
        threads -= 1
        starting -= 1
        return threads == 0
    }

    /// What the timer is to be set to, if that has changed; `never` for none.
    public mutating func takeAlarm() -> BootTime? {
        defer { isToSet = false }
        return isToSet ? armed - ahead : nil
    }

    /// The timer's expiry has woken a thread; learns how long that took. The time that it is to stay awake for, when it
    /// was woken ahead of it.
    public mutating func woke(now: BootTime) -> BootTime? {
        if armed == .never { return nil }
        lead.learn(now - (armed - ahead))
        return armed > now && armed - now <= WakeLead.most ? armed : nil
    }

    // MARK: The decision

    /// A thread's next step. The only place that decides about threads.
    ///
    /// No wake-up is lost. Whenever the lock is released and something is queued, a thread is on its way here (it was
    /// started, it runs a routine that will end, it stays awake, or it took an expiry of the timer), or one is idle and
    /// the timer will wake it in time. The timer's expiry goes to one thread and is gone; so whoever took it takes the
    /// timer for unset, whatever the clock says, and before it leaves sets it again for what it leaves behind.
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

    /// After how long a turn counts as blocked: 200 us where turns are quick, since the machine may do something else for
    /// so long, and 50 us where they are not, longer the more there are, up to 800 us: on a busy machine threads that wait
    /// for a processor look like threads that block, and more of them would not make it less busy.
    private var patience: Int64 {
        max(isQuick ? 200_000 : 0, 50_000 << Int64(min(max(active / Self.eager - 1, 0), 4)))
    }

    /// Whether a thread leaves what is due to those that run.
    private func leavesToOthers(hasWorked: Bool, now: BootTime) -> Bool {
        guard now - lastTaken < patience else { return false }
        return isQuick ? latest >= 0 || isAttended : !hasWorked && active >= Self.eager
    }

    /// Before a thread enters plugin code: leaves the rest of the queue to another; true when one must be started.
    private mutating func entrusts(now: BootTime) -> Bool {
        if queue.isEmpty { return false }
        if idle == 0 { return grows() }
        let isForFew = isQuick || active >= Self.eager
        arm(by: isForFew ? max(queue.earliest, now + patience) : queue.earliest, now: now)
        return false
    }

    /// Counts a thread to be started in, if there may be one and none is on its way.
    private mutating func grows() -> Bool {
        guard starting == 0, threads < limit else { return false }
        threads += 1
        starting += 1
        return true
    }

    /// Has an idle thread woken at this time or before. Nothing to do when the timer's time has passed: the thread that
    /// it woke is on its way here.
    private mutating func arm(by time: BootTime, now: BootTime) {
        if armed > time { arm(at: time, now: now) }
    }

    private mutating func arm(at time: BootTime, now: BootTime) {
        if time == armed { return }
        armed = time
        ahead = lead.lead(over: time - now)
        isToSet = true
    }
}
