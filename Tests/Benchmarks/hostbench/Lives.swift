import Foundation

/// What happens seldom: deaths, drops, idleness, and a long time.
enum Lives {
    /// From the last cycle of a worker that dies to the first one of the next.
    static func crash(_ tools: Tools, mode: String, title: String) -> Benchmark {
        Benchmark(
            name: title, rows: [Row(title, "ms")], mostRounds: 5,
            contenders: [
                (
                    .ours,
                    {
                        let host = try HostRun(tools, settings: ["wait_ms": 100], params: ["mode": mode])
                        try host.start()
                        try waitFor("the cycle after the crash", seconds: 30) { host.times().count >= 3 }
                        let times = host.times()
                        try host.stop()
                        return [title: Sample((times[2] - times[1]) * 1000)]
                    }
                )
            ])
    }

    /// From the rename of a file into the directory to its first cycle.
    static func drop(_ tools: Tools) -> Benchmark {
        let key = "drop of a file to its first cycle"
        return Benchmark(
            name: "drop", rows: [Row(key, "ms")], mostRounds: 5,
            contenders: [
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, settings: ["wait_ms": 1000], params: ["mode": "mark"], plugin: false)
                        try host.start()
                        sleep(1)
                        let file = host.plugins + "/.bench.so"
                        try FileManager.default.copyItem(atPath: tools.built + "/bench.so", toPath: file)
                        let begin = bootSeconds()
                        rename(file, host.plugins + "/bench.so")
                        try waitFor("the first cycle", seconds: 5) { !host.times().isEmpty }
                        let first = host.times()[0]
                        try host.stop()
                        return [key: Sample((first - begin) * 1000)]
                    }
                )
            ])
    }

    /// A host with one plugin that waits for an hour: memory, and wake-ups a second.
    static func idle(_ tools: Tools, seconds: Int) -> Benchmark {
        let rows = [
            Row("worker without work: private memory", "MB", limit: "empty program"),
            Row("supervisor: private memory", "MB", limit: "empty program"),
            Row("idle supervisor: wake-ups", "1/s"), Row("idle worker: wake-ups", "1/s"),
        ]
        return Benchmark(
            name: "idle", rows: rows, mostRounds: 2,
            contenders: [
                (
                    .limit,
                    {
                        let memory = Sample(try Many.emptyMemory(tools))
                        return [rows[0].key: memory, rows[1].key: memory]
                    }
                ),
                (
                    .ours,
                    {
                        let host = try HostRun(tools, settings: ["wait_ms": 3_600_000], params: ["mode": "mark"])
                        try host.start()
                        try waitFor("the first cycle", seconds: 10) { !host.times().isEmpty }
                        sleep(8)  // until surplus threads have left
                        guard let worker = host.workers.first else { throw Trouble("no worker") }
                        let before = (Kernel.sleeps(host.running.pid), Kernel.sleeps(worker))
                        sleep(UInt32(seconds))
                        let after = (Kernel.sleeps(host.running.pid), Kernel.sleeps(worker))
                        let memory = (Kernel.privateMemory(worker), Kernel.privateMemory(host.running.pid))
                        try host.stop()
                        return [
                            rows[0].key: Sample(memory.0), rows[1].key: Sample(memory.1),
                            rows[2].key: Sample((after.0 - before.0) / Double(seconds)),
                            rows[3].key: Sample((after.1 - before.1) / Double(seconds)),
                        ]
                    }
                ),
            ])
    }

    /// A plugin that writes without end, by the ABI's log, on its standard output, and on the worker's channel itself: what of
    /// a processor that costs the supervisor, in percent, from the flood's begin on.
    static func flood(_ tools: Tools, seconds: Int) -> Benchmark {
        let roads = [("log", "L"), ("output", "O"), ("channel", "C")]
        func key(_ road: String) -> String { "supervisor's processor under a flood of \(road)" }
        return Benchmark(
            name: "flood", rows: roads.map { Row(key($0.0), "%") }, mostRounds: 2,
            contenders: [
                (
                    .ours,
                    {
                        var samples: [String: Sample] = [:]
                        for (road, mode) in roads {
                            // Looked at from the host's start on, which is the same for all and does not count.
                            let calm = try HostRun(tools, settings: ["wait_ms": 1000], params: ["mode": "mark"])
                            try calm.start()
                            try waitFor("the first cycle", seconds: 10) { !calm.times().isEmpty }
                            let start = Kernel.cpu(calm.running.pid)
                            try calm.stop()
                            let host = try HostRun(
                                tools, settings: ["wait_ms": 1000, "timeout_ms": 0], params: ["mode": mode])
                            try host.start()
                            try waitFor("the session", seconds: 10) { host.begun() > 0 }
                            usleep(UInt32(seconds) * 1_000_000)
                            let spent = Kernel.cpu(host.running.pid) - start
                            try host.stop()
                            samples[key(road)] = Sample(max(0, spent) / Double(seconds) * 100)
                        }
                        return samples
                    }
                )
            ])
    }

    /// Many routines for a long time: what has grown from the second quarter to the last one.
    ///
    /// Of each quarter the least counts: what is in use for a moment, such as a thread of the pool, comes and goes by
    /// chance, and what leaks raises the least too.
    static func soak(_ tools: Tools, seconds: Int) -> Benchmark {
        let rows = [
            Row("soak: memory grown", "MB"), Row("soak: descriptors grown", ""),
            Row("soak: threads grown", ""), Row("soak: most threads", ""),
            Row("soak: drift", "us"),
        ]
        return Benchmark(
            name: "soak of \(seconds) s", rows: rows, mostRounds: 1,
            contenders: [
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, routines: 200, settings: ["wait_ms": 50],
                            params: ["mode": "step", "period_us": 50_000, "samples": seconds * 20 + 100])
                        try host.start()
                        let quarter = Double(seconds) / 4
                        usleep(UInt32(quarter * 1e6))
                        let early = usage(host, seconds: quarter)
                        usleep(UInt32(quarter * 1e6))
                        let late = usage(host, seconds: quarter)
                        try host.stop()
                        let drifts = try host.records().map { abs(try host.stat("drift_us", of: $0)) }
                        return [
                            rows[0].key: Sample(max(0, late.least.memory - early.least.memory)),
                            rows[1].key: Sample(max(0, late.least.descriptors - early.least.descriptors)),
                            rows[2].key: Sample(max(0, late.least.threads - early.least.threads)),
                            rows[3].key: Sample(max(early.mostThreads, late.mostThreads)),
                            rows[4].key: Sample(of: drifts),
                        ]
                    }
                )
            ])
    }

    private struct Usage {
        var memory, descriptors, threads: Double
    }

    /// The least of each that was in use while `seconds` passed, and the most threads.
    private static func usage(_ host: HostRun, seconds: Double) -> (least: Usage, mostThreads: Double) {
        var least = Usage(memory: .infinity, descriptors: .infinity, threads: .infinity)
        var mostThreads = 0.0
        let end = bootSeconds() + seconds
        while bootSeconds() < end {
            let all = host.all
            let threads = Double(all.map { Kernel.tasks($0).count }.reduce(0, +))
            least.memory = min(least.memory, all.map(Kernel.privateMemory).reduce(0, +))
            least.descriptors = min(least.descriptors, Double(all.map(Kernel.descriptors).reduce(0, +)))
            least.threads = min(least.threads, threads)
            mostThreads = max(mostThreads, threads)
            usleep(500_000)
        }
        return (least, mostThreads)
    }
}
