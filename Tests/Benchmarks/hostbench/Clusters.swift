import Foundation

/// What it costs to be one of several hosts, with RedisStore.
struct Clusters {
    let tools: Tools
    /// A server's socket.
    let socket: String
    /// For the folders of fleets; short, because sockets are in them.
    let folder: String

    /// Three hosts with leases of 2 s, whose holder goes: see Tests/Fleet.
    func changes(rounds: Int) -> Benchmark {
        let kinds = [
            ("kill-host", "SIGKILL of a host to the next cycle, lease 2 s"),
            ("leave", "last cycle on a host that stops to the next"),
            ("kill-host-back", "SIGKILL of a host, itself back at once"),
        ]
        var number = 0
        return Benchmark(
            name: "cluster", rows: kinds.map { Row($0.1, "ms") }, mostRounds: 1,
            contenders: [
                (
                    .ours,
                    {
                        var samples: [String: Sample] = [:]
                        for (kind, key) in kinds {
                            number += 1
                            let place = "\(folder)/\(number)"
                            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                            samples[key] = try Sample(
                                tools.limit(
                                    "fleet",
                                    [
                                        kind, tools.host, tools.built, "\(tools.scripts)/../../Stores", place,
                                        "--rounds", "\(rounds)", "--figures",
                                    ]))
                        }
                        return samples
                    }
                )
            ])
    }

    /// A cycle by a lease, back to back, against one by none.
    func cycle(count: Int) -> Benchmark {
        let key = "cycle by a lease, back to back"
        let more = "cycle by a lease, back to back: more"
        var without = Double.nan
        func run(_ settings: [String: Any]) throws -> [String: Sample] {
            let host = try HostRun(
                tools, settings: ["wait_ms": 0, "max_cycles": count].merging(settings) { $1 },
                params: ["mode": "empty"])
            try join(host)
            try host.start()
            try waitFor("the record", seconds: 60) { (try? host.records().isEmpty) == false }
            let record = try host.records().first ?? [:]
            try host.stop()
            guard let ms = record["duration_ms"] as? Double else { throw Trouble("no record") }
            return [key: Sample(ms * 1e6 / Double(count))]
        }
        return Benchmark(
            name: "cycle by a lease", rows: [Row(key, "ns", limit: "by none"), Row(more, "ns")], mostRounds: 9,
            contenders: [
                (
                    .limit,
                    {
                        let samples = try run([:])
                        without = samples[key]?.p50 ?? .nan
                        return samples
                    }
                ),
                (
                    .ours,
                    {
                        var samples = try run(["run_on": "one"])
                        if without.isNaN { without = try run([:])[key]?.p50 ?? .nan }
                        samples[more] = Sample(max(0, (samples[key]?.p50 ?? .nan) - without))
                        without = .nan
                        return samples
                    }
                ),
            ])
    }

    /// What the server spends on a host that holds 100 claims, for each renewal.
    func renewal(seconds: Int) -> Benchmark {
        let rows = [
            Row("renewal of 100 claims: the server's time", "ms"),
            Row("renewal of 100 claims: commits", ""),
        ]
        return Benchmark(
            name: "renewal", rows: rows, mostRounds: 3,
            contenders: [
                (
                    .ours,
                    {
                        let host = try HostRun(
                            tools, routines: 100, settings: ["wait_ms": 600_000, "run_on": "one"],
                            params: ["mode": "empty"])
                        try join(host)
                        try host.start()
                        try waitFor("100 sessions", seconds: 30) { host.begun() >= 100 }
                        usleep(1_000_000)
                        let served = try served(seconds: seconds)
                        try host.stop()
                        let renewals = Double(seconds) * 3
                        return [
                            rows[0].key: Sample(of: served.renewals.map { $0 / 1000 }),
                            rows[1].key: Sample(Double(served.commits) / renewals),
                        ]
                    }
                )
            ])
    }

    /// Three hosts that ask for the same values at the same moment: how often the source of one is asked.
    func loads(keys: Int) -> Benchmark {
        let key = "loads of a value by 3 hosts at once"
        return Benchmark(
            name: key, rows: [Row(key, "")], mostRounds: 3,
            contenders: [
                (
                    .ours,
                    {
                        let cluster = Self.name
                        let at = Int(bootSeconds() * 1000) + 4000
                        let hosts = try (0..<3).map { _ in
                            let host = try HostRun(
                                tools,
                                settings: [
                                    "wait_ms": 1000, "max_cycles": 1,
                                    "caches": ["shared": "all", "shared_timeout_ms": 2000],
                                ],
                                params: ["mode": "ask", "keys": keys, "at_ms": at])
                            try join(host, cluster)
                            try host.start()
                            return host
                        }
                        try waitFor("the records", seconds: 60) { hosts.allSatisfy { (try? $0.records().count) == 1 } }
                        let loads = hosts.reduce(0) { $0 + $1.times().count }
                        for host in hosts { try host.stop() }
                        return [key: Sample(Double(loads) / Double(keys))]
                    }
                )
            ])
    }

    /// What three hosts with 64 leases ask of the server, and by how many connections.
    func requests(seconds: Int) -> Benchmark {
        let rows = [
            Row("3 hosts with 64 leases: commits and lists", "1/s"), Row("3 hosts: connections each", ""),
        ]
        return Benchmark(
            name: "requests", rows: rows, mostRounds: 2,
            contenders: [
                (
                    .ours,
                    {
                        func connections() throws -> Double { try info("clients", "connected_clients") }
                        let before = try connections()
                        let cluster = Self.name
                        let hosts = try (0..<3).map { _ in
                            let host = try HostRun(
                                tools, routines: 64, settings: ["wait_ms": 600_000, "run_on": "one"],
                                params: ["mode": "empty"])
                            try join(host, cluster)
                            try host.start()
                            return host
                        }
                        try waitFor("64 sessions", seconds: 30) { hosts.reduce(0) { $0 + $1.begun() } >= 64 }
                        // Until the reports of the changes are written.
                        usleep(4_000_000)
                        let all = try connections()
                        let served = try served(seconds: seconds)
                        for host in hosts { try host.stop() }
                        return [
                            rows[0].key: Sample(Double(served.commits + served.lists) / Double(seconds)),
                            rows[1].key: Sample((all - before) / 3),
                        ]
                    }
                )
            ])
    }

    /// What the server does about leases in so many seconds, by its slow log of all commands: how often something is
    /// committed, and listed, and how many us each commit takes, with all that is read before the next one.
    private func served(seconds: Int) throws -> (commits: Int, lists: Int, renewals: [Double]) {
        _ = try ask("CONFIG", "SET", "slowlog-max-len", "100000")
        _ = try ask("CONFIG", "SET", "slowlog-log-slower-than", "0")
        _ = try ask("SLOWLOG", "RESET")
        usleep(UInt32(seconds) * 1_000_000)
        let answer = try ask("--json", "SLOWLOG", "GET", "-1")
        _ = try ask("CONFIG", "SET", "slowlog-log-slower-than", "-1")
        guard let entries = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [[Any]] else {
            throw Trouble("the server's slow log: \(answer.prefix(200))")
        }
        var served = (commits: 0, lists: 0, renewals: [Double]())
        for entry in entries.reversed() where entry.count > 3 {
            guard let us = entry[2] as? Double, let words = entry[3] as? [String] else { continue }
            guard words == ["TIME"] || words.contains(where: { $0.contains("/lease/") }) else { continue }
            switch words.first {
            case "EVALSHA", "EVAL":
                served.commits += 1
                served.renewals.append(us)
                continue
            case "ZRANGEBYLEX": served.lists += 1
            default: break
            }
            if !served.renewals.isEmpty { served.renewals[served.renewals.count - 1] += us }
        }
        return served
    }

    private func info(_ section: String, _ field: String) throws -> Double {
        let line = try ask("INFO", section).split(whereSeparator: \.isNewline).first { $0.hasPrefix(field + ":") }
        return line.flatMap { Double($0.dropFirst(field.count + 1)) } ?? .nan
    }

    /// The first get of each key by a host whose cluster shares its caches, of values that another one has put: by way of
    /// the store's worker.
    func sharedGet(count: Int) -> Benchmark {
        let key = "shared get from the store, 1 KiB"
        func run(_ mode: String, in cluster: String) throws -> HostRun {
            let host = try HostRun(
                tools,
                settings: ["wait_ms": 1000, "first": "after_wait", "max_cycles": 1, "caches": ["shared": "all"]],
                params: [
                    "mode": mode, "bytes": 1024, "count": count, "keys": count, "samples": count, "memory": 1,
                ])
            try join(host, cluster)
            try host.start()
            try waitFor("the record", seconds: 60) { (try? host.records().isEmpty) == false }
            try host.stop()
            return host
        }
        let relayed = "shared get from the store, 1 KiB, as by a relay"
        return Benchmark(
            name: key,
            rows: [
                Row(key, "us", limit: "hiredis GET"), Row(relayed, "us", limit: "by another process"),
            ],
            mostRounds: 3,
            contenders: [
                (
                    .limit,
                    {
                        [
                            key: try Sample(tools.limit("redis", [socket, "\(count)"])),
                            relayed: try Sample(tools.limit("redis", [socket, "\(count)", "relay"])),
                        ]
                    }
                ),
                (
                    .ours,
                    {
                        let cluster = Self.name
                        _ = try run("put", in: cluster)
                        let sample = try run("get", in: cluster).percentiles()
                        return [key: sample, relayed: sample]
                    }
                ),
            ])
    }

    /// What a get costs when 8 workers ask at once, of values that another host has put: the time divided by their number.
    func sharedGets(count: Int) -> Benchmark {
        let key = "shared get, 8 workers at once: time for each"
        let workers = 8
        func run(_ mode: String, in cluster: String) throws -> HostRun {
            let host = try HostRun(
                tools, routines: workers,
                settings: [
                    "wait_ms": 1000, "first": "after_wait", "max_cycles": 1, "caches": ["shared": "all"],
                    "isolation": "routine",
                ],
                params: [
                    "mode": mode, "bytes": 1024, "count": count, "keys": count, "samples": count, "memory": 1,
                    "pool": true, "timed": 1,
                ])
            try join(host, cluster)
            try host.start()
            try waitFor("the records", seconds: 120) { (try? host.records().count) == workers }
            try host.stop()
            return host
        }
        return Benchmark(
            name: key, rows: [Row(key, "us")], mostRounds: 3,
            contenders: [
                (
                    .ours,
                    {
                        let cluster = Self.name
                        _ = try run("put", in: cluster)
                        let span = try run("get", in: cluster).span()
                        return [key: Sample(span.seconds * 1e6 / Double(span.count))]
                    }
                )
            ])
    }

    /// A name for a cluster that no other one has.
    private static var name: String { "bench\(UInt32.random(in: 0 ... .max))" }

    /// Makes it a host of a cluster of its own, or of that one.
    private func join(_ host: HostRun, _ name: String = Self.name) throws {
        let settings: [String: Any] = [
            "cluster": ["store": "redis-store", "name": name, "lease_ms": 2000],
            // Its server listens at a file, which no sandbox lets it connect to.
            "plugins": ["redis-store": ["params": ["address": socket], "sandbox": "off"]],
        ]
        try JSONSerialization.data(withJSONObject: settings).write(
            to: URL(fileURLWithPath: host.plugins + "/schedhost.json5"))
        try FileManager.default.copyItem(
            atPath: "\(tools.built)/libRedisStore.so", toPath: host.plugins + "/libRedisStore.so")
    }

    private func ask(_ words: String...) throws -> String {
        let output = "\(tools.place)/answer"
        let usage = try Child("/usr/bin/env", ["redis-cli", "-s", socket] + words, output: output).wait(seconds: 10)
        if usage.status != 0 { throw Trouble("redis-cli \(words.joined(separator: " "))") }
        return Kernel.text(output)
    }
}
