import Foundation

extension Many {
    /// So many routines of one plugin that are all due with the second: how long after it each of them starts. The first one
    /// cannot be later than a wake-up, and each other one waits for all before it.
    static func together(_ tools: Tools, _ count: Int, seconds: Int) -> Benchmark {
        let key = "\(count) routines due together: p99"
        let arguments = ["\(count)", "1000", "\(seconds)", "0"]
        func theirs(_ program: String, prefix: String) throws -> [String: Sample] {
            let output = try tools.limit(program, arguments)
            func at(_ name: String) throws -> Double { try Sample(output, prefix + name).p50 }
            return [key: Sample(p50: try at("p50"), p90: try at("p90"), p99: try at("p99"), max: try at("max"))]
        }
        return Benchmark(
            name: "together", rows: [Row(key, "us", by: .p99)], mostRounds: 2,
            contenders: [
                (.limit, { try theirs("heap", prefix: "") }),
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, routines: count, settings: ["wait_ms": 1000, "align": true],
                            params: [
                                "mode": "step", "period_us": 1_000_000, "samples": seconds + 8, "pool": true,
                                "common": 1,
                            ])
                        try host.start()
                        try waitFor("the start of all sessions", seconds: 20) { host.begun() >= count }
                        sleep(UInt32(seconds))
                        try host.stop()
                        return [key: Sample(of: host.pooled())]
                    }
                ),
                // Relative to the common moment, and not to the grid of each task.
                (.tasks, { try theirs("tasks", prefix: "grid_") }),
            ])
    }
}
