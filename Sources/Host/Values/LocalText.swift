/// Formats local times.
public enum LocalText {
    /// A time in the form of RFC 3339: `2026-11-27T09:30:00+01:00`. `time` is in seconds since 1970, UTC; `offset` is
    /// in seconds east of UTC. Seconds of the offset are written if there are any, although RFC 3339 has no place for
    /// them.
    public static func format(_ time: Int64, offset: Int64) -> String {
        let day = Timestamp.format((time + offset) * 1000).dropLast()
        let amount = abs(offset)
        var text = "\(day)\(offset < 0 ? "-" : "+")\(two(amount / 3600)):\(two(amount / 60 % 60))"
        if amount % 60 != 0 { text += ":\(two(amount % 60))" }
        return text
    }

    /// Shortens a time that `format` wrote: to `Fri 09:30` if it is soon, otherwise to `2026-12-24 09:30`. Nil for any
    /// other text.
    public static func short(_ text: String, isSoon: Bool) -> String? {
        guard let day = text.utf8.firstIndex(of: UInt8(ascii: "T")),
            text.utf8.distance(from: day, to: text.endIndex) >= 6,
            let midnight = Timestamp.parse("\(text[..<day])T00:00:00Z")
        else { return nil }
        let time = text[text.index(after: day)...].prefix(5)
        if !isSoon { return "\(text[..<day]) \(time)" }
        let weekday = ((midnight / 86_400_000 + 4) % 7 + 7) % 7
        return "\(weekdays[Int(weekday)]) \(time)"
    }

    /// The time of day of a local time in seconds: `02:30`, with seconds if they are not 0.
    public static func time(_ local: Int64) -> String {
        let second = (local % 86_400 + 86_400) % 86_400
        return "\(two(second / 3600)):\(two(second / 60 % 60))" + (second % 60 == 0 ? "" : ":\(two(second % 60))")
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
