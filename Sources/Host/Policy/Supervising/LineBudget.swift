public import HostValues

/// Limits how many lines of one worker reach the log: a burst, and a rate in the long run (a token bucket). Pure.
///
/// A line of over 512 bytes counts as several, so that the bytes are bounded as well: 2000 lines a second are at most 1
/// MB. The worker has a budget, so that excess lines are not even sent. The supervisor has a budget of its own, because
/// a plugin can write to the channel itself.
public struct LineBudget: Sendable {
    /// The maximum number of bytes that count as one line.
    public static let bytesOfLine = 512

    private let atOnce: Double
    private let perSecond: Double
    private var left: Double
    /// When `left` was last updated; nil if nothing has been spent yet.
    private var asOf: MonotonicTime?
    private var dropped = 0

    /// Creates a full budget.
    public init(atOnce: Double, perSecond: Double) {
        self.atOnce = atOnce
        self.perSecond = perSecond
        left = atOnce
    }

    /// Spends the budget for a line of `bytes` bytes. Returns whether the line is allowed, and if so how many lines
    /// were dropped since the last allowed one. A line that exceeds even a full budget is allowed when the budget is
    /// full.
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

    /// Counts a line that was dropped for another reason.
    public mutating func drop() { dropped += 1 }

    /// The number of lines dropped since the last call.
    public mutating func takeDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}
