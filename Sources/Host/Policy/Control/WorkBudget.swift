public import HostValues

/// Limits the processor time that clients may consume: a share of the elapsed time, plus savings (a token bucket).
/// Pure.
///
/// Work for a client is charged after it is done, so expensive work may leave a debt, for which later work waits. No
/// debt exceeds the savings, so that a host that was itself delayed is not penalised for long.
public struct WorkBudget: Sendable {
    /// The share of elapsed time, in thousandths, from 1 to 1000.
    public var share: Int64 { didSet { share = max(1, min(share, 1000)) } }
    /// The maximum credit, in ns.
    public let savings: Int64
    /// The credit in ns at which work may resume after the budget was spent, and thus the work that may then be done at
    /// once.
    public let portion: Int64

    private var credit: Int64
    private var time: MonotonicTime
    private var isSpent = false

    /// Creates a full budget. `share` is clamped to 1 through 1000; the other values are at least 1.
    public init(share: Int64, savings: Int64, portion: Int64, now: MonotonicTime) {
        self.share = max(1, min(share, 1000))
        self.savings = max(1, min(savings, 1 << 40))
        self.portion = max(1, min(portion, self.savings))
        credit = self.savings
        time = now
    }

    /// Charges work that took `work` ns of processor time and ended at `now`.
    public mutating func charge(_ work: Int64, now: MonotonicTime) {
        earn(now)
        credit = max(credit - max(0, min(work, savings)), -savings)
        if credit <= 0 { isSpent = true }
    }

    /// The time at which work may begin; `now` if it may begin at once.
    public mutating func opens(now: MonotonicTime) -> MonotonicTime {
        earn(now)
        guard isSpent else { return now }
        if credit >= portion {
            isSpent = false
            return now
        }
        return now + (portion - credit) * 1000 / share + 1
    }

    private mutating func earn(_ now: MonotonicTime) {
        let passed = max(0, min(now - time, 1 << 40))
        time = max(time, now)
        credit = min(savings, credit + passed * share / 1000)
    }
}
