import Foundation

/// What the disk takes part in.
enum Disk {
    static func title(_ bytes: Int) -> String {
        switch bytes {
        case (1 << 30)...: "\(bytes >> 30) GiB"
        case (1 << 20)...: "\(bytes >> 20) MiB"
        case 1024...: "\(bytes >> 10) KiB"
        default: "\(bytes) B"
        }
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

    /// Sessions from start to record, of so many routines with one cycle each.
    ///
    /// The host writes the records of one turn of its loop together and syncs them once. So the limit are lines of the same
    /// length, in batches as large as the host's are on average, each written and synced at once. How many syncs the host makes
    /// is counted in a run of its own (`limits/syncs.c`), which is not timed.
    static func records(_ tools: Tools, routines: Int) -> Benchmark {
        let key = "sessions, each with its record"
        let rows = [
            Row(key, "us each", limit: "lines, as many in a sync"),
            Row(key + ", to lines not synced", "us each", limit: "line, not synced"),
            Row("limit: line, synced", "us each"), Row("records: lines in a sync", "lines"),
        ]
        return Benchmark(
            name: "records", rows: rows, mostRounds: 3,
            contenders: [
                (
                    .limit,
                    {
                        let batch = try batch(tools, routines: routines)
                        let lines = max(1, Int(batch.lines.rounded()))
                        let synced = try line(tools, batch.bytes, count: routines, batch: lines)
                        let plain = try line(tools, batch.bytes, count: 20_000, isSynced: false)
                        return [rows[0].key: synced, rows[1].key: plain]
                    }
                ),
                (
                    .ours,
                    {
                        let batch = try batch(tools, routines: routines)
                        let host = try HostRun(
                            tools, routines: routines, settings: ["max_cycles": 1], params: ["mode": "empty"])
                        try host.runToEnd()
                        let seconds = bootSeconds() - host.startedAt
                        guard try host.records().count == routines else { throw Trouble("records are missing") }
                        let each = Sample(seconds * 1e6 / Double(routines))
                        return [
                            rows[0].key: each, rows[1].key: each,
                            rows[2].key: try line(tools, batch.bytes, count: 200), rows[3].key: Sample(batch.lines),
                        ]
                    }
                ),
            ])
    }

    /// What a line costs in C, us.
    private static func line(
        _ tools: Tools, _ bytes: Int, count: Int, batch: Int = 1, isSynced: Bool = true
    ) throws -> Sample {
        let output = try tools.limit(
            "append", [directory(tools), "\(bytes)", "\(count)", isSynced ? "1" : "0", "\(batch)"])
        return try Sample(output, "per_second").map { 1e6 / $0 }
    }

    /// How many records the host writes with one sync on average, and how long they are.
    private static func batch(_ tools: Tools, routines: Int) throws -> (lines: Double, bytes: Int) {
        let counts = "\(tools.place)/syncs"
        try? FileManager.default.removeItem(atPath: counts)
        let host = try HostRun(tools, routines: routines, settings: ["max_cycles": 1], params: ["mode": "empty"])
        try host.runToEnd(environment: [
            "LD_PRELOAD": "\(tools.built)/syncs.so", "BENCH_SYNCS": counts, "BENCH_SYNCS_OF": "/sessions.jsonl",
        ])
        let data = FileManager.default.contents(atPath: counts) ?? Data()
        let syncs = data.count == 8 ? data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } : 0
        guard syncs > 0 else { throw Trouble("no sync was counted") }
        return (Double(routines) / Double(syncs), try host.recordLines().count / routines)
    }
}
