public import HostValues

/// How soon a routine's sessions may follow each other, whatever ends them: so many at once, and then some a second. Pure.
///
/// Each session has a record, which is synced, and a line in the log. Most ends lead to a back-off or to nothing; what leads to
/// a new session at once, such as a change of the plugin's file or the death of a routine beside it, comes seldom unless
/// somebody makes it.
public struct StartPace: Equatable, Sendable {
    /// Sessions that may begin at once.
    public static let atOnce: Int64 = 10
    /// The time in which one more may, ns.
    public static let interval: Int64 = 500_000_000

    /// When as many as may begin at once may again; nothing counts before that but how far away it is.
    private var full = MonotonicTime.longAgo

    /// No session has begun.
    public init() {}

    /// Whether as many sessions may begin at once as if none had begun.
    public func isFresh(at now: MonotonicTime) -> Bool { full <= now }

    /// A session is to begin now: when it may, if that is later. Otherwise it has begun.
    mutating func delay(at now: MonotonicTime) -> MonotonicTime? {
        let after = max(full, now) + Self.interval
        let earliest = after - Self.atOnce * Self.interval
        if earliest > now { return earliest }
        full = after
        return nil
    }
}
