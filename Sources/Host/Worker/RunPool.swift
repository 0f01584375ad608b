internal import HostCore
internal import HostSystem

/// The threads that run a plugin's routines, each when it is due.
///
/// Leader and followers, with the kernel as the judge: every idle thread waits in epoll_wait(2) on one timer, set to
/// the earliest due time, and its expiry wakes the one that came last. Whoever wakes takes the routine that is due
/// and sets the timer for the next one before it enters plugin code, so a routine that blocks delays no other.
/// What is due at once is left to the thread that runs, for the little while after which it counts as blocked: to wake
/// another for a routine that takes a microsecond costs ten times as much as to run it.
/// For short intervals the timer is set a little ahead, by what a wake-up takes (`WakeLead`), and the thread lets the
/// rest pass awake: its cycle starts within microseconds of its time instead of the wake-up's 50.
/// When the last idle thread leaves for plugin code and more is to come, a new one is started, up to the number of
/// routines; surplus ones leave after a while.
final class RunPool: Sendable {
    /// What a runner wants after its turn.
    enum Turn {
        /// To be called again at this time, boot ns.
        case due(Int64)
        /// Nothing: its session is over.
        case over
    }

    private struct State {
        var queue = DueQueue()
        var threads = 0
        /// Of these, those that were started and have not come to the queue yet.
        var starting = 0
        var idle = 0
        var active = 0
        /// The time that the timer is set for, and by how much ahead of it.
        var armed = Int64.max
        var ahead: Int64 = 0
        var lead = WakeLead()
        /// When a routine was last taken.
        var lastTaken = Int64.min / 2
        /// Which one that was, while its turn lasts; else -1.
        var latest = -1
        /// How long turns took of late, ns: each counts an eighth, and as 40 us at most.
        var usual: Int64 = 0
        let limit: Int

        init(limit: Int) { self.limit = limit }
    }

    /// What brings a thread to the queue.
    private enum Arrival {
        case started
        /// With the time at which it was taken.
        case finished(Int, Turn, taken: Int64)
        case woken
        case timedOut
    }

    private enum Step {
        case run(Int, grow: Bool, taken: Int64)
        case wait(milliseconds: Int32)
        case leave
    }

    /// From this many threads in plugin code on, an idle or new thread takes a routine only when none was taken for
    /// some time: a burst of quick routines is for the threads that run, and one that blocks is still noticed.
    private static let eager = 4

    /// That time, ns: 50 us, and longer the more there are, up to 800 us. On a busy machine threads that wait for a
    /// processor look like threads that block, and more of them would not make it less busy.
    private static func patience(_ active: Int) -> Int64 { 50_000 << Int64(min(max(active / eager - 1, 0), 4)) }

    /// Routines whose turns take less than this by and large, ns, are for one thread, also for those that run: while
    /// another has just taken one, there is nothing to win but waits for the lock.
    private static let quick: Int64 = 10_000

    private let name: String
    private let clock: any HostClock
    private let runners: [RoutineRunner]
    private let timer: TimerDescriptor
    private let poller: Poller
    // Not a Mutex: that hands the lock to who waits longest (FUTEX_LOCK_PI), so that threads with little to do under it
    // go to sleep and wake for each turn.
    private let state: Monitor<State>
    private let linger: Int32

    /// A pool for these runners; `isSerial` runs them one at a time. A surplus thread stays for `linger` ms.
    init(name: String, runners: [RoutineRunner], isSerial: Bool, clock: any HostClock, linger: Int32 = 5000)
        throws(SystemError)
    {
        self.name = name
        self.clock = clock
        self.linger = linger
        self.runners = runners
        timer = try TimerDescriptor(.boot)
        poller = try Poller()
        var first = State(limit: isSerial ? 1 : runners.count)
        first.queue.reserve(runners.count)
        state = Monitor(first)
        try poller.add(timer.descriptor, for: [.readable, .edge], token: 0)
    }

    /// Gives a runner its first turn now.
    func begin(_ index: Int) {
        let grow = state.withLock { state in
            let now = clock.boot()
            state.queue.set(index, due: now)
            arm(&state, at: state.queue.earliest, now: now)
            return state.idle == 0 && canGrow(&state)
        }
        if grow { startThread() }
    }

    /// Gives a runner that waits a turn now; one in its turn sees its requests by itself.
    func poke(_ index: Int) {
        state.withLock { state in
            guard state.queue.contains(index) else { return }
            let now = clock.boot()
            state.queue.set(index, due: now)
            arm(&state, at: state.queue.earliest, now: now)
        }
    }

    /// Threads there are now.
    var threadCount: Int { state.withLock { $0.threads } }

    private func startThread() {
        do {
            try Thread.start(name: name, stack: 8 << 20) { [self] in
                Thread.mustStay { WorkerFailure.die("the plugin ended the thread that ran it: pthread_exit") }
                work()
                Thread.mayEnd()
            }
        } catch {
            // Without a further thread the others go on, later than due.
            let isAlone = state.withLock { state in
                state.threads -= 1
                state.starting -= 1
                return state.threads == 0
            }
            if isAlone { WorkerFailure.die("the plugin leaves no room for a thread (\(error))") }
        }
    }

    /// Counts a thread to be started in, if there may be one and none is on its way.
    private func canGrow(_ state: inout State) -> Bool {
        guard state.starting == 0, state.threads < state.limit else { return false }
        state.threads += 1
        state.starting += 1
        return true
    }

    private func work() {
        HostProcess.sleepPrecisely()
        let thread = Thread.identifier()
        var arrival = Arrival.started
        while true {
            switch state.withLock({ state in next(&state, after: arrival) }) {
            case .run(let index, let grow, let taken):
                if grow { startThread() }
                arrival = .finished(index, runners[index].takeTurn(on: thread), taken: taken)
            case .wait(let milliseconds):
                do {
                    arrival = try poller.waitForOne(milliseconds: milliseconds) ? .woken : .timedOut
                    if case .woken = arrival { awaitDue() }
                } catch {
                    WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
                }
            case .leave:
                return
            }
        }
    }

    /// A thread was woken: learns how long that took, and lets the little pass by which it came early.
    private func awaitDue() {
        var now = clock.boot()
        let due = state.withLock { state in
            if state.armed == .max { return now }
            state.lead.learn(now &- (state.armed &- state.ahead))
            return state.armed
        }
        guard due &- now <= WakeLead.most else { return }
        while now < due {
            Thread.relax()
            now = clock.boot()
        }
    }

    /// One thread's next step. The only place that decides about threads.
    ///
    /// No wake-up is lost. Whenever the lock is released and something is queued, a thread is on its way here (it was
    /// started, it runs a routine that will end, or it took an event of the timer), or one is idle and the timer will
    /// wake it in time. The timer's event goes to one thread and is gone; so whoever took it takes the timer for
    /// unset, whatever the clock says, and before it leaves sets it again for what it leaves behind.
    private func next(_ state: inout State, after arrival: Arrival) -> Step {
        let now = clock.boot()
        var hasWorked = false
        var hasTimedOut = false
        switch arrival {
        case .started:
            state.starting -= 1
        case .finished(let index, let turn, let taken):
            hasWorked = true
            state.usual += (min(now &- taken, 40_000) - state.usual) / 8
            state.active -= 1
            if state.latest == index { state.latest = -1 }
            switch turn {
            case .due(let due): state.queue.set(index, due: runners[index].hasRequests ? 0 : due)
            case .over: break
            }
        case .woken:
            state.idle -= 1
            state.armed = .max
        case .timedOut:
            state.idle -= 1
            hasTimedOut = true
        }
        if state.armed <= now { state.armed = .max }
        let mustBePatient = leavesToOthers(state, hasWorked: hasWorked, now: now)
        if !mustBePatient, let index = state.queue.popDue(now: now) {
            state.active += 1
            state.lastTaken = now
            state.latest = index
            return .run(index, grow: entrust(&state, now: now), taken: now)
        }
        if hasTimedOut, state.idle > 0 {
            state.threads -= 1
            return .leave
        }
        state.idle += 1
        let patience = mustBePatient ? state.lastTaken + Self.patience(state.active) : 0
        arm(&state, at: max(state.queue.earliest, patience), now: now)
        return .wait(milliseconds: state.idle > 2 ? linger : -1)
    }

    /// Whether a thread leaves what is due to those that run.
    private func leavesToOthers(_ state: borrowing State, hasWorked: Bool, now: Int64) -> Bool {
        guard now &- state.lastTaken < Self.patience(state.active) else { return false }
        return state.usual < Self.quick ? state.latest >= 0 : !hasWorked && state.active >= Self.eager
    }

    /// Before a thread enters plugin code: leaves the rest of the queue to another; true when one must be started.
    private func entrust(_ state: inout State, now: Int64) -> Bool {
        if state.queue.isEmpty { return false }
        if state.idle == 0 { return canGrow(&state) }
        let isBurst = state.queue.earliest <= now && (state.usual < Self.quick || state.active >= Self.eager)
        if !isBurst {
            arm(&state, at: state.queue.earliest, now: now)
        } else if state.armed > now + Self.patience(state.active) {
            arm(&state, at: now + Self.patience(state.active), now: now)
        }
        return false
    }

    private func arm(_ state: inout State, at time: Int64, now: Int64) {
        if time != state.armed {
            state.armed = time
            state.ahead = state.lead.lead(over: time &- now)
            timer.arm(at: time &- state.ahead)
        }
    }
}
