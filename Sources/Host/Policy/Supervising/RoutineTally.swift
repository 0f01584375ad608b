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

extension RoutineTally {
    /// One moment on the monotonic clock and on the wall's: what turns times that outlive a boot into those of
    /// this host, and back. A time on the wrong side of it, since the wall clock was set, is taken as the moment itself.
    struct Moment: Equatable, Sendable {
        let now: MonotonicTime
        let wall: WallTime

        /// How long ago that was, ns.
        func age(ofMs milliseconds: Int64) -> Int64 { max(0, wall - WallTime(milliseconds: milliseconds)) }

        func monotonic(past milliseconds: Int64) -> MonotonicTime { now - age(ofMs: milliseconds) }

        /// A time to come, which is `most` ns away at the most.
        func monotonic(futureMs milliseconds: Int64, within most: Int64) -> MonotonicTime {
            let rest = WallTime(milliseconds: milliseconds) - wall
            return now + min(max(rest, 0), most)
        }

        func wallMs(past time: MonotonicTime) -> Int64 { (wall - max(0, now - time)).milliseconds }

        func wallMs(future time: MonotonicTime) -> Int64 { (wall + (time - now)).milliseconds }
    }
}
