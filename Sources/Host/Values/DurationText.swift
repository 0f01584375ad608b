/// Durations for people: `12 ms`, `3.2 s`, `1m 03.2s`, `2h 05m`, `3d 04h`.
public enum DurationText {
    /// A duration in ms; negative ones are shown as such.
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
        let minutes = milliseconds / 60_000
        if minutes < 24 * 60 { return "\(minutes / 60)h \(padded(minutes % 60))m" }
        return "\(minutes / 1440)d \(padded(minutes % 1440 / 60))h"
    }

    private static func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
