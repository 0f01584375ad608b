import Foundation

/// Where the programs are that are measured.
struct Tools {
    /// The host, built for release.
    let host: String
    /// Holds the limit programs and `bench.so`.
    let built: String
    /// Holds `python` environments and the like of the peers; nil without peers.
    let peers: String?
    /// The scripts of the peers.
    let scripts: String
    /// For plugins, states and what is written; on a disk.
    let place: String
    /// The sandbox of all plugins but those whose rows compare levels.
    let sandbox: String

    func limit(_ name: String, _ arguments: [String]) throws -> [String: Double] {
        try run("\(built)/\(name)", arguments)
    }

    func peer(_ script: String, _ arguments: [String]) throws -> [String: Double] {
        guard let peers else { throw Trouble("without peers") }
        return try run("\(peers)/python/bin/python3", ["\(scripts)/\(script)"] + arguments)
    }

    /// Runs a program that prints NAME=VALUE.
    private func run(_ path: String, _ arguments: [String]) throws -> [String: Double] {
        let output = "\(place)/output"
        let child = try Child(path, arguments, output: output, errors: "\(place)/errors")
        let usage = try child.wait(seconds: 120)
        guard usage.status == 0 else {
            let words = Kernel.text("\(place)/errors").split(separator: "\n").last ?? ""
            throw Trouble("\(path.split(separator: "/").last ?? "") failed: \(words)")
        }
        var figures: [String: Double] = ["cpu": usage.cpu]
        for word in Kernel.text(output).split(whereSeparator: \.isWhitespace) {
            let parts = word.split(separator: "=")
            if parts.count == 2, let figure = Double(parts[1]) { figures[String(parts[0])] = figure }
        }
        return figures
    }
}

/// One host with a plugins and a state directory of its own.
final class HostRun {
    private static var last = 0
    private let number: Int
    let plugins: String
    let state: String
    /// Where the plugin writes times, one a line.
    let trace: String
    /// Where the plugin writes samples, 64-bit ns.
    let pool: String
    private var child: Child?
    private(set) var startedAt = 0.0
    private let tools: Tools
    private let root: String
    private let routines: Int
    private let stays: Bool

    /// A host with the measured plugin, `routines` times. `settings` are those of the plugin's configuration.
    ///
    /// Its directories are removed with it, unless it `stays`: then with all of the run. ext4 looks at each inode that was
    /// freed nearby within the last minutes before it makes a file, so what one round removes, the next one pays for.
    init(
        _ tools: Tools, routines: Int = 1, settings: [String: Any] = [:], params: [String: Any], plugin: Bool = true,
        from file: String = "bench.so", cache parameter: String? = nil, stays: Bool = false,
        sandbox level: String? = nil
    ) throws {
        self.tools = tools
        self.stays = stays
        self.routines = routines
        Self.last += 1
        number = Self.last
        root = "\(tools.place)/\(number)"
        plugins = root + "/plugins"
        state = root + "/state"
        trace = root + "/trace"
        pool = root + "/pool"
        try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
        var own = params
        own["trace"] = trace
        if params["pool"] != nil { own["pool"] = pool }
        // Where the first routine's disk caches are.
        if let parameter { own[parameter] = state + "/cache/v1/bench/r0" }
        var all = settings
        all["params"] = own
        // The sandbox that plugins have by default does not let everything of the environment in.
        all["sandbox"] = ["level": level ?? tools.sandbox, "environment": ["BENCH_ROUTINES"]]
        try JSONSerialization.data(withJSONObject: all).write(to: URL(fileURLWithPath: plugins + "/bench.json5"))
        if plugin { try FileManager.default.copyItem(atPath: "\(tools.built)/\(file)", toPath: plugins + "/bench.so") }
    }

    /// Starts it; again after an end, with the same state.
    func start(
        _ arguments: [String] = [], level: String = "error", onOneProcessor: Bool = false,
        environment: [String: String] = [:]
    ) throws {
        startedAt = bootSeconds()
        let words = onOneProcessor ? ["/usr/bin/taskset", "-c", "0", tools.host] : [tools.host]
        child = try Child(
            words[0],
            words.dropFirst() + ["--plugins", plugins, "--state", state, "--log-level", level]
                + arguments, environment: environment.merging(["BENCH_ROUTINES": "\(routines)"]) { $1 },
            errors: root + "/log")
    }

    /// Runs it until it is idle.
    @discardableResult
    func runToEnd(seconds: Double = 120, environment: [String: String] = [:]) throws -> Child.Usage {
        try start(["--exit-when-idle"], environment: environment)
        let usage = try running.wait(seconds: seconds)
        if usage.status != 0 {
            throw Trouble("the host failed: \(Kernel.text(root + "/log").split(separator: "\n").last ?? "")")
        }
        return usage
    }

    /// Stops it in order.
    @discardableResult
    func stop(seconds: Double = 60) throws -> Child.Usage {
        running.signal(SIGTERM)
        return try running.wait(seconds: seconds)
    }

    /// The host's process, once it is started.
    var running: Child {
        guard let child else { preconditionFailure("a host is started before it is looked at") }
        return child
    }
    var workers: [pid_t] { Kernel.children(of: running.pid) }
    var all: [pid_t] { [running.pid] + workers }

    /// The records of all sessions.
    func records() throws -> [[String: Any]] {
        try recordLines().split(separator: UInt8(ascii: "\n")).map {
            try JSONSerialization.jsonObject(with: $0) as? [String: Any] ?? [:]
        }
    }

    /// The same as they are in the files.
    func recordLines() throws -> Data {
        let names = try FileManager.default.contentsOfDirectory(atPath: state).filter {
            $0.hasPrefix("sessions") && $0.hasSuffix(".jsonl")
        }
        return names.reduce(into: Data()) { data, name in
            data += FileManager.default.contents(atPath: "\(state)/\(name)") ?? Data()
        }
    }

    /// A column of one session's stats.
    func stat(_ name: String, of record: [String: Any]) throws -> Double {
        guard let figure = ((record["stats"] as? [String: Any])?[name] as? NSNumber)?.doubleValue else {
            throw Trouble("no \(name) in the record: \(record["reason"] ?? "")")
        }
        return figure
    }

    /// The percentiles of the only session, in its stats: those whose names begin so.
    func percentiles(_ prefix: String = "") throws -> Sample {
        guard let record = try records().first else { throw Trouble("no record") }
        return Sample(
            p50: try stat(prefix + "p50_us", of: record), p90: try stat(prefix + "p90_us", of: record),
            p99: try stat(prefix + "p99_us", of: record), max: try stat(prefix + "max_us", of: record))
    }

    /// The times that the plugin wrote, boot seconds.
    func times() -> [Double] {
        Kernel.text(trace).split(separator: "\n").compactMap { Double($0) }.map { $0 / 1e9 }
    }

    /// The samples of all routines, us.
    func pooled() -> [Double] { numbers().map { $0 / 1000 } }

    /// The p99 of each second's samples, us, of a run with the parameter `timed`: of the seconds within the interval, which
    /// is in seconds since the boot, and of all others. A second of which less is known than of most does not count.
    func secondly(by interval: ClosedRange<Double>) -> (within: [Double], others: [Double]) {
        let all = numbers()
        var seconds: [Double: [Double]] = [:]
        for place in stride(from: 0, to: all.count - 1, by: 2) {
            // They are counted from its begin, so that each is within or not.
            let second = (all[place + 1] / 1e9 - interval.lowerBound).rounded(.down)
            seconds[second, default: []].append(all[place] / 1000)
        }
        let usual = median(seconds.values.map { Double($0.count) })
        let length = interval.upperBound - interval.lowerBound
        var parts: (within: [Double], others: [Double]) = ([], [])
        for (second, samples) in seconds where Double(samples.count) > usual / 2 {
            let p99 = Sample(of: samples).p99
            if second >= 0, second < length { parts.within.append(p99) } else { parts.others.append(p99) }
        }
        return parts
    }

    /// Of a run with the parameter `timed`: how many samples there are, and how long it took to take them, from the begin of
    /// the first to the end of the last one.
    func span() throws -> (count: Int, seconds: Double) {
        let all = numbers()
        let places = stride(from: 0, to: all.count - 1, by: 2)
        guard let begin = places.map({ all[$0 + 1] - all[$0] }).min(), let end = places.map({ all[$0 + 1] }).max()
        else {
            throw Trouble("no samples")
        }
        return (all.count / 2, (end - begin) / 1e9)
    }

    private func numbers() -> [Double] {
        let data = FileManager.default.contents(atPath: pool) ?? Data()
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { Double(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
    }

    /// Sessions that have begun.
    func begun() -> Int {
        let data = FileManager.default.contents(atPath: state + "/open.jsonl") ?? Data()
        return data.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    }

    deinit {
        child = nil
        guard stays else {
            try? FileManager.default.removeItem(atPath: root)
            return
        }
        // Beside the way of the next run there is one folder, however many runs there were.
        let past = "\(tools.place)/past"
        try? FileManager.default.createDirectory(atPath: past, withIntermediateDirectories: true)
        try? FileManager.default.moveItem(atPath: root, toPath: past + "/\(number)")
    }
}
