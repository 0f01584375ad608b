public import HostValues

/// Tests write times as numbers of ns; the host does not, so that each time there says of which clock it is.
extension WallTime: ExpressibleByIntegerLiteral {
    /// So many ns after 1970 began.
    public init(integerLiteral value: Int64) { self.init(nanoseconds: value) }
}

extension BootTime: ExpressibleByIntegerLiteral {
    /// So many ns after the boot.
    public init(integerLiteral value: Int64) { self.init(nanoseconds: value) }
}

extension MonotonicTime: ExpressibleByIntegerLiteral {
    /// So many ns of running time after the boot.
    public init(integerLiteral value: Int64) { self.init(nanoseconds: value) }
}

extension ClockTime {
    /// So many ns after the clock's beginning, where a literal alone will not do.
    public static func ns(_ value: Int64) -> Self { Self(nanoseconds: value) }
}
