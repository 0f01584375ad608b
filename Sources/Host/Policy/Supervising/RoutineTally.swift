internal import HostValues

/// The part of a routine's restart policy that outlives the host. Times are in ms since 1970, UTC, because the machine
/// may have been rebooted in between.
public struct RoutineTally: Equatable, Sendable {
    struct Failure: Equatable, Sendable {
        var atMs: Int64
        var cause: String
    }

    struct Quarantine: Equatable, Sendable {
        var why: String
        var probeAtMs: Int64?
        var step: Int
    }

    struct Row: Equatable, Sendable {
        var fault: String
        var sinceMs: Int64
        var count: Int
        var cause: String
    }

    var content: String
    /// Deaths; tallies of version 1 also contain errors here.
    var failures: [Failure]
    /// The rows of consecutive failures; nil in tallies of version 1.
    var rows: [Row]?
    var stopped: Bool
    var quarantine: Quarantine?
    /// Whether a person has paused the routine; nil in tallies of hosts that did not save this.
    var paused: Bool?

    /// Whether a person has paused the routine and nobody has resumed it since.
    public var isPaused: Bool { paused == true }

    /// Converts a tally of version 1, in which errors counted like deaths: removes the errors and their consequences.
    ///
    /// In that version a cause begins with the kind of end, and the reason of a quarantine has its cause in
    /// parentheses.
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
    /// A moment on the monotonic clock and on the wall clock, which converts saved times into times of this host and
    /// back. A time on the wrong side of the moment, because the wall clock was set, is treated as the moment itself.
    struct Moment: Equatable, Sendable {
        let now: MonotonicTime
        let wall: WallTime

        /// How long ago a time was, in ns; 0 for a future time.
        func age(ofMs milliseconds: Int64) -> Int64 { max(0, wall - WallTime(milliseconds: milliseconds)) }

        func monotonic(past milliseconds: Int64) -> MonotonicTime { now - age(ofMs: milliseconds) }

        /// The monotonic time of a future wall time, at most `most` ns from now.
        func monotonic(futureMs milliseconds: Int64, within most: Int64) -> MonotonicTime {
            let rest = WallTime(milliseconds: milliseconds) - wall
            return now + min(max(rest, 0), most)
        }

        func wallMs(past time: MonotonicTime) -> Int64 { (wall - max(0, now - time)).milliseconds }

        func wallMs(future time: MonotonicTime) -> Int64 { (wall + (time - now)).milliseconds }
    }
}
