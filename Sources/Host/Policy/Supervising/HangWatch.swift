public import HostValues

/// A moment on the host's two monotonic clocks. Read `boot` first, and both before the ledgers.
public struct ClockReading: Equatable, Sendable {
    /// The time of `CLOCK_BOOTTIME`, which advances during a suspend.
    public var boot: BootTime
    /// The time of `CLOCK_MONOTONIC`, which stands still during a suspend.
    public var monotonic: MonotonicTime

    /// Creates a reading.
    public init(boot: BootTime, monotonic: MonotonicTime) {
        self.boot = boot
        self.monotonic = monotonic
    }

    /// For how long the machine has been suspended since its boot, in ns.
    var suspended: Int64 { boot.nanoseconds.clampedMinus(monotonic.nanoseconds) }
}

/// Detects routines that make no progress, from the data in their workers' ledgers: a callback that exceeds its
/// timeout, a cycle that is due but does not begin, and a session that has ended without a report from its worker.
///
/// Pure: one value watches all routines of a host, on one thread. The supervisor calls `observe` for a routine when its
/// session starts and when it has asked the worker to run or resume it, and for all routines at `nextCheck`, the
/// earliest moment at which a hang can be detected. That is at most once a cycle, and seldom if cycles are short. While
/// nothing is due, the watch needs no wake-ups.
///
/// A suspend never counts as running time. If it is unknown whether a callback began before or after a suspend, the
/// later time is assumed; a hang is then reported one timeout after the callback was first seen, at the latest. A
/// snapshot may contain any numbers, because a plugin can write to its ledger.
public struct HangWatch: Sendable {
    /// The data of one routine in the ledger.
    public struct Snapshot: Equatable, Sendable {
        /// Whether a thread executes the plugin's code for this routine.
        public enum State: Equatable, Sendable {
            /// There is no session, or it is paused between callbacks; nothing can hang.
            case idle
            /// The session is between callbacks; the next one is due at `due`.
            case waiting
            /// A callback has been running since `began`: a cycle, a hook, `load`, `start`, `stats`, `stop` or
            /// `unload`.
            case busy
            /// The session has ended; its worker is about to report that.
            case over
        }

        /// What the routine is doing.
        public var state: State
        /// The session's id.
        public var session: UInt64
        /// The current or next cycle.
        public var cycle: UInt64
        /// When the current or last callback began.
        public var began: BootTime
        /// When the worker will call the plugin next; `never` means not before another event.
        public var due: BootTime
        /// The timeout of a callback in ns; nil means none. See `HangTimeout`.
        public var timeout: Int64?
        /// Whether another routine of the same worker is inside a callback for which this routine may have to wait,
        /// because the plugin's routines take turns, or the worker lacks threads.
        public var isBehind = false

        /// Creates a snapshot.
        public init(state: State, session: UInt64, cycle: UInt64, began: BootTime, due: BootTime, timeout: Int64?) {
            self.state = state
            self.session = session
            self.cycle = cycle
            self.began = began
            self.due = due
            self.timeout = timeout
        }
    }

    /// A routine that makes no progress. Each hang is reported once.
    public struct Hang: Equatable, Sendable {
        /// The event that does not occur.
        public enum Kind: Equatable, Sendable {
            /// The end of a callback.
            case callback
            /// The start of a cycle that is due: the worker is stopped or unresponsive.
            case standstill
            /// The worker's report that the session has ended.
            case silence
        }

        /// The event that does not occur.
        public let kind: Kind
        /// The session's id.
        public let session: UInt64
        /// The current or next cycle.
        public let cycle: UInt64
        /// How long the event has been missing, at least, without suspends, in ns.
        public let running: Int64
        /// The permitted time, in ns.
        public let timeout: Int64
    }

    /// The progress of a routine as observed: while it does not change, the routine makes no progress.
    ///
    /// It is a hash of what was observed, which nobody can make alike on purpose, since the hasher has a seed of its own in
    /// each process.
    private struct Observation: Equatable {
        private let print: Int
        /// Whether the routine waited.
        let isWait: Bool

        init?(_ snapshot: Snapshot) {
            var hasher = Hasher()
            hasher.combine(snapshot.session)
            switch snapshot.state {
            case .idle: return nil
            case .waiting:
                hasher.combine(snapshot.cycle)
                hasher.combine(snapshot.began)
                hasher.combine(snapshot.due)
            case .busy:
                hasher.combine(snapshot.cycle)
                hasher.combine(snapshot.began)
            case .over: break
            }
            hasher.combine(snapshot.state)
            print = hasher.finalize()
            isWait = snapshot.state == .waiting
        }
    }

    /// What is known of a routine. Times that may be missing are `never`, and not optional, which would take 8 bytes more for
    /// each: a host may have 100 000 routines.
    private struct Entry {
        /// The last observation.
        var observation: Observation?
        var wasTold = false
        /// Its number in `looks`.
        let place: Int32
        /// When the permitted time began: the latest time at which the callback can have begun, or when the routine was
        /// first observed to be late or its session to be over. `never` if none of these applies.
        var since = MonotonicTime.never
        /// When the worker was asked to begin the next cycle at once; the cycle counts as due since then. `never`: it was not.
        var asked = BootTime.never
        /// When the routine was last observed. A callback that is new in a later observation began after that time.
        var seen: BootTime
        /// The earliest time at which a hang can be detected; `never` means not before another event.
        var look = MonotonicTime.never

        /// Notes that the permitted time has begun, unless it had before.
        mutating func begin(_ time: MonotonicTime) { if since == .never { since = time } }
    }

    /// How soon the ledger is read after a cycle is due, and again while a callback runs, in ns. The time grows with
    /// the number of routines, so that all reads together take only a small share of a processor.
    private var attention: Int64 { max(2_000_000_000, Int64(entries.count) * 2_000_000) }
    /// How late a worker may begin a cycle that is due, in ns: one timeout, but at least `leastLateness`; if there is
    /// no timeout, `usualLateness`.
    private static var leastLateness: Int64 { 4_000_000_000 }
    private static var usualLateness: Int64 { 60_000_000_000 }
    /// How long a worker may take to report the end of a session, in ns.
    private static var silence: Int64 { 3_000_000_000 }

    private var entries = NumberedTable<Entry>()
    /// When each routine must be looked at, by `Entry.place`: keys grow for as long as the host runs, while the queue takes
    /// memory up to its greatest number. In order, because otherwise each session's end would have all routines looked through.
    private var looks = DueQueue<MonotonicTime>()
    /// The places that routines have left; without any, all up to the number of entries are taken.
    private var free: [Int32] = []
    private var suspends = SuspendHistory()
    /// The time up to which processes may not have been running: see `forgive`.
    private var forgiven = MonotonicTime.longAgo

    /// Creates a watch without routines.
    public init() {}

    /// The number of watched routines.
    public var count: Int { entries.count }

    /// Takes the current data of the ledger; returns a hang if the routine has exceeded a permitted time, only once for
    /// each. With `mayTell` false, a hang is told by the next call instead, which is due at once.
    public mutating func observe(
        _ key: Int, _ snapshot: Snapshot, at now: ClockReading, mayTell: Bool = true
    ) -> Hang? {
        suspends.note(now)
        var entry = entries[key] ?? Entry(place: free.popLast() ?? Int32(entries.count), seen: .longAgo)
        defer {
            entry.seen = now.boot
            keep(entry, of: key)
        }
        let observation = Observation(snapshot)
        if observation != entry.observation {
            entry.observation = observation
            entry.since = .never
            entry.asked = .never
            entry.wasTold = false
        }
        let hang: Hang?
        switch snapshot.state {
        case .idle:
            entry.look = .never
            hang = nil
        case .waiting: hang = wait(&entry, snapshot, at: now)
        case .busy:
            if entry.since == .never { entry.since = start(of: snapshot.began, after: entry.seen, at: now) }
            hang = judge(&entry, snapshot, .callback, may: snapshot.timeout.map { max($0, 1) }, at: now)
        case .over:
            entry.begin(now.monotonic)
            hang = judge(&entry, snapshot, .silence, may: Self.silence, at: now)
        }
        if hang == nil || mayTell { return hang }
        entry.wasTold = false
        entry.look = now.monotonic
        return nil
    }

    /// Reports that the worker was asked to begin the next cycle now. Must follow an `observe` at the same moment.
    public mutating func ask(_ key: Int, at now: ClockReading) {
        guard var entry = entries[key], entry.observation?.isWait == true else { return }
        entry.asked = now.boot
        entry.look = now.monotonic + attention
        keep(entry, of: key)
    }

    private mutating func keep(_ entry: Entry, of key: Int) {
        entries[key] = entry
        let place = Int(entry.place)
        if entry.look == .never { looks.remove(place) } else { looks.set(place, due: entry.look) }
    }

    private func wait(_ entry: inout Entry, _ snapshot: Snapshot, at now: ClockReading) -> Hang? {
        let due = min(snapshot.due, entry.asked)
        guard due != .never else {
            entry.look = .never
            return nil
        }
        let may = max(Self.leastLateness, snapshot.timeout ?? Self.usualLateness)
        if due > now.boot {
            entry.since = .never
            let soon = min(attention, max(1, snapshot.timeout ?? .max))
            entry.look = now.monotonic + (due - now.boot) + soon
            return nil
        }
        // Lateness counts from its first observation, because the ledger does not have the time of a request for a
        // cycle.
        if snapshot.isBehind { entry.since = now.monotonic }
        entry.begin(now.monotonic)
        return judge(&entry, snapshot, .standstill, may: may, at: now)
    }

    private func judge(
        _ entry: inout Entry, _ snapshot: Snapshot, _ kind: Hang.Kind, may: Int64?, at now: ClockReading
    ) -> Hang? {
        entry.look = .never
        let since = entry.since
        guard !entry.wasTold, since != .never else { return nil }
        let deadline = may.map { max(since, forgiven) + $0 } ?? .never
        if now.monotonic < deadline {
            // The session may end in the meantime without a report. It is observed again after twice the time elapsed
            // so far.
            let again = now.monotonic + max(attention, now.monotonic - since)
            entry.look = min(deadline, again)
            return nil
        }
        entry.wasTold = true
        return Hang(
            kind: kind, session: snapshot.session, cycle: snapshot.cycle,
            running: now.monotonic - since, timeout: may ?? .max)
    }

    /// Reports that the host itself did not run for a while, and so probably nothing else did: after SIGSTOP, in a
    /// frozen control group, or in a paused virtual machine. No clock tells how much of that time a callback had, so
    /// all permitted times begin anew.
    public mutating func forgive(at now: ClockReading) { forgiven = now.monotonic }

    /// Removes a routine, because its worker died or its plugin was removed.
    public mutating func remove(_ key: Int) {
        guard let entry = entries[key] else { return }
        entries[key] = nil
        looks.remove(Int(entry.place))
        if entries.isEmpty {
            // What many routines have filled is given back.
            (looks, free) = (DueQueue(), [])
        } else {
            free.append(entry.place)
        }
    }

    /// When all routines must be observed again; nil if there is nothing to wait for. However many they are, it takes no
    /// longer.
    ///
    /// Set a timer for the boot time. If the machine is suspended, it expires no later than the monotonic time would,
    /// and `observe` then computes the new moment.
    public func nextCheck(at now: ClockReading) -> ClockReading? {
        let earliest = looks.earliest
        if earliest == .never { return nil }
        return ClockReading(boot: BootTime(nanoseconds: (earliest + now.suspended).nanoseconds), monotonic: earliest)
    }

    /// The latest monotonic time at which a callback can have begun that is observed for the first time now.
    private func start(of began: BootTime, after seen: BootTime, at now: ClockReading) -> MonotonicTime {
        // The value was read during a write, or is corrupt: the callback counts from now.
        guard began.nanoseconds > 0, began <= now.boot else { return now.monotonic }
        // The callback was not running at the previous observation.
        let began = max(began, seen)
        return min(MonotonicTime(nanoseconds: (began - suspends.least(at: began)).nanoseconds), now.monotonic)
    }
}

/// The timeout of a callback.
public enum HangTimeout {
    /// The timeout of a callback in ns; nil means none. It is the configured one, where 0 means none, or by default ten
    /// times the interval, clamped to 60 s through 1 h.
    ///
    /// In a descriptor, a `timeout_ms` of 0 means the default: pass nil for it.
    public static func nanoseconds(waitMs: UInt64, configuredMs: UInt64?) -> Int64? {
        if let configuredMs { return configuredMs == 0 ? nil : Int64(nanosecondsFrom: configuredMs) }
        let (wished, overflow) = waitMs.multipliedReportingOverflow(by: 10)
        return Int64(nanosecondsFrom: min(max(overflow ? .max : wished, 60_000), 3_600_000))
    }
}

/// When and for how long the machine was suspended, as far as readings of both clocks tell.
struct SuspendHistory: Equatable, Sendable {
    /// Readings between which the machine was not suspended, and how long it had been suspended before.
    private struct Period: Equatable {
        var suspended: Int64
        var firstBoot: BootTime
        var lastBoot: BootTime
    }

    /// The two clocks are not read at the same instant, so the readings may deviate by this many ns. A suspend takes
    /// longer.
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

    /// The least time for which the machine may have been suspended before that boot time, so that the boot time
    /// corresponds to the latest possible monotonic time.
    func least(at boot: BootTime) -> Int64 {
        var least = periods.first?.suspended ?? 0
        for (period, next) in zip(periods, periods.dropFirst()) where boot > period.lastBoot {
            // Between the last reading before a suspend and the first one after it, both values are possible.
            least = boot >= next.firstBoot ? next.suspended : period.suspended
        }
        return least
    }
}
