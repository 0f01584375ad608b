/// The numbers of the restart policy. Times in milliseconds.
public struct RestartSettings: Equatable, Sendable {
    /// From one cycle's start to the next one's: after an error nothing is tried sooner than that.
    public var intervalMs: UInt64 = 0
    /// Whether a session waits for its first cycle by itself, for an interval or for its time on a grid.
    public var waitsFirst = false
    /// The delay after the first error, and after the second death in a row; it doubles with each further one. After the
    /// first death there is none.
    public var firstDelayMs: UInt64 = 500
    /// What the doubling stops at.
    public var maxDelayMs: UInt64 = 60_000
    /// How much a delay may vary to either side, in percent from 0 to 100, so that many plugins do not return at once.
    public var jitterPercent: UInt64 = 10
    /// A session that lived this long and had a good cycle ends the row of deaths.
    public var resetAfterMs: UInt64 = 60_000
    /// So many deaths for the same cause within `sameCauseWindowMs` quarantine the routine; 0: never.
    public var sameCauseFailures: UInt64 = 10
    /// See `sameCauseFailures`.
    public var sameCauseWindowMs: UInt64 = 600_000
    /// So many deaths of any kind within `anyCauseWindowMs` quarantine the routine; 0: never.
    public var anyCauseFailures: UInt64 = 30
    /// See `anyCauseFailures`.
    public var anyCauseWindowMs: UInt64 = 3_600_000
    /// When a quarantined routine is tried again: after each failed probe the next delay, the last one for ever.
    /// Empty: never.
    public var probeAfterMs: [UInt64] = [600_000, 1_800_000, 3_600_000]
    /// How long after the host lacked something (disk, descriptors, memory) it tries again.
    public var shortageDelayMs: UInt64 = 2_000

    /// The built-in numbers.
    public init() {}

    /// The greatest count of deaths that a policy keeps, whatever the settings say.
    static let mostFailures = 1_000

    /// How many deaths must be kept to count to both limits.
    var failuresKept: Int {
        Int(clamping: min(max(sameCauseFailures, anyCauseFailures, 1), UInt64(Self.mostFailures)))
    }

    /// The probe's delay at a step, clamped to the last one; nil when there are no probes.
    func probeDelayMs(step: Int) -> UInt64? {
        probeAfterMs.isEmpty ? nil : probeAfterMs[min(max(step, 0), probeAfterMs.count - 1)]
    }

    /// The `step`th delay of the back-off, from 1, without jitter: first, 2 x first, …, max; 0 before the first.
    func backOffMs(step: Int) -> UInt64 {
        if step <= 0 { return 0 }
        let (delay, overflow) = firstDelayMs.multipliedReportingOverflow(by: 1 << UInt64(min(step - 1, 63)))
        return overflow ? maxDelayMs : min(delay, maxDelayMs)
    }
}
