/// The status in Prometheus's text format, version 0.0.4. Pure.
///
/// Counters are since the host's start and never fall while it runs, whatever sessions do. Labels name plugins and
/// routines, never sessions or processes, so that the number of series stays what the routines' number is.
public struct MetricsText {
    private var text: [UInt8] = []

    /// The whole text.
    public static func text(_ status: HostStatus) -> [UInt8] {
        var metrics = MetricsText()
        metrics.text.reserveCapacity(4096 + status.routines.count * 8192)
        metrics.host(status)
        metrics.routines(status.routines)
        return metrics.text
    }

    // MARK: Families

    private mutating func host(_ status: HostStatus) {
        family("schedhost_build_info", "gauge", "The version of the host; always 1.")
        sample("schedhost_build_info", "version=\"\(Self.escaped(status.version))\"", "1")
        family("process_start_time_seconds", "gauge", "When the host started, in seconds since 1970.")
        sample("process_start_time_seconds", "", Self.seconds(milliseconds: status.startMs))
        if let cpu = status.cpuMs {
            family("process_cpu_seconds_total", "counter", "Processor time of the host itself, without its workers.")
            sample("process_cpu_seconds_total", "", Self.seconds(milliseconds: Int64(clamping: cpu)))
        }
        if let bytes = status.residentBytes {
            family("process_resident_memory_bytes", "gauge", "Resident memory of the host itself.")
            sample("process_resident_memory_bytes", "", "\(bytes)")
        }
        family("schedhost_ready", "gauge", "Whether every plugin file was looked at.")
        sample("schedhost_ready", "", status.isReady ? "1" : "0")
        family("schedhost_plugins", "gauge", "Plugin files by their state.")
        for state in ["loading", "ready", "refused"] {
            sample("schedhost_plugins", "state=\"\(state)\"", "\(status.plugins.filter { $0.state == state }.count)")
        }
        family("schedhost_workers", "gauge", "Worker processes.")
        sample("schedhost_workers", "", "\(status.workers.count)")
        workers(status.workers)
    }

    private mutating func workers(_ workers: [HostStatus.Worker]) {
        // An old and a new worker of one name may be there together for a moment.
        let names = Dictionary(grouping: workers) { $0.name }.sorted { $0.key < $1.key }
        family("schedhost_worker_resident_memory_bytes", "gauge", "Resident memory of worker processes.")
        for (name, group) in names {
            let bytes = group.compactMap(\.residentBytes).reduce(UInt64(0)) { $0.clampedSum($1) }
            sample("schedhost_worker_resident_memory_bytes", "worker=\"\(Self.escaped(name))\"", "\(bytes)")
        }
        family("schedhost_worker_cpu_seconds_total", "counter", "Processor time of worker processes.")
        for (name, group) in names {
            let cpu = group.compactMap(\.cpuMs).reduce(UInt64(0)) { $0.clampedSum($1) }
            sample(
                "schedhost_worker_cpu_seconds_total", "worker=\"\(Self.escaped(name))\"",
                Self.seconds(milliseconds: Int64(clamping: cpu)))
        }
    }

    private mutating func routines(_ routines: [RoutineStatus]) {
        let labels = routines.map { routine in
            "plugin=\"\(Self.escaped(routine.plugin))\",routine=\"\(Self.escaped(routine.routine))\""
        }
        func counter(_ name: String, _ help: String, _ value: (RoutineStatus) -> UInt64) {
            each("schedhost_routine_\(name)_total", "counter", help, routines, labels) { "\(value($0))" }
        }
        counter("cycles", "Cycles that count.") { $0.cyclesTotal }
        counter("failures", "Failed attempts at cycles.") { $0.failuresTotal }
        counter("missed", "Cycles passed over, because one before took too long.") { $0.missedTotal }
        counter("sessions", "Sessions that began.") { $0.sessionsTotal }
        counter("failed_sessions", "Sessions that failed.") { $0.failedSessionsTotal }
        counter("cache_hits", "Values served from caches.") { $0.cache.hits }
        counter("cache_loads", "Values loaded into caches.") { $0.cache.loads }
        counter("cache_load_failures", "Loads that failed.") { $0.cache.failures }
        counter("cache_stale", "Stale values served, because a load failed.") { $0.cache.stale }
        counter("cache_evictions", "Values evicted from caches.") { $0.cache.evictions }
        each("schedhost_routine_cache_bytes", "gauge", "Bytes that caches hold in memory.", routines, labels) {
            "\($0.cache.bytes)"
        }
        each(
            "schedhost_routine_last_start_timestamp_seconds", "gauge",
            "When the last cycle began, in seconds since 1970.", routines, labels
        ) { $0.lastStartMs.map { Self.seconds(milliseconds: $0) } }
        each(
            "schedhost_routine_next_start_timestamp_seconds", "gauge",
            "When the next cycle or session is due, in seconds since 1970.", routines, labels
        ) { $0.nextStartMs.map { Self.seconds(milliseconds: $0) } }
        states(routines, labels)
        histogram("duration", "How long cycles took.", routines, labels, \.durations) { routine in
            Double(routine.durationTotalNs) / 1e9
        }
        histogram(
            "lateness", "How late cycles began; the sum is estimated from the buckets.", routines, labels, \.lateness
        ) { Self.estimate($0.lateness) }
    }

    private mutating func each(
        _ name: String, _ type: String, _ help: String, _ routines: [RoutineStatus], _ labels: [String],
        _ value: (RoutineStatus) -> String?
    ) {
        family(name, type, help)
        for (routine, labels) in zip(routines, labels) {
            if let value = value(routine) { sample(name, labels, value) }
        }
    }

    private mutating func states(_ routines: [RoutineStatus], _ labels: [String]) {
        let name = "schedhost_routine_state"
        family(name, "gauge", "The routine's state: 1 for the one it is in.")
        for (routine, labels) in zip(routines, labels) {
            for state in RoutineStatus.State.allCases {
                sample(name, labels + ",state=\"\(state.rawValue)\"", routine.state == state ? "1" : "0")
            }
        }
    }

    private mutating func histogram(
        _ short: String, _ help: String, _ routines: [RoutineStatus], _ labels: [String],
        _ path: KeyPath<RoutineStatus, LatencyHistogram>, _ sum: (RoutineStatus) -> Double
    ) {
        let name = "schedhost_routine_\(short)_seconds"
        family(name, "histogram", help)
        for (routine, labels) in zip(routines, labels) {
            let counts = routine[keyPath: path].counts
            var below: UInt64 = 0
            for (bucket, count) in counts.enumerated() {
                below = below.clampedSum(count)
                let bound = bucket == counts.count - 1 ? "+Inf" : Self.bounds[bucket]
                sample(name + "_bucket", labels + ",le=\"\(bound)\"", "\(below)")
            }
            sample(name + "_sum", labels, "\(sum(routine))")
            sample(name + "_count", labels, "\(below)")
        }
    }

    private static let bounds = (0..<LedgerHistogram.count).map { "\(Double(LedgerHistogram.upperEnd($0)) / 1e9)" }

    /// A sum from the buckets alone, each time taken as the middle of its bucket.
    private static func estimate(_ histogram: LatencyHistogram) -> Double {
        histogram.counts.enumerated().reduce(0) { sum, bucket in
            sum + Double(bucket.element) * Double(LedgerHistogram.upperEnd(bucket.offset)) * 0.75 / 1e9
        }
    }

    // MARK: Lines

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8
    }

    private mutating func sample(_ name: String, _ labels: String, _ value: String) {
        text += name.utf8
        if !labels.isEmpty {
            text.append(UInt8(ascii: "{"))
            text += labels.utf8
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
        text += value.utf8
        text.append(UInt8(ascii: "\n"))
    }

    private static func seconds(milliseconds: Int64) -> String { "\(Double(milliseconds) / 1000)" }

    /// A label's value, as the format wants it.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else { return text }
        return String(
            text.unicodeScalars.reduce(into: String.UnicodeScalarView()) { result, scalar in
                switch scalar {
                case "\\": result += "\\\\".unicodeScalars
                case "\"": result += "\\\"".unicodeScalars
                case "\n": result += "\\n".unicodeScalars
                default: result.append(scalar)
                }
            })
    }
}
