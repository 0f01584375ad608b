internal import HostPolicy
internal import HostSystem
public import HostValues
internal import Synchronization

/// Controls a run in virtual time, apart from the turns of the routines. One thread at a time calls it.
public protocol VirtualTimeGuide: AnyObject {
    /// The boot-clock time at which `settle` must be called next; `never` if there is none.
    var earliest: BootTime { get }
    /// When virtual time ends.
    var end: BootTime { get }
    /// Does what is due at the clock's present time, and handles the routines' events. Returns false to end the run.
    func settle() -> Bool
    /// Notes that nothing more is due before `end`.
    func rest()
}

/// Gives the routines of a plugin their turns in virtual time: whenever nothing is due, the clock jumps to the next due
/// time.
///
/// Only one thread runs at a time: the *leader*. It gives the routines their turns one after the other, in the order of
/// their due times, so that every run is the same. If a callback sleeps and something else is due before it wakes,
/// another thread becomes the leader, and the sleeping thread leads again when the clock reaches its time; if nothing
/// else is due, the clock jumps there directly. A cycle takes no virtual time. But a routine without a wait would be
/// due at the same time again and again, so each repeated turn at one time takes a millisecond; otherwise time would
/// stand still.
final class VirtualTime: TurnDriver, @unchecked Sendable {
    // @unchecked: everything except the queue belongs to the leader; the queue has a lock.

    /// Lets one thread wait until it is woken once.
    private final class Wait: Sendable {
        private let isAwake = Monitor(false)

        func sleep() { isAwake.wait { $0 ? () : nil } }

        func wake() {
            isAwake.withLock { $0 = true }
            isAwake.signal()
        }
    }

    /// A sleeping callback.
    private struct Sleeper {
        let routine: Int
        /// Whether its thread was the leader, and leads again afterwards. A thread of the plugin's own never leads.
        let hasLead: Bool
        let wait = Wait()
    }

    private struct State {
        var queue = DueQueue<BootTime>()
        /// The sleeping callbacks by their number in the queue; these follow the numbers of the routines.
        var sleepers: [Int: Sleeper] = [:]
        var free: [Int] = []
        var nextID: Int
        /// Threads that have led and wait to lead again.
        var idle: [Wait] = []
        var isOver = false
        /// The leader's thread; 0 before and after the run.
        var leader: UInt = 0
    }

    private let clock: VirtualClock
    private let runners: [RoutineRunner]
    private let isSerial: Bool
    private let state: Monitor<State>
    private let isOver = Monitor(false)
    /// When each runner had its last turn.
    private var lastTurns: [BootTime]
    /// The virtual duration in ns of a routine's repeated turn at the same time.
    private static let leastTurn: Int64 = 1_000_000
    private weak var guide: (any VirtualTimeGuide)?

    /// Makes a driver for these runners. With `isSerial` no runner has a turn while the callback of another one sleeps.
    init(runners: [RoutineRunner], isSerial: Bool, clock: VirtualClock) {
        self.runners = runners
        self.isSerial = isSerial
        self.clock = clock
        lastTurns = Array(repeating: .longAgo, count: runners.count)
        var first = State(nextID: runners.count)
        first.queue.reserve(runners.count)
        state = Monitor(first)
    }

    var separatesCycles: Bool { true }
    /// True: every run is to be the same, and a callback that waits for a refresh would keep the lead from it.
    var isVirtual: Bool { true }

    func begin(_ index: Int) { state.withLock { [now = clock.boot()] in $0.queue.set(index, due: now) } }

    func poke(_ index: Int) {
        state.withLock { [now = clock.boot()] state in
            if state.queue.contains(index) { state.queue.set(index, due: now) }
            for (id, sleeper) in state.sleepers where sleeper.routine == index { state.queue.set(id, due: now) }
        }
    }

    // MARK: The leader

    /// Runs until the guide ends the run, on the calling thread and on threads that are started when callbacks sleep.
    func run(_ guide: any VirtualTimeGuide) {
        self.guide = guide
        lead(guide)
        isOver.wait { $0 ? () : nil }
    }

    /// Leads until the run ends, or until the lead passes to a callback that wakes.
    private func lead(_ guide: any VirtualTimeGuide) {
        let thread = Thread.identifier()
        let own = Thread.current
        state.withLock { $0.leader = own }
        while guide.settle() {
            // What is due before the guide is, and before the end, needs no further question to the guide.
            let earliest = guide.earliest
            let last = max(clock.boot(), min(earliest, guide.end) - 1)
            let (due, next) = state.withLock { state in (state.queue.earliest, state.queue.popDue(now: last)) }
            guard let next else {
                jump(to: min(due, earliest), guide)
                continue
            }
            clock.advance(to: due)
            if next < runners.count {
                takeTurn(next, on: thread)
            } else if let sleeper = remove(next) {
                sleeper.wait.wake()
                if sleeper.hasLead { return }
            }
        }
        // Threads of the plugin's own may be sleeping in a source; since time no longer advances, they are woken.
        let left = state.withLock { state in
            defer { state.sleepers = [:] }
            state.leader = 0
            state.isOver = true
            return state.sleepers.values.map { $0.wait } + state.idle
        }
        for wait in left { wait.wake() }
        isOver.withLock { $0 = true }
        isOver.broadcast()
    }

    private func jump(to time: BootTime, _ guide: any VirtualTimeGuide) {
        let end = guide.end
        clock.advance(to: min(time, end))
        if time == .never || time > end { guide.rest() }
    }

    private func takeTurn(_ index: Int, on thread: Int32) {
        if lastTurns[index] == clock.boot(), !runners[index].hasRequests {
            clock.advance(to: clock.boot() + Self.leastTurn)
        }
        lastTurns[index] = clock.boot()
        guard case .due(let due) = runners[index].takeTurn(on: thread) else { return }
        let isAsked = runners[index].hasRequests
        state.withLock { [now = clock.boot()] in $0.queue.set(index, due: isAsked ? now : due) }
    }

    // MARK: Sleeping

    func sleep(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool {
        let wanted = clock.boot() + (deadline - clock.monotonic())
        if runner.isStopRequested || wanted <= clock.boot() { return runner.isStopRequested }
        let isLeading = state.withLock { [own = Thread.current] in $0.leader == own || $0.leader == 0 }
        if isLeading, isAlone(until: wanted) || isSerial || runner.index < 0 {
            pass(to: wanted, in: runner)
            return runner.isStopRequested
        }
        let sleeper = Sleeper(routine: runner.index, hasLead: isLeading)
        state.withLock { state in
            let id = state.free.popLast() ?? state.nextID
            if id == state.nextID { state.nextID += 1 }
            state.sleepers[id] = sleeper
            state.queue.set(id, due: wanted)
        }
        if isLeading { passLead() }
        sleeper.wait.sleep()
        if isLeading { state.withLock { [own = Thread.current] in $0.leader = own } }
        return runner.isStopRequested
    }

    func attend() {
        let isLeading = state.withLock { [own = Thread.current] in $0.leader == own }
        if isLeading { _ = guide?.settle() }
    }

    /// Advances the clock while a callback of the runner sleeps on the leader's thread and no other may run. The guide does
    /// what it has to do on the way, and virtual time ends at its end.
    private func pass(to wanted: BootTime, in runner: RoutineRunner) {
        guard let guide else { return clock.advance(to: wanted) }
        while !runner.isStopRequested, clock.boot() < wanted {
            // A millisecond on at least, so that nothing that stays due can keep it here.
            let next = min(wanted, guide.end, max(guide.earliest, clock.boot() + Self.leastTurn))
            clock.advance(to: next)
            _ = guide.settle()
            if next >= guide.end { return guide.rest() }
        }
    }

    func wait(_ runner: RoutineRunner, until deadline: MonotonicTime) -> Bool {
        // Without others in the queue it is a thread of the plugin's own that is waited for, in real time.
        let hasOthers = state.withLock { [own = Thread.current] in $0.leader == own && $0.queue.earliest != .never }
        guard hasOthers, !isSerial, runner.index >= 0 else { return false }
        _ = sleep(runner, until: deadline)
        return true
    }

    /// Whether nothing else is due until that time.
    private func isAlone(until time: BootTime) -> Bool {
        guard let guide else { return true }
        return state.withLock { $0.queue.earliest > time } && guide.earliest > time && guide.end > time
    }

    private func passLead() {
        guard let guide else { return }
        if let idle = state.withLock({ $0.idle.popLast() }) { return idle.wake() }
        let follower = Follower(guide: guide)
        do throws(SystemError) {
            try Thread.start(name: "virtual time", stack: 8 << 20) { [self] in follow(follower.guide) }
        } catch {
            WorkerFailure.die("no room for another thread (\(error))")
        }
    }

    /// Leads, and leads again whenever the lead is passed to this thread, until the run ends.
    private func follow(_ guide: any VirtualTimeGuide) {
        while true {
            lead(guide)
            let wait = Wait()
            let isOver = state.withLock { state in
                if !state.isOver { state.idle.append(wait) }
                return state.isOver
            }
            if isOver { return }
            wait.sleep()
            if state.withLock({ $0.isOver }) { return }
        }
    }

    /// Carries the guide to the thread that leads next.
    private struct Follower: @unchecked Sendable {
        // @unchecked: the thread that passes the lead on does not use the guide until it leads again.
        let guide: any VirtualTimeGuide
    }

    /// Removes and returns a sleeping callback whose time has come.
    private func remove(_ id: Int) -> Sleeper? {
        state.withLock { state in
            state.free.append(id)
            return state.sleepers.removeValue(forKey: id)
        }
    }
}
