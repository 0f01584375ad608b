public import HostValues

/// How many lines of one worker reach the log: so many at once, then so many a second in the long run. Pure.
///
/// A line over 512 bytes counts as several, so that long lines are bounded as bytes are: with 2000 lines a second 1 MB. The
/// worker keeps one, so that what is too much is not even sent; the supervisor keeps its own, since a plugin can write on the
/// channel itself.
public struct LineBudget: Sendable {
    /// Bytes that a line may have to count as one.
    public static let bytesOfLine = 512

    private let atOnce: Double
    private let perSecond: Double
    private var left: Double
    /// Monotonic ns; nil: nothing was spent yet.
    private var asOf: MonotonicTime?
    private var dropped = 0

    /// A budget of which nothing is spent.
    public init(atOnce: Double, perSecond: Double) {
        self.atOnce = atOnce
        self.perSecond = perSecond
        left = atOnce
    }

    /// Whether a line of so many bytes is let through at that time, and how many were dropped since the last
    /// one that was. One longer than all that may come at once is let through when nothing is spent.
    public mutating func spend(bytes: Int, at now: MonotonicTime) -> (isAllowed: Bool, dropped: Int) {
        left = min(atOnce, left + Double(max(0, now - (asOf ?? now))) / 1e9 * perSecond)
        asOf = now
        let cost = min(atOnce, max(1, (Double(bytes) / Double(Self.bytesOfLine)).rounded(.up)))
        guard left >= cost else {
            dropped += 1
            return (false, 0)
        }
        left -= cost
        return (true, takeDropped())
    }

    /// A line was dropped for another reason.
    public mutating func drop() { dropped += 1 }

    /// How many were dropped since this was told last.
    public mutating func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}
