/// A zone's rule in the notation of the `TZ` variable (POSIX, with the hours of RFC 9636):
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// Offsets are in seconds ahead of UTC; their sign is opposite to that in the text.
struct PosixZone: Equatable, Sendable {
    /// A day that recurs each year, with a time on that day.
    struct Day: Equatable, Sendable {
        enum Kind: Equatable, Sendable {
            /// `Mm.w.d`: the weekday d, where 0 is Sunday, in week w of month m; week 5 means the last one.
            case weekday(month: Int, week: Int, weekday: Int)
            /// `Jn`, from 1, without counting the leap day.
            case julian(Int)
            /// `n`, from 0, counting the leap day.
            case ordinal(Int)
        }

        var kind: Kind
        /// Seconds from the beginning of the day; may be negative or more than a day.
        var time: Int64

        /// The local time of the day in a given year, in seconds since 1970 as if it were UTC.
        func local(in year: Int) -> Int64 {
            let day: Int
            switch kind {
            case .weekday(let month, let week, let weekday):
                let first = CivilDay.number(year, month, 1)
                let ahead = (weekday - CivilDay.weekday(first) + 7) % 7 + (week - 1) * 7
                day = first + (ahead >= CivilDay.length(ofMonth: month, year: year) ? ahead - 7 : ahead)
            case .julian(let number):
                day = CivilDay.number(year, 1, 1) + number - 1 + (number >= 60 && CivilDay.isLeap(year) ? 1 : 0)
            case .ordinal(let number):
                day = CivilDay.number(year, 1, 1) + number
            }
            return Int64(day) * 86_400 + time
        }
    }

    /// Daylight saving: its offset, when it begins, in standard time, and when it ends, in daylight saving time.
    struct Summer: Equatable, Sendable {
        var offset: Int64
        var begin: Day
        var end: Day
    }

    /// The offset outside daylight saving.
    let standard: Int64
    let summer: Summer?

    /// Parses a rule; nil if the text is not valid.
    init?(_ text: [UInt8]) {
        var reader = Reader(rest: text[...])
        guard text.count <= 256, reader.name(), let standard = reader.offset() else { return nil }
        self.standard = -standard
        if reader.rest.isEmpty {
            summer = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = self.standard + 3600
        if let byte = reader.rest.first, byte != UInt8(ascii: ",") {
            guard let given = reader.offset() else { return nil }
            offset = -given
        }
        // If no days are given, those of the United States apply, as in other implementations.
        if reader.rest.isEmpty { reader.rest = Array(",M3.2.0,M11.1.0".utf8)[...] }
        guard reader.take(","), let begin = reader.day(), reader.take(","), let end = reader.day(), reader.rest.isEmpty
        else { return nil }
        summer = Summer(offset: offset, begin: begin, end: end)
    }

    /// The stretch that contains a time, according to this rule alone.
    func stretch(at time: Int64) -> TimeZoneRules.Stretch {
        guard let summer else { return .init(start: .min, end: .max, offset: standard, before: standard) }
        let year = CivilDay.date(CivilDay.split(time).day).year
        // Three years have six changes, and a change may lie some days outside its year. So the previous and the next
        // change are among the six.
        var start = Int64.min
        var (offset, before, end) = (standard, standard, Int64.max)
        for year in (year - 1)...(year + 1) {
            let begins = summer.begin.local(in: year) - standard
            let ends = summer.end.local(in: year) - summer.offset
            // If a beginning and an end coincide, the beginning takes effect: such a zone has daylight saving all year.
            let isNorthern = begins < ends
            for isBegin in [isNorthern, !isNorthern] {
                let (change, new) = isBegin ? (begins, summer.offset) : (ends, standard)
                if change > time {
                    end = min(end, change)
                } else if change > start {
                    (start, before, offset) = (change, offset, new)
                } else if change == start, isBegin {
                    offset = new
                }
            }
        }
        return .init(start: start, end: end, offset: offset, before: before)
    }

    /// Reads and consumes the parts of a rule.
    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        /// Reads a name: at least three letters, or any text between `<` and `>`.
        mutating func name() -> Bool {
            if take("<") {
                guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest[(close + 1)...]
                return true
            }
            let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
            rest = rest.dropFirst(letters.count)
            return letters.count >= 3
        }

        /// Reads a number of at most three digits.
        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard (1...3).contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            return range.contains(value) ? value : nil
        }

        /// Reads `[+-]hh[:mm[:ss]]` and returns seconds.
        mutating func seconds(hours: Int) -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hour = number(0...hours) else { return nil }
            var value = hour * 3600
            if take(":") {
                guard let minute = number(0...59) else { return nil }
                value += minute * 60
                if take(":") {
                    guard let second = number(0...59) else { return nil }
                    value += second
                }
            }
            return Int64(isNegative ? -value : value)
        }

        mutating func offset() -> Int64? { seconds(hours: 24) }

        mutating func day() -> Day? {
            let kind: Day.Kind
            if take("M") {
                guard let month = number(1...12), take("."), let week = number(1...5), take("."),
                    let weekday = number(0...6)
                else { return nil }
                kind = .weekday(month: month, week: week, weekday: weekday)
            } else if take("J") {
                guard let number = number(1...365) else { return nil }
                kind = .julian(number)
            } else {
                guard let number = number(0...365) else { return nil }
                kind = .ordinal(number)
            }
            var time: Int64 = 7200
            if take("/") {
                guard let given = seconds(hours: 167) else { return nil }
                time = given
            }
            return Day(kind: kind, time: time)
        }
    }
}
