internal import HostValues

/// Until when a call to the store must have returned, and whether it never will.
///
/// Pure, for one thread's calls: whoever makes them says when one begins and ends, and another thread asks `hangs`.
struct CallDeadline {
    /// A call that takes so much longer than its timeout is a hang, in ns.
    private static let patience: Int64 = 2_000_000_000
    /// How long a call is left alone after it was first seen to be late, in ns: after a stop of the whole process it is
    /// late at once, and has to notice that first.
    private static let moment: Int64 = 400_000_000

    /// When the call in progress must have returned, with what a hang is allowed; `never`: there is none.
    private var overdue = BootTime.never
    /// When the call in progress was first seen to be overdue; nil: it was not.
    private var seenOverdue: BootTime?

    /// Whether a call is in progress.
    var isCalling: Bool { overdue != .never }

    mutating func begin(timeoutMs: UInt32, at now: BootTime) {
        overdue = now + Int64(timeoutMs) * 1_000_000 + Self.patience
        seenOverdue = nil
    }

    mutating func end() {
        overdue = .never
        seenOverdue = nil
    }

    mutating func hangs(at now: BootTime) -> Bool {
        guard now >= overdue else { return false }
        let seen = seenOverdue ?? now
        seenOverdue = seen
        return now - seen >= Self.moment
    }
}
