/// Parses the five fields of cron, `minute hour day month weekday`, or a nickname such as `@daily`.
///
/// Syntax that cron programs treat differently is refused rather than guessed: six fields, a step after a single
/// number, `?`.
struct CronExpression {
    private(set) var rule = CalendarRule()
    /// The expression with numbers instead of names; empty unless `wantsNormal` was given.
    private(set) var normal = ""
    /// Whether a day matches if either of the two day fields matches it.
    var isEitherDay: Bool { rule.isEitherDay }

    /// The nicknames and the expressions that they stand for.
    private static let nicknames: [(String, String)] = [
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@monthly", "0 0 1 * *"), ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@hourly", "0 * * * *"),
    ]

    /// Parses a nickname, which begins with `@`.
    init(nickname range: Range<Int>, of reader: ScheduleReader, wantsNormal: Bool) throws(ScheduleTextError) {
        let word = reader.text(range).lowercased()
        if let (_, text) = Self.nicknames.first(where: { $0.0 == word }) {
            let reader = ScheduleReader(text)
            self = try Self(words: ScheduleText.words(of: reader), of: reader, wantsNormal: wantsNormal)
            return
        }
        throw Self.refusal(of: [range], in: reader)
    }

    /// The error for words that begin with `@` but are not a valid expression.
    static func refusal(of words: [Range<Int>], in reader: ScheduleReader) -> ScheduleTextError {
        let word = reader.text(words[0]).lowercased()
        switch word {
        case "@reboot": return reader.fail(words[0], "is no time: with wait_ms the first cycle comes at the start")
        case "@every": return reader.fail(words[0], "is no time of day: use wait_ms")
        default:
            if words.count > 1, nicknames.contains(where: { $0.0 == word }) {
                return reader.fail(words[1], "is one word too many: after \(word) comes a time zone or nothing")
            }
            return reader.fail(words[0], "is none of \(nicknames.map(\.0).joined(separator: ", "))")
        }
    }

    /// Parses five words.
    init(words: [Range<Int>], of whole: ScheduleReader, wantsNormal: Bool) throws(ScheduleTextError) {
        var parts: [String] = []
        func field(_ index: Int, _ field: CalendarField) throws(ScheduleTextError) -> (UInt64, isStar: Bool) {
            var reader = whole
            (reader.position, reader.end) = (words[index].lowerBound, words[index].upperBound)
            var mask: UInt64 = 0
            let isStar = reader.next == UInt8(ascii: "*")
            var normal = ""
            repeat {
                let element = try Self.element(&reader, field)
                element.forEach { mask |= 1 << UInt64($0) }
                if wantsNormal { normal += (normal.isEmpty ? "" : ",") + Self.text(element, field) }
            } while reader.take(",")
            if !reader.isAtEnd { throw Self.unexpected(reader, field) }
            if wantsNormal { parts.append(normal) }
            return (mask, isStar)
        }
        let minutes = try field(0, .minute)
        (rule.minutes, rule.repeatsMinutes) = minutes
        rule.hours = UInt32(truncatingIfNeeded: try field(1, .hour).0)
        let days = try field(2, .day)
        rule.days = UInt32(truncatingIfNeeded: days.0)
        rule.months = UInt16(truncatingIfNeeded: try field(3, .month).0)
        let weekdays = try field(4, .weekday)
        // Sunday is 0 or 7.
        rule.weekdays = UInt8(truncatingIfNeeded: (weekdays.0 | weekdays.0 >> 7) & 0x7F)
        rule.isEitherDay = !days.isStar && !weekdays.isStar
        if !rule.comesEver {
            let range = words[2].lowerBound..<words[3].upperBound
            throw whole.fail(range, "none of these months has such a day, so it never comes")
        }
        normal = parts.joined(separator: " ")
    }

    private static func element(_ reader: inout ScheduleReader, _ field: CalendarField) throws(ScheduleTextError)
        -> CalendarElement
    {
        let start = reader.position
        if reader.take("*") {
            var element = CalendarElement(low: field.range.lowerBound, high: field.last, isAll: true)
            if reader.take("/") { element.step = try reader.step(field) }
            return element
        }
        let low = try value(&reader, field)
        var element = CalendarElement(low: low, high: low)
        if reader.take("-") {
            element.high = try value(&reader, field)
            if element.high < low {
                let mend =
                    field == .weekday && element.high == 0
                    ? "Sunday at the end of a range is 7"
                    : "write two, \(low)-\(field.last),\(field.range.lowerBound)-\(element.high)"
                throw reader.fail(start..<reader.position, "it goes backwards: \(mend)")
            }
            if reader.take("/") { element.step = try reader.step(field) }
        } else if reader.take("/") {
            let step = try reader.step(field)
            throw reader.fail(
                start..<reader.position,
                "cron programs differ about a step after a single number: write \(low)-\(field.last)/\(step)")
        }
        return element
    }

    /// Reads a number or a name.
    private static func value(_ reader: inout ScheduleReader, _ field: CalendarField) throws(ScheduleTextError) -> Int {
        guard let byte = reader.next, ScheduleReader.isLetter(byte) else {
            if reader.next == nil || reader.next == UInt8(ascii: ",") || !ScheduleReader.isDigit(reader.next ?? 0) {
                throw unexpected(reader, field)
            }
            return try reader.number(field)
        }
        let name = reader.letters()
        switch field {
        case .month:
            if let month = reader.month(name) { return month }
        case .weekday:
            if name.count == 3, let day = reader.weekday(name) { return day }
        case .second, .minute, .hour, .day, .year: break
        }
        let word = reader.text(name)
        if word == "L" || word == "W" { throw reader.fail(name, Self.later) }
        throw reader.fail(name, "there is no such \(field.name): it is \(field.bounds)")
    }

    private static let later = "is not understood: the calendar form has *-*~1 for the last day of a month"

    private static func unexpected(_ reader: ScheduleReader, _ field: CalendarField) -> ScheduleTextError {
        let range = reader.word(at: reader.position)
        switch reader.next {
        case UInt8(ascii: "?"): return reader.fail(range, "is not understood: write *")
        case UInt8(ascii: "#"), UInt8(ascii: "L"), UInt8(ascii: "W"): return reader.fail(range, later)
        case nil, UInt8(ascii: ","):
            let end = reader.next == nil ? reader.position : reader.position + 1
            return reader.fail((end - 1)..<end, "the \(field.name) is missing: it is \(field.bounds)")
        default:
            return reader.fail(
                range, "does not belong here: the \(field.name) is *, \(field.bounds), a range 1-5, or a list 1,3")
        }
    }

    private static func text(_ element: CalendarElement, _ field: CalendarField) -> String {
        var text =
            element.isAll
            ? "*" : element.low == element.high ? "\(element.low)" : "\(element.low)-\(element.high)"
        if field == .weekday, !element.isAll, element.low == 7 { text = "0" }
        // The step is written only where it can be read back: not after a single number, and not if it leads no
        // further.
        if element.step > 0, element.isAll || element.low < element.high { text += "/\(element.step)" }
        return text
    }
}
