internal import HostPolicy
internal import HostSystem
public import HostValues
internal import Synchronization

/// What happens in virtual time beside the turns of the routines. Called by one thread at a time.
public protocol VirtualTimeGuide: AnyObject {
    /// When it wants to be told the time, of the boot clock; `never` for not at all.
    var earliest: BootTime { get }
    /// When virtual time ends.
    var end: BootTime { get }
    /// Does what is due at the clock's time, and what follows from what the routines have said. False when all is over.
    func settle() -> Bool
    /// Nothing is due any more before the end.
    func rest()
}

/// Gives the routines of a plugin their turns in virtual time: whenever nothing is due, the clock jumps to what is due next.
///
/// One thread at a time runs: the one that has the *lead*. It gives the routines their turns, one after the other in the
/// order of their due times, so that a run is the same each time. Where a callback sleeps and something else is due before it
/// wakes, the lead goes to another thread and comes back when the clock has reached its time; where nothing is, the clock
/// simply jumps there. A cycle itself takes no time; but a routine that is due again and again at the same moment, since it
/// has no wait, gets a millisecond for each turn, or time would stand still.
final class VirtualTime: TurnDriver, @unchecked Sendable {
    // @unchecked: the lead hands everything but the queue from thread to thread; the queue has a lock.

    /// A thread that waits to be woken, once.
    private final class Wait: Sendable {
        private let isAwake = Monitor(false)

        func sleep() { isAwake.wait { $0 ? () : nil } }

        func wake() {
            isAwake.withLock { $0 = true }
            isAwake.signal()
        }
    }

    /// A callback that sleeps.
    private struct Sleeper {
        let routine: Int
        /// Whether it had the lead, and gets it back; a thread of the plugin's own never has it.
        let hasLead: Bool
        let wait = Wait()
    }

    private struct State {
        var queue = DueQueue<BootTime>()
        /// By their number in the queue: those come after the routines' own.
        var sleepers: [Int: Sleeper] = [:]
        var free: [Int] = []
        var nextID: Int
        /// Threads that had the lead, and wait to have it again.
        var idle: [Wait] = []
        var isOver = false
        /// The thread that has the lead; 0 before and after the run.
        var leader: UInt = 0
    }

    private let clock: VirtualClock
    private let runners: [RoutineRunner]
    private let isSerial: Bool
    private let state: Monitor<State>
    private let isOver = Monitor(false)
    /// When each runner had its last turn.
    private var lastTurns: [BootTime]
    /// What a turn takes that is not the first one of its routine at one time, ns.
    private static let leastTurn: Int64 = 1_000_000
    private weak var guide: (any VirtualTimeGuide)?

    /// For these runners; `isSerial`: none has a turn while a callback of another one sleeps.
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
    /// A run is to be the same each time, and who waits for a refresh may not keep the lead from it.
    var hasBackground: Bool { false }

    func begin(_ index: Int) { state.withLock { [now = clock.boot()] in $0.queue.set(index, due: now) } }

    func poke(_ index: Int) {
        state.withLock { [now = clock.boot()] state in
            if state.queue.contains(index) { state.queue.set(index, due: now) }
            for (id, sleeper) in state.sleepers where sleeper.routine == index { state.queue.set(id, due: now) }
        }
    }

    // MARK: The lead

    /// Runs until the guide says that all is over. On the thread that calls, and such as sleeping callbacks make necessary.
    func run(_ guide: any VirtualTimeGuide) {
        self.guide = guide
        lead(guide)
        isOver.wait { $0 ? () : nil }
    }

    /// Has the lead until all is over or it goes to a callback that wakes.
    private func lead(_ guide: any VirtualTimeGuide) {
        let thread = Thread.identifier()
        let own = Thread.current
        state.withLock { $0.leader = own }
        while guide.settle() {
            let now = clock.boot()
            let (next, earliest) = state.withLock { state in
                (state.queue.popDue(now: now), state.queue.earliest)
            }
            guard let next else {
                jump(to: min(earliest, guide.earliest), guide)
                continue
            }
            if next < runners.count {
                takeTurn(next, on: thread)
            } else if let sleeper = remove(next) {
                sleeper.wait.wake()
                if sleeper.hasLead { return }
            }
        }
        // Threads of the plugin's own may sleep in a source: no time comes any more.
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
            clock.advance(to: wanted)
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

    /// Whether nothing else is due by then.
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

    /// Has the lead, and again whenever it is passed on, until all is over.
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

    /// The guide on its way to the thread that has the lead next.
    private struct Follower: @unchecked Sendable {
        // @unchecked: who passes the lead on does not touch the guide until it has it again.
        let guide: any VirtualTimeGuide
    }

    /// Takes out a sleeper whose time has come.
    private func remove(_ id: Int) -> Sleeper? {
        state.withLock { state in
            state.free.append(id)
            return state.sleepers.removeValue(forKey: id)
        }
    }
}
