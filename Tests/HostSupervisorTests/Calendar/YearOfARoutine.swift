import HostPolicy
import HostTestKit
import HostValues

@testable import HostSupervisor
@testable import HostWorker

/// What happens to a machine and its host in a year, at random.
struct YearOfEvents {
    enum Kind {
        /// The machine sleeps for so long, ms.
        case suspend(Int64)
        /// Somebody sets the clock by so much, ms.
        case set(Int64)
        /// There is no host for so long, in which the clock may be set.
        case down(Int64, set: Int64)
        /// The schedule is edited: the session ends, and another begins.
        case edit
    }

    /// Each with its time since the year's begin, in ms of a clock that nobody sets.
    private(set) var events: [(at: Int64, what: Kind)] = []
    static let length: Int64 = 366 * 86_400_000

    init(_ random: inout SplitMix) {
        func length(_ random: inout SplitMix) -> Int64 {
            let most: Int64 = [5_000, 600_000, 7_200_000, 100_000_000, 1_000_000_000][random.below(5)]
            return 1 + Int64(random.below(Int(most)))
        }
        // All steps together are at most twenty days, which the model knows the occurrences of.
        var sum: Int64 = 0
        func step(_ random: inout SplitMix) -> Int64 {
            let step = random.below(2) == 0 ? length(&random) : -length(&random)
            let kept = abs(sum + step) > 20 * 86_400_000 ? -step : step
            sum += kept
            return kept
        }
        var time: Int64 = 0
        while true {
            time += 1 + Int64(random.below([3_600_000, 90_000_000, 1_000_000_000][random.below(3)]))
            if time >= Self.length { return }
            switch random.below(7) {
            case 0, 1:
                let length = min(length(&random), Self.length - time)
                events.append((time, .suspend(length)))
                time += length
            case 2, 3: events.append((time, .set(step(&random))))
            case 4: events.append((time, .edit))
            default:
                let length = min(length(&random), Self.length - time)
                events.append((time, .down(length, set: random.below(3) == 0 ? step(&random) : 0)))
                time += length
            }
        }
    }
}

/// A cycle that began.
struct YearRun: Equatable, CustomStringConvertible {
    /// When, in ms since the year's begin by the clock that nobody sets.
    var at: Int64
    /// The same by the wall clock, and for which time: ms since 1970.
    var beganMs: Int64
    var dueMs: Int64
    /// How many times the session had passed over.
    var missed: UInt64

    var description: String { "\(at): \(Timestamp.format(beganMs)) for \(Timestamp.format(dueMs)), missed \(missed)" }

    /// How long the cycle takes, ms; mostly little.
    static func length(_ number: Int) -> Int64 {
        let mixed = Jitter.delay(of: number)
        return mixed % 20 == 0 ? 3_600_000 + mixed % 7_200_000 : 1000 + mixed % 60_000
    }
}

extension Jitter {
    /// Any number from a number.
    fileprivate static func delay(of number: Int) -> Int64 {
        var random = SplitMix(seed: UInt64(number))
        return Int64(random.next() >> 2)
    }
}

/// The host's own parts through a year: what it remembers, the times of sessions and the schedule of each, as supervisor and
/// worker use them.
struct YearOfARoutine {
    let texts: [String]
    let timing: RoutineTiming
    let zone: TimeZoneRules
    private(set) var runs: [YearRun] = []
    private(set) var looks = 0

    private var boot = BootTime(nanoseconds: 0)
    private var base: WallTime
    private var edits = 0
    private var calendars: [CalendarSchedule] = []
    private let memory = ScheduleMemory()

    private var times = SessionTimes()
    private var schedule = Schedule(now: 0, wait: 0, isPlanned: true)
    private var wake = BootTime.never
    private var end: BootTime?
    private var lastBegan: BootTime?

    init(_ texts: [String], _ timing: RoutineTiming, zone: TimeZoneRules, from begin: Int64) {
        self.texts = texts
        self.timing = timing
        self.zone = zone
        base = WallTime(nanoseconds: begin * 1_000_000_000)
        for text in texts {
            var one = timing
            one.schedules = [text]
            calendars.append(one.schedule(routine: "year/r", zone: { _ in zone }, isZone: { _ in false }))
        }
    }

    private var wall: WallTime { base + boot.nanoseconds }

    mutating func live(through year: YearOfEvents) {
        begin()
        for event in year.events {
            pass(until: event.at)
            switch event.what {
            case .suspend(let length): sleep(length)
            case .set(let step):
                base += step * 1_000_000
                // The worker's timer tells that the clock was set.
                if end == nil { wake = boot }
            case .down(let length, let step):
                boot += length * 1_000_000
                base += step * 1_000_000
                over()
                begin()
            case .edit:
                over()
                edits += 1
                begin()
            }
        }
        pass(until: YearOfEvents.length)
    }

    private mutating func begin() {
        var order = timing
        order.schedules = [texts[edits % texts.count]]
        order = memory.timing(order, of: "year/r", nowMs: wall.milliseconds)
        let calendar = calendars[edits % texts.count]
        guard let times = try? SessionTimes(order, waitMs: 0, boot: boot, wall: wall, calendar: { calendar }) else {
            return
        }
        self.times = times
        schedule = Schedule(now: boot, wait: 0, isPlanned: times.isPlanned)
        (wake, end, lastBegan) = (boot, nil, nil)
        if times.first(wait: 0, boot: boot, wall: wall) != .byPlan { _ = schedule.runNow(now: boot) }
    }

    private mutating func over() {
        guard let began = lastBegan else { return }
        memory.ran("year/r", atMs: (wall - (boot - began)).milliseconds)
    }

    /// Nothing runs for so long; a cycle that was in progress goes on afterwards.
    private mutating func sleep(_ length: Int64) {
        boot += length * 1_000_000
        end? += length * 1_000_000
    }

    private mutating func pass(until time: Int64) {
        let until = BootTime(nanoseconds: time * 1_000_000)
        while true {
            let next = max(boot, end ?? wake)
            if next >= until { break }
            boot = next
            looks += 1
            if end == nil {
                perform(schedule.poll(now: boot, wall: .longAgo))
            } else {
                end = nil
                perform(schedule.finish(now: boot, wall: .longAgo))
            }
        }
        boot = max(boot, until)
    }

    private mutating func perform(_ first: Schedule.Action) {
        var action = first
        while true {
            switch action {
            case .plan:
                let calendar = calendars[edits % texts.count]
                let step = times.step(waitMs: 0, boot: boot, wall: wall) { calendar }
                action = schedule.follow(step, now: boot, wall: .longAgo)
                if case .run(let dueMs, _, _, _) = step {
                    runs.append(
                        YearRun(
                            at: boot.nanoseconds / 1_000_000, beganMs: wall.milliseconds, dueMs: dueMs,
                            missed: schedule.missed))
                }
            case .run:
                lastBegan = boot
                end = boot + YearRun.length(runs.count) * 1_000_000
                return
            case .wait(let until):
                wake = until
                return
            case .askHook, .end, .none:
                wake = .never
                return
            }
        }
    }
}
