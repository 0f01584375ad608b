/// The numbers of the restart policy. Times in milliseconds.
public struct RestartSettings: Equatable, Sendable {
    /// The delay after the second failure in a row; it doubles with each further one. The first is restarted at once.
    public var firstDelayMs: UInt64 = 500
    /// What the doubling stops at.
    public var maxDelayMs: UInt64 = 60_000
    /// How much a delay may vary to either side, in percent from 0 to 100, so that many plugins do not return at once.
    public var jitterPercent: UInt64 = 10
    /// A session that lived this long and had a good cycle ends the row of failures.
    public var resetAfterMs: UInt64 = 60_000
    /// So many failures for the same cause within `sameCauseWindowMs` quarantine the routine; 0: never.
    public var sameCauseFailures: UInt64 = 5
    /// See `sameCauseFailures`.
    public var sameCauseWindowMs: UInt64 = 300_000
    /// So many failures of any kind within `anyCauseWindowMs` quarantine the routine; 0: never.
    public var anyCauseFailures: UInt64 = 10
    /// See `anyCauseFailures`.
    public var anyCauseWindowMs: UInt64 = 3_600_000
    /// When a quarantined routine is tried again: after each failed probe the next delay, the last one for ever.
    /// Empty: never.
    public var probeAfterMs: [UInt64] = [600_000, 3_600_000, 86_400_000]

    /// The built-in numbers.
    public init() {}

    /// The greatest count of failures that a policy keeps, whatever the settings say.
    static let mostFailures = 1_000

    /// How many failures must be kept to count to both limits.
    var failuresKept: Int {
        Int(clamping: min(max(sameCauseFailures, anyCauseFailures, 1), UInt64(Self.mostFailures)))
    }

    /// The probe's delay at a step, clamped to the last one; nil when there are no probes.
    func probeDelayMs(step: Int) -> UInt64? {
        probeAfterMs.isEmpty ? nil : probeAfterMs[min(max(step, 0), probeAfterMs.count - 1)]
    }

    /// The delay before the start after the `streak`th failure in a row, without jitter: 0, first, 2 x first, ….
    func delayMs(streak: Int) -> UInt64 {
        if streak <= 1 { return 0 }
        let doublings = min(streak - 2, 63)
        let (delay, overflow) = firstDelayMs.multipliedReportingOverflow(by: 1 << UInt64(doublings))
        return overflow ? maxDelayMs : min(delay, maxDelayMs)
    }
}
