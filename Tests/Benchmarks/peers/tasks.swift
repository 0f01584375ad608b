// What many routines cost in a Swift program without a host: a task for each, which sleeps to the next point of its own
// grid. The starts are spread evenly over the period, as those of limits/heap.c are, or with 0 all at the same moment.
//
// tasks [ROUTINES] [PERIOD_MS] [SECONDS] [STAGGERED 0|1] [SETTLE_SECONDS]
//
// Lateness is taken as plugins/bench.c takes it: on the grid of a task's first start, placed so that no start is early.
// `grid_p50` and so on are relative to the grid that was asked for, so that they hold a delay that is always the same too.
// Processor time and memory are those of SECONDS, which begin SETTLE_SECONDS after the first start.
import Glibc

/// The samples of all tasks, each of which writes to a part of its own.
final class Samples: @unchecked Sendable {
    // @unchecked: no two tasks share an element, and they are read when no task writes any more.
    let most: Int
    private let late: UnsafeMutablePointer<Int64>
    private let counts: UnsafeMutablePointer<Int32>
    private let routines: Int

    init(routines: Int, most: Int) {
        self.routines = routines
        self.most = most
        late = .allocate(capacity: routines * most)
        late.initialize(repeating: 0, count: routines * most)
        counts = .allocate(capacity: routines)
        counts.initialize(repeating: 0, count: routines)
    }

    func keep(_ lateness: Int64, of routine: Int) {
        let count = Int(counts[routine])
        if count < most {
            late[routine * most + count] = lateness
            counts[routine] += 1
        }
    }

    /// Whole periods by which tasks are late at the end, and so the runs that they lack.
    func lost(period: Int64) -> Int64 {
        (0..<routines).reduce(0) { sum, routine in
            let count = Int(counts[routine])
            return count == 0 ? sum + 1 : sum + late[routine * most + count - 1] / period
        }
    }

    /// All samples in ns, as they are, or on the grid on which no start of that task is early.
    func all(isOnOwnGrid: Bool) -> [Int64] {
        var result: [Int64] = []
        for routine in 0..<routines {
            let own = UnsafeBufferPointer(start: late + routine * most, count: Int(counts[routine]))
            let least = isOnOwnGrid ? own.min() ?? 0 : 0
            // The first start places the grid and is no sample itself, as in the plugin.
            for lateness in own.dropFirst() { result.append(lateness - least) }
        }
        return result
    }
}

func nanoseconds(_ duration: Duration) -> Int64 {
    let parts = duration.components
    return parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000
}

func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Private memory of this process, MB.
func privateMegabytes() -> Double {
    guard let file = fopen("/proc/self/smaps_rollup", "r") else { return .nan }
    defer { fclose(file) }
    var sum = 0.0
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        if words.count > 1, ["Private_Clean:", "Private_Dirty:"].contains(words[0]) { sum += Double(words[1]) ?? 0 }
    }
    return sum / 1024
}

func percentiles(_ samples: [Int64], prefix: String) -> String {
    let sorted = samples.sorted()
    guard let last = sorted.last else { return "" }
    func at(_ percent: Int) -> Double { Double(sorted[sorted.count * percent / 100]) / 1000 }
    return "\(prefix)p50=\(at(50)) \(prefix)p90=\(at(90)) \(prefix)p99=\(at(99)) \(prefix)max=\(Double(last) / 1000)"
}

func argument(_ index: Int, _ fallback: Int) -> Int {
    index < CommandLine.arguments.count ? Int(CommandLine.arguments[index]) ?? fallback : fallback
}

@main
struct Tasks {
    static func main() async throws {
        let routines = argument(1, 1000)
        let period = Duration.milliseconds(argument(2, 1000))
        let seconds = argument(3, 5)
        let isStaggered = argument(4, 1) != 0
        let settle = argument(5, 2)
        let clock = ContinuousClock()
        let length = Duration.seconds(seconds + settle)
        let samples = Samples(routines: routines, most: Int(length / period) + 2)
        // Far enough away that all tasks are there, however many.
        let begin = clock.now + .milliseconds(100) + .microseconds(10 * routines)
        let end = begin + length
        for routine in 0..<routines {
            let first = isStaggered ? begin + period * routine / routines : begin
            Task.detached {
                var due = first
                while due < end {
                    // With the default tolerance: with none the runtime makes a timer for each sleep, which was slower.
                    try await Task.sleep(until: due, clock: .continuous)
                    samples.keep(nanoseconds(due.duration(to: .now)), of: routine)
                    due += period
                }
            }
        }
        try await Task.sleep(until: begin + .seconds(settle), clock: .continuous)
        let before = (processor: processorSeconds(), time: clock.now)
        try await Task.sleep(until: end - .milliseconds(10), clock: .continuous)
        let spent = processorSeconds() - before.processor
        let passed = Double(nanoseconds(before.time.duration(to: .now))) / 1e9
        let memory = privateMegabytes()
        // Until the last start is over, which is late itself where they are many.
        try await Task.sleep(for: .milliseconds(500))
        let own = samples.all(isOnOwnGrid: true)
        print(
            "runs=\(own.count) lost=\(samples.lost(period: nanoseconds(period)))", percentiles(own, prefix: ""),
            percentiles(samples.all(isOnOwnGrid: false), prefix: "grid_"),
            "cpu_ms_per_s=\(spent * 1000 / passed) memory=\(memory)")
    }
}
