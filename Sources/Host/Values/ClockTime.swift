/// A point in time on one of the machine's clocks.
///
/// Each clock has a type of its own, so that the compiler refuses to compare a time since the boot with one since 1970.
/// The difference of two points is a plain number of nanoseconds, and a point moves by one. At the ends of their range
/// times stay there and never trap: they come from files, plugins and people.
public protocol ClockTime: Comparable, Hashable, Sendable {
    /// Since the clock's own beginning, in ns.
    var nanoseconds: Int64 { get }
    /// A point so many ns after the clock's beginning.
    init(nanoseconds: Int64)
}

extension ClockTime {
    /// Later than every time that comes.
    @inlinable public static var never: Self { Self(nanoseconds: .max) }
    /// Earlier than every time that was.
    @inlinable public static var longAgo: Self { Self(nanoseconds: .min) }

    /// Which comes first.
    @inlinable public static func < (one: Self, other: Self) -> Bool { one.nanoseconds < other.nanoseconds }

    /// So many ns later.
    @inlinable public static func + (time: Self, nanoseconds: Int64) -> Self {
        Self(nanoseconds: time.nanoseconds.clampedPlus(nanoseconds))
    }

    /// So many ns earlier.
    @inlinable public static func - (time: Self, nanoseconds: Int64) -> Self {
        Self(nanoseconds: time.nanoseconds.clampedMinus(nanoseconds))
    }

    /// Moves it to so many ns later.
    @inlinable public static func += (time: inout Self, nanoseconds: Int64) { time = time + nanoseconds }

    /// How many ns lie between the two; below 0 when the first one is the earlier one.
    @inlinable public static func - (one: Self, other: Self) -> Int64 {
        one.nanoseconds.clampedMinus(other.nanoseconds)
    }
}

/// Since the boot; goes on during a suspend and is never set (`CLOCK_BOOTTIME`).
@frozen public struct BootTime: ClockTime {
    /// Since the boot, in ns.
    public let nanoseconds: Int64

    /// So many ns after the boot.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
}

/// Running time since the boot; stands still during a suspend and is never set (`CLOCK_MONOTONIC`).
@frozen public struct MonotonicTime: ClockTime {
    /// Since the boot, without suspends, in ns.
    public let nanoseconds: Int64

    /// So many ns of running time after the boot.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
}

/// Since 1970, UTC, as the machine believes (`CLOCK_REALTIME`): people and daemons set that clock. From the year 2262 on it
/// is `never`, since such times do not fit.
@frozen public struct WallTime: ClockTime {
    /// Since 1970, UTC, in ns.
    public let nanoseconds: Int64

    /// So many ns after 1970 began.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// So many ms after 1970 began, as records and files have it.
    @inlinable public init(milliseconds: Int64) { self.init(nanoseconds: milliseconds.clampedTimes(1_000_000)) }

    /// Whole ms since 1970.
    @inlinable public var milliseconds: Int64 { nanoseconds / 1_000_000 }
    /// Whole seconds since 1970.
    @inlinable public var seconds: Int64 { nanoseconds / 1_000_000_000 }
}
