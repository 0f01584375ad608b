public import HostValues

/// From local times to points in time: what a zone and its daylight saving make of a rule.
extension CalendarRule {
    /// The first occurrence after a point in time, both in seconds since 1970 UTC; nil when there is none by the end of
    /// the year 2199.
    ///
    /// Between two changes of a zone's offset local and universal time go alike, so it is looked for in one such stretch
    /// after the other; where the next local time is far ahead, the stretches that it cannot be in are passed over.
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
            // Whoever begins in the second pass has had it all if that is longer than the stretch.
            if local - stretch.offset < stretch.end, from < stretch.end { return local - stretch.offset }
            // A pass through hours that were before `from` is no further than the next change, nor longer than two days.
            let isNear = stretch.end - from <= Self.mostShift
            from = isNear ? stretch.end : max(stretch.end, local - stretch.offset - Self.mostShift)
        }
        return nil
    }

    /// What the clocks do to an occurrence that `next` has found.
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

    /// More than two offsets can be apart.
    private static var mostShift: Int64 { 3 * 86_400 }
    /// A day past the last year, so that no offset matters.
    private static var end: Int64 { Int64(CivilDay.end + 1) * 86_400 }
}

/// What the clocks of a zone do to one occurrence.
public enum ClockShift: Equatable, Sendable {
    /// Nothing.
    case none
    /// The local time that is named does not exist that day; the occurrence is at the end of the gap.
    case fromGap(named: Int64)
    /// The local time comes twice that day, and this is the first.
    case firstPass
    /// The local time has come before that day.
    case secondPass
}
