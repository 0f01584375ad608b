public import HostValues

/// The status of one routine. Totals cover all sessions since the host's start and never decrease.
public struct RoutineStatus: Equatable, Sendable {
    /// The state of a routine.
    public enum State: String, CaseIterable, Sendable {
        /// A session runs and is between two cycles.
        case waiting
        /// A session runs and executes the plugin's code.
        case running
        /// A person holds back the cycles; the session continues.
        case paused
        /// A session has been requested.
        case starting
        /// It runs on one host only, and that is another one, or none has its lease.
        case standby
        /// The worker died, or none could be started; the next session starts after a delay.
        case backingOff = "backing_off"
        /// Callbacks return errors; the routine is tried again and again.
        case failing
        /// The session has been asked to end.
        case ending
        /// A person or a hook stopped the routine.
        case stopped
        /// The session was complete.
        case complete
        /// The routine is quarantined.
        case quarantined
        /// The routine has not been started yet.
        case idle
        /// The configuration disables the routine.
        case disabled
    }

    /// The counters of a routine's caches, in memory and on disk.
    public struct Cache: Equatable, Sendable {
        /// Values that were served without asking the source.
        public var hits: UInt64 = 0
        /// Loads from the source, which are the cache's misses.
        public var loads: UInt64 = 0
        /// Loads that failed.
        public var failures: UInt64 = 0
        /// Stale values that were served.
        public var stale: UInt64 = 0
        /// Values that were evicted.
        public var evictions: UInt64 = 0
        /// Bytes that values currently occupy in memory.
        public var bytes: UInt64 = 0
        /// Values that were taken from the store of the cluster.
        public var sharedHits: UInt64 = 0
        /// Loads that were performed for all hosts.
        public var sharedLoads: UInt64 = 0
        /// Calls that waited while another host loaded.
        public var sharedWaits: UInt64 = 0
        /// What the store of shared caches did not answer or take.
        public var storeFailures: UInt64 = 0

        /// Creates counters that are all 0.
        public init() {}

        /// Whether values are shared with other hosts.
        public var isShared: Bool { sharedHits | sharedLoads | sharedWaits | storeFailures != 0 }

        /// The sums of both counters.
        public func adding(_ other: Cache) -> Cache {
            var total = self
            total.hits = hits.clampedPlus(other.hits)
            total.loads = loads.clampedPlus(other.loads)
            total.failures = failures.clampedPlus(other.failures)
            total.stale = stale.clampedPlus(other.stale)
            total.evictions = evictions.clampedPlus(other.evictions)
            total.bytes = bytes.clampedPlus(other.bytes)
            total.sharedHits = sharedHits.clampedPlus(other.sharedHits)
            total.sharedLoads = sharedLoads.clampedPlus(other.sharedLoads)
            total.sharedWaits = sharedWaits.clampedPlus(other.sharedWaits)
            total.storeFailures = storeFailures.clampedPlus(other.storeFailures)
            return total
        }
    }

    /// The id of the routine's plugin.
    public var plugin: String
    /// The name of the routine.
    public var routine: String
    /// The state of the routine.
    public var state: State
    /// The callback in progress, such as `routine`; nil if there is none.
    public var phase: String?
    /// Why the routine is quarantined, fails or does not run yet; nil otherwise.
    public var why: String?
    /// Since when the routine has been failing without a success in between, in ms since 1970, UTC; nil if it is not
    /// failing.
    public var failingSinceMs: Int64?
    /// The number of failures since then.
    public var failuresInRow: UInt64 = 0
    /// The token of the lease by which it runs here; nil if it runs by none.
    public var leaseToken: UInt64?
    /// The current session; nil if there is none.
    public var session: SessionID?
    /// When the session started, in ms since 1970, UTC.
    public var sessionStartMs: Int64?
    /// The current or next cycle.
    public var cycle: UInt64 = 0
    /// The maximum number of cycles of a session; 0 means no bound.
    public var maxCycles: UInt64 = 0
    /// The end time of its sessions, in ms since 1970, UTC.
    public var untilMs: Int64?
    /// The interval from one cycle's start to the next one's, in ms.
    public var waitMs: UInt64 = 0
    /// When the last callback began, in ms since 1970, UTC.
    public var lastStartMs: Int64?
    /// When the next cycle or session is due, in ms since 1970, UTC.
    public var nextStartMs: Int64?
    /// The texts of its schedules; empty if the routine runs at its interval.
    public var schedules: [String] = []
    /// The time zone of its schedules; nil if there is none.
    public var zone: String?
    /// When the next cycle is due by the schedule, as RFC 3339 in that time zone.
    public var nextLocal: String?
    /// The duration of the last cycle, in ns; nil before the first one.
    public var lastDurationNs: Int64?
    /// The duration of the session's longest cycle, in ns.
    public var longestNs: Int64 = 0
    /// The number of completed cycles.
    public var cyclesTotal: UInt64 = 0
    /// The number of failed attempts.
    public var failuresTotal: UInt64 = 0
    /// The number of grid points that were skipped.
    public var missedTotal: UInt64 = 0
    /// The sum of the durations of all cycles, in ns.
    public var durationTotalNs: UInt64 = 0
    /// The number of sessions that began.
    public var sessionsTotal: UInt64 = 0
    /// The number of sessions that failed.
    public var failedSessionsTotal: UInt64 = 0
    /// Completed cycles in all records of this and earlier hosts, and in the current session.
    public var lifetimeCycles: UInt64 = 0
    /// A histogram of the durations of cycles.
    public var durations = LatencyHistogram()
    /// A histogram of the delays between due time and start.
    public var lateness = LatencyHistogram()
    /// The counters of the caches.
    public var cache = Cache()
    /// The worker's process id; nil if there is no worker.
    public var worker: Int32?

    /// Creates a status in which all numbers are 0.
    public init(plugin: String, routine: String, state: State) {
        self.plugin = plugin
        self.routine = routine
        self.state = state
    }

    /// The text `plugin/routine`.
    public var identifier: String { plugin + "/" + routine }
    /// The number of sessions after the first one.
    public var restarts: UInt64 { sessionsTotal > 0 ? sessionsTotal - 1 : 0 }
}
