import Foundation

/// What the sandbox costs: the same with `sandbox: "on"` and with `sandbox: "off"`, in turns.
enum Walls {
    /// Starts of workers, one for each routine, all on one processor, so that nothing overlaps: from the host's start to the
    /// last first cycle, for each worker. What the host does once is in it too.
    static func starts(_ tools: Tools, workers: Int) -> Benchmark {
        let rows = [
            Row("worker's start", "ms each", limit: "without sandbox"),
            Row("worker's start: more in the sandbox", "ms each"),
        ]
        func start(_ sandbox: String) throws -> Double {
            let host = try HostRun(
                tools, routines: workers, settings: ["wait_ms": 3_600_000, "isolation": "routine"],
                params: ["mode": "mark"], stays: true, sandbox: sandbox)
            try host.start(onOneProcessor: true)
            try waitFor("\(workers) first cycles", seconds: 30) { host.times().count >= workers }
            let last = host.times().max() ?? .nan
            try host.stop()
            return (last - host.startedAt) * 1000 / Double(workers)
        }
        // Both several times in turns: what differs from one start to the next is more than what is looked for. Of the cost
        // each two starts beside each other tell one figure, since the machine's speed changes within a round.
        var more = Double.nan
        let pair = Pair<Double> {
            var times: (with: [Double], without: [Double]) = ([], [])
            for turn in 0..<12 {
                if turn % 2 == 0 { times.with.append(try start("on")) }
                times.without.append(try start("off"))
                if turn % 2 == 1 { times.with.append(try start("on")) }
            }
            more = median(zip(times.with, times.without).map { $0 - $1 })
            return (median(times.without), median(times.with))
        }
        return Benchmark(
            name: "worker's start", rows: rows, mostRounds: 5,
            contenders: [
                (
                    .limit,
                    {
                        [rows[0].key: Sample(try pair.limit())]
                    }
                ),
                (
                    .ours,
                    {
                        let with = try pair.ours()
                        return [rows[0].key: Sample(with), rows[1].key: Sample(max(0, more))]
                    }
                ),
            ])
    }

    /// Cycles that make no system call.
    static func cycle(_ tools: Tools, count: Int) -> Benchmark {
        compare("cycle in the sandbox, back to back", "ns") { sandbox in
            let host = try HostRun(
                tools, settings: ["wait_ms": 0, "max_cycles": count], params: ["mode": "empty"], sandbox: sandbox)
            try host.runToEnd()
            guard let ms = try host.records().first?["duration_ms"] as? Double else { throw Trouble("no record") }
            return Sample(ms * 1e6 / Double(count))
        }
    }

    /// Puts into a disk cache, which are some five system calls each.
    static func put(_ tools: Tools, count: Int) -> Benchmark {
        compare("put on disk in the sandbox, 4 KiB", "us") { sandbox in
            let host = try HostRun(
                tools, settings: ["max_cycles": 1],
                params: ["mode": "put", "bytes": 4096, "count": count, "samples": count], stays: true, sandbox: sandbox)
            try host.runToEnd()
            return try host.percentiles()
        }
    }

    private static func compare(_ key: String, _ unit: String, run: @escaping (String) throws -> Sample) -> Benchmark {
        Benchmark(
            name: key, rows: [Row(key, unit, limit: "without sandbox")], mostRounds: 9,
            contenders: [(.limit, { [key: try run("off")] }), (.ours, { [key: try run("on")] })])
    }
}
