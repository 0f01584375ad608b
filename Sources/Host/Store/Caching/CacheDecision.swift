/// The decision about one request, as a pure function of age, expiry and what the request asks for.
///
/// An age equal to a limit is within it. All times are in nanoseconds.
public enum CacheDecision: Equatable, Sendable {
    /// Serve the value held.
    case serve
    /// Run the source. If it fails, serve the value held if `staleAllowed`, else report the error.
    case load(staleAllowed: Bool)

    /// Decides for a value of this age (nil: there is no value, or its age is unknown) that expires at age `expire`.
    public init(age: Int64?, expire: Int64, fresh: Bool, tolerance: Int64) {
        guard let age else {
            self = .load(staleAllowed: false)
            return
        }
        switch (fresh, age <= expire) {
        case (false, true): self = .serve
        case (false, false): self = .load(staleAllowed: age <= CacheTime.sum(expire, tolerance))
        case (true, true): self = tolerance > 0 && tolerance >= age ? .serve : .load(staleAllowed: false)
        case (true, false): self = .load(staleAllowed: tolerance >= age)
        }
    }
}

/// Saturating arithmetic on times in nanoseconds: results stay within `Int64` instead of trapping.
public enum CacheTime {
    /// `a + b`, clamped to the range of `Int64`.
    public static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (b < 0 ? .min : .max) : sum
    }

    /// `a - b`, clamped to the range of `Int64`.
    public static func difference(_ a: Int64, _ b: Int64) -> Int64 {
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        return overflow ? (b < 0 ? .max : .min) : difference
    }

    /// Converts an expiry from milliseconds to nanoseconds. `Int64.max` (never) stays the same; negative values become
    /// 0.
    public static func nanoseconds(milliseconds: Int64) -> Int64 {
        let (product, overflow) = max(0, milliseconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product
    }
}
