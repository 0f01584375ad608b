public import HostValues

/// When a routine with a calendar runs: which occurrence is next, whether it is late, and what is owed after a pause.
///
/// Pure: whoever has the clock says what time it is. Occurrences are seconds since 1970 UTC, starts and delays are
/// milliseconds. Any number of rules hold together, each in its own zone: an occurrence of one is one of the schedule.
public struct CalendarSchedule: Equatable, Sendable {
    /// One of the rules and its zone.
    public struct Part: Equatable, Sendable {
        /// The local times.
        public var rule: CalendarRule
        /// What makes points in time of them.
        public var zone: TimeZoneRules

        /// A rule in a zone.
        public init(rule: CalendarRule, zone: TimeZoneRules) {
            self.rule = rule
            self.zone = zone
        }
    }

    /// The rules.
    public var parts: [Part]
    /// What happens when the clocks are set.
    public var dst = DaylightSaving.once
    /// How late a run may begin, ms; 0: as late as it is.
    public var deadlineMs: Int64 = 0
    /// By how much starts are spread at most, ms.
    public var jitterMs: Int64 = 0
    private let seed: UInt64

    /// How many missed occurrences are counted one by one; more are said to be so many.
    public static let mostMissed = 4096

    /// A schedule of the routine of that id, which decides its delays.
    public init(_ parts: [Part], routine: String) {
        self.parts = parts
        seed = Jitter.seed(of: routine)
    }

    /// The first occurrence after a time; nil: none by the end of the year 2199.
    public func next(after time: Int64) -> Int64? {
        var earliest: Int64?
        for index in parts.indices {
            if let next = parts[index].rule.next(after: time, in: parts[index].zone, dst: dst), next < earliest ?? .max
            {
                earliest = next
            }
        }
        return earliest
    }

    /// When the run of an occurrence begins: the same on every machine, and after each restart.
    public func startMs(of occurrence: Int64) -> Int64 {
        occurrence * 1000 + Jitter.delayMs(seed: seed, occurrence: occurrence, most: jitterMs)
    }

    /// What is to be done about an occurrence that was waited for.
    public enum Step: Equatable, Sendable {
        /// Nothing before this time; `occurrence` is then due. In ms.
        case wait(untilMs: Int64, occurrence: Int64)
        /// A run for this occurrence begins now; so many before it were missed, and it is so late.
        case run(occurrence: Int64, missed: Int, lateMs: Int64)
        /// So many, of which this is the latest, are past their deadline and will not be run; then comes another.
        case passOver(occurrence: Int64, missed: Int, next: Int64?)
    }

    /// What is to be done now about `due`, and all that came after it in the meantime: one run for the latest of them,
    /// never a burst.
    public func step(due: Int64, nowMs: Int64) -> Step {
        if startMs(of: due) > nowMs { return .wait(untilMs: startMs(of: due), occurrence: due) }
        var (latest, missed) = (due, 0)
        while let next = next(after: latest), startMs(of: next) <= nowMs {
            missed += 1
            if missed >= Self.mostMissed {
                latest = last(notAfterMs: nowMs, after: next) ?? next
                break
            }
            latest = next
        }
        let late = nowMs - startMs(of: latest)
        if deadlineMs > 0, late > deadlineMs {
            return .passOver(occurrence: latest, missed: missed + 1, next: next(after: latest))
        }
        return .run(occurrence: latest, missed: missed, lateMs: late)
    }

    /// The occurrence that is owed when a host starts: the latest that begins by now and lies after both the last one
    /// that was run and the time at which this schedule was first seen, so that neither a new nor an edited schedule
    /// runs at once. All in seconds but `nowMs`.
    public func owed(lastRun: Int64?, firstSeen: Int64, nowMs: Int64) -> Int64? {
        guard let latest = last(notAfterMs: nowMs, after: max(firstSeen, lastRun ?? .min)) else { return nil }
        return deadlineMs > 0 && nowMs - startMs(of: latest) > deadlineMs ? nil : latest
    }

    /// The first occurrence that has come and is in its delay still, of those after a time; it is to begin later.
    func delayed(after time: Int64, nowMs: Int64) -> Int64? {
        if jitterMs <= 0 { return nil }
        var latest = max(time, (nowMs - jitterMs) / 1000 - 1)
        for _ in 0..<Self.mostMissed {
            guard let next = next(after: latest), next * 1000 <= nowMs else { return nil }
            if startMs(of: next) > nowMs { return next }
            latest = next
        }
        return nil
    }

    /// The latest occurrence after `time` that begins by `nowMs`, as do all before it: looked for in stretches before that,
    /// each twice as long as the last.
    private func last(notAfterMs nowMs: Int64, after time: Int64) -> Int64? {
        var reach: Int64 = 1
        let end = nowMs / 1000 - jitterMs / 1000
        while reach < 1 << 33 {
            if let first = next(after: max(time, end - reach)), startMs(of: first) <= nowMs {
                var latest = first
                for _ in 0..<Self.mostMissed {
                    guard let next = next(after: latest), startMs(of: next) <= nowMs else { break }
                    latest = next
                }
                return latest
            }
            if end - reach <= time { return nil }
            reach *= 2
        }
        return nil
    }
}

/// Delays that spread what many hosts or routines would do at the same moment.
public enum Jitter {
    /// What the delays of a routine are made from.
    static func seed(of routine: String) -> UInt64 {
        routine.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// A delay of 0 to `most` ms, from the routine and the occurrence alone.
    static func delayMs(seed: UInt64, occurrence: Int64, most: Int64) -> Int64 {
        if most <= 0 { return 0 }
        var value = seed &+ UInt64(bitPattern: occurrence) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int64((value ^ value >> 31) % (UInt64(most) + 1))
    }
}

/// A grid of fixed intervals on the wall clock: multiples of the interval since 1970 UTC, moved by an offset.
public struct AlignedGrid: Equatable, Sendable {
    /// The interval in ms, from 1.
    public let waitMs: Int64
    /// By how much its points are past the multiples, ms.
    public let offsetMs: Int64

    /// A grid; nil without an interval.
    public init?(waitMs: Int64, offsetMs: Int64) {
        if waitMs <= 0 { return nil }
        self.waitMs = waitMs
        self.offsetMs = offsetMs % waitMs
    }

    /// The first point after a time, UTC in ms since 1970.
    public func next(afterMs time: Int64) -> Int64 {
        let (past, isTooFar) = time.subtractingReportingOverflow(offsetMs)
        if isTooFar { return time }
        let remainder = past % waitMs
        let sinceLast = remainder < 0 ? remainder + waitMs : remainder
        return time.addingReportingOverflow(waitMs - sinceLast).partialValue
    }
}

/// How long whoever waits for a time of the wall clock sleeps on a clock that nobody sets.
public enum WallWait {
    /// The longest sleep: after that zones and the clock are looked at again.
    public static let longest: Int64 = 3_600_000_000_000

    /// The sleep in ns when so much is left. The clocks may differ by 500 in a million while the wall clock is being
    /// corrected; twice that is left for another, short sleep, so that it never wakes too late.
    public static func sleep(remaining: Int64) -> Int64 {
        if remaining <= 2_000_000 { return max(remaining, 0) }
        return min(remaining - remaining / 1000 - 1_000_000, longest)
    }
}
