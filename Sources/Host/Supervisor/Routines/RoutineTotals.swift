internal import HostValues
internal import HostWire

/// The totals of a routine's ended sessions, so that the shown totals never decrease when a session begins or the
/// plugin's file is replaced.
struct RoutineTotals {
    var sessions: UInt64 = 0
    var failedSessions: UInt64 = 0
    var cycles: UInt64 = 0
    var failures: UInt64 = 0
    var missed: UInt64 = 0
    /// The cycles of the last session.
    private(set) var lastCycles: UInt64 = 0
    var duration: UInt64 = 0
    var durations = LatencyHistogram()
    var lateness = LatencyHistogram()
    /// The cache counters of all workers before the last one.
    private var earlierCache = RoutineStatus.Cache()
    /// The cache counters of the last worker, whose caches continue to count across sessions.
    private var lastCache = RoutineStatus.Cache()
    private var lastWorker: Int32?

    /// Adds an ended session. `counts` is the content of its slot; nil if it could not be read.
    mutating func end(_ record: SessionRecord, _ counts: LedgerCounts?, worker: Int32) {
        sessions = sessions.clampedPlus(1)
        if record.reason.isFailure { failedSessions = failedSessions.clampedPlus(1) }
        cycles = cycles.clampedPlus(record.cycles)
        lastCycles = record.cycles
        failures = failures.clampedPlus(record.failures)
        // The failure that ended the process is not among those that its cycles have counted.
        switch record.reason.end {
        case .crash, .exit, .timeout: failures = failures.clampedPlus(1)
        case .maxCycles, .until, .stopped, .endedByRoutine, .error, .peerFailed, .reloaded, .removed, .hostDied,
            .quarantined, .leaseLost, .handedOver, nil:
            break
        }
        missed = missed.clampedPlus(record.missed)
        guard let counts else { return }
        duration = duration.clampedPlus(counts.totalDuration)
        durations.add(counts.durations)
        lateness.add(counts.lateness)
        if worker != lastWorker {
            earlierCache = earlierCache.adding(lastCache)
            lastWorker = worker
        }
        lastCache = counts.cache
    }

    /// The total cache counters, including those in a worker's slot now; nil if no session runs.
    func cache(_ now: RoutineStatus.Cache?, worker: Int32?) -> RoutineStatus.Cache {
        guard let now else {
            var total = earlierCache.adding(lastCache)
            total.bytes = 0
            return total
        }
        var total = (worker == lastWorker ? earlierCache : earlierCache.adding(lastCache)).adding(now)
        total.bytes = now.bytes
        return total
    }
}
