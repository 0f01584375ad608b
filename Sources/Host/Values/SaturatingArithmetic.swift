/// Saturating arithmetic for times that come from files, plugins and people: the results stay within the range, and
/// nothing traps.
extension Int64 {
    /// The sum, clamped to the range.
    @inlinable public func clampedPlus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    /// The difference, clamped to the range.
    @inlinable public func clampedMinus(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// The product, clamped to the range.
    @inlinable public func clampedTimes(_ other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// Converts milliseconds to nanoseconds, at most about 292 years.
    @inlinable public init(nanosecondsFrom milliseconds: UInt64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        self = overflow ? .max : Int64(clamping: product)
    }
}

/// Saturating arithmetic for counters, because a plugin can write any number into its ledger.
extension UInt64 {
    /// The sum, clamped to the greatest number.
    public func clampedPlus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
