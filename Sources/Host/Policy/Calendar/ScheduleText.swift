/// A schedule as a person writes it: a calendar (`Mon..Fri 09:30 Europe/Berlin`) or the five fields of cron
/// (`30 9 * * 1-5 Europe/Berlin`), with a time zone as the last word or without one. Pure.
public struct ScheduleText: Equatable, Sendable {
    /// Which of the forms it has.
    public enum Form: Equatable, Sendable {
        case calendar, cron
    }

    /// How long a text may be.
    public static let mostBytes = 1024

    /// The times that it names.
    public let rule: CalendarRule
    /// The zone that it names; nil: that of the host.
    public let zone: String?
    /// Its form.
    public let form: Form

    /// Whether it has both of cron's day fields, of which one is enough.
    public var isEitherDay: Bool { rule.isEitherDay }

    /// Reads a text. `isZone` tells whether there is a time zone of a name.
    public init(_ text: String, isZone: (String) -> Bool) throws(ScheduleTextError) {
        (self, _) = try Self.read(text, wantsNormal: false, isZone: isZone)
    }

    /// The same schedule in its normal form: numbers for names, all parts written out.
    public static func normal(_ text: String, isZone: (String) -> Bool) throws(ScheduleTextError) -> String {
        try read(text, wantsNormal: true, isZone: isZone).normal
    }

    private init(rule: CalendarRule, zone: String?, form: Form) {
        self.rule = rule
        self.zone = zone
        self.form = form
    }

    /// Where the words of a text are.
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

    /// Letters first, then what names of zones are made of; so that no other file is asked for.
    public static func isZoneName(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, ScheduleReader.isLetter(first), bytes.count <= 64 else { return false }
        return bytes.allSatisfy { byte in
            ScheduleReader.isLetter(byte) || ScheduleReader.isDigit(byte)
                || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
        }
    }

    /// Whether a word can be nothing but a zone.
    private static func isClearlyZone(_ name: String) -> Bool { name.contains("/") || name.contains("_") }

    /// Whether its first word is one of those with `@`.
    private static func isNickname(_ reader: ScheduleReader, _ words: [Range<Int>]) -> Bool {
        words.first.map { reader.bytes[$0.lowerBound] == UInt8(ascii: "@") } ?? false
    }

    /// Whether it begins as a day of the week does.
    private static func isDay(_ name: String) -> Bool {
        CalendarField.shortWeekdays.contains { name.lowercased().hasPrefix($0.lowercased()) }
    }
}
