import Foundation

/// How the host grows, a decade at a time: what `--plot` measures. One run a point; nothing is judged.
struct Growth {
    let tools: Tools
    /// The greatest exponents of ten that are measured are less by so much, for a short trial.
    let less: Int
    /// Of the parts only those whose name contains it.
    let only: String?

    private func decades(_ most: Int) -> [Int] {
        (0...max(1, most - less)).map { exponent in (0..<exponent).reduce(1) { product, _ in product * 10 } }
    }

    /// Measures all, prints the figures, and draws them into a file.
    func plot(into file: String) throws {
        let begin = bootSeconds()
        let load = Machine.load
        let curves = curves()
        print("\n" + curves.map(\.table).filter { !$0.isEmpty }.joined(separator: "\n"))
        let date = Date().formatted(.iso8601.year().month().day())
        let chart = Chart(
            title: "How schedhost grows",
            subtitle:
                "\(date), \(Machine.text), load \(load) at the begin and \(Machine.load) at the end, one run a point",
            curves: curves)
        try Data(chart.svg.utf8).write(to: URL(fileURLWithPath: file))
        print("\n\(Int(bootSeconds() - begin)) s")
    }

    /// All curves. A point that comes to nothing is left out, with a word.
    func curves() -> [Curve] {
        let parts: [(name: String, run: () -> [Curve])] = [
            ("routines", routines), ("plugins", plugins), ("keys", keys), ("records", records),
        ]
        return parts.filter { only == nil || $0.name.contains(only ?? "") }.flatMap { part in
            let begin = bootSeconds()
            let curves = part.run()
            print("\(part.name): \(figure(bootSeconds() - begin)) s")
            return curves
        }
    }

    /// Measures each point, and gives the figures by their names to the curves that have a line of that name.
    private func measure(_ curves: [Curve], at places: some Sequence<Int>, _ run: (Int) throws -> [String: Double])
        -> [Curve]
    {
        var curves = curves
        for place in places {
            do {
                let figures = try run(place)
                for curve in curves.indices {
                    for line in curves[curve].lines.indices {
                        guard let y = figures[curves[curve].lines[line].key] else { continue }
                        curves[curve].lines[line].points.append((Double(place), y))
                    }
                }
            } catch {
                print("\(curves[0].title), \(place): left out: \(error)")
            }
        }
        return curves
    }

    private func routines() -> [Curve] {
        let axis = "routines at 1 s, in one plugin"
        return measure(
            [
                Curve("Processor time", axis, "ms/s", "cpu"), Curve("Private memory", axis, "MB", "memory"),
                Curve("Lateness", axis, "us", lines: [("p99", "p99"), ("p50", "p50")]),
                Curve("Start of all", axis, "s", "begun"),
            ], at: decades(5)
        ) { count in
            let ours = try Many.ours(tools, count, seconds: count == 1 ? 6 : 4)
            return [
                "cpu": ours.cpu, "memory": ours.memory, "p99": ours.lateness.p99, "p50": ours.lateness.p50,
                "begun": ours.begun,
            ]
        }
    }

    private func plugins() -> [Curve] {
        let axis = "plugins of one routine"
        return measure(
            [
                Curve("Start to the last first cycle", axis, "ms", "start"),
                Curve("Private memory of a worker", axis, "MB", "memory"),
            ], at: decades(3)
        ) { count in
            let ours = try Many.starts(tools, count, seconds: 1)
            return ["start": ours.start, "memory": ours.memory]
        }
    }

    private func keys() -> [Curve] {
        let axis = "keys of a cache in memory"
        return measure(
            [Curve("A hit", axis, "ns", "hit"), Curve("Private memory of the worker", axis, "MB", "memory")],
            at: decades(4)
        ) { count in
            let host = try HostRun(
                tools, settings: ["wait_ms": 1000],
                params: ["mode": "keys", "keys": count, "count": 2_000_000])
            try host.start()
            try waitFor("the hits", seconds: 60) { !host.times().isEmpty }
            let memory = host.workers.map(Kernel.privateMemory).reduce(0, +)
            try host.stop()
            guard let record = try host.records().first else { throw Trouble("no record") }
            return ["hit": try host.stat("ns", of: record), "memory": memory]
        }
    }

    private func records() -> [Curve] {
        let axis = "records in the state directory"
        let curves = [
            Curve(
                "Start to the first cycle", axis, "ms",
                lines: [("sums kept", "start"), ("sums lost", "rebuilt")]),
            Curve("schedhost records", axis, "ms", lines: [("--last 10", "last"), ("--plugin none", "search")]),
            Curve(
                "Peak memory", axis, "MB",
                lines: [("host", "host"), ("host, sums lost", "host-rebuilt"), ("records --last 10", "command")]),
        ].map { $0.with(isBytes: true) }
        do {
            let records = try GrownRecords(tools)
            let sizes = [1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20, 100 << 20, 1 << 30]
            return measure(curves, at: sizes.dropLast(less), records.measure)
        } catch {
            print("records: left out: \(error)")
            return []
        }
    }
}
