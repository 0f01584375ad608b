/// How much ahead of a due time a thread has itself woken, so that the wake-up is over when the time comes.
///
/// To wake a thread takes the kernel and a sleeping processor some 50 us, and that is most of a step's error. Who is
/// woken ahead of time lets the rest pass without sleeping again. That costs processor time, so it is done only where
/// the error counts, which is for short intervals, and where it costs little: for gaps of 5 to 100 ms, at most 120 us a
/// gap, which is 2.4 % of one processor at the worst; 0.3 % were measured at 10 ms.
///
/// All times are nanoseconds. Pure; its owner locks.
public struct WakeLead: Sendable {
    /// The most that a thread is woken ahead of time.
    public static let most: Int64 = 120_000
    /// The gaps before a due time for which that is worth it.
    static let gaps: ClosedRange<Int64> = 5_000_000...100_000_000

    /// How long a wake-up takes by and large: each counts an eighth.
    private(set) var usual: Int64 = 0

    /// Nothing is known: no lead.
    public init() {}

    /// A wake-up took so long. What takes much longer than one is a busy machine, and no lead would help.
    public mutating func learn(_ latency: Int64) {
        guard latency >= 0, latency <= 2 * Self.most else { return }
        usual += (latency - usual) / 8
    }

    /// How much ahead to wake for a due time that is so far off: most wake-ups are over by then.
    public func lead(over gap: Int64) -> Int64 { Self.gaps.contains(gap) ? min(usual + usual / 2, Self.most) : 0 }

    /// The longest time to what is due next for which a thread that has worked stays awake. To sleep that long and be
    /// woken would make it late, and cost as much processor time: on a virtual machine each setting of a timer alone is
    /// 5 to 15 us.
    public var worthStaying: Int64 { min(usual, 20_000) }
}
