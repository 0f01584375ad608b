internal import HostValues

/// The log of a trial: shown as it comes, and kept for the summary.
final class TrialLog: LogSink {
    /// The number of lines kept; further ones are only counted.
    private static let most = 10_000

    private let shown: HostLog
    /// The first lines of the plugin and of the policies.
    private(set) var lines: [LogLine] = []
    /// The number of further lines, and of lines that came too fast.
    private(set) var dropped: UInt64 = 0

    /// Makes a log that shows its lines in a host's log.
    init(_ shown: HostLog) { self.shown = shown }

    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?) {
        shown.write(level, subject, text, ms: ms)
        guard level >= shown.level else { return }
        guard lines.count < Self.most else {
            dropped += 1
            return
        }
        lines.append(LogLine(ms: ms ?? shown.now, level: level, subject: subject, text: text))
    }

    /// Notes that so many lines came too fast to be kept or shown.
    func drop(_ count: Int) {
        dropped += UInt64(max(0, count))
        shown.write(.warning, "", "\(count) log lines dropped")
    }
}

/// A reproducible random number generator: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Makes a generator; the same seed gives the same numbers.
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
