internal import HostCore
internal import HostSystem
internal import Synchronization

/// The threads that run a plugin's routines, each when it is due.
///
/// Leader and followers, with the kernel as the judge: every idle thread waits in epoll_wait(2) on one timer, set to
/// the earliest due time, and its expiry wakes the one that came last. Whoever wakes takes the routine that is due
/// and sets the timer for the next one before it enters plugin code, so a routine that blocks delays no other.
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
        var idle = 0
        var active = 0
        /// What the timer is set to.
        var armed = Int64.max
        /// When a routine was last taken.
        var lastTaken = Int64.min / 2
        let limit: Int

        init(limit: Int) { self.limit = limit }
    }

    private enum Step {
        case run(Int, grow: Bool)
        case wait(milliseconds: Int32)
        case leave
    }

    /// From this many threads in plugin code on, an idle or new thread takes a routine only when none was taken for
    /// `patience` ns: a burst of quick routines is for the threads that run, and one that blocks is still noticed.
    private static let eager = 4
    private static let patience: Int64 = 50_000
    /// How long a surplus thread stays, ms.
    private static let linger: Int32 = 5000

    private let name: String
    private let clock: any HostClock
    private let runners: [RoutineRunner]
    private let timer: TimerDescriptor
    private let poller: Poller
    private let state: Mutex<State>

    /// A pool for these runners; `isSerial` runs them one at a time.
    init(name: String, runners: [RoutineRunner], isSerial: Bool, clock: any HostClock) throws(SystemError) {
        self.name = name
        self.clock = clock
        self.runners = runners
        timer = try TimerDescriptor(.boot)
        poller = try Poller()
        var first = State(limit: isSerial ? 1 : runners.count)
        first.queue.reserve(runners.count)
        state = Mutex(first)
        try poller.add(timer.descriptor, for: [.readable, .edge], token: 0)
    }

    /// Gives a runner its first turn now.
    func begin(_ index: Int) {
        let grow = state.withLock { state in
            state.queue.set(index, due: clock.boot())
            arm(&state, at: state.queue.earliest)
            guard state.idle == 0, state.threads < state.limit else { return false }
            state.threads += 1
            return true
        }
        if grow { startThread() }
    }

    /// Gives a runner that waits a turn now; one in its turn sees its requests by itself.
    func poke(_ index: Int) {
        state.withLock { state in
            guard state.queue.contains(index) else { return }
            state.queue.set(index, due: clock.boot())
            arm(&state, at: state.queue.earliest)
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
            state.withLock { $0.threads -= 1 }
        }
    }

    private func work() {
        HostProcess.sleepPrecisely()
        var finished: (index: Int, turn: Turn)?
        var wasIdle = false
        var hasTimedOut = false
        while true {
            let step = state.withLock { state in
                next(&state, finished: finished, wasIdle: wasIdle, hasTimedOut: hasTimedOut)
            }
            finished = nil
            wasIdle = false
            hasTimedOut = false
            switch step {
            case .run(let index, let grow):
                if grow { startThread() }
                finished = (index, runners[index].takeTurn())
            case .wait(let milliseconds):
                wasIdle = true
                do {
                    hasTimedOut = try !poller.waitForOne(milliseconds: milliseconds)
                } catch {
                    WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
                }
            case .leave:
                return
            }
        }
    }

    /// One thread's next step. The only place that decides about threads.
    private func next(_ state: inout State, finished: (index: Int, turn: Turn)?, wasIdle: Bool, hasTimedOut: Bool) -> Step {
        if let finished {
            state.active -= 1
            switch finished.turn {
            case .due(let due):
                state.queue.set(finished.index, due: runners[finished.index].hasRequests ? 0 : due)
            case .over: break
            }
        }
        if wasIdle { state.idle -= 1 }
        let now = clock.boot()
        if state.armed <= now { state.armed = .max }
        let mustBePatient =
            finished == nil && state.active >= Self.eager && now &- state.lastTaken < Self.patience
        if !mustBePatient, let index = state.queue.popDue(now: now) {
            state.active += 1
            state.lastTaken = now
            return .run(index, grow: entrust(&state, now: now))
        }
        if hasTimedOut, state.idle > 0 {
            state.threads -= 1
            return .leave
        }
        state.idle += 1
        arm(&state, at: max(state.queue.earliest, mustBePatient ? state.lastTaken + Self.patience : 0))
        return .wait(milliseconds: state.idle > 2 ? Self.linger : -1)
    }

    /// Before a thread enters plugin code: leaves the rest of the queue to another; true when one must be started.
    private func entrust(_ state: inout State, now: Int64) -> Bool {
        if state.queue.isEmpty { return false }
        if state.idle == 0 {
            if state.threads >= state.limit { return false }
            state.threads += 1
            return true
        }
        let isBurst = state.active >= Self.eager && state.queue.earliest <= now
        if !isBurst {
            arm(&state, at: state.queue.earliest)
        } else if state.armed == .max || state.armed > now + Self.patience {
            arm(&state, at: now + Self.patience)
        }
        return false
    }

    private func arm(_ state: inout State, at time: Int64) {
        if time != state.armed {
            state.armed = time
            timer.arm(at: time)
        }
    }
}
