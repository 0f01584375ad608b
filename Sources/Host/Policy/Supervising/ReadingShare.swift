public import HostValues

/// How much of a processor the host may spend on reading one source of a worker: some at once, then one part in so many. Pure.
///
/// A plugin can write without end. What the host reads and throws away costs it a processor all the same, so beyond its
/// share a source is left alone for a while: what writes there waits, or finds no room.
public struct ReadingShare: Sendable {
    /// The shortest pause, ns: 64 KiB after each of them are 4 MiB a second.
    public static let leastPause: Int64 = 15_000_000
    /// The longest, ns: nobody who waits for room waits longer.
    public static let mostPause: Int64 = 1_000_000_000

    private let atOnce: Int64
    private let part: Int64
    private var left: Int64
    private var asOf: MonotonicTime?

    /// A share of which nothing is spent: `atOnce` ns, and then 1 / `part` of the time.
    public init(atOnce: Int64, part: Int64) {
        self.atOnce = atOnce
        self.part = part
        left = atOnce
    }

    /// So many ns of a processor were spent. Returns for how long the source is to be left alone, ns; nil: not at all.
    public mutating func spend(_ time: Int64, at now: MonotonicTime) -> Int64? {
        left = min(atOnce, left + max(0, now - (asOf ?? now)) / part)
        asOf = now
        // What a pause cannot make good is forgiven: a share that was overdrawn far would be closed for long.
        left = max(-Self.mostPause / part, left.clampedMinus(max(0, time)))
        guard left < 0 else { return nil }
        return min(Self.mostPause, max(Self.leastPause, -left * part))
    }
}
