/// Parses the calendar form, which has systemd's grammar: `Mon..Fri *-*-* 09:30:00`, where each of the three parts is
/// optional.
///
/// Unlike systemd, it accepts `*/2`, but not fractions of a second.
struct CalendarExpression {
    private(set) var rule = CalendarRule()
    /// The expression as systemd would normalise it; empty unless `wantsNormal` was given.
    private(set) var normal = ""

    private static let shortcuts: [(String, String)] = [
        ("minutely", "*-*-* *:*:00"), ("hourly", "*-*-* *:00:00"), ("daily", "*-*-* 00:00:00"),
        ("monthly", "*-*-01 00:00:00"), ("weekly", "Mon *-*-* 00:00:00"), ("yearly", "*-01-01 00:00:00"),
        ("annually", "*-01-01 00:00:00"), ("quarterly", "*-01,04,07,10-01 00:00:00"),
        ("semiannually", "*-01,07-01 00:00:00"), ("semi-annually", "*-01,07-01 00:00:00"),
        ("biannually", "*-01,07-01 00:00:00"), ("bi-annually", "*-01,07-01 00:00:00"),
    ]

    /// Parses an expression of one to three words.
    init(words: [Range<Int>], of whole: ScheduleReader, wantsNormal: Bool) throws(ScheduleTextError) {
        if words.count == 1, let byte = words.first.map({ whole.bytes[$0.lowerBound] }), ScheduleReader.isLetter(byte) {
            let word = whole.text(words[0]).lowercased()
            if let (_, text) = Self.shortcuts.first(where: { $0.0 == word }) {
                let reader = ScheduleReader(text)
                self = try Self(words: ScheduleText.words(of: reader), of: reader, wantsNormal: wantsNormal)
                return
            }
        }
        var rest = words[...]
        var weekdays = ""
        if let word = rest.first, ScheduleReader.isLetter(whole.bytes[word.lowerBound]) {
            weekdays = try readWeekdays(Self.reader(of: word, in: whole), wantsNormal)
            rest.removeFirst()
        }
        var date = "*-*-*"
        var dateRange = 0..<0
        if let word = rest.first, !whole.bytes[word].contains(UInt8(ascii: ":")) {
            date = try readDate(Self.reader(of: word, in: whole), wantsNormal)
            dateRange = word
            rest.removeFirst()
        }
        var time = "00:00:00"
        if let word = rest.first, whole.bytes[word].contains(UInt8(ascii: ":")) {
            time = try readTime(Self.reader(of: word, in: whole), wantsNormal)
            rest.removeFirst()
        }
        if let word = rest.first {
            throw whole.fail(
                word, "is one word too many: a calendar is [Mon..Fri] [YEAR-MONTH-DAY] [HOUR:MINUTE] [ZONE]")
        }
        if !rule.comesEver {
            throw whole.fail(dateRange, "none of these months has such a day, so it never comes")
        }
        if wantsNormal { normal = "\(weekdays)\(date) \(time)" }
    }

    private static func reader(of word: Range<Int>, in whole: ScheduleReader) -> ScheduleReader {
        var reader = whole
        (reader.position, reader.end) = (word.lowerBound, word.upperBound)
        return reader
    }

    // MARK: Weekdays

    private mutating func readWeekdays(_ given: ScheduleReader, _ wantsNormal: Bool) throws(ScheduleTextError) -> String
    {
        var reader = given
        var mask: UInt8 = 0
        repeat {
            let start = reader.position
            let first = try Self.weekday(&reader)
            var last = first
            if reader.takeDots() || reader.take("-") { last = try Self.weekday(&reader) }
            if last < first {
                throw reader.fail(
                    start..<reader.position,
                    "it goes backwards: a week begins on Monday here; write two, such as Fri..Sun,Mon")
            }
            // In this grammar Sunday is the last day of the week; in a rule it is the first.
            for day in first...last { mask |= 1 << UInt8((day + 1) % 7) }
        } while reader.take(",")
        if !reader.isAtEnd {
            throw reader.fail(
                reader.word(at: reader.position), "here , or .. or the end is expected: days are written Mon..Fri,Sun")
        }
        rule.weekdays = mask
        return wantsNormal ? Self.text(weekdays: mask) + " " : ""
    }

    /// Reads a day of the week: 0 for Monday to 6 for Sunday.
    private static func weekday(_ reader: inout ScheduleReader) throws(ScheduleTextError) -> Int {
        let start = reader.position
        let name = reader.letters()
        guard let day = reader.weekday(name) else {
            throw reader.fail(
                name.isEmpty ? reader.word(at: start) : name,
                "is neither a day of the week (Mon to Sun), nor one of minutely, hourly, daily, weekly, monthly, "
                    + "quarterly, semiannually, yearly")
        }
        return (day + 6) % 7
    }

    private static func text(weekdays mask: UInt8) -> String {
        var parts: [String] = []
        var day = 0
        while day < 7 {
            var last = day
            func has(_ day: Int) -> Bool { day < 7 && mask & 1 << UInt8((day + 1) % 7) != 0 }
            if has(day) {
                while has(last + 1) { last += 1 }
                let names = [day, last].map { CalendarField.shortWeekdays[($0 + 1) % 7] }
                switch last - day {
                case 0: parts.append(names[0])
                case 1: parts += names
                default: parts.append(names.joined(separator: ".."))
                }
            }
            day = last + 1
        }
        return parts.joined(separator: ",")
    }

    // MARK: Dates

    private mutating func readDate(_ given: ScheduleReader, _ wantsNormal: Bool) throws(ScheduleTextError) -> String {
        var reader = given
        let whole = reader.position..<reader.end
        let first = reader.separator("-", or: "~", from: whole.lowerBound)
        let second = first.flatMap { reader.separator("-", or: "~", from: $0 + 1) }
        guard let first, second.flatMap({ reader.separator("-", or: "~", from: $0 + 1) }) == nil else {
            throw reader.fail(whole, "is neither a date (YEAR-MONTH-DAY or MONTH-DAY) nor a time (HOUR:MINUTE)")
        }
        if second != nil, reader.bytes[first] == UInt8(ascii: "~") {
            throw reader.fail(first..<(first + 1), "stands before the day only: *-*~1 is the last day of each month")
        }
        var year = "*"
        if second != nil {
            reader.end = first
            var years = SIMD4<UInt64>(repeating: 0)
            year = try Self.list(&reader, .year, wantsNormal) { element in
                // Special case for speed: setting the bits of all years one by one would take five times as long as the
                // rest of a text.
                if element.isAll, element.step == 0 { return years = CalendarRule.everyYear }
                element.forEach { years[($0 - 1970) / 64] |= 1 << UInt64(($0 - 1970) % 64) }
            }
            rule.years = years
            reader.position = first + 1
        }
        reader.end = second ?? first
        var mask: UInt64 = 0
        let month = try Self.list(&reader, .month, wantsNormal) { $0.forEach { mask |= 1 << UInt64($0) } }
        rule.months = UInt16(truncatingIfNeeded: mask)
        rule.countsFromEnd = reader.bytes[reader.end] == UInt8(ascii: "~")
        reader.position = reader.end + 1
        reader.end = whole.upperBound
        mask = 0
        let fromEnd = rule.countsFromEnd
        if fromEnd, reader.bytes[reader.position..<reader.end].starts(with: "*/".utf8) {
            throw reader.fail(reader.position..<reader.end, "after ~ days are counted from the last one, 1: name them")
        }
        let day = try Self.list(&reader, .day, wantsNormal, fromEnd: fromEnd) { element in
            if fromEnd, !element.isAll || element.step > 0 {
                // A step counts towards the end of the month: ~7/2 means the seventh, fifth and third last day, and the
                // last one.
                var (value, least) = (element.high, element.low)
                if element.isOpen { (value, least) = (element.low, 1) }
                while value >= least {
                    mask |= 1 << UInt64(value)
                    value -= max(element.step, 1)
                }
            } else {
                element.forEach { mask |= 1 << UInt64($0) }
            }
        }
        rule.days = UInt32(truncatingIfNeeded: mask)
        return !wantsNormal ? "" : "\(year)-\(month)\(fromEnd ? "~" : "-")\(day)"
    }

    // MARK: Times

    private mutating func readTime(_ given: ScheduleReader, _ wantsNormal: Bool) throws(ScheduleTextError) -> String {
        var reader = given
        let stop = reader.end
        let first = reader.separator(":", or: ":", from: reader.position) ?? stop
        let second = reader.separator(":", or: ":", from: first + 1)
        if second.flatMap({ reader.separator(":", or: ":", from: $0 + 1) }) != nil {
            throw reader.fail(reader.position..<stop, "has too many parts: a time is HOUR:MINUTE or HOUR:MINUTE:SECOND")
        }
        func masked(_ mask: inout UInt64, _ field: CalendarField, until end: Int) throws(ScheduleTextError) -> (
            text: String, isCadence: Bool
        ) {
            reader.end = end
            mask = 0
            var bits: UInt64 = 0
            var isCadence = false
            let text = try Self.list(&reader, field, wantsNormal) { element in
                element.forEach { bits |= 1 << UInt64($0) }
                if element.isAll || element.steps { isCadence = true }
            }
            mask = bits
            reader.position = end + 1
            return (text, isCadence)
        }
        var hours: UInt64 = 0
        let hour = try masked(&hours, .hour, until: first).text
        rule.hours = UInt32(truncatingIfNeeded: hours)
        let minute = try masked(&rule.minutes, .minute, until: second ?? stop)
        rule.repeatsMinutes = minute.isCadence
        let seconds = second == nil ? "00" : try masked(&rule.seconds, .second, until: stop).text
        return wantsNormal ? "\(hour):\(minute.text):\(seconds)" : ""
    }

    // MARK: Lists

    /// Reads list elements up to the reader's end and calls `body` with each; returns them in order as normalised text.
    private static func list(
        _ reader: inout ScheduleReader, _ field: CalendarField, _ wantsNormal: Bool, fromEnd: Bool = false,
        _ body: (CalendarElement) -> Void
    ) throws(ScheduleTextError) -> String {
        var elements: [CalendarElement] = []
        repeat {
            let element = try element(&reader, field, fromEnd)
            body(element)
            if wantsNormal { elements.append(element) }
        } while reader.take(",")
        if !reader.isAtEnd {
            if field == .second, reader.next == UInt8(ascii: ".") {
                throw reader.fail(
                    reader.position..<reader.end, "a schedule has whole seconds: leave the fraction out")
            }
            throw reader.fail(
                reader.word(at: reader.position),
                "does not belong here: the \(field.name) is *, \(field.range.lowerBound) to \(field.range.upperBound), "
                    + "a range 1..5, or a list 1,3")
        }
        if !wantsNormal { return "" }
        if elements.contains(where: { $0.isAll && $0.step == 0 }) { return "*" }
        elements.sort { ($0.low, $0.high, $0.step) < ($1.low, $1.high, $1.step) }
        var texts: [String] = []
        for element in elements {
            let text = text(element, field)
            if texts.last != text { texts.append(text) }
        }
        return texts.joined(separator: ",")
    }

    private static func element(
        _ reader: inout ScheduleReader, _ field: CalendarField, _ fromEnd: Bool
    ) throws(ScheduleTextError) -> CalendarElement {
        let start = reader.position
        let range = field.range
        if reader.take("*") {
            var element = CalendarElement(low: range.lowerBound, high: range.upperBound, isAll: true)
            if reader.take("/") {
                element.step = try reader.step(field)
                (element.isAll, element.isOpen) = (false, true)
            }
            return element.inShort
        }
        guard let byte = reader.next, ScheduleReader.isDigit(byte) else {
            let word = reader.word(at: start)
            throw ScheduleTextError(
                offset: start, word: reader.text(word),
                message: "is not the \(field.name): that is * or \(range.lowerBound) to \(range.upperBound)")
        }
        let low = try reader.number(field)
        var element = CalendarElement(low: low, high: low)
        element.isFromEnd = fromEnd
        if reader.takeDots() {
            element.high = try reader.number(field)
            if element.high < low {
                let mend =
                    fromEnd
                    ? "\(element.high)..\(low), since after ~ the last day is 1"
                    : "two, \(low)..\(range.upperBound),\(range.lowerBound)..\(element.high)"
                throw reader.fail(start..<reader.position, "it goes backwards: write \(mend)")
            }
            if reader.take("/") { element.step = try reader.step(field) }
        } else if reader.take("/") {
            element.step = try reader.step(field)
            (element.high, element.isOpen) = (range.upperBound, true)
            if fromEnd { return element.inShort }
            if !element.steps {
                throw reader.fail(
                    start..<reader.position, "a step from \(low) ends past \(element.high): write \(low) alone")
            }
        }
        return element
    }

    private static func text(_ element: CalendarElement, _ field: CalendarField) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        var text = two(element.low)
        if element.step > 0 {
            if !element.isOpen { text += "..\(two(element.high))" }
            text += "/\(element.step)"
        } else if element.high > element.low {
            text += "..\(two(element.high))"
        }
        return text
    }
}
