import Foundation

/// A store that hosts share, and its engine's own client.
enum Stores {
    /// Calls of RedisStore, one at a time over a unix socket, against GET by hiredis on the same server.
    static func redis(_ tools: Tools, socket: String, few: Int) -> Benchmark {
        let kinds = [
            ("read", "store read, 1 KiB"), ("commit-2", "store commit, 2 conditions"),
            ("commit-65", "store commit, 65 conditions"), ("commit-257", "store commit, 257 conditions"),
            ("list-20", "store list of 20"),
        ]
        let count = 20_000 / few
        return Benchmark(
            name: "store in Redis", rows: kinds.map { Row($0.1, "us", limit: "hiredis GET") }, mostRounds: 3,
            contenders: [
                (.limit, { [kinds[0].1: try Sample(tools.limit("redis", [socket, "\(count)"]))] }),
                (
                    .ours,
                    {
                        var samples: [String: Sample] = [:]
                        for (kind, key) in kinds {
                            samples[key] = try Sample(
                                tools.limit(
                                    "storecheck",
                                    [
                                        "\(tools.built)/libRedisStore.so", "--measure", "\(count)", "--only", kind,
                                        "address=\(socket)",
                                    ]))
                        }
                        return samples
                    }
                ),
            ])
    }
}
