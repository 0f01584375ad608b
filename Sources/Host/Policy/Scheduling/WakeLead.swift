/// Decides how far ahead of a due time a thread is woken, so that the wake-up is finished when the time comes.
///
/// Waking a thread takes the kernel and a sleeping processor about 50 us, which is most of the error of a start time. A
/// thread that is woken ahead of time spends the rest without sleeping again, which costs processor time. So for gaps of
/// 5 to 100 ms, where the error matters most, it is woken so early that most wake-ups are finished in time, at most 120 us
/// a gap: 2.4 % of one processor at worst, and 0.3 % as measured at 10 ms. For longer gaps, and for shorter ones down to
/// half a millisecond, it is woken as early as a wake-up usually takes: then every second one is finished in time, and what
/// is spent is no more than by how much wake-ups differ. A host may have a thousand plugins that wait for a second each, or
/// a plugin a thousand routines that are due a millisecond apart.
///
/// All times are in ns. Pure; its owner locks.
public struct WakeLead: Sendable {
    /// The longest time ahead.
    public static let most: Int64 = 120_000
    /// The gaps before which most wake-ups are to be finished in time.
    static let eagerGaps: ClosedRange<Int64> = 5_000_000...100_000_000
    /// The shortest gap before which a thread is woken early.
    static let shortestGap: Int64 = 500_000
    /// The longest gap before which a thread is woken early: a day, of which no clock is exact to a wake-up's time.
    static let longestGap: Int64 = 86_400_000_000_000

    /// The usual latency of a wake-up: a moving average.
    private struct Latency {
        /// What is usual on most machines is the first sample, so that the first wake-ups after a long gap are not later than
        /// all others.
        var usual: Int64 = 40_000
        private var samples: Int64 = 1

        /// Each of the first samples counts as much as those before it, and each later one an eighth. So a routine that has
        /// run for seconds only is as punctual as one that has run for hours.
        mutating func learn(_ latency: Int64) {
            samples = min(samples + 1, 8)
            usual += (latency - usual) / samples
        }
    }

    private var shorter = Latency()
    private var eager = Latency()
    private var longer = Latency()

    /// Creates a state that has learnt nothing yet.
    public init() {}

    /// Takes the latency of a wake-up after a gap. Ignores one that is so long that the machine must be busy: waking earlier
    /// would not help then.
    public mutating func learn(_ latency: Int64, after gap: Int64) {
        guard latency >= 0, latency <= 2 * Self.most else { return }
        if gap < Self.eagerGaps.lowerBound {
            shorter.learn(latency)
        } else if gap <= Self.eagerGaps.upperBound {
            eager.learn(latency)
        } else {
            longer.learn(latency)
        }
    }

    /// How far ahead to wake a thread for a due time `gap` ns away: the usual latency of a wake-up, half as much again where
    /// most are to be finished in time, and no more than a twentieth of the gap.
    public func lead(over gap: Int64) -> Int64 {
        guard gap >= Self.shortestGap, gap <= Self.longestGap else { return 0 }
        let wanted =
            if gap < Self.eagerGaps.lowerBound {
                shorter.usual
            } else if gap <= Self.eagerGaps.upperBound {
                eager.usual + eager.usual / 2
            } else {
                longer.usual
            }
        return min(wanted, gap / 20, Self.most)
    }

    /// The longest time to the next due routine for which a thread stays awake after its work. Sleeping and being woken
    /// would take as long, and cost as much processor time: on a virtual machine, setting a timer alone takes 5 to 15
    /// us.
    public var worthStaying: Int64 { min(shorter.usual, 20_000) }
}
