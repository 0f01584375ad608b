internal import HostValues
internal import HostWire

/// Writes the metrics of a host, one family after the other. Pure.
///
/// Counters start with the host and never decrease while it runs, whatever happens to sessions. Labels name plugins and
/// routines but never sessions or processes, so that the number of time series depends on the number of routines alone.
struct Metrics<Form: MetricsForm> {
    private(set) var form: Form

    /// Writes the metrics of a status in the given format.
    init(_ status: HostStatus, as form: consuming Form) {
        self.form = form
        host(status)
        if let cluster = status.cluster {
            for each in ClusterMetrics(cluster).families {
                family(each.name, each.type, each.help)
                for (labels, value) in each.samples { sample(each.name, labels, value) }
                for (name, labels, value) in each.more { sample(each.name + name, labels, value) }
            }
        }
        routines(status.routines)
    }

    private mutating func host(_ status: HostStatus) {
        family("schedhost_build_info", "gauge", "The version of the host; always 1.")
        sample("schedhost_build_info", MetricLabels([(name: "version", value: status.version)]), .count(1))
        family("process_start_time_seconds", "gauge", "When the host started, in seconds since 1970.")
        sample("process_start_time_seconds", .none, Self.seconds(milliseconds: status.startMs))
        if let cpu = status.cpuMs {
            family("process_cpu_seconds_total", "counter", "Processor time of the host itself, without its workers.")
            sample("process_cpu_seconds_total", .none, Self.seconds(milliseconds: Int64(clamping: cpu)))
        }
        if let bytes = status.residentBytes {
            family("process_resident_memory_bytes", "gauge", "Resident memory of the host itself.")
            sample("process_resident_memory_bytes", .none, .count(bytes))
        }
        family("schedhost_ready", "gauge", "Whether every plugin file was looked at.")
        sample("schedhost_ready", .none, status.isReady ? .count(1) : .count(0))
        family("schedhost_plugins", "gauge", "Plugin files by their state.")
        for state in ["loading", "ready", "refused"] {
            sample(
                "schedhost_plugins", MetricLabels([(name: "state", value: state)]),
                .count(UInt64(status.plugins.count { $0.state == state })))
        }
        family(
            "schedhost_configuration_refused", "gauge",
            "Configuration files that are refused, by which the next start would fail; always 1.")
        // The host's file may have mistakes about several plugins, and is one series.
        for file in Set(status.refusedConfigurations.map(\.file)).sorted() {
            sample("schedhost_configuration_refused", MetricLabels([(name: "file", value: file)]), .count(1))
        }
        family("schedhost_workers", "gauge", "Worker processes.")
        sample("schedhost_workers", .none, .count(UInt64(status.workers.count)))
        workers(status.workers)
    }

    private mutating func workers(_ workers: [HostStatus.Worker]) {
        // While a worker is replaced, the old and the new one may share a name for a moment.
        let names = Dictionary(grouping: workers) { $0.name }.sorted { NaturalOrder.precedes($0.key, $1.key) }
        family("schedhost_worker_resident_memory_bytes", "gauge", "Resident memory of worker processes.")
        for (name, group) in names {
            let bytes = group.compactMap(\.residentBytes).reduce(UInt64(0)) { $0.clampedPlus($1) }
            sample(
                "schedhost_worker_resident_memory_bytes", MetricLabels([(name: "worker", value: name)]), .count(bytes))
        }
        family("schedhost_worker_cpu_seconds_total", "counter", "Processor time of worker processes.")
        for (name, group) in names {
            let cpu = group.compactMap(\.cpuMs).reduce(UInt64(0)) { $0.clampedPlus($1) }
            sample(
                "schedhost_worker_cpu_seconds_total", MetricLabels([(name: "worker", value: name)]),
                Self.seconds(milliseconds: Int64(clamping: cpu)))
        }
    }

    /// What caches share with other hosts, of the routines that do.
    private mutating func shared(_ routines: [RoutineStatus]) {
        let routines = routines.filter { $0.cache.isShared }
        if routines.isEmpty { return }
        let labels = routines.map {
            MetricLabels([(name: "plugin", value: $0.plugin), (name: "routine", value: $0.routine)])
        }
        func counter(_ name: String, _ help: String, _ value: (RoutineStatus) -> UInt64) {
            each("schedhost_cache_shared_\(name)_total", "counter", help, routines, labels) { .count(value($0)) }
        }
        counter("hits", "Values taken from the store of the cluster.") { $0.cache.sharedHits }
        counter("loads", "Values loaded for all hosts.") { $0.cache.sharedLoads }
        counter("waits", "Calls that waited while another host loaded.") { $0.cache.sharedWaits }
        counter("failures", "What the store did not answer or take.") { $0.cache.storeFailures }
    }

    private mutating func routines(_ routines: [RoutineStatus]) {
        let labels = routines.map {
            MetricLabels([(name: "plugin", value: $0.plugin), (name: "routine", value: $0.routine)])
        }
        func counter(_ name: String, _ help: String, _ value: (RoutineStatus) -> UInt64) {
            each("schedhost_routine_\(name)_total", "counter", help, routines, labels) { .count(value($0)) }
        }
        counter("cycles", "Cycles that count.") { $0.cyclesTotal }
        counter("failures", "Failed attempts at cycles, and sessions that died.") { $0.failuresTotal }
        counter("missed", "Cycles passed over, because one before took too long.") { $0.missedTotal }
        counter("sessions", "Sessions that began.") { $0.sessionsTotal }
        counter("failed_sessions", "Sessions that failed.") { $0.failedSessionsTotal }
        counter("cache_hits", "Values served from caches.") { $0.cache.hits }
        counter("cache_loads", "Values loaded into caches.") { $0.cache.loads }
        counter("cache_load_failures", "Loads that failed.") { $0.cache.failures }
        counter("cache_stale", "Stale values served, because a load failed.") { $0.cache.stale }
        counter("cache_evictions", "Values evicted from caches.") { $0.cache.evictions }
        each("schedhost_routine_cache_bytes", "gauge", "Bytes that caches hold in memory.", routines, labels) {
            .count($0.cache.bytes)
        }
        each(
            "schedhost_routine_last_start_timestamp_seconds", "gauge",
            "When the last cycle began, in seconds since 1970.", routines, labels
        ) { $0.lastStartMs.map { Self.seconds(milliseconds: $0) } }
        each(
            "schedhost_routine_next_start_timestamp_seconds", "gauge",
            "When the next cycle or session is due, in seconds since 1970.", routines, labels
        ) { $0.nextStartMs.map { Self.seconds(milliseconds: $0) } }
        each(
            "schedhost_routine_failing_since_timestamp_seconds", "gauge",
            "Since when nothing but failures came, in seconds since 1970.", routines, labels
        ) { $0.failingSinceMs.map { Self.seconds(milliseconds: $0) } }
        shared(routines)
        states(routines, labels)
        histogram("duration", "How long cycles took.", routines, labels, \.durations) { routine in
            Double(routine.durationTotalNs) / 1e9
        }
        histogram(
            "lateness", "How late cycles began; the sum is estimated from the buckets.", routines, labels, \.lateness
        ) { Self.estimate($0.lateness) }
    }

    private mutating func each(
        _ name: String, _ type: String, _ help: String, _ routines: [RoutineStatus], _ labels: [MetricLabels],
        _ value: (RoutineStatus) -> MetricNumber?
    ) {
        family(name, type, help)
        for (routine, labels) in zip(routines, labels) {
            if let value = value(routine) { sample(name, labels, value) }
        }
    }

    private mutating func states(_ routines: [RoutineStatus], _ labels: [MetricLabels]) {
        let name = "schedhost_routine_state"
        family(name, "gauge", "The routine's state: 1 for the one it is in.")
        for (routine, labels) in zip(routines, labels) {
            for state in RoutineStatus.State.allCases {
                sample(
                    name, labels, (name: "state", value: state.rawValue), routine.state == state ? .count(1) : .count(0)
                )
            }
        }
    }

    private mutating func histogram(
        _ short: String, _ help: String, _ routines: [RoutineStatus], _ labels: [MetricLabels],
        _ path: KeyPath<RoutineStatus, LatencyHistogram>, _ sum: (RoutineStatus) -> Double
    ) {
        let name = "schedhost_routine_\(short)_seconds"
        let bucketName = name + "_bucket"
        family(name, "histogram", help)
        for (routine, labels) in zip(routines, labels) {
            let counts = routine[keyPath: path].counts
            var below: UInt64 = 0
            for (bucket, count) in counts.enumerated() {
                below = below.clampedPlus(count)
                let bound = bucket == counts.count - 1 ? "+Inf" : bounds[bucket]
                sample(bucketName, labels, (name: "le", value: bound), .count(below))
            }
            sample(name + "_sum", labels, .real(sum(routine)))
            sample(name + "_count", labels, .count(below))
        }
    }

    /// A sum estimated from the buckets alone: each duration counts as the middle of its bucket.
    private static func estimate(_ histogram: LatencyHistogram) -> Double {
        histogram.counts.enumerated().reduce(0) { sum, bucket in
            sum + Double(bucket.element) * Double(LedgerHistogram.upperEnd(bucket.offset)) * 0.75 / 1e9
        }
    }

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        form.family(name, type: type, help: help)
    }

    private mutating func sample(_ name: String, _ labels: MetricLabels, _ value: MetricNumber) {
        form.sample(name, labels, nil, value: value)
    }

    private mutating func sample(
        _ name: String, _ labels: MetricLabels, _ more: (name: String, value: String), _ value: MetricNumber
    ) {
        form.sample(name, labels, more, value: value)
    }

    private static func seconds(milliseconds: Int64) -> MetricNumber { .real(Double(milliseconds) / 1000) }
}

/// The upper bounds of the buckets, in seconds.
private let bounds = (0..<LedgerHistogram.count).map { "\(Double(LedgerHistogram.upperEnd($0)) / 1e9)" }

/// A format for metrics.
protocol MetricsForm {
    /// Begins a family; its samples follow.
    mutating func family(_ name: String, type: String, help: String)
    /// Writes a sample of the family. `more` is a further label, for samples that otherwise share their labels.
    mutating func sample(
        _ name: String, _ labels: MetricLabels, _ more: (name: String, value: String)?, value: MetricNumber)
}

/// The value of a sample, in the type in which it is known, so that each format can write it exactly.
enum MetricNumber {
    case count(UInt64)
    case real(Double)
}

/// A set of labels that several samples share.
struct MetricLabels {
    /// No labels.
    static let none = MetricLabels([])

    let pairs: [(name: String, value: String)]
    /// The labels in the text format, without braces, formatted once for all samples that share them.
    let text: String

    init(_ pairs: [(name: String, value: String)]) {
        self.pairs = pairs
        text = pairs.map { "\($0.name)=\"\(MetricsText.escaped($0.value))\"" }.joined(separator: ",")
    }
}
