internal import HostValues

extension RoutineStatus {
    /// Writes the routine as an object. The quantiles are derived, so they are not read back.
    func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("id", identifier)
        writer.field("plugin", plugin)
        writer.field("routine", routine)
        writer.field("state", state.rawValue)
        if let phase { writer.field("phase", phase) }
        if let why { writer.field("why", why, limit: 2048) }
        if let failingSinceMs {
            writer.field("failing_since_ms", failingSinceMs)
            writer.field("failures_in_row", failuresInRow)
        }
        if let leaseToken { writer.field("lease_token", leaseToken) }
        if let session { writer.field("session", session.description) }
        if let sessionStartMs { writer.field("session_start_ms", sessionStartMs) }
        writer.field("cycle", cycle)
        writer.field("max_cycles", maxCycles)
        if let untilMs { writer.field("until_ms", untilMs) }
        writer.field("wait_ms", waitMs)
        if let lastStartMs { writer.field("last_start_ms", lastStartMs) }
        if let nextStartMs { writer.field("next_start_ms", nextStartMs) }
        if !schedules.isEmpty {
            writer.list("schedules", texts: schedules)
        }
        if let zone { writer.field("zone", zone) }
        if let nextLocal { writer.field("next_local", nextLocal) }
        if let lastDurationNs { writer.field("last_duration_ns", lastDurationNs) }
        writer.field("longest_ns", longestNs)
        writer.field("cycles_total", cyclesTotal)
        writer.field("failures_total", failuresTotal)
        writer.field("missed_total", missedTotal)
        writer.field("duration_total_ns", durationTotalNs)
        writer.field("sessions_total", sessionsTotal)
        writer.field("failed_sessions_total", failedSessionsTotal)
        writer.field("lifetime_cycles", lifetimeCycles)
        write("duration", "durations", durations, to: &writer)
        write("lateness", "lateness", lateness, to: &writer)
        writer.field("cache_hits", cache.hits)
        writer.field("cache_loads", cache.loads)
        writer.field("cache_failures", cache.failures)
        writer.field("cache_stale", cache.stale)
        writer.field("cache_evictions", cache.evictions)
        writer.field("cache_bytes", cache.bytes)
        if cache.isShared {
            writer.field("cache_shared_hits", cache.sharedHits)
            writer.field("cache_shared_loads", cache.sharedLoads)
            writer.field("cache_shared_waits", cache.sharedWaits)
            writer.field("cache_store_failures", cache.storeFailures)
        }
        if let worker { writer.field("worker", worker) }
        writer.close()
    }

    private func write(
        _ short: String, _ long: String, _ histogram: LatencyHistogram, to writer: inout JSONWriter
    ) {
        if let p50 = histogram.quantile(0.5) { writer.field(short + "_p50_ns", p50) }
        if let p99 = histogram.quantile(0.99) { writer.field(short + "_p99_ns", p99) }
        writer.list(long, numbers: histogram.counts)
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var status = RoutineStatus(plugin: "", routine: "", state: .idle)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "plugin": status.plugin = try cursor.string()
            case "routine": status.routine = try cursor.string()
            case "state": status.state = State(rawValue: try cursor.string()) ?? .idle
            case "phase": status.phase = try cursor.string()
            case "why": status.why = try cursor.string()
            case "failing_since_ms": status.failingSinceMs = try cursor.signed()
            case "lease_token": status.leaseToken = try cursor.unsigned()
            case "session": status.session = SessionID(try cursor.string())
            case "session_start_ms": status.sessionStartMs = try cursor.signed()
            case "until_ms": status.untilMs = try cursor.signed()
            case "last_start_ms": status.lastStartMs = try cursor.signed()
            case "next_start_ms": status.nextStartMs = try cursor.signed()
            case "schedules":
                try cursor.list { (cursor) throws(JSONFault) in status.schedules.append(try cursor.string()) }
            case "zone": status.zone = try cursor.string()
            case "next_local": status.nextLocal = try cursor.string()
            case "last_duration_ns": status.lastDurationNs = try cursor.signed()
            case "longest_ns": status.longestNs = try cursor.signed()
            case "durations": status.durations = try Self.histogram(from: &cursor)
            case "lateness": status.lateness = try Self.histogram(from: &cursor)
            case "worker": status.worker = Int32(truncatingIfNeeded: try cursor.signed())
            default: if try !status.takeCount(name, from: &cursor) { try cursor.skip() }
            }
        }
        self = status
    }

    /// Reads one of the unsigned whole numbers. Returns false, and reads nothing, for any other field.
    private mutating func takeCount(_ name: String, from cursor: inout JSONCursor) throws(JSONFault) -> Bool {
        switch name {
        case "failures_in_row": failuresInRow = try cursor.unsigned()
        case "cycle": cycle = try cursor.unsigned()
        case "max_cycles": maxCycles = try cursor.unsigned()
        case "wait_ms": waitMs = try cursor.unsigned()
        case "cycles_total": cyclesTotal = try cursor.unsigned()
        case "failures_total": failuresTotal = try cursor.unsigned()
        case "missed_total": missedTotal = try cursor.unsigned()
        case "duration_total_ns": durationTotalNs = try cursor.unsigned()
        case "sessions_total": sessionsTotal = try cursor.unsigned()
        case "failed_sessions_total": failedSessionsTotal = try cursor.unsigned()
        case "lifetime_cycles": lifetimeCycles = try cursor.unsigned()
        case "cache_hits": cache.hits = try cursor.unsigned()
        case "cache_loads": cache.loads = try cursor.unsigned()
        case "cache_failures": cache.failures = try cursor.unsigned()
        case "cache_stale": cache.stale = try cursor.unsigned()
        case "cache_evictions": cache.evictions = try cursor.unsigned()
        case "cache_bytes": cache.bytes = try cursor.unsigned()
        case "cache_shared_hits": cache.sharedHits = try cursor.unsigned()
        case "cache_shared_loads": cache.sharedLoads = try cursor.unsigned()
        case "cache_shared_waits": cache.sharedWaits = try cursor.unsigned()
        case "cache_store_failures": cache.storeFailures = try cursor.unsigned()
        default: return false
        }
        return true
    }

    private static func histogram(from cursor: inout JSONCursor) throws(JSONFault) -> LatencyHistogram {
        var counts: [UInt64] = []
        try cursor.list { (cursor) throws(JSONFault) in counts.append(try cursor.unsigned()) }
        return LatencyHistogram(counts)
    }
}
