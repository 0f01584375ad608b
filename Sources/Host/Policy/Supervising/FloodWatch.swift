public import HostValues

/// Tells of a flood twice: when it begins, and when it is over. Pure.
///
/// A flood is a time in which lines are dropped again and again; it is over when none was for a while.
public struct FloodWatch: Sendable {
    /// Without a line dropped for so long a flood is over, ns.
    public static let calm: Int64 = 5_000_000_000

    /// What is to be told.
    public enum News: Equatable, Sendable {
        /// Lines are dropped from now on, so many at first.
        case began(lines: Int)
        /// None are any more: so many were in all, in that time.
        case ended(lines: Int, milliseconds: Int64)
    }

    private struct Flood {
        let since: MonotonicTime
        var last: MonotonicTime
        var lines: Int
    }

    private var flood: Flood?

    /// No flood.
    public init() {}

    /// When `look` is due; nil while there is no flood.
    public var nextCheck: MonotonicTime? { flood.map { $0.last + Self.calm } }

    /// So many lines were dropped.
    public mutating func drop(_ lines: Int, at now: MonotonicTime) -> News? {
        guard lines > 0 else { return nil }
        guard var going = flood else {
            flood = Flood(since: now, last: now, lines: lines)
            return .began(lines: lines)
        }
        going.last = now
        going.lines = going.lines.addingReportingOverflow(lines).overflow ? .max : going.lines + lines
        flood = going
        return nil
    }

    /// The time of `nextCheck` may have come.
    public mutating func look(at now: MonotonicTime) -> News? {
        guard let next = nextCheck, next <= now else { return nil }
        return finish()
    }

    /// Nothing comes any more.
    public mutating func finish() -> News? {
        defer { flood = nil }
        return flood.map { .ended(lines: $0.lines, milliseconds: ($0.last - $0.since) / 1_000_000) }
    }
}

/// Finds a plugin that writes on its worker's channel more than the host reads there, and does not cease. Pure.
///
/// What a worker says by itself is bounded, so that is the plugin's doing; and as long as it goes on the host hears of
/// nothing else in time.
public struct ChannelFlood: Sendable {
    /// How long that is borne, ns.
    public static let patience: Int64 = 5_000_000_000
    /// After so long without it, it has ceased, ns: longer than any pause.
    private static let calm: Int64 = 2 * ReadingShare.mostPause

    private var flood: (since: MonotonicTime, last: MonotonicTime)?

    /// Nothing was read.
    public init() {}

    /// What was read was mostly none of the worker's, and took more than its share. True when that has lasted too long.
    public mutating func overdrawn(at now: MonotonicTime) -> Bool {
        guard let going = flood, now - going.last <= Self.calm else {
            flood = (now, now)
            return false
        }
        flood = (going.since, now)
        return now - going.since >= Self.patience
    }
}
