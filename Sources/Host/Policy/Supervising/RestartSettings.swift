/// The settings of the restart policy. Times are in ms.
public struct RestartSettings: Equatable, Sendable {
    /// The interval from one cycle's start to the next one's, which is the lower bound for delays after errors.
    public var intervalMs: UInt64 = 0
    /// Whether a session itself waits before its first cycle, for an interval or for a point of its grid.
    public var waitsFirst = false
    /// The delay after the first error, and after the second consecutive death; it doubles with each further failure.
    /// After the first death there is no delay.
    public var firstDelayMs: UInt64 = 500
    /// The upper bound of the doubled delay.
    public var maxDelayMs: UInt64 = 60_000
    /// The jitter of a delay in either direction, in percent from 0 to 100, so that many plugins do not restart at
    /// once.
    public var jitterPercent: UInt64 = 10
    /// How long a session with a successful cycle must live to end the row of deaths.
    public var resetAfterMs: UInt64 = 60_000
    /// The number of deaths with the same cause, within `sameCauseWindowMs`, that puts the routine into quarantine; 0
    /// means never.
    public var sameCauseFailures: UInt64 = 10
    /// The window for `sameCauseFailures`.
    public var sameCauseWindowMs: UInt64 = 600_000
    /// The number of deaths with any cause, within `anyCauseWindowMs`, that puts the routine into quarantine; 0 means
    /// never.
    public var anyCauseFailures: UInt64 = 30
    /// The window for `anyCauseFailures`.
    public var anyCauseWindowMs: UInt64 = 3_600_000
    /// The delays before the probes of a quarantined routine: each failed probe moves on to the next delay, and the
    /// last one repeats. Empty means that there are no probes.
    public var probeAfterMs: [UInt64] = [600_000, 1_800_000, 3_600_000]
    /// The delay before the next attempt after the host lacked disk space, descriptors or memory.
    public var shortageDelayMs: UInt64 = 2_000

    /// Creates the built-in settings.
    public init() {}

    /// The maximum number of deaths that a policy keeps, regardless of the settings.
    static let mostFailures = 1_000

    /// The number of deaths that must be kept to evaluate both limits.
    var failuresKept: Int {
        Int(clamping: min(max(sameCauseFailures, anyCauseFailures, 1), UInt64(Self.mostFailures)))
    }

    /// The delay of the probe at a step; the last delay applies to all further steps. Nil if there are no probes.
    func probeDelayMs(step: Int) -> UInt64? {
        probeAfterMs.isEmpty ? nil : probeAfterMs[min(max(step, 0), probeAfterMs.count - 1)]
    }

    /// The back-off delay at a step, from 1, without jitter: first, 2 × first, and so on up to the maximum; 0 for step
    /// 0.
    func backOffMs(step: Int) -> UInt64 {
        if step <= 0 { return 0 }
        let (delay, overflow) = firstDelayMs.multipliedReportingOverflow(by: 1 << UInt64(min(step - 1, 63)))
        return overflow ? maxDelayMs : min(delay, maxDelayMs)
    }
}

/// Restart settings that several policies share, so that 100 000 routines with the same settings take little memory.
public final class SharedRestartSettings: Equatable, Sendable {
    /// The settings.
    public let value: RestartSettings

    /// Makes settings that can be shared.
    public init(_ value: RestartSettings) { self.value = value }

    /// Compares the settings.
    public static func == (one: SharedRestartSettings, other: SharedRestartSettings) -> Bool {
        one === other || one.value == other.value
    }
}
