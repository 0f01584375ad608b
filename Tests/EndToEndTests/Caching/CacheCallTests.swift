import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// The caches as a plugin in C calls them, with right arguments and wrong ones.
    @Suite struct CacheCalls {
        @Test(
            "each check of the fixture holds",
            arguments: [
                "arguments", "lifetimes", "objects", "threads", "sources", "refresh", "again",
            ])
        func scenario(_ name: String) async throws {
            let scratch = try await CacheTest.scratch(name)
            let host = try Host("--exit-when-idle", in: scratch)
            try await host.ended()
            let last = try #require(host.lines("\(name): ", " checks, ").last, "\(host.log)")
            #expect(last.hasSuffix(" checks, 0 failed"), "\(host.log)")
            let reason = try #require(try host.records.last?.reason)
            #expect(reason.end == .endedByRoutine, "\(host.log)")
        }

        @Test func `what a session's caches counted is in its record`() async throws {
            let scratch = try await CacheTest.scratch("sources")
            let host = try Host("--exit-when-idle", in: scratch)
            try await host.ended()
            let stats = try #require(try host.records.last?.stats)
            #expect(stats["cache.s.loads"] == .int(2))
            #expect(stats["cache.s.load_failures"] == .int(2))
            #expect(stats["cache.s.stale"] == .int(1))
            #expect(stats["cache.a.loads"] == .int(4))
        }
    }
}

/// The fixture `cachetest` in a scratch directory of its own.
enum CacheTest {
    static func scratch(_ scenario: String, text: String = "", count: Int = 0) async throws -> Scratch {
        try await Fixtures.build("cachetest")
        let scratch = try Scratch()
        try scratch.add("cachetest")
        try configure(scratch, scenario, text: text, count: count)
        return scratch
    }

    static func configure(
        _ scratch: Scratch, _ scenario: String, text: String = "", count: Int = 0, settings: String = ""
    ) throws {
        try scratch.write(
            "{\(settings) params: {scenario: \"\(scenario)\", text: \"\(text)\", count: \(count)}}",
            to: "cachetest.json5")
    }

    /// What the scenario `value` logged: state, text, age and so on.
    static func value(_ line: String) -> [String: String] {
        let words = line.split(separator: " ").compactMap { word -> (String, String)? in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        return Dictionary(words) { $1 }
    }
}
