import HostPolicy
import HostTestKit
import HostValues

/// Which minutes of the wall clock a schedule names, kept as plainly as can be: a table for each field, and a text that says
/// the same to the host.
struct NamedMinutes {
    let text: String
    private var minutes: [Bool]
    private var hours: [Bool]
    private var days: [Bool]
    private var weekdays: [Bool]
    private let isEitherDay: Bool
    /// Whether each hour is named: then the schedule is a cadence.
    private let isCadence: Bool
    /// Whether the minutes go on when an hour comes twice.
    private let hasSteps: Bool

    /// A schedule at random, in the calendar's or in cron's form, which seldom names more than 72 minutes a day. It often
    /// names one of these hours, in which clocks are set.
    init(_ random: inout SplitMix, near: [Int]) {
        let isCron = random.below(2) == 0
        let range = isCron ? "-" : ".."
        func numbers(_ low: Int, _ high: Int, _ most: Int, _ random: inout SplitMix) -> (text: String, [Int]) {
            let found = Set((0...random.below(most)).map { _ in low + random.below(high - low + 1) }).sorted()
            return (found.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ","), found)
        }
        var step = 0
        let minute: (text: String, [Int])
        if random.below(3) == 0 {
            step = [15, 20, 30][random.below(3)]
            minute = (isCron ? "*/\(step)" : "00/\(step)", Array(stride(from: 0, to: 60, by: step)))
        } else {
            minute = numbers(0, 59, 3, &random)
        }
        let hour: (text: String, [Int])
        switch random.below(4) {
        case 0: hour = ("*", Array(0..<24))
        case 1:
            let isNear = random.below(3) > 0 && !near.isEmpty
            let (first, length) = (
                isNear ? min(near[random.below(near.count)], 21) : random.below(21), 1 + random.below(2)
            )
            hour = ("\(first)\(range)\(first + length)", Array(first...(first + length)))
        case 2 where !near.isEmpty:
            let one = near[random.below(near.count)]
            hour = ("\(one)", [one])
        default: hour = numbers(0, 23, 3, &random)
        }
        let day: (text: String, [Int])? = random.below(3) == 0 ? numbers(1, 28, 6, &random) : nil
        var weekday: (text: String, [Int])?
        if random.below(3) == 0 {
            let first = 1 + random.below(4)
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
            weekday = (
                isCron ? "\(first)-\(first + 1)" : "\(names[first - 1])..\(names[first])", [first, first + 1]
            )
        }
        text =
            isCron
            ? "\(minute.text) \(hour.text) \(day?.text ?? "*") * \(weekday?.text ?? "*")"
            : "\(weekday.map { $0.text + " " } ?? "")*-*-\(day?.text ?? "*") \(hour.text):\(minute.text)"
        func table(_ size: Int, _ numbers: [Int]?) -> [Bool] { (0..<size).map { numbers?.contains($0) ?? true } }
        minutes = table(60, minute.1)
        hours = table(24, hour.1)
        days = table(32, day?.1)
        weekdays = table(7, weekday?.1)
        isEitherDay = isCron && day != nil && weekday != nil
        isCadence = hour.1.count == 24
        hasSteps = step > 0
    }

    /// Whether a local time is named, in seconds as if the zone were UTC.
    private func names(_ local: Int64) -> Bool {
        let minute = Int(local / 60 % 60)
        if !minutes[minute] { return false }
        let hour = Int(local / 3600 % 24)
        return hours[hour] && namesDay(Int(local / 86_400))
    }

    private func namesDay(_ day: Int) -> Bool {
        // The date by hand: years and months are taken off one after the other.
        var (left, year) = (day, 1970)
        func length(_ month: Int) -> Int {
            switch month {
            case 4, 6, 9, 11: 30
            case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            default: 31
            }
        }
        while left >= 337 + length(2) {
            left -= 337 + length(2)
            year += 1
        }
        var month = 1
        while left >= length(month) {
            left -= length(month)
            month += 1
        }
        let (isDate, isWeekday) = (days[left + 1], weekdays[(day + 4) % 7])
        return isEitherDay ? isDate || isWeekday : isDate && isWeekday
    }

    /// All occurrences in a span of time, by looking at each minute of it, for each way to treat the clocks' changes.
    func occurrences(from begin: Int64, to end: Int64, offset: (Int64) -> Int64) -> [DaylightSaving: [Int64]] {
        var (once, skip, wall): ([Int64], [Int64], [Int64]) = ([], [], [])
        var latest = Int64.min
        var time = begin / 3600 * 3600
        var before = offset(time - 60)
        while time < end {
            // No zone changes twice in an hour.
            let isQuiet = offset(time) == before && offset(time + 3540) == before
            let next = time + 3600
            while time < next {
                let now = isQuiet ? before : offset(time)
                var isMoved = false
                if now > before, !isCadence {
                    var skipped = time + before
                    while skipped < time + now {
                        if names(skipped) { isMoved = true }
                        skipped += 60
                    }
                }
                let isNamed = names(time + now)
                let isFirst = time + now > latest
                if isMoved || isNamed && (isFirst || isCadence || hasSteps) { once.append(time) }
                if isNamed, isFirst { skip.append(time) }
                if isNamed { wall.append(time) }
                if isFirst { latest = time + now }
                before = now
                time += 60
            }
        }
        return [.once: once, .skip: skip, .wall: wall]
    }
}
