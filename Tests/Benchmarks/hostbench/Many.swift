import Foundation

/// Many routines and many plugins.
enum Many {
    /// So many routines at 1 s in one plugin, watched for `seconds` once all have begun.
    static func routines(_ tools: Tools, _ count: Int, seconds: Int) -> Benchmark {
        let name = "\(count) \(count == 1 ? "routine" : "routines") at 1 s"
        let rows = [
            Row("\(name): runs lost", "runs"), Row("\(name): lateness", "us", by: .p99),
            Row("\(name): lateness, p50", "us"), Row("\(name): CPU", "ms/s"), Row("\(name): memory", "MB"),
            Row("\(name): start of all", "s"),
        ]
        func samples(lost: Double, lateness: Sample, cpu: Double, memory: Double) -> [String: Sample] {
            [
                rows[0].key: Sample(lost), rows[1].key: lateness, rows[2].key: lateness, rows[3].key: Sample(cpu),
                rows[4].key: Sample(memory),
            ]
        }
        var contenders: [(Contender, Benchmark.Run)] = [
            (
                .limit,
                {
                    let output = try tools.limit("heap", ["\(count)", "1000", "\(seconds)", "1"])
                    return samples(
                        lost: 0, lateness: try Sample(output), cpu: (output["cpu_s"] ?? 0) * 1000 / Double(seconds),
                        memory: try Sample(output, "max_rss_mb").p50)
                }
            ),
            (
                .ours,
                {
                    let ours = try ours(tools, count, seconds: seconds)
                    return samples(lost: ours.lost, lateness: ours.lateness, cpu: ours.cpu, memory: ours.memory)
                        .merging([rows[5].key: Sample(ours.begun)]) { $1 }
                }
            ),
        ]
        // A hundred thousand tasks take more than a processor.
        if count <= 10_000 {
            contenders.append(
                (
                    .tasks,
                    {
                        let output = try tools.limit("tasks", ["\(count)", "1000", "\(seconds)"])
                        return samples(
                            lost: try Sample(output, "lost").p50, lateness: try Sample(output),
                            cpu: try Sample(output, "cpu_ms_per_s").p50, memory: try Sample(output, "memory").p50)
                    }
                ))
        }
        if count == 10_000 {
            contenders.append(
                (
                    .peer("collectd"),
                    {
                        let output = try Collectd.routines(tools, count, seconds: seconds)
                        return samples(
                            lost: try Sample(output, "lost").p50, lateness: try Sample(output),
                            cpu: (output["cpu"] ?? 0) * 1000 / Double(seconds + 1),
                            memory: try Sample(output, "memory").p50)
                    }
                ))
        }
        // Of one routine a run has few samples.
        return Benchmark(
            name: name, rows: rows, mostRounds: [1: 2, 10_000: 2][count] ?? 1, contenders: contenders)
    }

    /// So many routines by a schedule of each second, against as many by `wait_ms`, as they come and on the same grid: the
    /// processor time of all processes.
    static func calendar(_ tools: Tools, _ count: Int, seconds: Int) -> Benchmark {
        let rows = [
            Row("\(count) routines by a schedule: CPU", "ms/s", limit: "by wait_ms"),
            Row("\(count) routines by a schedule: CPU, same grid", "ms/s", limit: "by align"),
        ]
        func run(_ settings: [String: Any]) throws -> Sample {
            let host = try HostRun(tools, routines: count, settings: settings, params: ["mode": "empty"])
            try host.start()
            try waitFor("the start of all sessions", seconds: 120, every: 0.1) { host.begun() >= count }
            sleep(2)
            let before = host.all.map(Kernel.cpu).reduce(0, +)
            let clock = bootSeconds()
            usleep(UInt32(seconds) * 1_000_000)
            let cpu = (host.all.map(Kernel.cpu).reduce(0, +) - before) / (bootSeconds() - clock)
            try host.stop(seconds: 120)
            return Sample(cpu * 1000)
        }
        return Benchmark(
            name: "schedules", rows: rows, mostRounds: 3,
            contenders: [
                (
                    .limit,
                    {
                        [
                            rows[0].key: try run(["wait_ms": 1000]),
                            rows[1].key: try run(["wait_ms": 1000, "align": true]),
                        ]
                    }
                ),
                (
                    .ours,
                    {
                        let figure = try run(["schedule": "*:*:* UTC"])
                        return [rows[0].key: figure, rows[1].key: figure]
                    }
                ),
            ])
    }

    /// What a host with so many routines gave.
    struct Crowd {
        var lost: Double
        var lateness: Sample
        /// ms/s and MB, of all its processes in the steady state.
        var cpu, memory: Double
        /// Until all had begun, s.
        var begun: Double
    }

    static func ours(_ tools: Tools, _ count: Int, seconds: Int) throws -> Crowd {
        let host = try HostRun(
            tools, routines: count, settings: ["wait_ms": 1000],
            params: ["mode": "step", "period_us": 1_000_000, "samples": seconds + 8, "pool": true])
        try host.start()
        // Looked at more often where the start itself is short.
        try waitFor("the start of all sessions", seconds: 120, every: count < 10_000 ? 0.005 : 0.05) {
            host.begun() >= count
        }
        let begun = bootSeconds() - host.startedAt
        sleep(2)
        let before = host.all.map(Kernel.cpu).reduce(0, +)
        let clock = bootSeconds()
        usleep(UInt32(seconds) * 1_000_000)
        let cpu = (host.all.map(Kernel.cpu).reduce(0, +) - before) / (bootSeconds() - clock)
        let memory = host.all.map(Kernel.privateMemory).reduce(0, +)
        try host.stop(seconds: 120)
        let records = try host.records()
        guard records.count == count else { throw Trouble("\(records.count) records of \(count)") }
        return Crowd(
            lost: lost(host, records), lateness: Sample(of: host.pooled()), cpu: cpu * 1000, memory: memory,
            begun: begun)
    }

    /// Runs that the host counted as missed, or that the plugin found missing on its own grid, whichever are more.
    private static func lost(_ host: HostRun, _ records: [[String: Any]]) -> Double {
        records.reduce(0.0) { sum, record in
            let drift = (try? host.stat("drift_us", of: record)) ?? 0
            return sum + max(record["missed"] as? Double ?? 0, (drift / 1e6).rounded(.down))
        }
    }

    /// A thousand routines of one plugin at 1 s, one of which sleeps for ten seconds: the others' p99 of each second
    /// meanwhile against those in the five seconds before and after. In one run, since between two of them the routines'
    /// places on the grid differ, and with them the lateness; by the second, since one stall of the machine in the midst of
    /// a burst is 1 % of ten seconds.
    static func neighbour(_ tools: Tools, count: Int, seconds: Int) -> Benchmark {
        let key = "p99 of a second beside one that blocks"
        let pair = Pair<[String: Sample]> {
            let host = try HostRun(
                tools, routines: count, settings: ["wait_ms": 1000],
                params: [
                    "mode": "block", "block_ms": seconds * 1000, "period_us": 1_000_000, "samples": 64, "pool": true,
                    "timed": 1,
                ])
            try host.start()
            try waitFor("the end of the long cycle", seconds: Double(seconds) + 20, every: 0.1) {
                host.times().count == 2
            }
            sleep(UInt32(seconds) / 2)
            let times = host.times()
            try host.stop()
            let lateness = host.secondly(by: times[0]...times[1])
            return ([key: Sample(of: lateness.others)], [key: Sample(of: lateness.within)])
        }
        return Benchmark(
            name: "neighbour", rows: [Row(key, "us", limit: "without it")], mostRounds: 3,
            contenders: [(.limit, pair.limit), (.ours, pair.ours)])
    }

    /// Eight routines at 10 ms, for a run of which so many seconds are looked at.
    private static func steppers(_ tools: Tools, seconds: Int) throws -> HostRun {
        try HostRun(
            tools, routines: 8, settings: ["wait_ms": 10],
            params: ["mode": "step", "period_us": 10_000, "samples": seconds * 200 + 800, "pool": true, "timed": 1])
    }

    /// Eight routines at 10 ms, while 100 clients do to the control socket what they can (`peers/crowd.c`), against the
    /// same before and after them, in one run.
    static func crowd(_ tools: Tools, seconds: Int) -> Benchmark {
        let key = "p99 of a second beside 100 clients"
        let pair = Pair<[String: Sample]> {
            let host = try steppers(tools, seconds: seconds)
            try host.start()
            try waitFor("the start of all sessions", seconds: 10) { host.begun() >= 8 }
            usleep(UInt32(seconds) * 500_000)
            let begin = bootSeconds()
            let crowd = try Child("\(tools.built)/crowd", ["\(host.state)/control.sock", "100"])
            usleep(UInt32(seconds) * 1_000_000)
            crowd.signal(SIGTERM)
            guard crowd.wait().status == 0 else { throw Trouble("the crowd came to nothing") }
            let end = bootSeconds()
            usleep(UInt32(seconds) * 500_000)
            try host.stop()
            let lateness = host.secondly(by: begin...end)
            return ([key: Sample(of: lateness.others)], [key: Sample(of: lateness.within)])
        }
        return Benchmark(
            name: "crowd", rows: [Row(key, "us", limit: "without them")], mostRounds: 5,
            contenders: [(.limit, pair.limit), (.ours, pair.ours)])
    }

    /// Eight routines at 10 ms, while another plugin logs 100 000 lines a second and `logs --follow` shows them, against the
    /// same before and after, when that plugin has the processor as much and logs nothing; in one run.
    static func followedFlood(_ tools: Tools, seconds: Int) -> Benchmark {
        let key = "p99 of a second beside a followed flood of log"
        let pair = Pair<[String: Sample]> {
            let host = try steppers(tools, seconds: seconds)
            try FileManager.default.copyItem(
                atPath: tools.built + "/bench-00000.so", toPath: host.plugins + "/bench-00000.so")
            let flood: [String: Any] = [
                "wait_ms": 1000, "timeout_ms": 0,
                "params": [
                    "mode": "Rate", "before_ms": seconds * 500 + 1000, "flood_ms": seconds * 1000, "lines_a_ms": 100,
                    "trace": host.trace,
                ],
            ]
            try JSONSerialization.data(withJSONObject: flood).write(
                to: URL(fileURLWithPath: host.plugins + "/bench-00000.json5"))
            try host.start(level: "info")
            try waitFor("the start of all sessions", seconds: 10) { host.begun() >= 9 }
            let shown = host.trace + "-shown"
            let follower = try Child(tools.host, ["logs", "--follow", "--state", host.state], output: shown)
            try waitFor("the end of the flood", seconds: Double(seconds) * 2 + 20, every: 0.1) {
                host.times().count == 2
            }
            usleep(UInt32(seconds) * 500_000)
            let times = host.times()
            follower.signal(SIGTERM)
            try follower.wait(seconds: 10)
            try host.stop()
            guard Kernel.text(shown).contains("of a flood of lines") else {
                throw Trouble("logs --follow shows nothing")
            }
            let lateness = host.secondly(by: times[0]...times[1])
            return ([key: Sample(of: lateness.others)], [key: Sample(of: lateness.within)])
        }
        return Benchmark(
            name: "followed flood", rows: [Row(key, "us", limit: "beside as much work")], mostRounds: 5,
            contenders: [(.limit, pair.limit), (.ours, pair.ours)])
    }

    /// So many plugins of one routine: from the host's start to the last first cycle, then what they cost.
    static func plugins(_ tools: Tools, _ count: Int, seconds: Int) -> Benchmark {
        let name = "\(count) \(count == 1 ? "plugin" : "plugins")"
        let rows = [
            Row("\(name): start to last first cycle", "ms", limit: "empty programs"),
            Row("\(name): private memory each", "MB", limit: "empty program"), Row("\(name): CPU at 1 s", "ms/s"),
        ]
        return Benchmark(
            name: name, rows: rows, mostRounds: 3,
            contenders: [
                (
                    .limit,
                    { [rows[0].key: Sample(try spawn(tools, count)), rows[1].key: Sample(try emptyMemory(tools))] }
                ),
                (
                    .ours,
                    {
                        let ours = try starts(tools, count, seconds: seconds)
                        return [
                            rows[0].key: Sample(ours.start), rows[1].key: Sample(ours.memory),
                            rows[2].key: Sample(ours.cpu),
                        ]
                    }
                ),
            ])
    }

    /// A host with so many plugins: ms until the last first cycle, MB of one worker, and ms/s of all processes.
    static func starts(
        _ tools: Tools, _ count: Int, seconds: Int
    ) throws -> (start: Double, memory: Double, cpu: Double) {
        let host = try HostRun(
            tools, settings: ["wait_ms": 1000], params: ["mode": "mark"], plugin: false, stays: true)
        try copies(tools, count, in: host)
        try host.start()
        try waitFor("the first cycle of all", seconds: 120, every: 0.01) { lines(host.trace) >= count }
        let last = host.times().max() ?? 0
        sleep(1)
        let pids = host.all
        let before = pids.map(Kernel.cpu).reduce(0, +)
        sleep(UInt32(seconds))
        let cpu = (pids.map(Kernel.cpu).reduce(0, +) - before) / Double(seconds)
        let memory = pids.dropFirst().prefix(20).map(Kernel.privateMemory)
        try host.stop()
        return ((last - host.startedAt) * 1000, median(memory), cpu * 1000)
    }

    private static func lines(_ path: String) -> Int {
        (FileManager.default.contents(atPath: path) ?? Data()).reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    }

    /// Copies of the plugin with another id in each, written over the one that was compiled in.
    static func copies(_ tools: Tools, _ count: Int, in host: HostRun) throws {
        let old = Data("bench-00000".utf8)
        let file = try Data(contentsOf: URL(fileURLWithPath: tools.built + "/bench-00000.so"))
        guard let place = file.range(of: old) else { throw Trouble("bench-00000.so has no such id") }
        let configuration = try Data(contentsOf: URL(fileURLWithPath: host.plugins + "/bench.json5"))
        try FileManager.default.removeItem(atPath: host.plugins + "/bench.json5")
        for number in 1...count {
            let id = "bench-" + String(String(100_000 + number).dropFirst())
            var copy = file
            copy.replaceSubrange(place, with: Data(id.utf8))
            try copy.write(to: URL(fileURLWithPath: "\(host.plugins)/\(id).so"))
            try configuration.write(to: URL(fileURLWithPath: "\(host.plugins)/\(id).json5"))
        }
    }

    /// So many empty Swift programs, two at a time, ms.
    private static func spawn(_ tools: Tools, _ count: Int) throws -> Double {
        let begin = bootSeconds()
        var running: [Child] = []
        for _ in 0..<count {
            if running.count == 2 { running.removeFirst().wait() }
            running.append(try Child(tools.built + "/empty"))
        }
        for child in running { child.wait() }
        return (bootSeconds() - begin) * 1000
    }

    static func emptyMemory(_ tools: Tools) throws -> Double {
        let child = try Child(tools.built + "/empty", ["wait"])
        usleep(100_000)
        return Kernel.privateMemory(child.pid)
    }
}
