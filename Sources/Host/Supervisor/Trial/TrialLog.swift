public import HostSystem
public import HostValues

/// The log of a trial: optionally shown as it comes, and kept for the summary.
public final class TrialLog: LogSink {
    /// The number of lines kept per subject and in total; further ones are only counted. The limit per subject keeps a
    /// busy routine from displacing the lines of the others.
    private static let mostOfOne = 10_000
    private static let most = 200_000

    private let shown: HostLog?
    private let level: LogLevel
    private let clock: any HostClock
    /// A line, and whether it comes from the plugin or from the policies.
    struct Entry {
        let line: LogLine
        let isPlugins: Bool
    }

    /// The first lines of each subject.
    private(set) var entries: [Entry] = []
    private var counts: [String: Int] = [:]
    /// The number of further lines, and of lines that came too fast.
    private(set) var dropped: UInt64 = 0

    /// Makes a log that also shows its lines in a host's log.
    public init(_ shown: HostLog) {
        self.shown = shown
        level = shown.level
        clock = shown.clock
    }

    /// Makes a log that only keeps its lines.
    public init(level: LogLevel, clock: any HostClock) {
        shown = nil
        self.level = level
        self.clock = clock
    }

    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?) {
        write(level, subject, text, ms: ms, isPlugins: false)
    }

    /// Writes a line, with its origin.
    func write(_ level: LogLevel, _ subject: String, _ text: String, ms: Int64?, isPlugins: Bool) {
        shown?.write(level, subject, text, ms: ms)
        guard level >= self.level else { return }
        let count = counts[subject, default: 0]
        guard count < Self.mostOfOne, entries.count < Self.most else {
            dropped += 1
            return
        }
        counts[subject] = count + 1
        let line = LogLine(ms: ms ?? clock.wallMilliseconds(), level: level, subject: subject, text: text)
        entries.append(Entry(line: line, isPlugins: isPlugins))
    }

    /// Notes that so many lines came too fast to be kept or shown.
    func drop(_ count: Int) {
        dropped += UInt64(max(0, count))
        shown?.write(.warning, "", "\(count) log lines dropped")
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
