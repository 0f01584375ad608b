/// What to do about one request: the table of the caches as a pure function.
///
/// Equality serves. All times are nanoseconds.
public enum CacheDecision: Equatable, Sendable {
    /// Give the value that is there.
    case serve
    /// Ask the source; when it fails, give the value that is there only if `staleAllowed`, else the error.
    case load(staleAllowed: Bool)

    /// Decides for a value of this age (nil: there is none, or its age is unknown) that expires at `expire`.
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

/// Arithmetic of times in nanoseconds that stops at the ends of `Int64` instead of trapping.
public enum CacheTime {
    /// `a + b`, at most `Int64.max` and at least `Int64.min`.
    public static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (b < 0 ? .min : .max) : sum
    }

    /// `a - b`, at most `Int64.max` and at least `Int64.min`.
    public static func difference(_ a: Int64, _ b: Int64) -> Int64 {
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        return overflow ? (b < 0 ? .max : .min) : difference
    }

    /// An expiry in milliseconds as nanoseconds; `Int64.max` (never) stays what it is, negative numbers are 0.
    public static func nanoseconds(milliseconds: Int64) -> Int64 {
        let (product, overflow) = max(0, milliseconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product
    }
}
