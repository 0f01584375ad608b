public import HostValues

/// Parses times and durations as people write them on the command line. Pure.
public enum TimeText {
    /// A duration in ms. The text is a number, which may have a fraction, followed by `ms`, `s`, `m`, `min`, `h` or
    /// `d`; without a unit it means seconds. Nil for any other text, and for more than 10 000 days.
    public static func duration(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit: Double? =
            switch text.dropFirst(digits.count) {
            case "ms": 1
            case "", "s": 1000
            case "m", "min": 60_000
            case "h": 3_600_000
            case "d": 86_400_000
            default: nil
            }
        guard let unit, let first = digits.first, first != ".", digits.last != ".", let value = Double(digits) else {
            return nil
        }
        let milliseconds = (value * unit).rounded()
        return milliseconds <= 864e9 ? Int64(milliseconds) : nil
    }

    /// A point in time in ms since 1970, UTC. The text is RFC 3339, `HH:MM` (the next time that the zone's clock shows
    /// it), or `+` with a duration from now. Nil for any other text.
    public static func moment(_ text: String, nowMs: Int64, zone: CivilTime.Zone = .local) -> Int64? {
        if text.hasPrefix("+") {
            guard let duration = duration(String(text.dropFirst())) else { return nil }
            return nowMs.clampedPlus(duration)
        }
        return Until(text)?.moment(nowMs: nowMs, zone: zone)
    }
}
