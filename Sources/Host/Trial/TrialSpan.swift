public import HostSystem
internal import HostValues

/// The span of virtual time that a trial covers.
public struct TrialSpan: Equatable, Sendable {
    /// The latest time that fits into 63 bits of nanoseconds since 1970, in ms: in the year 2262.
    private static let lastMs: Int64 = 9_223_372_036_854

    /// The beginning, in UTC ms since 1970.
    public let fromMs: Int64
    /// The length in ms.
    public let lengthMs: Int64

    /// Makes a span; returns nil if the clocks cannot represent it.
    public init?(fromMs: Int64, lengthMs: Int64) {
        guard fromMs >= 0, lengthMs >= 0, fromMs.clampedPlus(lengthMs) <= Self.lastMs else { return nil }
        self.fromMs = fromMs
        self.lengthMs = lengthMs
    }

    /// The message for a span that cannot be made.
    public static let bounds = "virtual time lies between the years 1970 and 2262"

    /// Makes a clock that shows the beginning of the span.
    public func clock() -> VirtualClock { VirtualClock(beginning: WallTime(milliseconds: fromMs)) }

    /// The end, in UTC ms since 1970.
    public var endMs: Int64 { fromMs + lengthMs }
}
