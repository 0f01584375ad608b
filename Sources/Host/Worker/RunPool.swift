internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The threads that run a plugin's routines, each when it is due.
///
/// `RunQueue` decides which thread takes what. The kernel judges who is woken: every idle thread waits in epoll_wait(2) on
/// one timer, and its expiry wakes the one that came last.
final class RunPool: Sendable {
    /// What a runner wants after its turn.
    enum Turn {
        /// To be called again at this time.
        case due(BootTime)
        /// Nothing: its session is over.
        case over
    }

    private let name: String
    private let clock: any HostClock
    private let runners: [RoutineRunner]
    private let timer: BootTimer
    private let poller: Poller
    // Not a Mutex: that hands the lock to who waits longest (FUTEX_LOCK_PI), so that threads with little to do under it
    // go to sleep and wake for each turn.
    private let queue: Monitor<RunQueue>
    private let linger: Int32

    /// A pool for these runners; `isSerial` runs them one at a time. A surplus thread stays for `linger` ms.
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

    /// Gives a runner that waits a turn now; one in its turn sees its requests by itself.
    func poke(_ index: Int) { call(index) { $0.contains(index) } }

    private func call(_ index: Int, if isWanted: (borrowing RunQueue) -> Bool) {
        let grow = queue.withLock { queue in
            let grow = isWanted(queue) && queue.call(index, now: clock.boot())
            setTimer(&queue)
            return grow
        }
        if grow { startThread() }
    }

    /// Threads there are now.
    var threadCount: Int { queue.withLock { $0.threads } }

    private func startThread() {
        do {
            try Thread.start(name: name, stack: 8 << 20) { [self] in
                Thread.mustStay { WorkerFailure.die("the plugin ended the thread that ran it: pthread_exit") }
                work()
                Thread.mayEnd()
            }
        } catch {
            // Without a further thread the others go on, later than due.
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

    /// A thread's next step, under the lock, as is what comes with it: whether the runner has requests, so that none is
    /// made between the look and its place in the queue, and the timer, so that two threads do not set it crosswise.
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
