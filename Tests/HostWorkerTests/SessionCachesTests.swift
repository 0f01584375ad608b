import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostWorker

/// The caches of a routine from one session to the next.
@Suite("SessionCaches")
struct SessionCachesTests {
    @Test("they are made once, and until then cost nothing")
    func made() throws {
        let kit = unsafe try PluginKit([Script()])
        let caches = SessionCaches()
        var count = 0
        func make() -> RoutineCaches {
            count += 1
            return RoutineCaches(plugin: kit.context, routine: "r", number: 0, settings: CacheSettings())
        }
        #expect(!caches.areUsed && caches.callbackEnded(now: 0) == nil && caches.end(now: 0) == nil)
        caches.open()
        caches.endReloads()
        #expect(caches.use(make) === caches.use(make) && count == 1 && caches.areUsed)
    }

    @Test("the ledger is told once a second, and at the end; a record has what its own session counted")
    func told() throws {
        let kit = unsafe try PluginKit([Script()])
        let caches = SessionCaches()
        let made = caches.use {
            RoutineCaches(plugin: kit.context, routine: "r", number: 0, settings: CacheSettings())
        }
        let cell = unsafe kit.context.runners[0].cell
        let handle = try unsafe made.open("c", CacheOptions(expire: .max), isDisk: false, source: nil, cell: cell).get()
        #expect(unsafe [UInt8](arrayLiteral: 1, 2).withUnsafeBytes { unsafe handle.cache.put($0) }.isSuccess)
        caches.open()
        _ = unsafe handle.cache.get()
        #expect(caches.callbackEnded(now: 10_000_000_000)?.hits == 1)
        _ = unsafe handle.cache.get()
        #expect(caches.callbackEnded(now: 10_999_999_999) == nil)
        #expect(caches.callbackEnded(now: 11_000_000_000)?.hits == 2)
        let first = caches.end(now: 11_000_000_001)
        #expect(
            first?.sum.hits == 2
                && first?.columns.map { "\($0.name) \($0.count)" } == ["cache.c.hits 2", "cache.c.bytes 2"])
        caches.open()
        _ = unsafe handle.cache.get()
        let second = caches.end(now: 11_000_000_002)
        #expect(second?.sum.hits == 3 && second?.columns.first?.count == 1)
    }

    @Test("columns: zeros are left out, and two caches of one name are told apart")
    func columns() {
        func counters(_ hits: UInt64, _ loadTime: UInt64 = 0) -> CacheCounters {
            var counters = CacheCounters()
            counters.hits = hits
            counters.loadTime = loadTime
            return counters
        }
        typealias Label = RoutineCaches.Label
        let counted = [
            Label(name: "b", isOnDisk: false): counters(5, 7000), Label(name: "a", isOnDisk: false): counters(1),
            Label(name: "a", isOnDisk: true): counters(2), Label(name: "c", isOnDisk: true): counters(4),
        ]
        let before = [
            Label(name: "b", isOnDisk: false): counters(3), Label(name: "c", isOnDisk: true): counters(4),
        ]
        #expect(
            SessionCaches.columns(counted, since: before).map { "\($0.name) \($0.count)" } == [
                "cache.a.disk.hits 2", "cache.a.memory.hits 1", "cache.b.hits 2", "cache.b.load_us 7",
            ])
        let long = SessionCaches.columns(
            [Label(name: String(repeating: "x", count: 200), isOnDisk: false): counters(1)], since: [:])
        #expect(long.first?.name == "cache.\(String(repeating: "x", count: 100))….hits")
    }

    @Test("names that are equivalent in Unicode are two caches, whose counts a record has together")
    func equivalentNames() throws {
        typealias Label = RoutineCaches.Label
        let names = ["caf\u{e9}", "cafe\u{301}"]
        #expect(names[0] == names[1])
        let labels = names.map { Label(name: $0, isOnDisk: false) }
        #expect(labels[0] != labels[1] && Set(labels).count == 2)
        let kit = unsafe try PluginKit([Script()])
        let caches = SessionCaches()
        let made = caches.use {
            RoutineCaches(plugin: kit.context, routine: "r", number: 0, settings: CacheSettings())
        }
        let cell = unsafe kit.context.runners[0].cell
        for (index, name) in names.enumerated() {
            let handle = unsafe try made.open(
                name, CacheOptions(expire: .max), isDisk: false, source: nil, cell: cell
            ).get()
            #expect(unsafe [UInt8](arrayLiteral: 1).withUnsafeBytes { unsafe handle.cache.put($0) }.isSuccess)
            for _ in 0...index { _ = unsafe handle.cache.get() }
        }
        let counted = caches.counters()
        #expect(labels.map { counted[$0]?.hits } == [1, 2])
        caches.open()
        for name in names {
            let handle = unsafe try made.open(
                name, CacheOptions(expire: .max), isDisk: false, source: nil, cell: cell
            ).get()
            _ = unsafe handle.cache.get()
        }
        let columns = caches.end(now: 1)?.columns ?? []
        #expect(columns.map { "\($0.name) \($0.count)" } == ["cache.\(names[0]).hits 2", "cache.\(names[0]).bytes 2"])
    }
}

extension Result {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}
