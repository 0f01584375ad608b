import Foundation

/// How soon others see what a plugin prints.
enum Lines {
    /// From the moment at which a plugin prints a line to the one at which the reader of `logs --follow` has it.
    static func followed(_ tools: Tools, count: Int) -> Benchmark {
        let key = "printed line in logs --follow"
        return Benchmark(
            name: key, rows: [Row(key, "ms", by: .max, limit: "pipe")], mostRounds: 3,
            contenders: [
                (.limit, { [key: try Sample(try tools.limit("pipe", ["\(count)"]))] }),
                (.ours, { [key: try follow(tools, count: count)] }),
            ])
    }

    private static func follow(_ tools: Tools, count: Int) throws -> Sample {
        // No divisor of the interval at which anything is looked for.
        let host = try HostRun(tools, settings: ["wait_ms": 17], params: ["mode": "talk"])
        try host.start(level: "info")
        try waitFor("the worker", seconds: 10) { host.begun() > 0 }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Trouble("no pipe") }
        defer { close(ends[0]) }
        // The command gets the pipe by a name that only this process has.
        let follower = try Child(
            tools.host, ["logs", "bench", "--follow", "--last", "1", "--state", host.state],
            output: "/proc/\(getpid())/fd/\(ends[1])")
        close(ends[1])
        let samples = try read(ends[0], count: count)
        follower.signal(SIGTERM)
        try follower.wait(seconds: 10)
        try host.stop()
        return Sample(of: samples)
    }

    /// The delays of so many lines, in ms. The first ones may be from before the command was there.
    private static func read(_ end: Int32, count: Int) throws -> [Double] {
        var samples: [Double] = []
        var rest = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        var last = 0.0
        var skipped = 0
        while samples.count < count {
            var wanted = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 5000) == 1 else { throw Trouble("no line for 5 s") }
            let size = Foundation.read(end, &buffer, buffer.count)
            guard size > 0 else { throw Trouble("the command has ended") }
            let now = bootSeconds()
            let parts = (rest + String(decoding: buffer[..<size], as: UTF8.self)).split(
                separator: "\n", omittingEmptySubsequences: false)
            rest = String(parts.last ?? "")
            for line in parts.dropLast() where line.contains("  said ") {
                guard let text = line.split(separator: " ").last, text.hasSuffix("."), let ns = Double(text.dropLast())
                else { throw Trouble("a torn line: \(line)") }
                let said = ns / 1e9
                if last > 0, said - last > 0.5 { throw Trouble("lines are missing: \(said - last) s without one") }
                last = said
                if skipped < 20 { skipped += 1 } else { samples.append((now - said) * 1000) }
            }
        }
        return Array(samples.prefix(count))
    }
}
