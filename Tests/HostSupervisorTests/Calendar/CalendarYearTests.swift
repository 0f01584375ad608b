import HostPolicy
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

/// What a routine with a calendar does in a year, said once more without any part of the host but the delays of its starts:
/// all occurrences are known before, from a look at each minute.
struct YearModel {
    /// Of each text that the schedule has in turn.
    let occurrences: [[Int64]]
    let calendar: CalendarSchedule
    let timing: RoutineTiming
    private(set) var runs: [YearRun] = []

    /// ms of the clock that nobody sets, and what must be added for the wall clock.
    private var now: Int64 = 0
    private var base: Int64
    private var edits = 0
    /// The occurrence that is looked for next.
    private var next = 0
    /// The latest that has been, or when the session began, in seconds.
    private var past: Int64 = 0
    private var missed: UInt64 = 0
    /// Until when a cycle runs.
    private var busy: Int64 = 0
    private var lastBegan: Int64?
    private var lastRunMs: Int64?
    private var firstSeenMs: Int64 = 0

    static let day: Int64 = 86_400_000

    init(_ occurrences: [[Int64]], _ calendar: CalendarSchedule, _ timing: RoutineTiming, from begin: Int64) {
        self.occurrences = occurrences
        self.calendar = calendar
        self.timing = timing
        base = begin * 1000
    }

    private var named: [Int64] { occurrences[edits % occurrences.count] }

    /// The place of the first one after a time.
    private func place(after time: Int64) -> Int {
        var (low, high) = (0, named.count)
        while low < high {
            let middle = (low + high) / 2
            if named[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func start(_ place: Int) -> Int64 { calendar.startMs(of: named[place]) }

    mutating func live(through year: YearOfEvents) {
        firstSeenMs = base
        begin()
        for event in year.events {
            pass(until: event.at)
            switch event.what {
            case .suspend(let length):
                now += length
                if busy > event.at { busy += length }
            case .set(let step): base += step
            case .down(let length, let step):
                now += length
                base += step
                end()
                begin()
            case .edit:
                end()
                edits += 1
                if occurrences.count > 1 { firstSeenMs = base + now }
                begin()
            }
        }
        pass(until: YearOfEvents.length)
    }

    private mutating func end() {
        guard let lastBegan else { return }
        lastRunMs = max(base + lastBegan, lastRunMs ?? .min)
    }

    private mutating func begin() {
        (missed, busy, lastBegan) = (0, now, nil)
        let wall = base + now
        // What was noted for a time more than a day ahead says nothing.
        if firstSeenMs > wall + Self.day { firstSeenMs = wall }
        if let last = lastRunMs, last > wall + Self.day { lastRunMs = wall }
        let lastRun = (lastRunMs ?? .min) / 1000
        past = max(wall / 1000, lastRun)
        next = place(after: past)
        // Of those that were neither run nor before the schedule: the last that has begun, else the first that is to begin.
        let since = max(firstSeenMs / 1000, lastRun)
        var place = place(after: since)
        var owed: Int?
        while place < named.count, named[place] <= wall / 1000 {
            if start(place) > wall {
                next = place
                break
            }
            owed = place
            place += 1
        }
        guard let owed, timing.catchUp == .once else { return }
        if timing.deadlineMs == 0 || wall - start(owed) <= timing.deadlineMs { next = owed }
    }

    private mutating func pass(until end: Int64) {
        while true {
            let free = max(now, busy)
            if free >= end { break }
            if base + free < past * 1000 - Self.day {
                past = (base + free) / 1000
                next = place(after: past)
            }
            guard next < named.count else { break }
            let time = max(free, start(next) - base)
            if time >= end { break }
            now = time
            // One run for all that should have begun by now.
            var count: UInt64 = 0
            var latest = next
            while latest + 1 < named.count, start(latest + 1) <= base + now {
                latest += 1
                count += 1
            }
            count = min(count, UInt64(CalendarSchedule.mostMissed))
            (next, past) = (latest + 1, max(past, named[latest]))
            if timing.deadlineMs > 0, base + now - start(latest) > timing.deadlineMs {
                missed += count + 1
                continue
            }
            missed += count
            runs.append(YearRun(at: now, beganMs: base + now, dueMs: named[latest] * 1000, missed: missed))
            lastBegan = now
            busy = now + YearRun.length(runs.count)
        }
        now = max(now, end)
    }
}

/// A year of virtual time in many zones: what the host's own parts do, with restarts, suspends and clocks that are set,
/// against a model that looks at each minute. `SCHEDHOST_CALENDAR_ROUNDS` says how many years each zone has.
@Suite struct CalendarYearTests {
    /// Zones with rules of every kind, each with a year in which something happens there.
    static let zones: [(String, Int)] = [
        ("UTC", 2026), ("Europe/Berlin", 2026), ("Europe/Dublin", 2027), ("Europe/London", 2025),
        ("America/New_York", 2026), ("America/St_Johns", 2026), ("America/Sao_Paulo", 2018), ("America/Santiago", 2026),
        ("America/Nuuk", 2023), ("America/Havana", 2026), ("Africa/Cairo", 2025), ("Africa/Casablanca", 2026),
        ("Asia/Amman", 2022), ("Asia/Tehran", 2022), ("Asia/Kathmandu", 2026), ("Asia/Beirut", 2026),
        ("Antarctica/Troll", 2026), ("Australia/Lord_Howe", 2026), ("Pacific/Apia", 2011), ("Pacific/Chatham", 2026),
        ("Asia/Pyongyang", 2018),
    ]

    /// The local hours that are skipped in a year, or come twice.
    private static func changingHours(of zone: TimeZoneRules, from begin: Int64) -> [Int] {
        stride(from: begin, to: begin + 366 * 86_400, by: 1800).compactMap { time in
            let (before, now) = (zone.offset(at: time - 1800), zone.offset(at: time))
            return before == now ? nil : Int((time + min(before, now)) / 3600 % 24)
        }
    }

    @Test(arguments: zones) func agreesWithAModelOfEachMinute(name: String, year: Int) throws {
        let begin = try #require(Timestamp.parse("\(year)-01-01T00:00:00Z")) / 1000
        let zone = try TimeZones.zone(name, from: begin - 90 * 86_400).rules
        let rounds = HostProcess.environment("SCHEDHOST_CALENDAR_ROUNDS").flatMap { Int($0) } ?? 1
        var random = SplitMix(seed: name.utf8.reduce(UInt64(year)) { $0 &* 31 &+ UInt64($1) })
        let hours = Self.changingHours(of: zone, from: begin)
        for round in 0..<rounds {
            let named = (0..<2).map { _ in NamedMinutes(&random, near: hours) }
            let tables = named.map {
                $0.occurrences(from: begin - 25 * 86_400, to: begin + 400 * 86_400) { zone.offset(at: $0) }
            }
            for dst in DaylightSaving.allCases {
                for catchUp in RoutineTiming.CatchUp.allCases {
                    var timing = RoutineTiming()
                    timing.dst = dst
                    timing.catchUp = catchUp
                    timing.jitterMs = random.below(2) == 0 ? 0 : Int64(random.below(7_200_000))
                    timing.deadlineMs = random.below(2) == 0 ? 0 : 1 + Int64(random.below(7_200_000))
                    let events = YearOfEvents(&random)
                    var host = YearOfARoutine(named.map(\.text), timing, zone: zone, from: begin)
                    host.live(through: events)
                    var calendar = CalendarSchedule([], routine: "year/r")
                    calendar.jitterMs = timing.jitterMs
                    var model = YearModel(tables.map { $0[dst] ?? [] }, calendar, timing, from: begin)
                    model.live(through: events)
                    guard host.runs != model.runs else { continue }
                    let place = zip(host.runs, model.runs).prefix { $0 == $1 }.count
                    let at = min(
                        host.runs.dropFirst(place).first?.at ?? .max, model.runs.dropFirst(place).first?.at ?? .max)
                    let before = events.events.filter { $0.at < at }.suffix(3).map { "\($0)" }.joined(separator: " ")
                    Issue.record(
                        """
                        \(named.map(\.text)) in \(name), \(dst), \(timing), round \(round), after \(place) runs and \(before):
                        \(host.runs.prefix(place).last.map { "\($0)" } ?? "no run")
                        \(host.runs.dropFirst(place).first.map { "\($0)" } ?? "no run")
                        and not
                        \(model.runs.dropFirst(place).first.map { "\($0)" } ?? "no run")
                        """)
                    return
                }
            }
        }
    }
}
