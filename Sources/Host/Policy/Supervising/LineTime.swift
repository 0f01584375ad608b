internal import HostValues

/// The time that a plugin's line has in the log.
public enum LineTime {
    /// How long a line may take from its worker to the log, ms: longer where the worker floods its channel.
    private static let longest: Int64 = 1000

    /// The worker's own time, where that can be: a plugin that writes its lines itself can neither set them back among those
    /// of others, nor ahead of them.
    public static func shown(_ ms: Int64, now: Int64) -> Int64 { min(max(ms, now.clampedMinus(longest)), now) }
}
