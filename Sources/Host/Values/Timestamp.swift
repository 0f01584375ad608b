/// Converts between points in time and RFC 3339. Pure: uses neither a clock nor the machine's time zone.
public enum Timestamp {
    /// Parses a time in the form of RFC 3339, such as `2026-11-24T18:30:00Z` or `2026-11-24 18:30:00.250+01:00`, and
    /// returns milliseconds since 1970, UTC. Nil if the text has another form, or names a day or time that does not
    /// exist.
    ///
    /// The seconds may be omitted. A leap second (`:60`) is the first moment of the next minute.
    public static func parse(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        guard let year = digits(4, from: &rest), take("-", from: &rest),
            let month = digits(2, from: &rest), take("-", from: &rest),
            let day = digits(2, from: &rest),
            take("T", from: &rest) || take("t", from: &rest) || take(" ", from: &rest),
            let hour = digits(2, from: &rest), take(":", from: &rest), let minute = digits(2, from: &rest),
            (1...12).contains(month), (1...daysIn(month, of: year)).contains(day), hour < 24, minute < 60
        else { return nil }
        var second: Int64 = 0
        var milliseconds: Int64 = 0
        if take(":", from: &rest) {
            guard let value = digits(2, from: &rest), value <= 60 else { return nil }
            second = value
            if take(".", from: &rest) {
                guard let fraction = fraction(from: &rest) else { return nil }
                milliseconds = fraction
            }
        }
        guard let offset = offset(from: &rest), rest.isEmpty else { return nil }
        let minutes = hour * 60 + minute - offset
        return ((days(year, month, day) * 1440 + minutes) * 60 + second) * 1000 + milliseconds
    }

    /// A time as RFC 3339 in UTC, with milliseconds only if they are not 0: `2026-11-24T17:30:00Z`. Times outside the
    /// years 0 to 9999 are clamped.
    public static func format(_ milliseconds: Int64) -> String {
        let clamped = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let (day, inDay) = floorDivided(clamped, by: 86_400_000)
        let (year, month, dayOfMonth) = civil(day)
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1000 % 60].map { padded($0, 2) }
        let fraction = inDay % 1000 == 0 ? "" : ".\(padded(inDay % 1000, 3))"
        return
            "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(time.joined(separator: ":"))\(fraction)Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func floorDivided(_ number: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func daysIn(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days from 1970 to a date of the Gregorian calendar; the year must be 0 or later. The calculation lets years
    /// begin in March, so that the leap day is the last day of a year.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivided(shifted, by: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivided(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = (shifted + 2) % 12 + 1
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func take(_ character: Unicode.Scalar, from rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    static func digits(_ count: Int, from rest: inout ArraySlice<UInt8>) -> Int64? {
        guard rest.count >= count, rest.prefix(count).allSatisfy({ (UInt8.zero...UInt8.nine).contains($0) }) else {
            return nil
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 * 10 + Int64($1 - .zero) }
    }

    /// Reads a fraction of a second with any number of digits, truncated to milliseconds.
    private static func fraction(from rest: inout ArraySlice<UInt8>) -> Int64? {
        let digits = rest.prefix { (UInt8.zero...UInt8.nine).contains($0) }
        if digits.isEmpty { return nil }
        rest = rest.dropFirst(digits.count)
        let three = Array(digits.prefix(3)) + Array(repeating: .zero, count: max(0, 3 - digits.count))
        return three.reduce(0) { $0 * 10 + Int64($1 - .zero) }
    }

    /// Reads a UTC offset and returns it in minutes east of UTC.
    private static func offset(from rest: inout ArraySlice<UInt8>) -> Int64? {
        if take("Z", from: &rest) || take("z", from: &rest) { return 0 }
        let isWest = rest.first == .minus
        guard take("+", from: &rest) || take("-", from: &rest), let hours = digits(2, from: &rest),
            take(":", from: &rest), let minutes = digits(2, from: &rest), hours < 24, minutes < 60
        else { return nil }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }
}

/// The end time of a routine's sessions.
public enum Until: Equatable, Sendable, CustomStringConvertible {
    /// There is no end time.
    case never
    /// A point in time, in milliseconds since 1970, UTC.
    case moment(Int64)
    /// The next moment at which the machine's local clock shows this time.
    case timeOfDay(hour: Int, minute: Int)

    /// Parses what a person writes: RFC 3339, `HH:MM` or `never`; nil for any other text.
    public init?(_ text: String) {
        if text == "never" {
            self = .never
            return
        }
        if let moment = Timestamp.parse(text) {
            self = .moment(moment)
            return
        }
        var rest = Array(text.utf8)[...]
        guard rest.count == 5, let hour = Timestamp.digits(2, from: &rest), rest.popFirst() == .colon,
            let minute = Timestamp.digits(2, from: &rest), hour < 24, minute < 60
        else { return nil }
        self = .timeOfDay(hour: Int(hour), minute: Int(minute))
    }

    /// The text form, which the initialiser reads.
    public var description: String {
        switch self {
        case .never: "never"
        case .moment(let moment): Timestamp.format(moment)
        case .timeOfDay(let hour, let minute): "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }
    }
}
