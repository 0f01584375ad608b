import Foundation

// hostbench HOST BUILT SCRIPTS PLACE THRESHOLDS [--peers DIR] [--json FILE] [--check] [--only PATTERN] [--rounds N]
// [--quick] [--soak SECONDS] [--sandbox LEVEL] [--plot FILE] [--redis SOCKET] [--fleets DIR]: called by scripts/bench, which
// says what these are.

setvbuf(stdout, nil, _IOLBF, 0)
var words = Array(CommandLine.arguments.dropFirst())
guard words.count >= 5 else {
    FileHandle.standardError.write(Data("hostbench is called by scripts/bench\n".utf8))
    exit(64)
}
let fixed = Array(words.prefix(5))
words.removeFirst(5)

func take(_ flag: String) -> Bool {
    guard let index = words.firstIndex(of: flag) else { return false }
    words.remove(at: index)
    return true
}

func value(_ option: String) -> String? {
    guard let index = words.firstIndex(of: option), index + 1 < words.count else { return nil }
    defer { words.removeSubrange(index...index + 1) }
    return words[index + 1]
}

let peers = value("--peers")
let redis = value("--redis")
let fleets = value("--fleets")
let jsonFile = value("--json")
let plotFile = value("--plot")
let only = value("--only")
let sandbox = value("--sandbox") ?? "on"
let isQuick = take("--quick")
let checks = take("--check")
let wished = value("--rounds").flatMap { Int($0) } ?? (isQuick ? 1 : 3)
let soakSeconds = value("--soak").flatMap { Int($0) } ?? (isQuick ? 6 : 120)
guard words.isEmpty else {
    FileHandle.standardError.write(Data("scripts/bench: \(words[0]) is no option\n".utf8))
    exit(64)
}
let tools = Tools(
    host: fixed[0], built: fixed[1], peers: peers, scripts: fixed[2], place: fixed[3], sandbox: sandbox)
let thresholds: [String: Threshold]
do {
    thresholds = try JSONDecoder().decode(
        [String: Threshold].self, from: Data(contentsOf: URL(fileURLWithPath: fixed[4])))
} catch {
    FileHandle.standardError.write(Data("scripts/bench: \(fixed[4]): \(error)\n".utf8))
    exit(65)
}

if let plotFile {
    do {
        try Growth(tools: tools, less: isQuick ? 2 : 0, only: only).plot(into: plotFile)
    } catch {
        FileHandle.standardError.write(Data("scripts/bench: \(plotFile): \(error)\n".utf8))
        exit(73)
    }
    exit(0)
}

let few = isQuick ? 4 : 1
var benchmarks: [Benchmark] = [
    Hot.cycle(tools, count: 10_000_000 / few), Hot.neighbours(tools, count: 10_000_000 / few),
    Hot.steps(tools, ms: 1, count: 2000 / few), Hot.steps(tools, ms: 10, count: 600 / few),
    Hot.steps(tools, ms: 100, count: 40 / few), Hot.busySteps(tools, count: 600 / few),
]
benchmarks += [1, 2, 4, 16].map { Hot.hits(tools, threads: $0, count: 10_000_000 / few / $0) }
benchmarks += [
    Overlay.hits(tools, count: 2_000_000 / few),
    Hot.fills(tools, mode: "load", title: "load into memory", count: 500_000 / few),
    Hot.fills(tools, mode: "write", title: "put into memory", count: 500_000 / few),
]
let sizes = [(64, 2000), (4096, 2000), (65_536, 500), (1 << 20, 60), (16 << 20, 8)]
benchmarks += sizes.map { Disk.put(tools, bytes: $0, count: max(4, $1 / few)) }
benchmarks.append(Disk.put(tools, bytes: 4096, count: 1000 / few, isLeast: true))
benchmarks.append(Disk.put(tools, bytes: 4096, count: 1000 / few, isSynced: true))
benchmarks += sizes.map { Disk.read(tools, bytes: $0, count: max(4, min($1, 1000) / few)) }
benchmarks += [
    Walls.starts(tools, workers: 20), Walls.cycle(tools, count: 10_000_000 / few), Walls.put(tools, count: 2000 / few),
]
benchmarks.append(Disk.records(tools, routines: 10_000 / few))
benchmarks += (isQuick ? [1, 10, 1000, 10_000] : [1, 10, 100, 1000, 10_000, 100_000]).map {
    Many.routines(tools, $0, seconds: isQuick ? 3 : $0 >= 10_000 ? 8 : $0 == 1 ? 6 : 4)
}
benchmarks.append(Many.together(tools, 1000, seconds: isQuick ? 3 : 4))
benchmarks.append(Hot.schedules(tools))
benchmarks.append(Many.calendar(tools, isQuick ? 1000 : 10_000, seconds: isQuick ? 3 : 8))
benchmarks.append(Many.neighbour(tools, count: 1000, seconds: isQuick ? 4 : 10))
benchmarks.append(Many.crowd(tools, seconds: isQuick ? 4 : 10))
benchmarks.append(Many.followedFlood(tools, seconds: isQuick ? 4 : 10))
benchmarks += (isQuick ? [1, 100] : [1, 100, 1000]).map { Many.plugins(tools, $0, seconds: isQuick ? 1 : 3) }
benchmarks += [
    Lives.crash(tools, mode: "crash", title: "death by SIGKILL to the next cycle"),
    Lives.crash(tools, mode: "fault", title: "null pointer to the next cycle, report included"),
    Lives.drop(tools), Lives.idle(tools, seconds: isQuick ? 2 : 5), Lives.flood(tools, seconds: 10),
    Lines.followed(tools, count: 400 / few), Lives.soak(tools, seconds: soakSeconds),
]

if let redis { benchmarks.append(Stores.redis(tools, socket: redis, few: isQuick ? 10 : 1)) }
if let redis, let fleets {
    let clusters = Clusters(tools: tools, socket: redis, folder: fleets)
    benchmarks += [
        clusters.changes(rounds: isQuick ? 3 : 10), clusters.cycle(count: 10_000_000 / few),
        clusters.renewal(seconds: isQuick ? 3 : 6),
        clusters.loads(keys: 64), clusters.requests(seconds: isQuick ? 4 : 10), clusters.sharedGet(count: 5000 / few),
        clusters.sharedGets(count: 2000 / few),
    ]
}

/// Runs all rounds of one benchmark, the contenders in turn, each round beginning with another one.
func measure(_ benchmark: Benchmark, rounds: Int) -> [Result] {
    var results = benchmark.rows.map { Result(row: $0) }
    var out: Set<Contender> = []
    for round in 0..<min(rounds, benchmark.mostRounds) {
        let count = benchmark.contenders.count
        for index in 0..<count {
            let (contender, run) = benchmark.contenders[(index + round) % count]
            if out.contains(contender) { continue }
            if case .peer = contender, peers == nil && contender != .tasks || round >= 3 { continue }
            do {
                let samples = try run()
                for place in results.indices {
                    if let sample = samples[results[place].row.key] {
                        results[place].samples[contender, default: []].append(sample)
                    }
                }
            } catch {
                out.insert(contender)
                print("\(benchmark.name): \(contender.name) left out: \(error)")
            }
        }
    }
    return results
}

let report = Report(thresholds: thresholds)
var results: [Result] = []
let begin = bootSeconds()
for benchmark in benchmarks {
    if let only, !benchmark.name.contains(only), !benchmark.rows.contains(where: { $0.key.contains(only) }) { continue }
    let start = bootSeconds()
    let new = measure(benchmark, rounds: wished)
    results += new
    print("\(benchmark.name): \(figure(bootSeconds() - start)) s")
}
let loads = Machine.load
print("\n" + report.table(results))
print(
    "\nload at the end \(loads), \(Int(bootSeconds() - begin)) s, \(ProcessInfo.processInfo.activeProcessorCount) processors"
)
if let jsonFile {
    do {
        let about: [String: Any] = [
            "date": ISO8601DateFormatter().string(from: Date()), "seconds": bootSeconds() - begin, "load": loads,
            "processors": ProcessInfo.processInfo.activeProcessorCount,
        ]
        try report.json(results, about: about).write(to: URL(fileURLWithPath: jsonFile))
    } catch {
        FileHandle.standardError.write(Data("scripts/bench: \(jsonFile): \(error)\n".utf8))
        exit(73)
    }
}
if checks {
    let behind = report.behind(results, isAll: only == nil && !isQuick)
    for line in behind { print("behind: \(line)") }
    exit(behind.isEmpty ? 0 : 1)
}
