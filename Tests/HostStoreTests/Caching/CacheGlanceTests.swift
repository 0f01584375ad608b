import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What a running host sees of a routine's disk caches.
@Suite struct CacheGlanceTests {
    private let directory = TestDirectory()
    private let clock = SystemClock()

    private func put(
        _ name: String, keys: [String], expire: Int64 = .max, routine: String = "r", path: String? = nil
    ) throws {
        let namespace = try directory.namespace("p", routine, clock)
        let options = unsafe CacheOptions(expire: expire, path: path.flatMap { CachePath($0) })
        let cache = try namespace.open(name, options, isOnDisk: true).get()
        for key in keys { try cache.put([1, 2, 3], key: Array(key.utf8)).get() }
    }

    private func glance(_ routine: String = "r") throws -> CacheGlance {
        CacheGlance(of: "p", routine, in: try directory.directory(), clock: clock)
    }

    @Test func `names, keys, sizes and ages`() throws {
        try put("rates", keys: ["", "EUR"], expire: 5_000_000_000)
        try put("symbols", keys: [""])
        try put("theirs", keys: [""], routine: "other")
        let files = try glance().files
        #expect(files.map(\.name) == ["rates", "rates", "symbols"])
        #expect(Set(files.map { String(decoding: $0.key, as: UTF8.self) }) == ["", "EUR"])
        #expect(files.allSatisfy { $0.size == 3 && ($0.ageMs ?? -1) >= 0 && ($0.ageMs ?? 0) < 60_000 })
        #expect(files.map(\.expireMs) == [5000, 5000, nil])
        #expect(try !glance().hasMore && glance("absent").files.isEmpty)
    }

    @Test func `folders that caches have named are looked into where they are in the data folder`() throws {
        try put("b", keys: ["", "k"], path: "x/y")
        try put("a", keys: [""])
        try put("c", keys: [""])
        try put("other", keys: [""], path: "x/y")
        try put("far", keys: [""], path: "/x/y")
        #expect(try glance().files.map(\.name) == ["a", "b", "b", "c", "other"])
        let data = try directory.directory().directory("data").directory("p").directory("x")
        try data.directory("y").removeContents()
        #expect(try glance().files.map(\.name) == ["a", "c"])
    }

    @Test func `what is no value is passed over, and many are bounded`() throws {
        try put("rates", keys: [""])
        let folder = try directory.directory().directory("cache").directory("v1").directory("p").directory("r")
        try folder.save(Array(repeating: 0xFF, count: 300), as: "damaged.shc")
        try folder.save([], as: "empty.shc")
        _ = try folder.directory("folder.shc", create: true)
        #expect(try glance().files.map(\.name) == ["rates"])
        try put("many", keys: (0..<150).map { "\($0)" })
        #expect(try glance().files.count == CacheGlance.most && glance().hasMore)
    }
}
