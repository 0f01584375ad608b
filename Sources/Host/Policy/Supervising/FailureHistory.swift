public import HostValues

/// Records recent failures of a routine, and decides what a further failure leads to.
///
/// It keeps two records. Consecutive failures of one kind form a row; each lengthens the delay before the next attempt,
/// until a success ends the row. Deaths are also kept individually, whatever happened between them; if too many fall
/// within a window of the settings, the routine is quarantined. The history knows neither sessions nor states.
public struct FailureHistory: Equatable, Sendable {
    /// What caused a failure.
    public enum Fault: String, CaseIterable, Sendable {
        /// The environment: a callback returned an error. The code works, and is retried for as long as necessary.
        case error
        /// The plugin's code: it crashed, exited or hung.
        case death
        /// The host itself: it lacked disk space, descriptors or memory. Nobody is blamed.
        case host
    }

    /// Consecutive failures of one kind.
    public struct Row: Equatable, Sendable {
        /// The kind of failure.
        public let fault: Fault
        /// When the first failure occurred.
        public let since: MonotonicTime
        /// The number of failures.
        public fileprivate(set) var count: Int
        /// The cause of the last failure, in one line.
        public fileprivate(set) var cause: String
        /// How many errors since the last failure were said to repeat it.
        fileprivate(set) var repeats = 0
    }

    struct Death: Equatable, Sendable {
        let at: MonotonicTime
        let cause: String
    }

    /// The consequence of a failure.
    enum Consequence: Equatable, Sendable {
        /// The next attempt follows after this many ns; 0 or less means at once.
        case wait(Int64)
        /// There were too many deaths; the text explains that to a person.
        case tooManyDeaths(String)
    }

    private static let longestCause = 200
    private static let mostInRow = 1_000_000
    /// How long a session waits at the most since its plugin says too often that it may go on soon, in ms.
    private static let longestDoubtMs: UInt64 = 10_000

    /// The deaths that may still count towards a limit, oldest first.
    private(set) var deaths: [Death] = []
    /// The current rows, one for each kind; the one with the latest failure is the last.
    private(set) var rows: [Row] = []

    /// Creates an empty history.
    init() {}

    /// The row with the latest failure, if no success has ended it.
    public var present: Row? { rows.last }

    /// The current row of that kind; nil if there is none.
    func row(_ fault: Fault) -> Row? { rows.first { $0.fault == fault } }

    /// Ends the row of that kind and returns it.
    @discardableResult
    mutating func end(_ fault: Fault) -> Row? {
        defer { rows.removeAll { $0.fault == fault } }
        return row(fault)
    }

    /// Ends all rows; deaths still count.
    mutating func endRows() { rows = [] }

    /// Records a failure and returns its consequence. `ahead` is how long the next session will wait before its first
    /// cycle anyway, in ns. `random` provides the jitter.
    mutating func note(
        _ fault: Fault, _ text: String, ahead: Int64 = 0, at now: MonotonicTime, by settings: RestartSettings,
        using random: inout some RandomNumberGenerator
    ) -> Consequence {
        let cause = oneLine(text, limit: Self.longestCause)
        let inRow = lengthen(fault, cause, at: now)
        switch fault {
        case .error:
            // The interval is the lower bound even after jitter, so that a failing source is never asked more often
            // than a healthy one.
            let backOff = Self.jittered(settings.backOffMs(step: inRow), by: settings, using: &random)
            return .wait(max(backOff, Int64(nanosecondsFrom: settings.intervalMs)).clampedMinus(ahead))
        case .host:
            return .wait(Self.jittered(settings.shortageDelayMs, by: settings, using: &random))
        case .death:
            deaths.append(Death(at: now, cause: cause))
            deaths.removeFirst(max(0, deaths.count - settings.failuresKept))
            if let why = verdict(on: cause, at: now, by: settings) { return .tooManyDeaths(why) }
            return .wait(Self.jittered(settings.backOffMs(step: inRow - 1), by: settings, using: &random))
        }
    }

    /// Records an error that merely repeats an earlier one, because a cache did not ask its source again and will not
    /// do so before `until`. It does not lengthen the row. Returns the delay in ns, which is bounded by the maximum
    /// delay, because `until` comes from the plugin; and from below by what is counted here.
    mutating func noteRepeated(
        _ text: String, until: MonotonicTime, ahead: Int64 = 0, at now: MonotonicTime, by settings: RestartSettings
    ) -> Int64 {
        if row(.error) == nil { _ = lengthen(.error, oneLine(text, limit: Self.longestCause), at: now) }
        let delay = max(min(until - now, Int64(nanosecondsFrom: settings.maxDelayMs)), doubt(by: settings))
        return max(max(delay, Int64(nanosecondsFrom: settings.intervalMs)).clampedMinus(ahead), 1)
    }

    /// Counts an error that is said to repeat another one; returns how long the next session waits in any case, in ns.
    ///
    /// The first one after a failure is believed. More may follow it where other hosts ask the source; but a plugin could also
    /// say so each time, and that its source may be asked at once, and would have no back-off. So their delays are not shorter
    /// than those of as many failures, up to some seconds.
    private mutating func doubt(by settings: RestartSettings) -> Int64 {
        guard let index = rows.firstIndex(where: { $0.fault == .error }) else { return 0 }
        rows[index].repeats = min(rows[index].repeats, Self.mostInRow) + 1
        let repeats = rows[index].repeats
        guard repeats > 1 else { return 0 }
        let backOff = settings.backOffMs(step: rows[index].count + repeats - 1)
        return Int64(nanosecondsFrom: min(backOff, Self.longestDoubtMs))
    }

    /// Adds a failure to the row of its kind; returns the number of failures in the row.
    private mutating func lengthen(_ fault: Fault, _ cause: String, at now: MonotonicTime) -> Int {
        var row = end(fault) ?? Row(fault: fault, since: now, count: 0, cause: "")
        row.count = min(row.count, Self.mostInRow) + 1
        row.cause = cause
        row.repeats = 0
        rows.append(row)
        return row.count
    }

    /// Why there are too many deaths; nil if there are not.
    private func verdict(on cause: String, at now: MonotonicTime, by settings: RestartSettings) -> String? {
        let same = count(within: settings.sameCauseWindowMs, at: now) { $0.cause == cause }
        if settings.sameCauseFailures > 0, same >= settings.sameCauseFailures {
            let window = DurationText.exact(milliseconds: settings.sameCauseWindowMs)
            return "it died \(same) times within \(window) for the same cause (\(cause))"
        }
        let all = count(within: settings.anyCauseWindowMs, at: now) { _ in true }
        if settings.anyCauseFailures > 0, all >= settings.anyCauseFailures {
            let window = DurationText.exact(milliseconds: settings.anyCauseWindowMs)
            return "it died \(all) times within \(window) (the last: \(cause))"
        }
        return nil
    }

    private func count(within milliseconds: UInt64, at now: MonotonicTime, where matches: (Death) -> Bool) -> UInt64 {
        let window = Int64(nanosecondsFrom: milliseconds)
        return deaths.reduce(0) { count, death in
            now - death.at <= window && matches(death) ? count + 1 : count
        }
    }

    /// A delay in ns with random jitter, at most the maximum delay.
    private static func jittered(
        _ milliseconds: UInt64, by settings: RestartSettings, using random: inout some RandomNumberGenerator
    ) -> Int64 {
        let part = Double(min(settings.jitterPercent, 100)) / 100
        let factor = part == 0 ? 1 : Double.random(in: 1 - part...1 + part, using: &random)
        let delay = Double(Int64(nanosecondsFrom: milliseconds)) * factor
        let most = Int64(nanosecondsFrom: max(settings.maxDelayMs, settings.shortageDelayMs))
        return min(Int64(exactly: delay.rounded()) ?? .max, most)
    }

    // MARK: Persistence between hosts

    /// Restores the history that an earlier host saved; impossible values in the tally are clamped.
    init(restoring tally: RoutineTally, by settings: RestartSettings, at moment: RoutineTally.Moment) {
        rows = (tally.rows ?? []).prefix(Fault.allCases.count).compactMap { row in
            guard let fault = Fault(rawValue: row.fault), row.count > 0 else { return nil }
            return Row(
                fault: fault, since: moment.monotonic(past: row.sinceMs), count: min(row.count, Self.mostInRow),
                cause: oneLine(row.cause, limit: Self.longestCause))
        }
        let oldest = Int64(nanosecondsFrom: max(settings.anyCauseWindowMs, settings.sameCauseWindowMs))
        deaths = tally.failures.suffix(settings.failuresKept).compactMap { failure in
            guard moment.age(ofMs: failure.atMs) <= oldest else { return nil }
            return Death(
                at: moment.monotonic(past: failure.atMs), cause: oneLine(failure.cause, limit: Self.longestCause))
        }
        deaths.sort { $0.at < $1.at }
    }

    /// The part of the history that the next host must know.
    func saved(at moment: RoutineTally.Moment) -> (failures: [RoutineTally.Failure], rows: [RoutineTally.Row]) {
        (
            deaths.map { RoutineTally.Failure(atMs: moment.wallMs(past: $0.at), cause: $0.cause) },
            rows.map { row in
                RoutineTally.Row(
                    fault: row.fault.rawValue, sinceMs: moment.wallMs(past: row.since), count: row.count,
                    cause: row.cause)
            }
        )
    }
}
