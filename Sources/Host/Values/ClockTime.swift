/// A point in time on one of the machine's clocks.
///
/// Each clock has a type of its own, so that the compiler refuses to compare a time since the boot with one since 1970.
/// The difference of two points is a plain number of nanoseconds, and adding such a number moves a point. Arithmetic
/// saturates at the ends of the range and never traps, because times come from files, plugins and people.
public protocol ClockTime: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's own beginning.
    var nanoseconds: Int64 { get }
    /// Creates the point that is `nanoseconds` after the clock's beginning.
    init(nanoseconds: Int64)
}

extension ClockTime {
    /// A point later than every real time.
    @inlinable public static var never: Self { Self(nanoseconds: .max) }
    /// A point earlier than every real time.
    @inlinable public static var longAgo: Self { Self(nanoseconds: .min) }

    /// Whether `one` is earlier than `other`.
    @inlinable public static func < (one: Self, other: Self) -> Bool { one.nanoseconds < other.nanoseconds }

    /// The point that is `nanoseconds` later.
    @inlinable public static func + (time: Self, nanoseconds: Int64) -> Self {
        Self(nanoseconds: time.nanoseconds.clampedPlus(nanoseconds))
    }

    /// The point that is `nanoseconds` earlier.
    @inlinable public static func - (time: Self, nanoseconds: Int64) -> Self {
        Self(nanoseconds: time.nanoseconds.clampedMinus(nanoseconds))
    }

    /// Moves the point by `nanoseconds` into the future.
    @inlinable public static func += (time: inout Self, nanoseconds: Int64) { time = time + nanoseconds }

    /// Nanoseconds from `other` to `one`; negative if `one` is the earlier point.
    @inlinable public static func - (one: Self, other: Self) -> Int64 {
        one.nanoseconds.clampedMinus(other.nanoseconds)
    }
}

/// A time since the boot. The clock (`CLOCK_BOOTTIME`) advances during a suspend and is never set.
@frozen public struct BootTime: ClockTime {
    /// Nanoseconds since the boot.
    public let nanoseconds: Int64

    /// Creates the point that is `nanoseconds` after the boot.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
}

/// Running time since the boot. The clock (`CLOCK_MONOTONIC`) stands still during a suspend and is never set.
@frozen public struct MonotonicTime: ClockTime {
    /// Nanoseconds since the boot, suspends excluded.
    public let nanoseconds: Int64

    /// Creates the point after `nanoseconds` of running time since the boot.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
}

/// The time since 1970, UTC, as the machine's clock shows it (`CLOCK_REALTIME`). People and daemons may set that clock
/// forward and back. Times from the year 2262 on do not fit and become `never`.
@frozen public struct WallTime: ClockTime {
    /// Nanoseconds since 1970, UTC.
    public let nanoseconds: Int64

    /// Creates the point that is `nanoseconds` after the beginning of 1970.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Creates a point from milliseconds since 1970, the unit of records and files.
    @inlinable public init(milliseconds: Int64) { self.init(nanoseconds: milliseconds.clampedTimes(1_000_000)) }

    /// Whole milliseconds since 1970.
    @inlinable public var milliseconds: Int64 { nanoseconds / 1_000_000 }
    /// Whole seconds since 1970.
    @inlinable public var seconds: Int64 { nanoseconds / 1_000_000_000 }
}
