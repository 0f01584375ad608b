public import HostValues

/// Converts the local times of a rule into points in time, taking a zone's daylight saving into account.
extension CalendarRule {
    /// The first occurrence after a point in time, both in seconds since 1970, UTC; nil if there is none by the end of
    /// the year 2199.
    ///
    /// A stretch is the period between two changes of a zone's offset. Within it local and universal time advance
    /// together, so the search takes one stretch after the other. If the next local time is far ahead, it skips the
    /// stretches that cannot contain that time.
    public func next(after time: Int64, in zone: TimeZoneRules, dst: DaylightSaving = .once) -> Int64? {
        let movesOutOfGaps = dst == .once && !namesEveryHour
        let repeats =
            switch dst {
            case .once: namesEveryHour || repeatsMinutes
            case .skip: false
            case .wall: true
            }
        var from = min(max(time, -1), Self.end) + 1
        while from < Self.end {
            let stretch = zone.stretch(at: from)
            let jump = stretch.offset - stretch.before
            if movesOutOfGaps, jump > 0, from == stretch.start,
                let named = first(from: from + stretch.before), named < from + stretch.offset
            {
                return from
            }
            if !repeats, jump < 0 { from = max(from, stretch.start - jump) }
            guard let local = first(from: from + stretch.offset) else { return nil }
            // If the repeated hours are longer than the stretch, `from` is past its end: the stretch has nothing but
            // repetitions.
            if local - stretch.offset < stretch.end, from < stretch.end { return local - stretch.offset }
            // At the end of the stretch, the clocks may go back to local times before `from`, which `local` does not
            // account for. They go back by less than `mostShift`, so this matters only if the end is near.
            let isNear = stretch.end - from <= Self.mostShift
            from = isNear ? stretch.end : max(stretch.end, local - stretch.offset - Self.mostShift)
        }
        return nil
    }

    /// How the clock changes of a zone affect an occurrence that `next` has found.
    public func shift(of occurrence: Int64, in zone: TimeZoneRules) -> ClockShift {
        let stretch = zone.stretch(at: occurrence)
        let local = occurrence + stretch.offset
        if first(from: local) != local {
            guard stretch.offset > stretch.before, let named = first(from: stretch.start + stretch.before) else {
                return .none
            }
            return .fromGap(named: named)
        }
        if occurrence < stretch.start - (stretch.offset - stretch.before) { return .secondPass }
        if stretch.end < .max {
            let next = zone.stretch(at: stretch.end)
            if next.offset < stretch.offset, occurrence >= stretch.end - (stretch.offset - next.offset) {
                return .firstPass
            }
        }
        return .none
    }

    /// An upper bound for the difference between two offsets, in seconds.
    private static var mostShift: Int64 { 3 * 86_400 }
    /// One day past the last year, in seconds, so that the offset of the zone does not matter.
    private static var end: Int64 { Int64(CivilDay.end + 1) * 86_400 }
}

/// How a zone's clock changes affect one occurrence.
public enum ClockShift: Equatable, Sendable {
    /// They do not affect it.
    case none
    /// The named local time does not exist on that day; the occurrence is at the end of the gap instead.
    case fromGap(named: Int64)
    /// The local time exists twice on that day, and this is the first time.
    case firstPass
    /// The local time exists twice on that day, and this is the second time.
    case secondPass
}
