/// Parses a schedule as a person writes it: a calendar (`Mon..Fri 09:30 Europe/Berlin`) or the five fields of cron (`30
/// 9 * * 1-5 Europe/Berlin`), optionally with a time zone as the last word. Pure.
public struct ScheduleText: Equatable, Sendable {
    /// The two forms of a schedule.
    public enum Form: Equatable, Sendable {
        case calendar, cron
    }

    /// The maximum length of a text, in bytes.
    public static let mostBytes = 1024

    /// The times that the text names.
    public let rule: CalendarRule
    /// The time zone in the text; nil means that of the host.
    public let zone: String?
    /// The form of the text.
    public let form: Form

    /// Whether the text has both of cron's day fields, so that a day matches if either does.
    public var isEitherDay: Bool { rule.isEitherDay }

    /// Parses a text. `isZone` returns whether a time zone of that name exists.
    public init(_ text: String, isZone: (String) -> Bool) throws(ScheduleTextError) {
        (self, _) = try Self.read(text, wantsNormal: false, isZone: isZone)
    }

    /// The normal form of a text: numbers instead of names, and all parts written out.
    public static func normal(_ text: String, isZone: (String) -> Bool) throws(ScheduleTextError) -> String {
        try read(text, wantsNormal: true, isZone: isZone).normal
    }

    private init(rule: CalendarRule, zone: String?, form: Form) {
        self.rule = rule
        self.zone = zone
        self.form = form
    }

    /// The ranges of the words of a text.
    static func words(of reader: ScheduleReader) -> [Range<Int>] {
        var words: [Range<Int>] = []
        words.reserveCapacity(6)
        var start: Int?
        for index in 0...reader.bytes.count {
            let isSpace = index == reader.bytes.count || reader.bytes[index] == 0x20 || reader.bytes[index] == 0x09
            if isSpace, let first = start {
                words.append(first..<index)
                start = nil
            } else if !isSpace, start == nil {
                start = index
            }
        }
        return words
    }

    private static func read(_ text: String, wantsNormal: Bool, isZone: (String) -> Bool) throws(ScheduleTextError)
        -> (ScheduleText, normal: String)
    {
        let reader = ScheduleReader(text)
        if reader.bytes.count > mostBytes {
            throw ScheduleTextError(offset: 0, word: "", message: "a schedule has at most \(mostBytes) bytes")
        }
        var words = words(of: reader)
        guard let first = words.first else {
            throw ScheduleTextError(
                offset: 0, word: "", message: "a schedule is missing, such as Mon..Fri 09:30 or 30 9 * * 1-5")
        }
        var zone: String?
        if words.count > 1, let last = words.last, isZoneName(reader.bytes[last]) {
            let name = reader.text(last)
            if isZone(name) {
                zone = name
                words.removeLast()
            } else if isClearlyZone(name)
                || (words.count == 6 || words.count < 4) && !isDay(name) && !isNickname(reader, words)
            {
                throw reader.fail(
                    last, "there is no time zone of that name under /usr/share/zoneinfo, such as Europe/Berlin")
            }
        }
        if words.isEmpty { throw reader.fail(first, "is a time zone, and what happens when is missing") }
        let suffix = zone.map { " \($0)" } ?? ""
        if words.count == 1, isNickname(reader, words) {
            let cron = try CronExpression(nickname: first, of: reader, wantsNormal: wantsNormal)
            return (.init(rule: cron.rule, zone: zone, form: .cron), cron.normal + suffix)
        }
        if words.count < 4 {
            if isNickname(reader, words) { throw CronExpression.refusal(of: words, in: reader) }
            let calendar = try CalendarExpression(words: words, of: reader, wantsNormal: wantsNormal)
            return (.init(rule: calendar.rule, zone: zone, form: .calendar), calendar.normal + suffix)
        }
        let all = first.lowerBound..<words[words.count - 1].upperBound
        switch words.count {
        case 5:
            let cron = try CronExpression(words: words, of: reader, wantsNormal: wantsNormal)
            return (.init(rule: cron.rule, zone: zone, form: .cron), cron.normal + suffix)
        case 6, 7:
            throw reader.fail(
                all,
                "cron programs read \(words.count == 6 ? "six" : "seven") fields differently: write seconds as *-*-* 09:30:15"
            )
        default:
            throw reader.fail(
                all,
                "has \(words.count) words: cron has five, minute hour day month weekday; a calendar has at most three, "
                    + "such as Mon..Fri *-*-* 09:30; after either comes a time zone")
        }
    }

    /// Whether a word has the form of a zone's name: a letter first, and only characters of such names. So no other
    /// file can be accessed through it.
    public static func isZoneName(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, ScheduleReader.isLetter(first), bytes.count <= 64 else { return false }
        return bytes.allSatisfy { byte in
            ScheduleReader.isLetter(byte) || ScheduleReader.isDigit(byte)
                || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
        }
    }

    /// Whether a word can only be meant as a zone.
    private static func isClearlyZone(_ name: String) -> Bool { name.contains("/") || name.contains("_") }

    /// Whether the first word begins with `@`.
    private static func isNickname(_ reader: ScheduleReader, _ words: [Range<Int>]) -> Bool {
        words.first.map { reader.bytes[$0.lowerBound] == UInt8(ascii: "@") } ?? false
    }

    /// Whether a word begins like a day of the week.
    private static func isDay(_ name: String) -> Bool {
        CalendarField.shortWeekdays.contains { name.lowercased().hasPrefix($0.lowercased()) }
    }
}
