internal import Glibc

/// A point in time as a calendar and a wall clock show it, in the local zone (`TZ`) or in UTC.
public struct CivilTime: Equatable, Sendable {
    /// The year, such as 2026.
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 0 to 23.
    public var hour: Int
    /// 0 to 59.
    public var minute: Int
    /// 0 to 60; 60 is a leap second.
    public var second: Int

    /// The zone in which a time is expressed: the machine's local one or UTC.
    public enum Zone: Sendable {
        case local, utc
    }

    /// Creates the time that is `seconds` after 1970, UTC, with localtime_r(3) or gmtime_r(3). A number of seconds that
    /// no calendar can express becomes the midnight at which 1900 began.
    public init(seconds: Int64, zone: Zone) {
        var time = time_t(seconds)
        var parts = unsafe tm()
        let isKnown =
            switch zone {
            case .local: unsafe localtime_r(&time, &parts) != nil
            case .utc: unsafe gmtime_r(&time, &parts) != nil
            }
        if !isKnown { unsafe parts = unsafe tm() }
        year = Int(unsafe parts.tm_year) + 1900
        month = Int(unsafe parts.tm_mon) + 1
        day = isKnown ? Int(unsafe parts.tm_mday) : 1
        hour = Int(unsafe parts.tm_hour)
        minute = Int(unsafe parts.tm_min)
        second = Int(unsafe parts.tm_sec)
    }

    /// Seconds since 1970, UTC, of this time in a zone, by mktime(3) or timegm(3). Days and hours beyond their range
    /// roll over into the next or previous month or day. Nil for a year or a day that is out of the range of these
    /// functions.
    public func seconds(in zone: Zone) -> Int64? { seconds(in: zone, isDaylightSaving: -1) }

    /// The moments at which the zone's clock shows this time, in seconds since 1970, UTC: two where it is set back over the
    /// time, and where it is set forward over it, the moment of that. None for a time that `seconds` has none for.
    public func moments(in zone: Zone) -> [Int64] {
        guard let wanted = seconds(in: .utc) else { return [] }
        func shown(_ moment: Int64) -> Int64 { CivilTime(seconds: moment, zone: zone).seconds(in: .utc) ?? .max }
        let guesses = Set([0, 1].compactMap { seconds(in: zone, isDaylightSaving: $0) }).sorted()
        let moments = guesses.filter { shown($0) == wanted }
        guard moments.isEmpty, var before = guesses.first, var after = guesses.last else { return moments }
        while after - before > 1 {
            let middle = before + (after - before) / 2
            if shown(middle) < wanted { before = middle } else { after = middle }
        }
        return [after]
    }

    private func seconds(in zone: Zone, isDaylightSaving: Int32) -> Int64? {
        var parts = unsafe tm()
        guard let years = Int32(exactly: year), let days = Int32(exactly: day), year.magnitude < 1_000_000 else {
            return nil
        }
        unsafe parts.tm_year = years - 1900
        unsafe parts.tm_mon = Int32(truncatingIfNeeded: month) &- 1
        unsafe parts.tm_mday = days
        unsafe parts.tm_hour = Int32(truncatingIfNeeded: hour)
        unsafe parts.tm_min = Int32(truncatingIfNeeded: minute)
        unsafe parts.tm_sec = Int32(truncatingIfNeeded: second)
        unsafe parts.tm_isdst = isDaylightSaving
        switch zone {
        case .local: return Int64(unsafe mktime(&parts))
        case .utc: return Int64(unsafe timegm(&parts))
        }
    }

    /// `2026-11-24 05:48:20`.
    public var description: String { date + " " + clock }
    /// `2026-11-24`.
    public var date: String { Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) }
    /// `05:48:20`.
    public var clock: String { Self.digits(hour, 2) + ":" + Self.digits(minute, 2) + ":" + Self.digits(second, 2) }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
