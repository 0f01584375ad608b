internal import HostValues
internal import HostWire

/// What ended sessions of a routine counted, so that its totals never fall: neither when a session begins anew, nor
/// when its plugin's file is replaced.
struct RoutineTotals {
    var sessions: UInt64 = 0
    var failedSessions: UInt64 = 0
    var cycles: UInt64 = 0
    var failures: UInt64 = 0
    var missed: UInt64 = 0
    /// Cycles of the last session.
    private(set) var lastCycles: UInt64 = 0
    var duration: UInt64 = 0
    var durations = LatencyHistogram()
    var lateness = LatencyHistogram()
    /// Of workers before the last one.
    private var earlierCache = RoutineStatus.Cache()
    /// Of the last worker: its caches outlive a session, and count on.
    private var lastCache = RoutineStatus.Cache()
    private var lastWorker: Int32?

    /// A session ended, in a worker whose slot read so; nil counts when it could not be read.
    mutating func end(_ record: SessionRecord, _ counts: LedgerCounts?, worker: Int32) {
        sessions = sessions.clampedPlus(1)
        if record.reason.isFailure { failedSessions = failedSessions.clampedPlus(1) }
        cycles = cycles.clampedPlus(record.cycles)
        lastCycles = record.cycles
        failures = failures.clampedPlus(record.failures)
        // What it died of is no error that its cycles could count.
        switch record.reason.end {
        case .crash, .exit, .timeout: failures = failures.clampedPlus(1)
        case .maxCycles, .until, .stopped, .endedByRoutine, .error, .peerFailed, .reloaded, .removed, .hostDied,
            .quarantined, nil:
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

    /// The caches' totals with what a worker's slot says now; nil when no session runs.
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
