internal import HostValues

/// What a host that joins finds under its own id: the record of an earlier life, or of somebody who has the same id.
///
/// Where it is of this boot, whoever owns the member finds out whether that life is over: its process is gone, and so are
/// its workers. Else it is awaited, as any other host's record is. A record that goes on changing is of somebody who lives: a state directory was copied. What an
/// earlier life sent last may still arrive and change it, a few times at the most.
struct EarlierLife: Equatable, Sendable {
    enum Verdict: Equatable {
        /// The record can be replaced.
        case isOver
        /// Not before that time.
        case wait(BootTime)
        /// First it is to be found out whether its process is gone.
        case lookFor(pid: UInt64, Incarnation)
        /// Somebody else has this id.
        case isSomebodyElse
    }

    private static let lateCommits = 3
    private var version: UInt64 = 0
    private var since = BootTime.never
    private var changes = 0
    private var asked: Incarnation?
    private var gone: Incarnation?

    /// The process of that life was looked for.
    mutating func found(_ incarnation: Incarnation, isGone: Bool) {
        asked = incarnation
        gone = isGone ? incarnation : nil
    }

    /// It may be over by now: its process is to be looked for again.
    mutating func lookAgain() { asked = nil }

    /// What follows from the record; nil: it cannot be read.
    mutating func judge(_ record: HostRecord?, version: UInt64, boot: String, length: Int64, at now: BootTime)
        -> Verdict
    {
        if version != self.version {
            if self.version != 0 { changes += 1 }
            self.version = version
            since = now
        }
        if let record, record.boot == boot {
            if gone == record.incarnation { return .isOver }
            if asked != record.incarnation { return .lookFor(pid: record.pid, record.incarnation) }
        }
        if changes > Self.lateCommits { return .isSomebodyElse }
        let over = since + length
        return now >= over ? .isOver : .wait(over)
    }
}
