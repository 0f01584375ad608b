/// Arithmetic on times from files, plugins and people: at the end of its range it stays there and never traps.
extension Int64 {
    /// The sum, or the nearest number there is.
    public func clampedPlus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    /// The difference, or the nearest number there is.
    public func clampedMinus(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// The product, or the nearest number there is.
    public func clampedTimes(_ other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// Milliseconds as nanoseconds, at most about 292 years.
    public init(nanosecondsFrom milliseconds: UInt64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        self = overflow ? .max : Int64(clamping: product)
    }
}

/// The same for what is counted: a plugin can write any number into a ledger.
extension UInt64 {
    /// The sum, or the greatest number there is.
    public func clampedPlus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

/// A length of time as a person says it: `500 ms`, `10 min`, `1 h`, `2 days`; exact, so `90 s` and not `1.5 min`.
public func spoken(milliseconds: UInt64) -> String {
    if milliseconds == 86_400_000 { return "1 day" }
    for (unit, name) in [(86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] as [(UInt64, String)]
    where milliseconds >= unit && milliseconds % unit == 0 {
        return "\(milliseconds / unit) \(name)"
    }
    return "\(milliseconds) ms"
}

/// Text from outside as one line: control characters become spaces, and past `limit` characters comes `…`.
public func oneLine(_ text: String, limit: Int) -> String {
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit { return line + "…" }
        let plain = scalar.properties.generalCategory != .control && scalar != "\u{2028}" && scalar != "\u{2029}"
        line.unicodeScalars.append(plain ? scalar : " ")
        count += 1
    }
    return line
}
