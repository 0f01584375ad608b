import Foundation

/// collectd with a plugin of ours, `peers/collectd.c`.
enum Collectd {
    static func step(_ tools: Tools, ms: Int, count: Int) throws -> [String: Double] {
        try run(tools, routines: 1, period: ms * 1000, samples: count, seconds: Double(ms * count) / 1000 + 1)
    }

    static func routines(_ tools: Tools, _ count: Int, seconds: Int) throws -> [String: Double] {
        try run(tools, routines: count, period: 1_000_000, samples: seconds + 2, seconds: Double(seconds) + 0.5)
    }

    private static func run(
        _ tools: Tools, routines: Int, period: Int, samples: Int, seconds: Double
    ) throws -> [String: Double] {
        guard let peers = tools.peers else { throw Trouble("without peers") }
        let program = "\(peers)/collectd/usr/sbin/collectd"
        guard FileManager.default.isExecutableFile(atPath: program) else { throw Trouble("not installed") }
        let output = "\(tools.place)/collectd.output"
        let configuration = """
            BaseDir "\(tools.place)"
            PIDFile "\(tools.place)/collectd.pid"
            PluginDir "\(peers)/collectd"
            TypesDB "\(peers)/collectd/usr/share/collectd/types.db"
            Interval 1
            ReadThreads 5
            LoadPlugin bench

            """
        try configuration.write(toFile: "\(tools.place)/collectd.conf", atomically: true, encoding: .utf8)
        try? FileManager.default.removeItem(atPath: output)
        let child = try Child(
            program, ["-f", "-C", "\(tools.place)/collectd.conf"],
            environment: [
                "BENCH_ROUTINES": "\(routines)", "BENCH_PERIOD_US": "\(period)", "BENCH_SAMPLES": "\(samples)",
                "BENCH_OUTPUT": output,
            ], errors: "\(tools.place)/errors")
        usleep(UInt32(seconds * 1e6))
        let memory = Kernel.privateMemory(child.pid)
        child.signal(SIGTERM)
        let usage = try child.wait(seconds: 20)
        var figures = ["cpu": usage.cpu, "memory": memory]
        for word in Kernel.text(output).split(whereSeparator: \.isWhitespace) {
            let parts = word.split(separator: "=")
            if parts.count == 2, let figure = Double(parts[1]) { figures[String(parts[0])] = figure }
        }
        if figures["p50"] == nil { throw Trouble("no output: \(Kernel.text("\(tools.place)/errors").prefix(200))") }
        return figures
    }
}
