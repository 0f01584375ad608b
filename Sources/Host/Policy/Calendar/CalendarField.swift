/// The fields of a calendar expression.
enum CalendarField {
    case second, minute, hour, day, month, weekday, year

    /// The name for messages.
    var name: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .day: "day of the month"
        case .month: "month"
        case .weekday: "day of the week"
        case .year: "year"
        }
    }

    /// The permitted numbers. Sunday is 0; cron also permits 7.
    var range: ClosedRange<Int> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .day: 1...31
        case .month: 1...12
        case .weekday: 0...7
        case .year: CivilDay.firstYear...CivilDay.lastYear
        }
    }

    /// The greatest distinct number; for weekdays that is 6, because 7 is Sunday again.
    var last: Int { self == .weekday ? 6 : range.upperBound }

    static let shortWeekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
}

/// An element of a list: a number, a range, or `*`, each with an optional step.
struct CalendarElement: Equatable {
    var low: Int
    var high: Int
    /// The step; 0 if there is none.
    var step = 0
    /// Whether it was written as `*`.
    var isAll = false
    /// Whether the range extends to the end of the field, because only its start and a step were given.
    var isOpen = false
    /// Whether days count from the end of the month, so that a step leads down to the last day, 1.
    var isFromEnd = false

    /// Whether the step reaches at least one further number.
    var steps: Bool { step > 0 && (isFromEnd && isOpen ? low - step >= 1 : low + step <= high) }

    /// The element for output: a range to the field's end whose step reaches no further number becomes a single number.
    var inShort: CalendarElement { isOpen && !steps ? CalendarElement(low: low, high: low) : self }

    /// Calls `body` with each number of the element.
    func forEach(_ body: (Int) -> Void) {
        var value = low
        while value <= high {
            body(value)
            value += max(step, 1)
        }
    }
}

/// Reads a schedule's text from left to right; its errors have the position of the mistake.
struct ScheduleReader {
    let bytes: [UInt8]
    var position: Int
    var end: Int

    /// Creates a reader of a whole text.
    init(_ text: String) {
        bytes = Array(text.utf8)
        position = 0
        end = bytes.count
    }

    var isAtEnd: Bool { position >= end }
    var next: UInt8? { position < end ? bytes[position] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < end, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Consumes `..` if it comes next.
    mutating func takeDots() -> Bool {
        guard position + 1 < end, bytes[position] == UInt8(ascii: "."), bytes[position + 1] == UInt8(ascii: ".") else {
            return false
        }
        position += 2
        return true
    }

    /// Whether a byte is an ASCII letter.
    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The text of a range, for messages.
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func fail(_ range: Range<Int>, _ message: String) -> ScheduleTextError {
        ScheduleTextError(offset: range.lowerBound, word: text(range), message: message)
    }

    /// The position of the next occurrence of either character; nil if there is none.
    func separator(_ one: Unicode.Scalar, or other: Unicode.Scalar, from start: Int) -> Int? {
        var index = start
        while index < end {
            if bytes[index] == UInt8(ascii: one) || bytes[index] == UInt8(ascii: other) { return index }
            index += 1
        }
        return nil
    }

    /// The range of the word at `start`, up to the next comma, for messages.
    func word(at start: Int) -> Range<Int> {
        var stop = start
        while stop < end, bytes[stop] != UInt8(ascii: ",") { stop += 1 }
        return start..<max(stop, min(start + 1, end))
    }

    /// Reads a number that must be valid for a field.
    mutating func number(_ field: CalendarField) throws(ScheduleTextError) -> Int {
        let start = position
        var value = 0
        while position < end, Self.isDigit(bytes[position]), position - start < 9 {
            value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
            position += 1
        }
        if position == start {
            throw fail(word(at: start), "a number is missing: the \(field.name) is \(field.bounds)")
        }
        if field == .year, value < 100, position - start <= 2 { value += value < 70 ? 2000 : 1900 }
        guard field.range.contains(value) else {
            throw fail(
                start..<position,
                "there is no such \(field.name): it is \(field.range.lowerBound) to \(field.range.upperBound)")
        }
        return value
    }

    /// Reads the step after a `/`.
    mutating func step(_ field: CalendarField) throws(ScheduleTextError) -> Int {
        let start = position
        var value = 0
        while position < end, Self.isDigit(bytes[position]), position - start < 9 {
            value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
            position += 1
        }
        let range = start..<position
        if range.isEmpty { throw fail(word(at: start - 1), "after / a step is expected, a number from 1") }
        if value == 0 { throw fail((start - 1)..<position, "a step of 0 goes nowhere: it is a number from 1") }
        let most = field.range.count
        if value > most {
            throw fail(
                (start - 1)..<position,
                "a step over \(most) goes past every \(field.name): leave it out, or name the times")
        }
        return value
    }

    /// Consumes all letters that come next and returns their range.
    mutating func letters() -> Range<Int> {
        let start = position
        while position < end, Self.isLetter(bytes[position]) { position += 1 }
        return start..<position
    }

    /// The first three letters in lower case, packed into one number; 0 if there are fewer.
    private func three(_ range: Range<Int>) -> UInt32 {
        if range.count < 3 { return 0 }
        return bytes[range.prefix(3)].reduce(0) { $0 << 8 | UInt32($1 | 0x20) }
    }

    /// The number, from 1, of a month's three-letter name.
    func month(_ range: Range<Int>) -> Int? {
        if range.count != 3 { return nil }
        switch three(range) {
        case 0x6A_616E: return 1
        case 0x66_6562: return 2
        case 0x6D_6172: return 3
        case 0x61_7072: return 4
        case 0x6D_6179: return 5
        case 0x6A_756E: return 6
        case 0x6A_756C: return 7
        case 0x61_7567: return 8
        case 0x73_6570: return 9
        case 0x6F_6374: return 10
        case 0x6E_6F76: return 11
        case 0x64_6563: return 12
        default: return nil
        }
    }

    /// The number of a weekday's name, which may be short or full; 0 is Sunday.
    func weekday(_ range: Range<Int>) -> Int? {
        let (day, rest): (Int, StaticString)
        switch three(range) {
        case 0x73_756E: (day, rest) = (0, "day")
        case 0x6D_6F6E: (day, rest) = (1, "day")
        case 0x74_7565: (day, rest) = (2, "sday")
        case 0x77_6564: (day, rest) = (3, "nesday")
        case 0x74_6875: (day, rest) = (4, "rsday")
        case 0x66_7269: (day, rest) = (5, "day")
        case 0x73_6174: (day, rest) = (6, "urday")
        default: return nil
        }
        if range.count == 3 { return day }
        let isWhole = bytes[range].dropFirst(3).map { $0 | 0x20 }.elementsEqual(rest.description.utf8)
        return isWhole ? day : nil
    }
}

extension CalendarField {
    /// The permitted numbers, and names if there are any, as text: `0 to 59`.
    var bounds: String {
        switch self {
        case .month: "1 to 12 or jan to dec"
        case .weekday: "0 to 7 or sun to sat"
        case .second, .minute, .hour, .day, .year: "\(range.lowerBound) to \(range.upperBound)"
        }
    }
}
