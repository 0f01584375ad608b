internal import HostValues

/// What of a routine's policy outlives the host. Wall times, UTC in milliseconds: a boot may lie between.
public struct RoutineTally: Codable, Equatable, Sendable {
    struct Failure: Codable, Equatable, Sendable {
        var atMs: Int64
        var cause: String

        enum CodingKeys: String, CodingKey {
            case atMs = "at_ms"
            case cause
        }
    }

    struct Quarantine: Codable, Equatable, Sendable {
        var why: String
        var probeAtMs: Int64?
        var step: Int

        enum CodingKeys: String, CodingKey {
            case why
            case probeAtMs = "probe_at_ms"
            case step
        }
    }

    struct Row: Codable, Equatable, Sendable {
        var fault: String
        var sinceMs: Int64
        var count: Int
        var cause: String

        enum CodingKeys: String, CodingKey {
            case fault
            case sinceMs = "since_ms"
            case count
            case cause
        }
    }

    var content: String
    /// Deaths; in tallies of version 1 errors too.
    var failures: [Failure]
    /// Failures in a row; nil in tallies of version 1.
    var rows: [Row]?
    var stopped: Bool
    var quarantine: Quarantine?
    /// A person has paused it; nil in tallies of hosts that did not keep that.
    var paused: Bool?

    /// Whether a person has paused it, and nobody has resumed it since.
    public var isPaused: Bool { paused == true }

    /// A tally of version 1, in which errors counted as deaths do: without the errors, and without what they led to.
    ///
    /// There a cause begins with the kind of its end, and a quarantine's reason has its cause in brackets.
    public func withoutErrors() -> RoutineTally {
        var tally = self
        tally.failures.removeAll { $0.cause == "error" || $0.cause.hasPrefix("error ") }
        if let why = quarantine?.why, ["(error", "the last: error"].contains(where: { why.contains($0) }) {
            tally.quarantine = nil
        }
        return tally
    }
}

extension RestartPolicy {
    /// A routine as an earlier host left it; what is absurd in the tally is clamped to what can be.
    ///
    /// It starts, or stays shut out or stopped, at its first `fileChanged`, which it compares with the tally's content.
    /// `now` is monotonic, `wall` UTC, both in nanoseconds and of the same moment.
    public init(
        id: String, settings: RestartSettings = RestartSettings(), restoring tally: RoutineTally, at now: Int64,
        wall: Int64
    ) {
        self.init(id: id, settings: settings)
        content = tally.content
        troubles = (tally.rows ?? []).prefix(Fault.allCases.count).compactMap { row in
            guard let fault = Fault(rawValue: row.fault), row.count > 0 else { return nil }
            let age = max(0, wall.clampedMinus(Self.nanoseconds(row.sinceMs)))
            return Trouble(
                fault: fault, since: now.clampedMinus(age), count: min(row.count, 1_000_000),
                cause: oneLine(row.cause, limit: 200))
        }
        let oldest = Int64(nanosecondsFrom: max(settings.anyCauseWindowMs, settings.sameCauseWindowMs))
        failures = tally.failures.suffix(settings.failuresKept).compactMap { failure in
            // A time in the future means that the clock was set back: take it as just now.
            let age = max(0, wall.clampedMinus(Self.nanoseconds(failure.atMs)))
            return age > oldest
                ? nil : Failure(at: now.clampedMinus(age), cause: oneLine(failure.cause, limit: 200))
        }
        failures.sort { $0.at < $1.at }
        if let old = tally.quarantine {
            let step = min(max(old.step, 0), 1_000)
            var probeAt: Int64?
            if let wanted = old.probeAtMs, let delay = settings.probeDelayMs(step: step) {
                let rest = Self.nanoseconds(wanted).clampedMinus(wall)
                probeAt = now.clampedPlus(min(max(rest, 0), Int64(nanosecondsFrom: delay)))
            }
            quarantine = Quarantine(why: oneLine(old.why, limit: 400), probeAt: probeAt, step: step)
            state = .quarantined
        } else if tally.stopped {
            isStopLasting = true
            state = .stopped
        }
    }

    /// What the next host must know, or nil when there is nothing to tell. Times as for `init(restoring:)`. A pause is
    /// not the policy's: the tally carries it for whoever holds it.
    public func tally(at now: Int64, wall: Int64, isPaused: Bool = false) -> RoutineTally? {
        let isStopped = state == .stopped && isStopLasting
        guard let content, !failures.isEmpty || !troubles.isEmpty || isStopped || quarantine != nil || isPaused else {
            return nil
        }
        return RoutineTally(
            content: content,
            failures: failures.map {
                RoutineTally.Failure(
                    atMs: wall.clampedMinus(max(0, now.clampedMinus($0.at))) / 1_000_000, cause: $0.cause)
            },
            rows: troubles.map { trouble in
                RoutineTally.Row(
                    fault: trouble.fault.rawValue,
                    sinceMs: wall.clampedMinus(max(0, now.clampedMinus(trouble.since))) / 1_000_000,
                    count: trouble.count, cause: trouble.cause)
            },
            stopped: isStopped,
            quarantine: quarantine.map { quarantine in
                RoutineTally.Quarantine(
                    why: quarantine.why,
                    probeAtMs: quarantine.probeAt.map { wall.clampedPlus($0.clampedMinus(now)) / 1_000_000 },
                    step: quarantine.step)
            },
            paused: isPaused ? true : nil)
    }

    private static func nanoseconds(_ milliseconds: Int64) -> Int64 {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? (milliseconds < 0 ? .min : .max) : product
    }
}
