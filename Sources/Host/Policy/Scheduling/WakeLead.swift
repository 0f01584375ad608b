/// Decides how far ahead of a due time a thread is woken, so that the wake-up is finished when the time comes.
///
/// Waking a thread takes the kernel and a sleeping processor about 50 us, which is most of the error of a start time. A
/// thread that is woken ahead of time spends the rest without sleeping again. That costs processor time, so it is done
/// only for short intervals, where the error matters, and where the cost is small: for gaps of 5 to 100 ms, at most 120
/// us a gap. The worst case is 2.4 % of one processor; 0.3 % was measured at 10 ms.
///
/// All times are in ns. Pure; its owner locks.
public struct WakeLead: Sendable {
    /// The longest time ahead.
    public static let most: Int64 = 120_000
    /// The gaps before a due time for which an early wake-up is worthwhile.
    static let gaps: ClosedRange<Int64> = 5_000_000...100_000_000

    /// The usual latency of a wake-up: a moving average with weight 1/8.
    private(set) var usual: Int64 = 0

    /// Creates a state without knowledge, which wakes no thread early.
    public init() {}

    /// Takes the latency of a wake-up. Ignores one that is so long that the machine must be busy: waking earlier would
    /// not help then.
    public mutating func learn(_ latency: Int64) {
        guard latency >= 0, latency <= 2 * Self.most else { return }
        usual += (latency - usual) / 8
    }

    /// How far ahead to wake a thread for a due time `gap` ns away: one and a half times the usual latency, so that
    /// most wake-ups are finished in time.
    public func lead(over gap: Int64) -> Int64 { Self.gaps.contains(gap) ? min(usual + usual / 2, Self.most) : 0 }

    /// The longest time to the next due routine for which a thread stays awake after its work. Sleeping and being woken
    /// would take as long, and cost as much processor time: on a virtual machine, setting a timer alone takes 5 to 15
    /// us.
    public var worthStaying: Int64 { min(usual, 20_000) }
}
