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
    /// The cells of the runners, in their order; nil if there are none.
    private let cells: RoutineCells?
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
        cells = runners.first?.plugin.cells
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
        var now = clock.boot()
        while true {
            // Not read under the lock: the end of one turn is the time at which the next one is looked for.
            switch queue.withLock({ queue in next(&queue, after: arrival, now: now) }) {
            case .run(let index, let grow):
                if grow { startThread() }
                // Read anew: to set the timer takes longer than most turns.
                let start = clock.boot()
                let turn = runners[index].takeTurn(on: thread)
                now = clock.boot()
                switch turn {
                case .due(let due): arrival = .finished(index, due: due, length: now - start)
                case .over: arrival = .finished(index, due: nil, length: now - start)
                }
            case .stay(let due):
                now = pass(until: due)
                arrival = .stayed
            case .wait(let isSurplus):
                do {
                    arrival = try poller.waitForOne(milliseconds: isSurplus ? linger : -1) ? .woken : .timedOut
                } catch {
                    WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
                }
                now = clock.boot()
                if case .woken = arrival, let due = queue.withLock({ woke(&$0, now: now) }) { now = pass(until: due) }
            case .leave:
                return
            }
        }
    }

    /// Stays awake until a time, and returns the time that it is then.
    private func pass(until due: BootTime) -> BootTime {
        while true {
            let now = clock.boot()
            if now >= due { return now }
            Thread.relax()
        }
    }

    /// Decides a thread's next step, under the lock. Two things are done under the same lock: reading whether the
    /// runner has requests, so that none is made between that and its insertion into the queue, and setting the timer,
    /// so that two threads do not set it in the wrong order.
    private func next(_ queue: inout RunQueue, after arrival: RunQueue.Arrival, now: BootTime) -> RunQueue.Step {
        var arrival = arrival
        if case .finished(let index, .some, let length) = arrival, runners[index].hasRequests {
            arrival = .finished(index, due: .longAgo, length: length)
        }
        let step = queue.next(after: arrival, now: now)
        setTimer(&queue)
        switch step {
        case .run, .stay: fetch(queue.upcoming(now: now))
        case .wait: fetchBoth(queue.upcoming(now: now))
        case .leave: break
        }
        return step
    }

    /// Reports that the timer has woken a thread; returns the time until which it must stay awake, if it was early.
    private func woke(_ queue: inout RunQueue, now: BootTime) -> BootTime? {
        guard let due = queue.woke(now: now) else { return nil }
        fetchBoth(queue.upcoming(now: now))
        return due
    }

    /// Has the processor bring near what the next turns need, while it does something else: each routine has 800 bytes of its
    /// own, which its last turn left so long ago that another turn would wait for it ten times as long as it runs. Of the routine
    /// after the next one that is its runner and its cell, which say where the rest is, to be fetched when it is the next one.
    private func fetch(_ upcoming: (first: Int?, second: Int?)) {
        guard let cells else { return }
        // A routine in the queue has a session, and no turn, until the lock is released.
        if let first = upcoming.first { unsafe cells[first].pointee.runner.fetch() }
        guard let second = upcoming.second else { return }
        cells.fetch(second)
        let address = second * MemoryLayout<RoutineRunner>.stride
        // The address alone: to have the runner would be to count a reference in it, and to wait for it.
        let runner = unsafe runners.withUnsafeBytes {
            unsafe $0.load(fromByteOffset: address, as: UnsafeRawPointer.self)
        }
        unsafe ProcessorCache.fetch(runner, bytes: RoutineRunner.size)
    }

    /// The same where nothing was fetched of the next routine yet, and there is time.
    private func fetchBoth(_ upcoming: (first: Int?, second: Int?)) {
        fetch((nil, upcoming.first))
        fetch(upcoming)
    }

    private func setTimer(_ queue: inout RunQueue) {
        if let time = queue.takeAlarm() { timer.arm(at: time) }
    }
}
