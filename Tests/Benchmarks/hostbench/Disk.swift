import Foundation

/// What the disk takes part in.
enum Disk {
    static func title(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : bytes >= 1024 ? "\(bytes >> 10) KiB" : "\(bytes) B"
    }

    private static func directory(_ tools: Tools) throws -> String {
        let path = tools.place + "/limit"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// Puts, and a plain write and rename in C: the plugin takes both in turns, in one directory and one run. With
    /// `isLeast` against two files that change names, which is what a put does.
    static func put(
        _ tools: Tools, bytes: Int, count: Int, isSynced: Bool = false, isLeast: Bool = false
    ) -> Benchmark {
        let key = "put on disk, \(title(bytes))" + (isSynced ? ", synced" : isLeast ? ", and an exchange in C" : "")
        let pair = Pair<Sample> {
            let host = try HostRun(
                tools, settings: ["max_cycles": 1, "caches": ["durability": isSynced ? "power" : "process"]],
                params: [
                    "mode": "put", "bytes": bytes, "count": count, "samples": count, "turn": count >= 100 ? 50 : 4,
                    "sync": isSynced ? 1 : 0, "exchange": isLeast ? 1 : 0,
                ], cache: "beside")
            try host.runToEnd()
            return (try host.percentiles("limit_"), try host.percentiles())
        }
        var contenders: [(Contender, Benchmark.Run)] = [
            (.limit, { [key: try pair.limit()] }), (.ours, { [key: try pair.ours()] }),
        ]
        if bytes == 4096, !isSynced, !isLeast {
            contenders.append(
                (.peer("seed"), { [key: try Sample(tools.peer("seed.py", ["put", "\(count)", tools.place]))] }))
        }
        return Benchmark(name: key, rows: [Row(key, "us")], mostRounds: 5, contenders: contenders)
    }

    /// The first read of each key by a new worker: from the file, and, as here, from the kernel's page cache.
    static func read(_ tools: Tools, bytes: Int, count: Int) -> Benchmark {
        let key = "cold read, \(title(bytes))"
        return Benchmark(
            name: key, rows: [Row(key, "us")], mostRounds: 3,
            contenders: [
                (.limit, { [key: try Sample(tools.limit("read", [directory(tools), "\(bytes)", "\(count)"]))] }),
                (
                    .ours,
                    {
                        let params: [String: Any] = ["bytes": bytes, "count": count, "keys": count, "samples": count]
                        let host = try HostRun(
                            tools, settings: ["max_cycles": 1], params: params.merging(["mode": "put"]) { $1 })
                        try host.runToEnd()
                        let other = try HostRun(
                            tools, settings: ["max_cycles": 1], params: params.merging(["mode": "get"]) { $1 })
                        try FileManager.default.createDirectory(atPath: other.state, withIntermediateDirectories: true)
                        try FileManager.default.moveItem(atPath: host.state + "/cache", toPath: other.state + "/cache")
                        try other.runToEnd()
                        return [key: try other.percentiles()]
                    }
                ),
            ])
    }

    /// Sessions from start to record, of so many routines with one cycle each, against appending a line for each.
    static func records(_ tools: Tools, routines: Int) -> Benchmark {
        let key = "sessions, each with its record"
        return Benchmark(
            name: "records",
            rows: [Row(key, "us each", limit: "line, not synced"), Row("limit: line, synced", "us each")],
            mostRounds: 3,
            contenders: [
                (
                    .limit,
                    {
                        let plain = try tools.limit("append", [directory(tools), "400", "20000", "0"])
                        return [key: try Sample(plain, "per_second").map { 1e6 / $0 }]
                    }
                ),
                (
                    .ours,
                    {
                        let synced = try tools.limit("append", [directory(tools), "400", "200", "1"])
                        let host = try HostRun(
                            tools, routines: routines, settings: ["max_cycles": 1], params: ["mode": "empty"])
                        try host.runToEnd()
                        let seconds = bootSeconds() - host.startedAt
                        guard try host.records().count == routines else { throw Trouble("records are missing") }
                        return [
                            key: Sample(seconds * 1e6 / Double(routines)),
                            "limit: line, synced": try Sample(synced, "per_second").map { 1e6 / $0 },
                        ]
                    }
                ),
            ])
    }
}
