import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// A pool of threads in virtual time: turns take what the test says, and a wake-up what `wakeUp` says.
private final class VirtualPool {
    struct Routine {
        /// From one due time to the next, and what its turns take, ns.
        var wait: Int64
        var length: Int64
        var due: BootTime = 0
        var isRunning = false
    }

    enum Event {
        case arrives(RunQueue.Arrival)
        /// It has the timer's expiry, and has not said so yet.
        case wakes
    }

    var queue: RunQueue
    var now: BootTime = 1_000_000_000
    var routines: [Routine]
    var wakeUp: Int64 = 50_000
    /// Threads on their way, with what they bring.
    private var coming: [(time: BootTime, event: Event)] = []
    /// Since when each idle thread has waited, the one that came last at the end; a surplus one leaves in time.
    private var waiting: [(leaves: BootTime, surplus: Bool)] = []
    private var alarm = BootTime.never
    /// What happened.
    private(set) var late: [Int64] = []
    private(set) var settings = 0
    private(set) var wakeUps = 0
    private(set) var most = 0
    private(set) var overlaps = 0

    init(_ routines: [Routine], isSerial: Bool = false) {
        self.routines = routines
        queue = RunQueue(routines: routines.count, isSerial: isSerial)
    }

    func forget() { (late, settings, wakeUps, most) = ([], 0, 0, 0) }

    func begin(_ index: Int) {
        routines[index].due = now
        if queue.call(index, now: now) { coming.append((now + 20_000, .arrives(.started))) }
        setTimer()
    }

    /// Lets time pass; false when something is queued that nobody will ever take.
    func run(until end: BootTime) -> Bool {
        while true {
            let next = coming.indices.min { coming[$0].time < coming[$1].time }
            let timed = waiting.indices.filter { waiting[$0].surplus }.min { waiting[$0].leaves < waiting[$1].leaves }
            let expiry = waiting.isEmpty || alarm == .never ? BootTime.never : alarm + min(wakeUp, 0)
            let times = (next.map { coming[$0].time } ?? .never, timed.map { waiting[$0].leaves } ?? .never, expiry)
            let earliest = min(times.0, times.1, times.2)
            if earliest > end {
                now = end
                return earliest < .never || alarm < .never || !routines.indices.contains { queue.contains($0) }
            }
            now = max(now, earliest)
            if let next, times.0 == earliest {
                switch coming.remove(at: next).event {
                case .wakes:
                    let stay = queue.woke(now: now)
                    coming.append((max(stay ?? now, now), .arrives(.woken)))
                case .arrives(let arrival):
                    arrive(arrival)
                }
            } else if times.2 == earliest {
                alarm = .never
                waiting.removeLast()
                wakeUps += 1
                coming.append((now + max(wakeUp, 0), .wakes))
            } else if let timed {
                waiting.remove(at: timed)
                arrive(.timedOut)
            }
        }
    }

    private func arrive(_ arrival: RunQueue.Arrival) {
        if case .finished(let index, _, _) = arrival { routines[index].isRunning = false }
        let step = queue.next(after: arrival, now: now)
        setTimer()
        most = max(most, queue.threads)
        switch step {
        case .run(let index, let grow):
            if grow { coming.append((now + 20_000, .arrives(.started))) }
            if routines[index].isRunning { overlaps += 1 }
            routines[index].isRunning = true
            late.append(now - routines[index].due)
            let length = routines[index].length
            let due = max(routines[index].due + routines[index].wait, now + length)
            routines[index].due = due
            coming.append((now + length, .arrives(.finished(index, due: due, length: length))))
        case .stay(let until):
            coming.append((until, .arrives(.stayed)))
        case .wait(let isSurplus):
            waiting.append((now + 5_000_000_000, isSurplus))
        case .leave: break
        }
    }

    private func setTimer() {
        guard let time = queue.takeAlarm() else { return }
        settings += 1
        alarm = max(time, time == .never ? .never : now)
    }
}

@Suite("RunQueue")
struct RunQueueTests {
    /// So many routines at 1 s that begin `apart` ns after one another, each for `length` ns, seen for three seconds
    /// after the first two.
    private func pool(_ count: Int, apart: Int64, length: Int64, change: (VirtualPool) -> Void = { _ in }) throws
        -> VirtualPool
    {
        let pool = VirtualPool((0..<count).map { _ in .init(wait: 1_000_000_000, length: length) })
        for index in 0..<count {
            pool.begin(index)
            try #require(pool.run(until: pool.now + apart))
        }
        try #require(pool.run(until: pool.now + 2_000_000_000))
        pool.forget()
        change(pool)
        try #require(pool.run(until: pool.now + 3_000_000_000))
        return pool
    }

    @Test("routines that are due microseconds after one another are for one thread, and the timer is not set for each")
    func dense() throws {
        let pool = try pool(1000, apart: 12_000, length: 2_000)
        #expect(pool.late.count == 3000)
        #expect(pool.late.max() ?? 0 <= 60_000, "a wake-up, and those that became due in it")
        // 36 ms of bursts: one in 200 us looks whether the thread is blocked.
        #expect(pool.settings <= 3 * (12_000 / 200 + 5), "\(pool.settings) settings of the timer")
        #expect(pool.most <= 3)
    }

    @Test("routines that are due some time after one another are each woken for ahead of time")
    func sparse() throws {
        let pool = try pool(100, apart: 1_000_000, length: 2_000)
        #expect(pool.late.count == 300 && pool.late.max() ?? 0 <= 10_000)
        #expect(pool.wakeUps <= 330)
        #expect(pool.most <= 3)
    }

    @Test("what comes up is told from a millisecond before it on, with what follows it")
    func upcoming() {
        var queue = RunQueue(routines: 3, isSerial: true)
        let start = BootTime(nanoseconds: 1_000_000_000)
        #expect(queue.upcoming(now: start) == (nil, nil))
        _ = queue.call(2, now: start + 5_000_000)
        #expect(queue.upcoming(now: start + 4_000_000) == (2, nil))
        _ = queue.call(0, now: start + 9_000_000)
        #expect(queue.upcoming(now: start + 3_999_999) == (nil, nil))
        #expect(queue.upcoming(now: start + 6_000_000) == (2, 0))
    }

    @Test("what is due beside a quick routine that blocks for once waits for 0.2 ms and a wake-up")
    func blocksOnce() throws {
        let pool = try pool(100, apart: 12_000, length: 2_000) { $0.routines[50].length = 700_000_000 }
        #expect(pool.late.count == 300)
        #expect(pool.late.max() ?? 0 <= 200_000 + 2 * 50_000)
        #expect(pool.late.filter { $0 > 60_000 }.count <= 3 * 20)
    }

    @Test("routines that block all have their threads soon")
    func blocking() throws {
        let pool = try pool(20, apart: 12_000, length: 300_000_000)
        #expect(pool.late.count == 60)
        // The first four at once, the others when nobody has come back for 50 to 400 us.
        #expect(pool.late.max() ?? 0 <= 4_000_000, "\(pool.late.max() ?? 0) ns")
        #expect((20...21).contains(pool.most))
    }

    @Test("surplus threads leave when they were not needed for a while, and two stay")
    func surplus() throws {
        let pool = try pool(20, apart: 12_000, length: 300_000_000)
        for index in 0..<20 { pool.routines[index].length = 2_000 }
        #expect(pool.run(until: pool.now + 20_000_000_000))
        #expect((2...4).contains(pool.queue.threads), "\(pool.queue.threads) threads")
    }

    @Test("a longer turn now and then makes no more threads")
    func hiccups() throws {
        let pool = try pool(1000, apart: 12_000, length: 2_000) { pool in
            for index in stride(from: 0, to: 1000, by: 50) { pool.routines[index].length = 40_000 }
        }
        #expect(pool.most <= 3)
        #expect(pool.late.max() ?? 0 <= 150_000)
    }

    @Test(
        "no routine is forgotten or runs twice at once, whatever takes how long",
        arguments: 0..<Rounds.optimised(120, plain: 12))
    func walk(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let count = 1 + random.below(40)
        let lengths = [2_000, 4_000, 9_000, 30_000, 400_000, 8_000_000].prefix(1 + random.below(6))
        let waits = [0, 1, 3, 20, 1000].prefix(1 + random.below(5))
        func draw(_ choices: some Collection<Int>) -> Int64 {
            Int64(choices[choices.index(choices.startIndex, offsetBy: random.below(choices.count))])
        }
        let isSerial = random.below(4) == 0
        let pool = VirtualPool(
            (0..<count).map { _ in .init(wait: draw(waits) * 1_000_000, length: draw(lengths)) }, isSerial: isSerial)
        for index in 0..<count {
            pool.begin(index)
            try #require(pool.run(until: pool.now + draw([0, 5_000, 70_000, 3_000_000])), "seed \(seed)")
        }
        for _ in 0..<10 {
            // Negative: by the kernel's clock the expiry comes before its time by ours.
            pool.wakeUp = draw([-1_000, 5_000, 50_000, 300_000])
            pool.routines[random.below(count)].length = draw(lengths)
            let before = pool.late.count
            try #require(pool.run(until: pool.now + 20_000_000), "seed \(seed): queued, and nobody comes")
            if waits.max() ?? 0 <= 3 { try #require(pool.late.count > before, "seed \(seed)") }
        }
        #expect(pool.overlaps == 0 && pool.queue.threads <= (isSerial ? 1 : count))
        // All are run on time or, where one thread has more than it can do, one after the other.
        for routine in pool.routines where !isSerial {
            #expect(pool.now - routine.due < 200_000_000, "seed \(seed): due and not run")
        }
    }
}
