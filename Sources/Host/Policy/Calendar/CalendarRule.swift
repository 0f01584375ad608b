/// The local times of a calendar, as sets of years, months, days, weekdays, hours, minutes and seconds.
///
/// Both text forms are converted into a rule. Each set is a bit mask, so that the next time is found field by field
/// with a few shifts, even if it is years ahead. A rule takes less than 200 bytes, and nothing here allocates.
public struct CalendarRule: Equatable, Sendable {
    /// Bit n is the year 1970 + n.
    var years = Self.everyYear
    /// Bit n is the month n, from 1.
    var months: UInt16 = 0b1_1111_1111_1110
    /// Bit n is the day n of the month, from 1; if `countsFromEnd`, the nth day from the end, where 1 is the last.
    var days: UInt32 = Self.everyDay
    var countsFromEnd = false
    /// Bit n is the day n of the week; 0 is Sunday.
    var weekdays: UInt8 = Self.everyWeekday
    /// Whether a day matches if either its date or its weekday does, as cron requires if both are restricted. Otherwise
    /// both must match.
    var isEitherDay = false
    var hours: UInt32 = 1
    var minutes: UInt64 = 1
    var seconds: UInt64 = 1
    /// Whether the minutes are a cadence (`*` or a step), which continues when an hour is repeated.
    var repeatsMinutes = false

    static let everyYear = SIMD4<UInt64>(
        .max, .max, .max, (1 << UInt64(CivilDay.lastYear - CivilDay.firstYear - 191)) - 1)
    static let everyDay: UInt32 = ~1
    static let everyWeekday: UInt8 = 0x7F
    static let everyHour: UInt32 = 0xFF_FFFF

    /// Whether the rule has every hour, so that it is a cadence rather than a time of day.
    public var namesEveryHour: Bool { hours == Self.everyHour }

    /// Whether the rule matches any day at all, regardless of the year.
    var comesEver: Bool {
        var rule = self
        rule.years = Self.everyYear
        return rule.day(from: 0) != nil
    }

    // MARK: Local times, in seconds since 1970 as if the zone were UTC

    /// The first local time from `start` on that the rule matches; nil if there is none by the end of the year 2199.
    func first(from start: Int64) -> Int64? {
        var (day, second) = CivilDay.split(start)
        if day < 0 { (day, second) = (0, 0) }
        if let found = self.day(from: day) {
            if found > day { return local(found, 0) }
            if let time = time(from: second) { return Int64(day) * 86_400 + Int64(time) }
            return self.day(from: day + 1).flatMap { local($0, 0) }
        }
        return nil
    }

    private func local(_ day: Int, _ second: Int) -> Int64? {
        time(from: second).map { Int64(day) * 86_400 + Int64($0) }
    }

    /// The first matching second of a day, from `second` on.
    private func time(from second: Int) -> Int? {
        var (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60)
        if hours & 1 << UInt32(hour) == 0 { (minute, second) = (0, 0) }
        var left = (UInt64(hours) >> UInt64(hour)) << UInt64(hour)
        while left != 0 {
            let found = left.trailingZeroBitCount
            if found > hour { (hour, minute, second) = (found, 0, 0) }
            if minutes & 1 << UInt64(minute) == 0 { second = 0 }
            var leftMinutes = (minutes >> UInt64(minute)) << UInt64(minute)
            while leftMinutes != 0 {
                let foundMinute = leftMinutes.trailingZeroBitCount
                if foundMinute > minute { (minute, second) = (foundMinute, 0) }
                let leftSeconds = seconds >> UInt64(second)
                if leftSeconds != 0 { return (hour * 60 + minute) * 60 + second + leftSeconds.trailingZeroBitCount }
                leftMinutes &= leftMinutes - 1
            }
            left &= left - 1
        }
        return nil
    }

    /// The first matching day, in days since 1970, from `start` on.
    private func day(from start: Int) -> Int? {
        if start >= CivilDay.end { return nil }
        var (year, month, day) = CivilDay.date(start)
        while year <= CivilDay.lastYear {
            let bit = year - CivilDay.firstYear
            if bit >= 0, years[bit / 64] & 1 << UInt64(bit % 64) != 0 {
                var left = (months >> UInt16(month)) << UInt16(month)
                while left != 0 {
                    let found = left.trailingZeroBitCount
                    if found > month { (month, day) = (found, 1) }
                    let first = CivilDay.number(year, month, 1)
                    let mask = daysNamed(length: CivilDay.length(ofMonth: month, year: year), first: first)
                    let rest = mask >> UInt64(day)
                    if rest != 0 { return first + day - 1 + rest.trailingZeroBitCount }
                    left &= left - 1
                }
            }
            (year, month, day) = (year + 1, 1, 1)
        }
        return nil
    }

    /// The matching days of a month, as a mask in which bit n is the day n. `first` is the month's first day since
    /// 1970.
    private func daysNamed(length: Int, first: Int) -> UInt64 {
        let weekday = UInt32(CivilDay.weekday(first))
        let week = UInt64(weekdays)
        // The weekdays, rotated to begin with the first day of this month, and repeated for five weeks.
        let turned = (week >> UInt64(weekday) | week << UInt64(7 - weekday)) & 0x7F
        let byWeekday = (turned * (1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28)) << 1
        let byDate = countsFromEnd ? (UInt64(days.bitReversed) << 1) >> UInt64(31 - length) : UInt64(days)
        let both = isEitherDay ? byWeekday | byDate : byWeekday & byDate
        return both & ((1 << UInt64(length + 1)) - 2)
    }
}

extension UInt32 {
    /// The bits in reverse order.
    fileprivate var bitReversed: UInt32 {
        var value = byteSwapped
        value = (value & 0x0F0F_0F0F) << 4 | (value >> 4) & 0x0F0F_0F0F
        value = (value & 0x3333_3333) << 2 | (value >> 2) & 0x3333_3333
        return (value & 0x5555_5555) << 1 | (value >> 1) & 0x5555_5555
    }
}
