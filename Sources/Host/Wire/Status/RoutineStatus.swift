public import HostValues

/// What a host says of one routine. Totals are since the host's start, over all sessions, and never fall.
public struct RoutineStatus: Equatable, Sendable {
    /// Where it stands.
    public enum State: String, CaseIterable, Sendable {
        /// Between two cycles.
        case waiting
        /// In the plugin's code.
        case running
        /// A person holds its cycles; its session goes on.
        case paused
        /// A session was ordered.
        case starting
        /// It died, or the host had no worker for it, and the next session is due later.
        case backingOff = "backing_off"
        /// Its callbacks return errors; it is tried again and again.
        case failing
        /// Its session is asked to end.
        case ending
        /// A person or a hook stopped it.
        case stopped
        /// Its session was complete.
        case complete
        /// Shut out.
        case quarantined
        /// Not started yet.
        case idle
        /// Its configuration says that it does not run.
        case disabled
    }

    /// What its caches in memory and on disk counted.
    public struct Cache: Equatable, Sendable {
        /// Values that were served without their source.
        public var hits: UInt64 = 0
        /// Loads, the cache's misses.
        public var loads: UInt64 = 0
        /// Loads that failed.
        public var failures: UInt64 = 0
        /// Stale values that were served.
        public var stale: UInt64 = 0
        /// Values that were evicted.
        public var evictions: UInt64 = 0
        /// Bytes in memory now.
        public var bytes: UInt64 = 0

        /// Zeros.
        public init() {}

        /// Both together.
        public func adding(_ other: Cache) -> Cache {
            var total = self
            total.hits = hits.clampedPlus(other.hits)
            total.loads = loads.clampedPlus(other.loads)
            total.failures = failures.clampedPlus(other.failures)
            total.stale = stale.clampedPlus(other.stale)
            total.evictions = evictions.clampedPlus(other.evictions)
            total.bytes = bytes.clampedPlus(other.bytes)
            return total
        }
    }

    /// Its plugin's id.
    public var plugin: String
    /// Its name.
    public var routine: String
    /// Where it stands.
    public var state: State
    /// The callback in progress, such as `routine`, or nil.
    public var phase: String?
    /// Why it is shut out, fails or is not running yet, or nil.
    public var why: String?
    /// Since when it fails without anything good in between, UTC ms, or nil.
    public var failingSinceMs: Int64?
    /// How often it has failed since then.
    public var failuresInRow: UInt64 = 0
    /// The session that runs, or nil.
    public var session: SessionID?
    /// The session's start, UTC ms.
    public var sessionStartMs: Int64?
    /// The cycle in progress or next.
    public var cycle: UInt64 = 0
    /// Cycles of a session at most; 0: no bound.
    public var maxCycles: UInt64 = 0
    /// When its sessions end, UTC ms.
    public var untilMs: Int64?
    /// From one cycle's start to the next one's, ms.
    public var waitMs: UInt64 = 0
    /// When the last callback began, UTC ms.
    public var lastStartMs: Int64?
    /// When the next cycle or session is due, UTC ms.
    public var nextStartMs: Int64?
    /// The texts of its schedule; empty: it runs by its wait.
    public var schedules: [String] = []
    /// The time zone of its schedule, or nil.
    public var zone: String?
    /// When the next cycle is due by that, after RFC 3339 in that zone.
    public var nextLocal: String?
    /// The last cycle's duration, ns; nil before the first.
    public var lastDurationNs: Int64?
    /// The longest cycle of the session, ns.
    public var longestNs: Int64 = 0
    /// Cycles.
    public var cyclesTotal: UInt64 = 0
    /// Failed attempts.
    public var failuresTotal: UInt64 = 0
    /// Grid points passed over.
    public var missedTotal: UInt64 = 0
    /// All cycles' durations together, ns.
    public var durationTotalNs: UInt64 = 0
    /// Sessions that began.
    public var sessionsTotal: UInt64 = 0
    /// Sessions that failed.
    public var failedSessionsTotal: UInt64 = 0
    /// Cycles over all records of this and earlier hosts, and of the session that runs.
    public var lifetimeCycles: UInt64 = 0
    /// Durations of cycles.
    public var durations = LatencyHistogram()
    /// Start minus due.
    public var lateness = LatencyHistogram()
    /// What the caches counted.
    public var cache = Cache()
    /// The worker's process id, or nil.
    public var worker: Int32?

    /// A routine without any numbers.
    public init(plugin: String, routine: String, state: State) {
        self.plugin = plugin
        self.routine = routine
        self.state = state
    }

    /// `plugin/routine`.
    public var identifier: String { plugin + "/" + routine }
    /// Sessions after the first.
    public var restarts: UInt64 { sessionsTotal > 0 ? sessionsTotal - 1 : 0 }
}
