internal import HostValues

/// Determines the time that the log shows for a plugin's line.
public enum LineTime {
    /// The longest plausible delay of a line between its worker and the log, in ms. Delays grow if a worker floods its
    /// channel.
    private static let longest: Int64 = 1000

    /// The worker's own time, clamped to the plausible range. So a plugin that writes lines to the channel itself can
    /// neither backdate nor postdate them.
    public static func shown(_ ms: Int64, now: Int64) -> Int64 { min(max(ms, now.clampedMinus(longest)), now) }
}
