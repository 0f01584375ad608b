public import HostValues

/// How much of a processor those who ask may have: a share of the time, and some saved up. Pure.
///
/// What is done for a client is charged when it is done, so one that costs more than is left makes a debt, which is
/// paid by waiting. No debt is greater than the savings: a host that was itself kept waiting is not punished for long.
public struct WorkBudget: Sendable {
    /// Parts of a thousand of the time, from 1 to 1000.
    public var share: Int64 { didSet { share = max(1, min(share, 1000)) } }
    /// The most that is saved up, ns.
    public let savings: Int64
    /// Work goes on when so much is there again, ns: what may then be done in one go.
    public let portion: Int64

    private var credit: Int64
    private var time: MonotonicTime
    private var isSpent = false

    /// A full budget. `share` is from 1 to 1000, the others are from 1 on.
    public init(share: Int64, savings: Int64, portion: Int64, now: MonotonicTime) {
        self.share = max(1, min(share, 1000))
        self.savings = max(1, min(savings, 1 << 40))
        self.portion = max(1, min(portion, self.savings))
        credit = self.savings
        time = now
    }

    /// Charges work that took so long a time of the processor, ns, and was over at `now`.
    public mutating func charge(_ work: Int64, now: MonotonicTime) {
        earn(now)
        credit = max(credit - max(0, min(work, savings)), -savings)
        if credit <= 0 { isSpent = true }
    }

    /// When there may be work: `now` or before for at once.
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
