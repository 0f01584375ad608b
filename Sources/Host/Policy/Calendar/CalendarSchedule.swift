public import HostValues

/// Decides when a routine with a calendar runs: which occurrence is next, whether a run is late, and which run is owed
/// after a pause.
///
/// Pure: the caller passes the time. Occurrences are in seconds since 1970, UTC; starts and delays are in milliseconds.
/// A schedule may have several rules, each in its own zone; its occurrences are those of all rules.
public struct CalendarSchedule: Equatable, Sendable {
    /// A rule with its zone.
    public struct Part: Equatable, Sendable {
        /// The rule for local times.
        public var rule: CalendarRule
        /// The zone that converts local times to points in time.
        public var zone: TimeZoneRules

        /// Creates a part.
        public init(rule: CalendarRule, zone: TimeZoneRules) {
            self.rule = rule
            self.zone = zone
        }
    }

    /// The rules with their zones.
    public var parts: [Part]
    /// How to treat times that daylight saving skips or repeats.
    public var dst = DaylightSaving.once
    /// How late a run may begin, in ms; 0 means no limit.
    public var deadlineMs: Int64 = 0
    /// The largest delay that spreads starts, in ms.
    public var jitterMs: Int64 = 0
    private let seed: UInt64

    /// The maximum number of missed occurrences that are counted exactly; a greater number is reported as this one.
    public static let mostMissed = 4096

    /// Creates a schedule for a routine, whose id seeds its delays.
    public init(_ parts: [Part], routine: String) {
        self.parts = parts
        seed = Jitter.seed(of: routine)
    }

    /// The first occurrence after a time; nil if there is none by the end of the year 2199.
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

    /// When the run of an occurrence starts. The time is the same on every machine and after every restart.
    public func startMs(of occurrence: Int64) -> Int64 {
        occurrence * 1000 + Jitter.delayMs(seed: seed, occurrence: occurrence, most: jitterMs)
    }

    /// What to do about an occurrence that was awaited.
    public enum Step: Equatable, Sendable {
        /// Wait until this time in ms, when `occurrence` is due.
        case wait(untilMs: Int64, occurrence: Int64)
        /// Run now for this occurrence. `missed` occurrences before it are skipped; the run is `lateMs` late.
        case run(occurrence: Int64, missed: Int, lateMs: Int64)
        /// Run nothing: `missed` occurrences, of which this is the latest, are past their deadline. `next` comes after
        /// them.
        case passOver(occurrence: Int64, missed: Int, next: Int64?)
    }

    /// Decides what to do now about `due` and all occurrences since then. There is at most one run, for the latest
    /// occurrence, and never a burst.
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

    /// The occurrence that is owed when a host starts, in seconds. It is the latest one that has started by now and
    /// lies after both the last run and the time when this schedule was first seen. So a new or edited schedule does
    /// not run at once. All arguments but `nowMs` are in seconds.
    public func owed(lastRun: Int64?, firstSeen: Int64, nowMs: Int64) -> Int64? {
        guard let latest = last(notAfterMs: nowMs, after: max(firstSeen, lastRun ?? .min)) else { return nil }
        return deadlineMs > 0 && nowMs - startMs(of: latest) > deadlineMs ? nil : latest
    }

    /// The first occurrence after a time that has already come but whose start is still delayed by jitter; nil if there
    /// is none.
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

    /// The latest occurrence after `time` that starts by `nowMs`, as do all occurrences before it. The search looks at
    /// windows before `nowMs`, each twice as long as the previous one, and halves the first one that has an occurrence.
    private func last(notAfterMs nowMs: Int64, after time: Int64) -> Int64? {
        var reach: Int64 = 1
        let end = nowMs / 1000 - jitterMs / 1000
        while reach < 1 << 33 {
            let begin = max(time, end - reach)
            if let first = started(after: begin, by: nowMs) {
                // The window before this one, which was half as long, has none.
                var (latest, before, past) = (first, begin, end - reach / 2)
                while past - before > 1 {
                    let middle = before + (past - before) / 2
                    if let found = started(after: middle, by: nowMs) {
                        (latest, before) = (found, middle)
                    } else {
                        past = middle
                    }
                }
                // Later ones may have started sooner than jitter delays others.
                for _ in 0..<Self.mostMissed {
                    guard let next = started(after: latest, by: nowMs) else { break }
                    latest = next
                }
                return latest
            }
            if end - reach <= time { return nil }
            reach *= 2
        }
        return nil
    }

    /// The first occurrence after a time, if it has started by `nowMs`.
    private func started(after time: Int64, by nowMs: Int64) -> Int64? {
        next(after: time).flatMap { startMs(of: $0) <= nowMs ? $0 : nil }
    }
}

/// Computes delays that spread the load of many hosts or routines that would start at the same moment.
public enum Jitter {
    /// The seed for the delays of a routine.
    static func seed(of routine: String) -> UInt64 {
        routine.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// A delay of 0 to `most` ms, which depends only on the routine and the occurrence.
    static func delayMs(seed: UInt64, occurrence: Int64, most: Int64) -> Int64 {
        if most <= 0 { return 0 }
        var value = seed &+ UInt64(bitPattern: occurrence) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int64((value ^ value >> 31) % (UInt64(most) + 1))
    }
}

/// A grid of fixed intervals on the wall clock: the multiples of the interval since 1970, UTC, shifted by an offset.
public struct AlignedGrid: Equatable, Sendable {
    /// The interval in ms, at least 1.
    public let waitMs: Int64
    /// The offset of the grid points from the multiples of the interval, in ms.
    public let offsetMs: Int64

    /// Creates a grid; nil if the interval is not positive.
    public init?(waitMs: Int64, offsetMs: Int64) {
        if waitMs <= 0 { return nil }
        self.waitMs = waitMs
        self.offsetMs = offsetMs % waitMs
    }

    /// The first grid point after a time, both in ms since 1970, UTC.
    public func next(afterMs time: Int64) -> Int64 {
        let (past, isTooFar) = time.subtractingReportingOverflow(offsetMs)
        if isTooFar { return time }
        let remainder = past % waitMs
        let sinceLast = remainder < 0 ? remainder + waitMs : remainder
        return time.addingReportingOverflow(waitMs - sinceLast).partialValue
    }
}

/// Computes how long to sleep, on a clock that is never set, in order to wait for a time of the wall clock.
public enum WallWait {
    /// The longest sleep in ns; after it the zone and the wall clock are consulted again.
    public static let longest: Int64 = 3_600_000_000_000

    /// The sleep in ns, for a remaining time in ns. While the wall clock is being corrected, the two clocks may drift
    /// apart by 500 ppm. Twice that is left for another, short sleep, so that the last wake-up is never late.
    public static func sleep(remaining: Int64) -> Int64 {
        if remaining <= 2_000_000 { return max(remaining, 0) }
        return min(remaining - remaining / 1000 - 1_000_000, longest)
    }
}
