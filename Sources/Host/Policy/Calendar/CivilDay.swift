/// Converts between dates of the Gregorian calendar and days since 1970-01-01, for the years that rules support.
///
/// The arithmetic uses small integers and has no branch for leap years: it lets a year begin in March, so that the leap
/// day is the last day of a year.
enum CivilDay {
    /// The first and the last year for which calendars are computed.
    static let firstYear = 1970
    static let lastYear = 2199
    /// The first day after these years.
    static let end = number(lastYear + 1, 1, 1)

    /// The number of days from 1970 to a date.
    static func number(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }

    /// The date of a day since 1970. Days before the year 0 are not supported.
    static func date(_ number: Int) -> (year: Int, month: Int, day: Int) {
        let days = max(number + 719_468, 0)
        let (era, dayOfEra) = days.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The number of days in a month.
    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// The weekday of a day since 1970; 0 is Sunday.
    static func weekday(_ number: Int) -> Int {
        let remainder = (number + 4) % 7
        return remainder < 0 ? remainder + 7 : remainder
    }

    /// Splits seconds since 1970 into a day and a second of the day, which is never negative, even before 1970.
    static func split(_ seconds: Int64) -> (day: Int, second: Int) {
        let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        return second < 0 ? (Int(day) - 1, Int(second) + 86_400) : (Int(day), Int(second))
    }
}
