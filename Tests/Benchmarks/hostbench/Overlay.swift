import Foundation

/// What a cache's hit takes through the Swift overlay, by each way to write it.
enum Overlay {
    /// The modes of `plugins/bench_swift.swift`, and what the author writes. All find the value in the worker's memory.
    private static let forms = [
        ("call", ""), ("in", ", in: scheduler"), ("key", ", key:"), ("fresh", ", fresh: with a tolerance"),
        ("tolerance", ", tolerance:"), ("number", ", a number"), ("stored", ", of a cache on disk"),
        ("answer", ", answer()"),
        ("peek", ", peek()"), ("closure", ", declared in place"), ("capture", ", declared in place, with a capture"),
        ("stored-closure", ", on disk, declared in place"),
    ]

    static func hits(_ tools: Tools, count: Int) -> Benchmark {
        func key(_ form: String) -> String { "hit in memory, from Swift" + form }
        return Benchmark(
            name: key(""), rows: forms.map { Row(key($0.1), "ns") }, mostRounds: 3,
            contenders: [
                (
                    .limit,
                    {
                        let limit = try Sample(tools.limit("hit", ["\(count)"]), "ns")
                        return Dictionary(uniqueKeysWithValues: forms.map { (key($0.1), limit) })
                    }
                ),
                (
                    .ours,
                    {
                        var samples: [String: Sample] = [:]
                        for (mode, form) in forms {
                            let host = try HostRun(
                                tools, settings: ["max_cycles": 1], params: ["count": count, "mode": mode],
                                from: "bench-swift.so")
                            try host.runToEnd()
                            guard let record = try host.records().first else { throw Trouble("no record") }
                            samples[key(form)] = Sample(try host.stat("ns", of: record))
                        }
                        return samples
                    }
                ),
            ])
    }
}
