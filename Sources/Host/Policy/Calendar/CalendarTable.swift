public import HostValues

/// The next occurrences of a schedule, for `schedhost calendar`. Pure.
public struct CalendarTable: Sendable {
    /// An occurrence.
    public struct Entry: Equatable, Sendable {
        /// The time, in seconds since 1970, UTC.
        public let time: Int64
        /// The offset of the zone at that time, in seconds east of UTC.
        public let offset: Int64
        /// How the zone's clock changes affect the occurrence.
        public let shift: ClockShift
    }

    /// The schedule's normal form.
    public let normal: String
    /// The name of the zone.
    public let zone: String
    /// The occurrences.
    public let entries: [Entry]
    private let isEitherDay: Bool

    /// Computes the first `count` occurrences after a time.
    public init(
        _ schedule: ScheduleText, normal: String, zone: String, rules: TimeZoneRules, dst: DaylightSaving,
        after time: Int64, count: Int
    ) {
        self.normal = normal
        self.zone = zone
        isEitherDay = schedule.isEitherDay
        var entries: [Entry] = []
        var last = time
        while entries.count < count, let next = schedule.rule.next(after: last, in: rules, dst: dst) {
            entries.append(
                Entry(time: next, offset: rules.offset(at: next), shift: schedule.rule.shift(of: next, in: rules)))
            last = next
        }
        self.entries = entries
    }

    /// The table as one line of JSON: `{"normal": …, "next": [{"utc": …, "local": …}]}`, both times as RFC 3339.
    public var json: String {
        var writer = JSONWriter()
        writer.open()
        writer.field("normal", normal)
        writer.objects("next", of: entries) { entry, writer in
            writer.field("utc", Timestamp.format(entry.time * 1000))
            writer.field("local", LocalText.format(entry.time, offset: entry.offset))
        }
        writer.close()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    /// The table as text: the normal form, the zone, and a line for each occurrence. With `now`, each line also has the
    /// remaining time.
    public func text(now: Int64?) -> String {
        var lines = ["\(normal)", "zone \(zone)"]
        if isEitherDay { lines.append("a day counts that either of the two day fields names, as in cron") }
        for entry in entries {
            let weekday = CalendarField.shortWeekdays[CivilDay.weekday(CivilDay.split(entry.time + entry.offset).day)]
            var line = "  \(weekday) \(LocalText.format(entry.time, offset: entry.offset))"
            line += "  \(Timestamp.format(entry.time * 1000))"
            if let now, entry.time > now {
                line += "  in \(DurationText.format(milliseconds: (entry.time - now) * 1000))"
            }
            switch entry.shift {
            case .none: break
            case .fromGap(let named):
                line += "  the clocks go forward over \(LocalText.time(named)): it comes when they have"
            case .firstPass: line += "  the clocks go back: this time comes twice, and this is the first"
            case .secondPass: line += "  the clocks have gone back: this time comes a second time"
            }
            lines.append(line)
        }
        if entries.isEmpty { lines.append("  never, up to the end of the year \(CivilDay.lastYear)") }
        return lines.map { $0 + "\n" }.joined()
    }
}
