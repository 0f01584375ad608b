/// Formats durations for people. This type has all forms that the program uses, one for each purpose.
public enum DurationText {
    /// An elapsed time: `12 ms`, `3.2 s`, `1m 03.2s`, `2h 05m`, `3d 04h`. A negative one begins with a minus sign.
    public static func format(milliseconds: Int64) -> String {
        if milliseconds < 0 {
            return "-" + format(milliseconds: milliseconds == .min ? .max : -milliseconds)
        }
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 3_599_950 {
            let tenths = (milliseconds + 50) / 100
            if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
            return "\(tenths / 600)m \(padded(tenths % 600 / 10)).\(tenths % 10)s"
        }
        let minutes = max(60, milliseconds / 60_000)
        if minutes < 24 * 60 { return "\(minutes / 60)h \(padded(minutes % 60))m" }
        return "\(minutes / 1440)d \(padded(minutes % 1440 / 60))h"
    }

    /// The value of a setting, without rounding: `500 ms`, `10 min`, `1 h`, `2 days`, and `90 s` rather than `1.5 min`.
    public static func exact(milliseconds: UInt64) -> String {
        if milliseconds == 86_400_000 { return "1 day" }
        for (unit, name) in [(86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1000, "s")] as [(UInt64, String)]
        where milliseconds >= unit && milliseconds % unit == 0 {
            return "\(milliseconds / unit) \(name)"
        }
        return "\(milliseconds) ms"
    }

    /// A text for a narrow column, rounded down to one unit: `42s`, `7m`, `5h`, and from two days on `3d`. A negative
    /// duration is shown as `0s`.
    public static func short(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<60_000: "\(max(0, milliseconds) / 1000)s"
        case ..<3_600_000: "\(milliseconds / 60_000)m"
        case ..<172_800_000: "\(milliseconds / 3_600_000)h"
        default: "\(milliseconds / 86_400_000)d"
        }
    }

    /// A measurement with about three digits: `850ns`, `12.3us`, `4.56ms`, `1.20s`, `310s`.
    public static func measured(nanoseconds: Int64) -> String {
        for (unit, name) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "us")] as [(Int64, String)]
        where nanoseconds >= unit {
            let hundredths = nanoseconds / (unit / 100)
            if hundredths >= 10_000 { return "\(hundredths / 100)\(name)" }
            if hundredths >= 1000 { return "\(hundredths / 100).\(hundredths / 10 % 10)\(name)" }
            return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)\(name)"
        }
        return "\(nanoseconds)ns"
    }

    private static func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
