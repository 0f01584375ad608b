public import HostValues

/// What has gone wrong with a routine of late, and what one more failure leads to.
///
/// It remembers in two ways. Failures of one kind in a row make the wait before the next attempt longer, until something
/// good ends the row. Deaths are also kept one by one, whatever came between them: too many within a window of the
/// settings are a reason to shut the routine out. It knows no session and no state.
public struct FailureHistory: Equatable, Sendable {
    /// Whose failure it is.
    public enum Fault: String, CaseIterable, Sendable {
        /// The world's: a callback returned an error. The code is well, and is tried for as long as it takes.
        case error
        /// The code's: it crashed, left or hung.
        case death
        /// The host's own: it lacked disk, descriptors or memory. Counts against nobody.
        case host
    }

    /// Failures of one kind in a row.
    public struct Row: Equatable, Sendable {
        /// Which kind.
        public let fault: Fault
        /// When the row began.
        public let since: MonotonicTime
        /// How many there were.
        public fileprivate(set) var count: Int
        /// The last one's cause, in one line.
        public fileprivate(set) var cause: String
    }

    struct Death: Equatable, Sendable {
        let at: MonotonicTime
        let cause: String
    }

    /// What a failure leads to.
    enum Consequence: Equatable, Sendable {
        /// The next attempt comes after so many ns; 0 or less: at once.
        case wait(Int64)
        /// There were too many deaths: why, for a person.
        case tooManyDeaths(String)
    }

    private static let longestCause = 200
    private static let mostInRow = 1_000_000

    /// The deaths that can count, the oldest first.
    private(set) var deaths: [Death] = []
    /// What goes wrong at present, a row for each kind; the latest is the last.
    private(set) var rows: [Row] = []

    /// Nothing went wrong.
    init() {}

    /// The latest row that nothing good has ended yet.
    public var present: Row? { rows.last }

    /// The present row of that kind.
    func row(_ fault: Fault) -> Row? { rows.first { $0.fault == fault } }

    /// The row of that kind is over: what it was.
    @discardableResult
    mutating func end(_ fault: Fault) -> Row? {
        defer { rows.removeAll { $0.fault == fault } }
        return row(fault)
    }

    /// All rows are over; the deaths count on.
    mutating func endRows() { rows = [] }

    /// One more failure, and what follows. `ahead`: how long the next session will wait for its first cycle by itself, ns.
    /// `random` makes the jitter.
    mutating func note(
        _ fault: Fault, _ text: String, ahead: Int64 = 0, at now: MonotonicTime, by settings: RestartSettings,
        using random: inout some RandomNumberGenerator
    ) -> Consequence {
        let cause = oneLine(text, limit: Self.longestCause)
        let inRow = lengthen(fault, cause, at: now)
        switch fault {
        case .error:
            // The interval bounds it from below after the jitter, so that a source is never asked more often than it is
            // when all is well.
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

    /// An error that is no new one, since its source was left alone, and will be until that time: it adds nothing to the
    /// row. How long to wait, ns. `until` is a plugin's word, so that it is not believed beyond the greatest delay.
    mutating func noteRepeated(
        _ text: String, until: MonotonicTime, ahead: Int64 = 0, at now: MonotonicTime, by settings: RestartSettings
    ) -> Int64 {
        if row(.error) == nil { _ = lengthen(.error, oneLine(text, limit: Self.longestCause), at: now) }
        let delay = min(until - now, Int64(nanosecondsFrom: settings.maxDelayMs))
        return max(max(delay, Int64(nanosecondsFrom: settings.intervalMs)).clampedMinus(ahead), 1)
    }

    /// One more of its kind; returns how many in a row that makes.
    private mutating func lengthen(_ fault: Fault, _ cause: String, at now: MonotonicTime) -> Int {
        var row = end(fault) ?? Row(fault: fault, since: now, count: 0, cause: "")
        row.count = min(row.count, Self.mostInRow) + 1
        row.cause = cause
        rows.append(row)
        return row.count
    }

    /// Why the deaths so far are too many, or nil when they are not.
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

    /// A delay in nanoseconds, varied to either side, and never above the greatest delay.
    private static func jittered(
        _ milliseconds: UInt64, by settings: RestartSettings, using random: inout some RandomNumberGenerator
    ) -> Int64 {
        let part = Double(min(settings.jitterPercent, 100)) / 100
        let factor = part == 0 ? 1 : Double.random(in: 1 - part...1 + part, using: &random)
        let delay = Double(Int64(nanosecondsFrom: milliseconds)) * factor
        let most = Int64(nanosecondsFrom: max(settings.maxDelayMs, settings.shortageDelayMs))
        return min(Int64(exactly: delay.rounded()) ?? .max, most)
    }

    // MARK: From host to host

    /// As an earlier host left it; what is absurd in the tally is clamped to what can be.
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

    /// What the next host must know of it.
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
