import HostPolicy
import HostTestKit
import HostValues
import Testing

@Suite("Schedule at random")
struct ScheduleWalkTests {
    static let extremes: [Int64] = [
        .min, .min + 1, -1_000_000, -1, 0, 1, 1_000_000_000, .max / 2, .max - 1_000_000, .max - 1, .max,
    ]

    @Test("times at the ends of their range never trap", arguments: extremes)
    func ends(_ start: Int64) {
        let start = BootTime(nanoseconds: start)
        for wait in Self.extremes {
            for until in Self.extremes.map({ WallTime(nanoseconds: $0) }) {
                for now in Self.extremes.map({ BootTime(nanoseconds: $0) }) {
                    for wall in Self.extremes.map({ WallTime(nanoseconds: $0) }) {
                        walk(start: start, wait: wait, until: until, now: now, wall: wall)
                    }
                }
            }
        }
    }

    private func walk(start: BootTime, wait: Int64, until: WallTime, now: BootTime, wall: WallTime) {
        var schedule = Schedule(now: start, wait: wait, until: until, maxAttempts: 2)
        _ = schedule.poll(now: now, wall: wall)
        _ = schedule.nextDue(now: now, wall: wall)
        _ = schedule.finish(now: now, wall: wall)
        _ = schedule.runNow(now: start)
        _ = schedule.poll(now: start, wall: wall)
        _ = schedule.fail()
        _ = schedule.decide(.retry(after: wait), now: now, wall: wall)
        _ = schedule.poll(now: .never, wall: wall)
        schedule.resume(now: now)
        _ = schedule.finish(now: .never, wall: wall)
        _ = schedule.nextDue(now: start, wall: wall)
        _ = schedule.finish(now: .longAgo, wall: wall)
        if schedule.cycle > 3 { Issue.record("\(schedule)") }
    }

    @Test("a random walk agrees with a naive model", arguments: 0..<40 as Range<UInt64>)
    func walk(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        let wait = Int64.random(in: 0...20, using: &random)
        let most = UInt64.random(in: 0...60, using: &random)
        let attempts = UInt32.random(in: 1...3, using: &random)
        let until: WallTime = Bool.random(using: &random) ? .never : 10_000 + Int64.random(in: 0...4000, using: &random)
        var schedule = Schedule(now: 100, wait: wait, maxCycles: most, until: until, maxAttempts: attempts)
        var model = Model(now: 100, wait: wait, most: most, until: until, attempts: attempts)
        var now: BootTime = 100
        var step: Int64 = 10_000
        for _ in 0..<3000 {
            now += Int64.random(in: 0...8, using: &random)
            if Int.random(in: 0..<200, using: &random) == 0 { step += Int64.random(in: -50...50, using: &random) }
            if Int.random(in: 0..<100, using: &random) == 0 { now += 100 }
            let wall = WallTime(nanoseconds: now.nanoseconds + step)
            let before = schedule
            var context: String { "seed \(seed) at \(now): \(before)" }
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<7:
                #expect(schedule.poll(now: now, wall: wall) == model.poll(now, wall), Comment(rawValue: context))
            case 7..<12:
                #expect(schedule.finish(now: now, wall: wall) == model.finish(now, wall), Comment(rawValue: context))
            case 12: #expect(schedule.fail() == model.fail(), Comment(rawValue: context))
            case 13, 14:
                let decision: Schedule.Decision =
                    [.goOn, .retry(after: Int64.random(in: 0...30, using: &random)), .goOn, .goOn].randomElement(
                        using: &random) ?? .end
                #expect(
                    schedule.decide(decision, now: now, wall: wall) == model.decide(decision, now, wall),
                    Comment(rawValue: context))
            case 15:
                let wait = Int64.random(in: 0...20, using: &random)
                schedule.setWait(wait)
                model.wait = wait
            case 16: #expect(schedule.runNow(now: now) == model.runNow(now), Comment(rawValue: context))
            case 17:
                schedule.pause()
                model.isPaused = true
            case 18:
                model.resume(now, isWaiting: schedule.state == .waiting)
                schedule.resume(now: now)
            default:
                guard Int.random(in: 0..<100, using: &random) == 0 else { continue }
                schedule.askStop()
                model.isStopping = true
            }
            #expect(schedule.cycle == model.counted && schedule.missed == model.missed, Comment(rawValue: context))
        }
    }
}

/// The rules of the scheduler, written down once more and as plainly as can be: the list of grid points is walked.
private struct Model {
    enum State { case sleeping, running, asking, over }

    var wait: Int64
    let most: UInt64
    let until: WallTime
    let attempts: UInt32
    var state = State.sleeping
    var origin: BootTime
    var due: BootTime
    var counted: UInt64 = 0
    var missed: UInt64 = 0
    var attempt: UInt32 = 1
    var isPaused = false
    var isStopping = false
    var isAgain = false

    init(now: BootTime, wait: Int64, most: UInt64, until: WallTime, attempts: UInt32) {
        self.wait = wait
        self.most = most
        self.until = until
        self.attempts = attempts
        origin = now
        due = now
    }

    mutating func poll(_ now: BootTime, _ wall: WallTime) -> Schedule.Action {
        guard state == .sleeping else { return .none }
        if isStopping { return over(.stopped) }
        if wall >= until { return over(.until) }
        let last = until == .never ? BootTime.never : now + (until - wall)
        if isPaused { return .wait(until: last) }
        if now < due { return .wait(until: min(due, last)) }
        if attempt == 1 {
            if wait == 0 { origin = now }
            var point = origin
            while wait > 0, point + wait <= now {
                point += wait
                missed += 1
            }
            if point != origin { origin = now }
        }
        state = .running
        return .run
    }

    mutating func finish(_ now: BootTime, _ wall: WallTime) -> Schedule.Action {
        guard state == .running else { return .none }
        return next(now, wall)
    }

    mutating func fail() -> Schedule.Action {
        guard state == .running else { return .none }
        state = .asking
        return .askHook
    }

    mutating func decide(_ decision: Schedule.Decision, _ now: BootTime, _ wall: WallTime) -> Schedule.Action {
        guard state == .asking else { return .none }
        switch decision {
        case .end: return over(.error)
        case .goOn: return next(now, wall)
        case .retry(let delay):
            if isStopping { return over(.stopped) }
            if attempt == attempts { return over(.error) }
            attempt += 1
            due = now + delay
            state = .sleeping
            return poll(now, wall)
        }
    }

    mutating func runNow(_ now: BootTime) -> Schedule.Action {
        switch state {
        case .sleeping:
            due = now
            origin = now
            return .wait(until: now)
        case .running, .asking:
            isAgain = true
            return .none
        case .over:
            return .none
        }
    }

    mutating func resume(_ now: BootTime, isWaiting: Bool) {
        guard isPaused else { return }
        isPaused = false
        if isWaiting, due < now {
            due = now
            origin = now
        }
    }

    private mutating func next(_ now: BootTime, _ wall: WallTime) -> Schedule.Action {
        counted += 1
        attempt = 1
        if counted == most { return over(.maxCycles) }
        if isStopping { return over(.stopped) }
        if isAgain {
            isAgain = false
            origin = now
        } else if origin + wait >= now {
            origin += wait
        } else {
            var point = origin + wait
            while wait > 0, point + wait <= now {
                point += wait
                missed += 1
            }
            origin = now
        }
        due = origin
        state = .sleeping
        return poll(now, wall)
    }

    private mutating func over(_ end: SessionEnd) -> Schedule.Action {
        state = .over
        return .end(end)
    }
}
