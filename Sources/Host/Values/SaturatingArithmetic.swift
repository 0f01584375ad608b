/// Arithmetic on times from files, plugins and people: at the end of its range it stays there and never traps.
extension Int64 {
    /// The sum, or the nearest number there is.
    @inlinable public func clampedPlus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    /// The difference, or the nearest number there is.
    @inlinable public func clampedMinus(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// The product, or the nearest number there is.
    @inlinable public func clampedTimes(_ other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// Milliseconds as nanoseconds, at most about 292 years.
    @inlinable public init(nanosecondsFrom milliseconds: UInt64) {
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
