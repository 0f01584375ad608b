internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The threads that run a plugin's routines when they are due.
///
/// `RunQueue` decides which thread runs what. The kernel selects the thread to wake: all idle threads wait in
/// epoll_wait(2) for one timer, whose expiry wakes the one that began to wait last.
final class RunPool: Sendable {
    /// What a runner needs after its turn.
    enum Turn {
        /// Another turn at this time.
        case due(BootTime)
        /// Nothing: its session has ended.
        case over
    }

    private let name: String
    private let clock: any HostClock
    private let runners: [RoutineRunner]
    private let timer: BootTimer
    private let poller: Poller
    // Not a Mutex, since that hands the lock to the thread that has waited longest (FUTEX_LOCK_PI): with its short
    // critical sections, threads would sleep and wake at each turn.
    private let queue: Monitor<RunQueue>
    private let linger: Int32

    /// Makes a pool for these runners; `isSerial` runs them one at a time. A surplus thread ends after `linger` ms
    /// without work.
    init(name: String, runners: [RoutineRunner], isSerial: Bool, clock: any HostClock, linger: Int32 = 5000)
        throws(SystemError)
    {
        self.name = name
        self.clock = clock
        self.linger = linger
        self.runners = runners
        timer = try BootTimer()
        poller = try Poller()
        queue = Monitor(RunQueue(routines: runners.count, isSerial: isSerial))
        try poller.add(timer.descriptor, for: [.readable, .edge], token: 0)
    }

    /// Gives a runner its first turn now.
    func begin(_ index: Int) { call(index) { _ in true } }

    /// Gives a waiting runner a turn now. A runner that has its turn sees its requests by itself.
    func poke(_ index: Int) { call(index) { $0.contains(index) } }

    private func call(_ index: Int, if isWanted: (borrowing RunQueue) -> Bool) {
        let grow = queue.withLock { queue in
            let grow = isWanted(queue) && queue.call(index, now: clock.boot())
            setTimer(&queue)
            return grow
        }
        if grow { startThread() }
    }

    /// The present number of threads.
    var threadCount: Int { queue.withLock { $0.threads } }

    private func startThread() {
        do {
            try Thread.start(name: name, stack: 8 << 20) { [self] in
                Thread.mustStay { WorkerFailure.die("the plugin ended the thread that ran it: pthread_exit") }
                work()
                Thread.mayEnd()
            }
        } catch {
            // The existing threads run the routines, although later than due.
            let isAlone = queue.withLock { $0.hasFailedToStart() }
            if isAlone { WorkerFailure.die("the plugin leaves no room for a thread (\(error))") }
        }
    }

    private func work() {
        HostProcess.sleepPrecisely()
        Thread.shortenSlice()
        let thread = Thread.identifier()
        var arrival = RunQueue.Arrival.started
        while true {
            switch queue.withLock({ queue in next(&queue, after: arrival) }) {
            case .run(let index, let grow):
                if grow { startThread() }
                let start = clock.boot()
                switch runners[index].takeTurn(on: thread) {
                case .due(let due): arrival = .finished(index, due: due, length: clock.boot() - start)
                case .over: arrival = .finished(index, due: nil, length: clock.boot() - start)
                }
            case .stay(let due):
                pass(until: due)
                arrival = .stayed
            case .wait(let isSurplus):
                do {
                    arrival = try poller.waitForOne(milliseconds: isSurplus ? linger : -1) ? .woken : .timedOut
                } catch {
                    WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
                }
                if case .woken = arrival, let due = queue.withLock({ $0.woke(now: clock.boot()) }) { pass(until: due) }
            case .leave:
                return
            }
        }
    }

    private func pass(until due: BootTime) {
        while clock.boot() < due { Thread.relax() }
    }

    /// Decides a thread's next step, under the lock. Two things are done under the same lock: reading whether the
    /// runner has requests, so that none is made between that and its insertion into the queue, and setting the timer,
    /// so that two threads do not set it in the wrong order.
    private func next(_ queue: inout RunQueue, after arrival: RunQueue.Arrival) -> RunQueue.Step {
        var arrival = arrival
        if case .finished(let index, .some, let length) = arrival, runners[index].hasRequests {
            arrival = .finished(index, due: .longAgo, length: length)
        }
        let step = queue.next(after: arrival, now: clock.boot())
        setTimer(&queue)
        return step
    }

    private func setTimer(_ queue: inout RunQueue) {
        if let time = queue.takeAlarm() { timer.arm(at: time) }
    }
}
