public import HostValues

/// One moment on both of the host's running clocks. Read `boot` first, and both before the ledgers.
public struct ClockReading: Equatable, Sendable {
    /// `CLOCK_BOOTTIME`: goes on during a suspend.
    public var boot: BootTime
    /// `CLOCK_MONOTONIC`: stands still during a suspend.
    public var monotonic: MonotonicTime

    /// A moment.
    public init(boot: BootTime, monotonic: MonotonicTime) {
        self.boot = boot
        self.monotonic = monotonic
    }

    /// How long the machine was suspended since its boot.
    var suspended: Int64 { boot.nanoseconds.clampedMinus(monotonic.nanoseconds) }
}

/// Finds routines that do not go on, from what workers count in their ledgers: a callback that takes longer than its
/// timeout, a cycle that is due and does not begin, and a session that is over without its worker's saying so.
///
/// Pure, one value for all routines of a host, for one thread. The supervisor calls `observe` for each routine when
/// its session starts, when it asked a worker to run or resume it, and for all of them at `nextLook`: the earliest moment
/// at which one can be found as far as is known. That is once a cycle at the most, and seldom where cycles are short:
/// while nothing is due the watch needs no wake-up at all.
///
/// A suspend never counts as running time. Where it is not known whether a callback began before or after a suspend,
/// the routine has the benefit of the doubt, for one timeout from when its callback was first seen at most.
/// A snapshot may hold any numbers: a plugin can write into its ledger.
public struct HangWatch<Key: Hashable & Sendable>: Sendable {
    /// What the ledger says of one routine.
    public struct Snapshot: Equatable, Sendable {
        /// Whether a thread is inside the plugin's code for this routine.
        public enum State: Equatable, Sendable {
            /// No session, or paused between callbacks: nothing can hang.
            case idle
            /// Between callbacks; the next is due at `due`.
            case waiting
            /// Inside one since `began`: a cycle, a hook, `load`, `start`, `stats`, `stop` or `unload`.
            case busy
            /// The session is over: its worker is about to say so.
            case over
        }

        /// What it does.
        public var state: State
        /// The session's id.
        public var session: UInt64
        /// The cycle in progress or next.
        public var cycle: UInt64
        /// When the callback in progress, or the last one, began.
        public var began: BootTime
        /// When the worker calls the plugin next; `never`: not before something else happens.
        public var due: BootTime
        /// How long one callback may take, ns; nil for ever. See `HangTimeout`.
        public var timeout: Int64?
        /// Another routine of the same worker is inside a callback, for which this one may have to wait: some plugins take
        /// turns, and a worker may lack threads.
        public var isBehind = false

        /// All fields.
        public init(state: State, session: UInt64, cycle: UInt64, began: BootTime, due: BootTime, timeout: Int64?) {
            self.state = state
            self.session = session
            self.cycle = cycle
            self.began = began
            self.due = due
            self.timeout = timeout
        }
    }

    /// A routine that does not go on. Told once.
    public struct Hang: Equatable, Sendable {
        /// What does not come.
        public enum Kind: Equatable, Sendable {
            /// The end of a callback.
            case callback
            /// The beginning of a cycle that is due: the worker is stopped, or as good as dead.
            case standstill
            /// The worker's word that the session is over.
            case silence
        }

        /// What does not come.
        public let kind: Kind
        /// The session's id.
        public let session: UInt64
        /// The cycle.
        public let cycle: UInt64
        /// How long that has been so, without suspends, ns; at least this much.
        public let running: Int64
        /// How long it may, ns.
        public let timeout: Int64
    }

    /// What was seen: for as long as that does not change, the routine does not go on.
    private enum Sight: Equatable {
        case callback(session: UInt64, cycle: UInt64, began: BootTime)
        case wait(session: UInt64, cycle: UInt64, began: BootTime, due: BootTime)
        case end(session: UInt64)

        init?(_ snapshot: Snapshot) {
            switch snapshot.state {
            case .idle: return nil
            case .waiting:
                self = .wait(
                    session: snapshot.session, cycle: snapshot.cycle, began: snapshot.began, due: snapshot.due)
            case .busy:
                self = .callback(session: snapshot.session, cycle: snapshot.cycle, began: snapshot.began)
            case .over: self = .end(session: snapshot.session)
            }
        }
    }

    private struct Entry {
        /// What was seen last.
        var sight: Sight?
        /// From when on its time counts: the latest time at which a callback can have begun, or when a routine
        /// was first seen to be late, or its session to be over. nil: not yet.
        var since: MonotonicTime?
        var wasTold = false
        /// When the worker was asked to begin the next cycle at once: until that has begun, it is due.
        var asked: BootTime?
        /// When it was looked at last: what began since, began after that.
        var seen: BootTime
        /// When a hang can be true at the earliest; nil: not before something else happens.
        var look: MonotonicTime?
    }

    /// How soon after a cycle is due its ledger is looked at, ns, and how soon a callback that runs is looked at again.
    /// Longer where there are many routines, so that all looks together take little of a processor.
    private var attention: Int64 { max(2_000_000_000, Int64(entries.count) * 2_000_000) }
    /// What a worker may take to begin a cycle that is due, ns: one timeout, but not less than this, and this much where
    /// callbacks may take for ever.
    private static var leastLateness: Int64 { 4_000_000_000 }
    private static var usualLateness: Int64 { 60_000_000_000 }
    /// What a worker may take from the end of a session to saying so, ns.
    private static var silence: Int64 { 3_000_000_000 }

    private var entries: [Key: Entry] = [:]
    private var suspends = SuspendHistory()
    /// Until when nothing may have run: see `forgive`.
    private var forgiven = MonotonicTime.longAgo

    /// Nothing is watched.
    public init() {}

    /// How many routines are watched.
    public var count: Int { entries.count }

    /// Takes what the ledger says now; returns a hang once for whatever is over its time.
    public mutating func observe(_ key: Key, _ snapshot: Snapshot, at now: ClockReading) -> Hang? {
        suspends.note(now)
        var entry = entries[key] ?? Entry(seen: .longAgo)
        defer {
            entry.seen = now.boot
            entries[key] = entry
        }
        let sight = Sight(snapshot)
        if sight != entry.sight {
            entry.sight = sight
            entry.since = nil
            entry.asked = nil
            entry.wasTold = false
        }
        let hang: Hang?
        switch snapshot.state {
        case .idle:
            entry.look = nil
            hang = nil
        case .waiting: hang = wait(&entry, snapshot, at: now)
        case .busy:
            entry.since = entry.since ?? start(of: snapshot.began, after: entry.seen, at: now)
            hang = judge(&entry, snapshot, .callback, may: snapshot.timeout.map { max($0, 1) }, at: now)
        case .over:
            entry.since = entry.since ?? now.monotonic
            hang = judge(&entry, snapshot, .silence, may: Self.silence, at: now)
        }
        return hang
    }

    /// The worker was asked to begin the next cycle now. To be told after an `observe` of the same moment.
    public mutating func ask(_ key: Key, at now: ClockReading) {
        guard var entry = entries[key], case .wait? = entry.sight else { return }
        entry.asked = now.boot
        entry.look = now.monotonic + attention
        entries[key] = entry
    }

    private func wait(_ entry: inout Entry, _ snapshot: Snapshot, at now: ClockReading) -> Hang? {
        let due = min(snapshot.due, entry.asked ?? .never)
        guard due != .never else {
            entry.look = nil
            return nil
        }
        let may = max(Self.leastLateness, snapshot.timeout ?? Self.usualLateness)
        if due > now.boot {
            entry.since = nil
            let soon = min(attention, max(1, snapshot.timeout ?? .max))
            entry.look = now.monotonic + (due - now.boot) + soon
            return nil
        }
        // Late from when that was first seen: the ledger has no time at which it was to begin by.
        if snapshot.isBehind { entry.since = now.monotonic }
        entry.since = entry.since ?? now.monotonic
        return judge(&entry, snapshot, .standstill, may: may, at: now)
    }

    private func judge(
        _ entry: inout Entry, _ snapshot: Snapshot, _ kind: Hang.Kind, may: Int64?, at now: ClockReading
    ) -> Hang? {
        entry.look = nil
        guard !entry.wasTold, let since = entry.since else { return nil }
        let deadline = may.map { max(since, forgiven) + $0 } ?? .never
        if now.monotonic < deadline {
            // The session may end meanwhile, and nobody say so: looked at again when this has taken twice as long.
            let again = now.monotonic + max(attention, now.monotonic - since)
            entry.look = min(deadline, again)
            return nil
        }
        entry.wasTold = true
        return Hang(
            kind: kind, session: snapshot.session, cycle: snapshot.cycle,
            running: now.monotonic - since, timeout: may ?? .max)
    }

    /// The host itself did not run for a while, and probably nothing else: SIGSTOP, a frozen control group, a virtual
    /// machine that stood still. No clock tells how much of its time a callback had, so that each begins anew.
    public mutating func forgive(at now: ClockReading) { forgiven = now.monotonic }

    /// Forgets a routine: its worker died, or its plugin was removed.
    public mutating func remove(_ key: Key) {
        entries[key] = nil
    }

    /// When all routines are to be observed again; nil when there is nothing to wait for. Takes time in their number.
    ///
    /// Arm a timer for its boot time: that fires no later than the monotonic one if the machine is suspended, and
    /// `observe` then finds the new moment.
    public func nextLook(at now: ClockReading) -> ClockReading? {
        var earliest: MonotonicTime?
        for entry in entries.values {
            if let look = entry.look, look < earliest ?? .never { earliest = look }
        }
        return earliest.map {
            ClockReading(boot: BootTime(nanoseconds: ($0 + now.suspended).nanoseconds), monotonic: $0)
        }
    }

    /// The latest monotonic time at which a callback can have begun that was first seen now.
    private func start(of began: BootTime, after seen: BootTime, at now: ClockReading) -> MonotonicTime {
        // Read while it was being written, or scribbled on: the callback counts from now.
        guard began.nanoseconds > 0, began <= now.boot else { return now.monotonic }
        // It was not in progress when last seen.
        let began = max(began, seen)
        return min(MonotonicTime(nanoseconds: (began - suspends.least(at: began)).nanoseconds), now.monotonic)
    }
}

/// How long a callback may take when nobody says.
public enum HangTimeout {
    /// The timeout of a callback in nanoseconds, nil for none: what was configured (0: none), or by default ten times
    /// the wait, not under 60 s nor over 1 h.
    ///
    /// A descriptor's `timeout_ms` of 0 means the default: give nil for it.
    public static func nanoseconds(waitMs: UInt64, configuredMs: UInt64?) -> Int64? {
        if let configuredMs { return configuredMs == 0 ? nil : Int64(nanosecondsFrom: configuredMs) }
        let (wished, overflow) = waitMs.multipliedReportingOverflow(by: 10)
        return Int64(nanosecondsFrom: min(max(overflow ? .max : wished, 60_000), 3_600_000))
    }
}

/// When the machine was suspended, as far as readings of both clocks tell.
struct SuspendHistory: Equatable, Sendable {
    /// Readings between which the machine was not suspended, and for how long it had been before them.
    private struct Period: Equatable {
        var suspended: Int64
        var firstBoot: BootTime
        var lastBoot: BootTime
    }

    /// Readings differ by the time between reading one clock and the other; a suspend takes longer.
    private static let tolerance: Int64 = 100_000_000
    private static let mostPeriods = 16

    private var periods: [Period] = []

    mutating func note(_ now: ClockReading) {
        guard let last = periods.last else {
            periods = [Period(suspended: now.suspended, firstBoot: now.boot, lastBoot: now.boot)]
            return
        }
        if now.suspended.clampedMinus(last.suspended) <= Self.tolerance {
            periods[periods.count - 1].lastBoot = max(last.lastBoot, now.boot)
            return
        }
        if periods.count == Self.mostPeriods { periods.removeFirst() }
        periods.append(Period(suspended: now.suspended, firstBoot: now.boot, lastBoot: now.boot))
    }

    /// For how long the machine had been suspended by that boot time at least: its start is then the latest.
    func least(at boot: BootTime) -> Int64 {
        var least = periods.first?.suspended ?? 0
        for (period, next) in zip(periods, periods.dropFirst()) where boot > period.lastBoot {
            // Between the last reading before a suspend and the first after it both are possible.
            least = boot >= next.firstBoot ? next.suspended : period.suspended
        }
        return least
    }
}
