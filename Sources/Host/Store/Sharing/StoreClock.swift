public import HostValues

/// How old a value in a store is, as one connection can tell: never younger than it truly is.
///
/// Times of several machines meet in a store, and none of their wall clocks is believed. A load begins with a commit, whose
/// answer tells the *loading* host what the store's clock showed then; it writes that beside the value, with how long after
/// the answer the load ended by its own boot clock (`Stamp`). The *reading* host has a record of its own in the store, of
/// which it knows what the store's clock showed at its commit, and reads that record's age along with each value: so it knows
/// what the clock shows at that very moment. Both ends err only towards older, together by a round trip each.
///
/// *Steps.* With each reading the store's clock is compared with this machine's boot clock. If it was set by more than
/// a second, nothing that is in the store by then has an age any more (`distrusts`), until the next load.
///
/// *A store without a clock.* Commits are ordered all the same: a load that began with a greater version than one of this
/// host's commits began after that one was sent. So an age is known as well as commits of this host are close together.
///
/// *A store that was made anew*, or goes on from a copy, counts versions from an earlier one on. A commit of this connection
/// proves that: one that was sent later has a lower version. Then what is known of that version and of those above it counts no
/// more, since they belong to commits that are gone; what is known of lower ones stays, since all that has a version from now on
/// comes later than they.
///
/// Pure: times are told.
public struct StoreClock: Equatable, Sendable {
    /// What is written beside a value.
    public struct Stamp: Equatable, Sendable {
        /// The version of the commit with which its load began.
        public var begun: UInt64
        /// What the store's clock showed at that commit, in ms; -1: it has none.
        public var clockMs: Int64
        /// How long after the answer to that commit the load ended, in ns; less than 0 if it had ended before.
        public var lead: Int64

        /// Makes a stamp from its parts.
        public init(begun: UInt64, clockMs: Int64, lead: Int64) {
            self.begun = begun
            self.clockMs = clockMs
            self.lead = lead
        }
    }

    /// A moment that lies between two times of the boot clock, and what the store's clock showed then.
    private struct Moment: Equatable {
        var clockMs: Int64
        var from: BootTime
        var to: BootTime
    }

    /// One commit of this host.
    private struct Commit: Equatable {
        var version: UInt64
        var sent: BootTime
    }

    /// By how much a clock was set if it was set at all, in ns.
    public static let step: Int64 = 1_000_000_000
    /// How far commits of this host are apart where the store has no clock, in ns.
    public static let spacing: Int64 = 1_000_000_000
    /// How many of them are known.
    private static let mostCommits = 128

    /// What the store's clock showed at the commit of this host's record; nil before there is one.
    private var recordMs: Int64?
    /// When the store's clock was last looked at.
    private var seen: Moment?
    private var commits: [Commit] = []
    /// Up to this version nothing has a known age.
    private var distrusted: UInt64 = 0
    private var wasSet = false
    /// How often the store's clock was found to have been set.
    public private(set) var steps: UInt64 = 0

    /// A connection that knows nothing yet.
    public init() {}

    /// Whether this host's record is to be written before anything is read.
    public func needsCommit(at now: BootTime) -> Bool {
        if recordMs == nil || wasSet { return true }
        guard recordMs == -1 else { return false }
        return commits.last.map { now - $0.sent >= Self.spacing } ?? true
    }

    /// This host's record was written: by that commit, at which the store's clock showed `clockMs` (-1: it has none), and
    /// which was sent and answered at these times.
    public mutating func committed(_ version: UInt64, clockMs: Int64, sent: BootTime, answered: BootTime) {
        if clockMs >= 0 { look(Moment(clockMs: clockMs, from: sent, to: answered)) }
        recordMs = clockMs
        if wasSet { distrusted = max(distrusted, version) }
        wasSet = false
        note(version, sent)
    }

    /// Another commit of this host was done.
    public mutating func note(_ version: UInt64, _ sent: BootTime) {
        if version == 0 { return }
        if let last = commits.last, version <= last.version {
            // Those of one call may be done in any order.
            guard sent > last.sent else { return }
            commits.removeAll { $0.version >= version }
            distrusted = min(distrusted, version - 1)
        }
        commits.append(Commit(version: version, sent: sent))
        guard commits.count > Self.mostCommits else { return }
        // Of the older ones every second one goes: the older a value is, the less it matters how exactly that is known.
        let old = commits.prefix(Self.mostCommits / 2)
        commits =
            old.enumerated().filter { $0.offset % 2 == 0 }.map(\.element) + commits.dropFirst(old.count)
    }

    /// A value was read together with this host's record, whose age was that (-1: the store cannot tell; nil: the record is
    /// gone). When the value was made at the latest that is possible; nil if nobody knows.
    ///
    /// `version` is the value's own.
    public mutating func produced(
        _ stamp: Stamp, version: UInt64, recordAgeMs: Int64?, sent: BootTime, answered: BootTime
    ) -> BootTime? {
        read(recordAgeMs, sent: sent, answered: answered)
        return produced(stamp, version: version)
    }

    /// This host's record was read, as for `produced`.
    public mutating func read(_ ageMs: Int64?, sent: BootTime, answered: BootTime) {
        guard let ageMs, let recordMs else {
            self.recordMs = nil
            return
        }
        guard ageMs >= 0, recordMs >= 0 else {
            self.recordMs = -1
            return
        }
        look(Moment(clockMs: recordMs.clampedPlus(ageMs), from: sent, to: answered))
    }

    /// When a value was made that was read with the record that was read last, at the earliest that is possible.
    public func produced(_ stamp: Stamp, version: UInt64) -> BootTime? {
        guard version > distrusted, !wasSet, let recordMs else { return nil }
        if recordMs == -1 {
            guard let before = commits.last(where: { $0.version < stamp.begun }) else { return nil }
            return before.sent + stamp.lead
        }
        guard let seen, stamp.clockMs >= 0 else { return nil }
        // Each of the two numbers has lost up to a millisecond.
        let since = seen.clockMs.clampedMinus(stamp.clockMs).clampedPlus(2)
        guard since >= 0 else { return nil }
        let age = since.clampedTimes(1_000_000).clampedMinus(stamp.lead)
        return seen.from - max(0, age)
    }

    /// How old a record is at most, in ns, that the store calls so many ms old (-1: it cannot tell); nil if nobody knows.
    public func longestAge(of version: UInt64, ageMs: Int64, at now: BootTime) -> Int64? {
        if ageMs >= 0 { return ageMs.clampedPlus(1).clampedTimes(1_000_000) }
        return commits.last { $0.version < version }.map { max(0, now - $0.sent) }
    }

    /// Whether between two moments, each known as well as a call took, the store's clock was set.
    public static func wasSet(
        from old: (clockMs: Int64, from: BootTime, to: BootTime), to new: (clockMs: Int64, from: BootTime, to: BootTime)
    ) -> Bool {
        let shown = new.clockMs.clampedMinus(old.clockMs).clampedTimes(1_000_000)
        let (least, most) = (new.from - old.to, new.to - old.from)
        return shown < least.clampedMinus(step) || shown > most.clampedPlus(step)
    }

    private mutating func look(_ moment: Moment) {
        if let seen, Self.wasSet(from: (seen.clockMs, seen.from, seen.to), to: (moment.clockMs, moment.from, moment.to))
        {
            steps += 1
            wasSet = true
        }
        seen = moment
    }
}
