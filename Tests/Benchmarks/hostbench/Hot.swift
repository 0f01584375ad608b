import Foundation

/// What happens often: cycles, steps, hits.
enum Hot {
    /// The parts of a schedule, by themselves: see `calendarbench`. Of the next times the figures are those of twenty
    /// schedules in twenty zones.
    static func schedules(_ tools: Tools) -> Benchmark {
        let rows = [
            Row("schedule: its next time", "ns", by: .max), Row("schedule: the next Monday, 29 February", "ns"),
            Row("schedule: to read a text", "ns", by: .max), Row("schedule: memory of the largest zone", "bytes"),
        ]
        return Benchmark(
            name: "schedule", rows: rows, mostRounds: 3,
            contenders: [
                (
                    .ours,
                    {
                        let output = try tools.limit("calendarbench", [])
                        func parse(_ part: String) -> Double { output["parse_" + part] ?? .nan }
                        return [
                            rows[0].key: try Sample(output), rows[1].key: try Sample(output, "rare"),
                            rows[2].key: Sample(
                                p50: parse("p50"), p90: parse("p90"), p99: parse("p99"), max: parse("max")),
                            rows[3].key: try Sample(output, "zone"),
                        ]
                    }
                )
            ])
    }

    static func cycle(_ tools: Tools, count: Int) -> Benchmark {
        Benchmark(
            name: "cycle", rows: [Row("cycle, back to back", "ns")], mostRounds: 9,
            contenders: [
                (.limit, { ["cycle, back to back": try Sample(tools.limit("cycle", ["\(count)"]), "ns")] }),
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, settings: ["wait_ms": 0, "max_cycles": count], params: ["mode": "empty"])
                        try host.runToEnd()
                        let record = try host.records().first ?? [:]
                        guard let ms = record["duration_ms"] as? Double else { throw Trouble("no record") }
                        return ["cycle, back to back": Sample(ms * 1e6 / Double(count))]
                    }
                ),
                (
                    .peer("seed"),
                    { ["cycle, back to back": try Sample(tools.peer("seed.py", ["cycle", "3000"]), "ns")] }
                ),
                (
                    .peer("APScheduler"),
                    { ["cycle, back to back": try Sample(tools.peer("apscheduler_step.py", ["cycle", "1000"]), "ns")] }
                ),
            ])
    }

    /// Two of 16 routines, back to back, each on a thread of its own: with neighbouring slots of the ledger, against the
    /// first and the last one.
    static func neighbours(_ tools: Tools, count: Int) -> Benchmark {
        let key = "false sharing: neighbouring ledger slots"
        func run(_ other: Int) throws -> [String: Sample] {
            let once = (1..<16).filter { $0 != other }.map { ("r\($0)", ["max_cycles": 1]) }
            let host = try HostRun(
                tools, routines: 16,
                settings: ["wait_ms": 0, "max_cycles": count, "routines": Dictionary(uniqueKeysWithValues: once)],
                params: ["mode": "empty"])
            try host.runToEnd()
            let times = try host.records().filter { $0["cycles"] as? Int == count }.map {
                ($0["duration_ms"] as? Double ?? .nan) * 1e6 / Double(count)
            }
            guard times.count == 2 else { throw Trouble("\(times.count) routines of 2 ran to their end") }
            return [key: Sample((times[0] + times[1]) / 2)]
        }
        return Benchmark(
            name: "neighbours", rows: [Row(key, "ns", limit: "far apart")], mostRounds: 9,
            contenders: [(.limit, { try run(15) }), (.ours, { try run(1) })])
    }

    static func steps(_ tools: Tools, ms: Int, count: Int) -> Benchmark {
        let error = "step error, \(ms) ms"
        let drift = "drift, \(ms) ms, \(ms * count / 1000) s"
        func both(_ output: [String: Double]) throws -> [String: Sample] {
            [error: try Sample(output), drift: Sample(abs(try Sample(output, "drift_us").p50))]
        }
        let arguments = ["\(ms * 1000)", "\(count)"]
        let pair = Pair {
            let both = try stepsBesideTheLimit(tools, ms: ms, count: count)
            return (
                [error: both.limit.error, drift: both.limit.drift], [error: both.ours.error, drift: both.ours.drift]
            )
        }
        var contenders: [(Contender, Benchmark.Run)] = [(.limit, pair.limit), (.ours, pair.ours)]
        if ms == 10 {
            contenders += [
                (.peer("seed"), { try both(tools.peer("seed.py", ["step"] + arguments)) }),
                (.peer("APScheduler"), { try both(tools.peer("apscheduler_step.py", ["step"] + arguments)) }),
                (.peer("collectd"), { try both(Collectd.step(tools, ms: ms, count: count)) }),
            ]
        }
        return Benchmark(
            name: "step \(ms) ms", rows: [Row(error, "us", by: .p99), Row(drift, "us")], mostRounds: ms == 10 ? 5 : 3,
            contenders: contenders)
    }

    /// The time slice that the host's threads ask for, `Thread.shortenSlice()`, us.
    private static let slice = 100

    /// The same while others want all processors, and one more. The thread that the host is compared with asks for the time slice
    /// that the host asks for, so that the kernel has no reason to prefer either.
    static func busySteps(_ tools: Tools, count: Int) -> Benchmark {
        let error = "step error, 10 ms, on a busy machine"
        let pair = Pair {
            let busy = try (0...ProcessInfo.processInfo.activeProcessorCount).map { _ in
                try Child("/bin/sh", ["-c", "while :; do :; done"])
            }
            defer {
                for child in busy {
                    child.signal(SIGKILL)
                    child.wait()
                }
            }
            let both = try stepsBesideTheLimit(tools, ms: 10, count: count, slice: slice)
            return ([error: both.limit.error], [error: both.ours.error])
        }
        return Benchmark(
            name: "step, busy", rows: [Row(error, "us", by: .p99, limit: "the same slice")], mostRounds: 3,
            contenders: [(.limit, pair.limit), (.ours, pair.ours)])
    }

    /// The host and clock_nanosleep(2), in one process at one time: from one second to the next the machine differs by more
    /// than what is compared.
    private static func stepsBesideTheLimit(_ tools: Tools, ms: Int, count: Int, slice: Int = 0) throws
        -> (limit: (error: Sample, drift: Sample), ours: (error: Sample, drift: Sample))
    {
        let host = try HostRun(
            tools, settings: ["wait_ms": ms, "max_cycles": count],
            params: ["mode": "step", "period_us": ms * 1000, "samples": count, "sleeper": 1, "slice_us": slice])
        try host.runToEnd()
        guard let record = try host.records().first else { throw Trouble("no record") }
        guard try host.stat("limit_slice_us", of: record) == Double(slice) else {
            throw Trouble("the kernel gives the sleeper no time slice of its own")
        }
        func figures(_ prefix: String) throws -> (error: Sample, drift: Sample) {
            (try host.percentiles(prefix), Sample(abs(try host.stat(prefix + "drift_us", of: record))))
        }
        return (try figures("limit_"), try figures(""))
    }

    /// Hits by that many threads at once, each in a cache of its own: ns a hit of one thread with a processor to itself.
    static func hits(_ tools: Tools, threads: Int, count: Int) -> Benchmark {
        let key = "hit in memory, \(threads) \(threads == 1 ? "thread" : "threads")"
        let share = Double(max(1, threads)) / Double(min(threads, ProcessInfo.processInfo.activeProcessorCount))
        var contenders: [(Contender, Benchmark.Run)] = [
            (
                .limit,
                {
                    let outputs = (0..<threads).map { "\(tools.place)/hit.\($0)" }
                    let children = try outputs.map { try Child("\(tools.built)/hit", ["\(count)"], output: $0) }
                    for child in children { child.wait() }
                    let figures = outputs.compactMap { Double(Kernel.text($0).dropFirst(3).dropLast()) }
                    return [key: Sample(median(figures) / share)]
                }
            ),
            (
                .ours,
                {
                    let host = try HostRun(
                        tools, routines: threads, settings: ["max_cycles": 1], params: ["mode": "hit", "count": count])
                    try host.runToEnd()
                    let figures = try host.records().map { try host.stat("ns", of: $0) }
                    return [key: Sample(median(figures) / share)]
                }
            ),
        ]
        if threads == 1 {
            contenders.append((.peer("seed"), { [key: try Sample(tools.peer("seed.py", ["hit", "100000"]), "ns")] }))
        }
        return Benchmark(name: "hit \(threads)", rows: [Row(key, "ns")], mostRounds: 5, contenders: contenders)
    }

    /// Loads and puts of a memory cache.
    static func fills(_ tools: Tools, mode: String, title: String, count: Int) -> Benchmark {
        Benchmark(
            name: title, rows: [Row(title, "ns")], mostRounds: 3,
            contenders: [
                (.limit, { [title: try Sample(tools.limit("hit", ["\(count * 10)"]), "ns")] }),
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, settings: ["max_cycles": 1], params: ["mode": mode, "count": count])
                        try host.runToEnd()
                        guard let record = try host.records().first else { throw Trouble("no record") }
                        return [title: Sample(try host.stat("ns", of: record))]
                    }
                ),
                (
                    .peer("seed"),
                    {
                        guard mode == "load" else { throw Trouble("it has no put") }
                        return [title: try Sample(tools.peer("seed.py", ["load", "30000"]), "ns")]
                    }
                ),
            ])
    }
}
