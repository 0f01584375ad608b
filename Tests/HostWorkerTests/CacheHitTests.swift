import AllocationCounter
import CPluginAPI
import FoundationEssentials
import HostStore
import HostSystem
import HostValues
import HostWire
import PluginAPI
import Synchronization
import Testing

@testable import HostWorker

private final class Thing: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
}

private final class Weak: @unchecked Sendable {
    // @unchecked: set and read by one thread at a time.
    weak var thing: Thing?
}

/// A directory for disk caches that is gone afterwards.
private func withPlace(_ body: (CachePlace) throws -> Void) throws {
    let path = try Directory.makeTemporary("schedhost-hits", in: "/tmp").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(CachePlace(SystemCacheFolder(try Directory(path), clock: SystemClock()), of: .all))
}

/// What a hit costs and holds, through the function table as a plugin in C calls it, and through the Swift overlay.
@Suite("Hits of a cache")
struct CacheHitTests {
    private static let source: schedhost_source = { _, _, _, writer, _ in
        unsafe writer?.pointee.write(writer, "value", 5) ?? -1
    }

    /// Allocations of `count` gets by the function table, of which the first is left out.
    private static func gets(_ scheduler: UnsafePointer<schedhost_scheduler>, _ count: Int, fresh: Bool) -> UInt64 {
        var options = unsafe schedhost_cache_options()
        unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
        unsafe options.expire_ms = .max
        unsafe options.source = source
        var cache: OpaquePointer?
        guard let host = unsafe scheduler.pointee.host,
            unsafe host.pointee.cache_memory(scheduler, "c", &options, &cache) == 0
        else { return .max }
        var request = unsafe schedhost_cache_request()
        unsafe request.struct_size = UInt32(MemoryLayout<schedhost_cache_request>.size)
        var value = unsafe schedhost_cache_value()
        unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
        var before: UInt64 = 0
        for number in 0...count {
            if number == 1 {
                before = allocation_count()
                unsafe request.flags = fresh ? UInt32(SCHEDHOST_GET_FRESH) : 0
            }
            guard unsafe host.pointee.cache_get(scheduler, cache, &request, &value) == 0, unsafe value.size == 5 else {
                return .max
            }
        }
        return allocation_count() - before
    }

    @Test("in C: a hit allocates nothing, and a load the value and itself")
    func inC() throws {
        let counts = Monitor<(hits: UInt64, loads: UInt64)>((.max, 0))
        let script = Script { scheduler in
            let hits = unsafe Self.gets(scheduler, 100_000, fresh: false)
            let loads = unsafe Self.gets(scheduler, 10, fresh: true)
            counts.withLock { $0 = (hits, loads) }
            return 0
        }
        let kit = unsafe try PluginKit([script])
        let end = try kit.session(kit.order(maxCycles: 1), on: TestClock())
        #expect(end.failures == 0)
        let (hits, loads) = counts.withLock { $0 }
        #expect(hits == 0)
        #expect(loads >= 20 && loads != .max)
        // And now and then room for the values that the callback was given.
        #if !DEBUG
            #expect(loads <= 24)
        #endif
    }

    @Test("in C: a put of a few bytes in the place of a value that nobody was given allocates nothing")
    func putsInC() throws {
        let counts = Monitor<[UInt64]>([])
        let script = Script { scheduler in
            var options = unsafe schedhost_cache_options()
            unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
            unsafe options.expire_ms = .max
            var cache: OpaquePointer?
            guard let host = unsafe scheduler.pointee.host,
                unsafe host.pointee.cache_memory(scheduler, "c", &options, &cache) == 0
            else { return 1 }
            var failures = 0
            func put(_ text: StaticString) {
                if unsafe host.pointee.cache_put(scheduler, cache, nil, 0, text.utf8Start, text.utf8CodeUnitCount) != 0
                {
                    failures += 1
                }
            }
            for text in ["value", "a value that is longer than what there is room for within"] as [StaticString] {
                put(text)
                let before = allocation_count()
                for _ in 0..<1000 { put(text) }
                let made = allocation_count() - before
                counts.withLock { $0.append(made) }
            }
            return failures == 0 ? 0 : 1
        }
        let kit = unsafe try PluginKit([script])
        let end = try kit.session(kit.order(maxCycles: 1), on: TestClock())
        #expect(end.failures == 0)
        let made = counts.withLock { $0 }
        try #require(made.count == 2)
        #expect(made[0] == 0 && made[1] >= 1000, "\(made)")
    }

    @Test("in C: from the second one on a hit by key allocates nothing, nor does a peek, with a key or without")
    func keyedInC() throws {
        let counts = Monitor<[UInt64]>([])
        let script = Script { scheduler in
            var options = unsafe schedhost_cache_options()
            unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
            unsafe options.expire_ms = .max
            unsafe options.source = Self.source
            var cache: OpaquePointer?
            guard let host = unsafe scheduler.pointee.host,
                unsafe host.pointee.cache_memory(scheduler, "c", &options, &cache) == 0
            else { return 1 }
            var value = unsafe schedhost_cache_value()
            unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
            var failures = 0
            func get(_ key: UnsafeRawPointer?, _ size: Int) {
                var request = unsafe schedhost_cache_request()
                unsafe request.struct_size = UInt32(MemoryLayout<schedhost_cache_request>.size)
                unsafe request.key = unsafe key
                unsafe request.key_size = size
                if unsafe host.pointee.cache_get(scheduler, cache, &request, &value) != 0 || value.size != 5 {
                    failures += 1
                }
            }
            func peek(_ key: UnsafeRawPointer?, _ size: Int) {
                if unsafe host.pointee.cache_peek(scheduler, cache, key, size, &value) != 0 || value.size != 5 {
                    failures += 1
                }
            }
            func count(_ body: () -> Void) {
                let before = allocation_count()
                for _ in 0..<10_000 { body() }
                let made = allocation_count() - before
                counts.withLock { $0.append(made) }
            }
            // Of another key, since the runtime makes some types when they are first used, without optimisation.
            unsafe "ETH".withCString { key in
                for _ in 0..<3 { unsafe get(key, 3) }
                unsafe peek(key, 3)
            }
            unsafe "BTC".withCString { key in
                for _ in 0..<2 { unsafe get(key, 3) }
                get(nil, 0)
                count { unsafe get(key, 3) }
                count { unsafe peek(key, 3) }
                count { peek(nil, 0) }
            }
            return failures == 0 ? 0 : 1
        }
        let kit = unsafe try PluginKit([script])
        let end = try kit.session(kit.order(maxCycles: 1), on: TestClock())
        #expect(end.failures == 0)
        #expect(counts.withLock { $0 } == [0, 0, 0])
    }

    @Test("in Swift: a hit allocates nothing, in memory and of a decoded value; a load does")
    func inSwift() throws {
        let counts = Monitor<[UInt64]>([])
        let memory = CacheMemory("m", expire: nil) { Thing(1) }
        let disk = Cache("d", expire: nil) { [1, 2, 3] }
        let keyed = CacheMemory("k", expire: nil) { (_: String) in Thing(3) }
        @Sendable func count(_ times: Int, _ body: () throws -> Void) rethrows {
            let before = allocation_count()
            for _ in 0..<times { try body() }
            let made = allocation_count() - before
            counts.withLock { $0.append(made) }
        }
        let plugin = Plugin("hits", version: "1") {
            Routine("r", wait: .zero, maxCycles: 1) { scheduler in
                _ = try memory()
                _ = try disk()
                _ = try scheduler.cacheMemory("i", expire: nil) { Thing(2) }
                try count(10_000) { _ = try memory() }
                try count(10_000) { _ = try disk() }
                try count(10_000) { _ = try scheduler.cacheMemory("i", expire: nil) { Thing(2) } }
                try count(10_000) { _ = try memory(fresh: true, tolerance: .seconds(3600)) }
                for _ in 0..<2 { _ = try keyed(key: "BTC") }
                try count(10_000) { _ = try keyed(key: "BTC") }
                try count(10_000) { _ = try memory.answer() }
                try count(10_000) { _ = try memory.peek() }
                try count(10) { _ = try memory(fresh: true) }
            }
        }
        try withPlace { place in
            let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 1, cachePlace: place)
            #expect(kit.context.runners[0].prepare(kit.order(maxCycles: 1)))
            kit.context.driver?.begin(0)
            #expect(try kit.nextEnd()?.failures == 0)
        }
        let made = counts.withLock { $0 }
        try #require(made.count == 8)
        #expect(made[7] >= 10, "\(made)")
        // Without optimisation closures and inout variables are boxes.
        #if !DEBUG
            #expect(made.dropLast() == [0, 0, 0, 0, 0, 0, 0], "\(made)")
        #endif
    }

    @Test("what each cache counted is in the ledger, and in the session's record")
    func counters() throws {
        struct Broken: Error {}
        let clock = TestClock()
        let fails = Monitor(false)
        let memory = CacheMemory("m", expire: .seconds(10)) { () throws -> Int in
            clock.advance(5_000_000)
            if fails.withLock({ $0 }) { throw Broken() }
            return 1
        }
        let disk = Cache("d", expire: nil) { (_: String) in [1] }
        let plugin = Plugin("counters", version: "1") {
            Routine("r", wait: .zero, maxCycles: 1) { _ in
                for _ in 0..<8 { _ = try memory() }
                clock.advance(11_000_000_000)
                fails.withLock { $0 = true }
                #expect(try memory.answer(tolerance: .seconds(5)).state == .stale)
                fails.withLock { $0 = false }
                _ = try memory(fresh: true)
                for key in 0..<9 { _ = try disk(key: "k\(key)") }
            }
        }
        try withPlace { place in
            let kit = unsafe try PluginKit(
                descriptor: plugin.descriptor, routines: 1, clock: clock, cachePlace: place)
            var order = kit.order(maxCycles: 1)
            order.caches.diskFiles = 8
            let end = try kit.session(order, on: clock)
            #expect(end.failures == 0)
            let expected: [String: Int64] = [
                "cache.m.hits": 7, "cache.m.loads": 2, "cache.m.load_failures": 1, "cache.m.stale": 1,
                "cache.m.bytes": 40, "cache.m.load_us": 15_000, "cache.d.loads": 9, "cache.d.evictions": 2,
                "cache.d.bytes": 27,
            ]
            for (name, count) in expected { #expect(end.stats[name] == .int(count), "\(name)") }
            #expect(end.stats.columns.count == expected.count, "\(end.stats.columns)")
            let annex = unsafe kit.context.ledger.annex(0)
            unsafe #expect(annex.pointee.cacheHits.load(ordering: .relaxed) == 7)
            unsafe #expect(annex.pointee.cacheLoads.load(ordering: .relaxed) == 11)
            unsafe #expect(annex.pointee.cacheFailures.load(ordering: .relaxed) == 1)
            unsafe #expect(annex.pointee.cacheStale.load(ordering: .relaxed) == 1)
            unsafe #expect(annex.pointee.cacheEvictions.load(ordering: .relaxed) == 2)
            unsafe #expect(annex.pointee.cacheBytes.load(ordering: .relaxed) == 67)
            unsafe #expect(annex.pointee.cacheLoadTime.load(ordering: .relaxed) == 15_000_000)
        }
    }

    @Test("a value that a thread of the plugin's own got is gone when it is replaced and the thread has let it go")
    func ownThread() throws {
        let cache = CacheMemory("t", expire: nil) { Thing(1) }
        let seen = Weak()
        let plugin = Plugin("threads", version: "1") {
            Routine("r", wait: .zero, maxCycles: 2) { scheduler in
                if scheduler.cycle == 1 { return }
                let done = Monitor(false)
                try HostSystem.Thread.start(name: "own") {
                    for _ in 0..<5 { seen.thing = try? cache(in: scheduler) }
                    done.withLock { $0 = true }
                    done.broadcast()
                }
                done.wait { $0 ? () : nil }
                #expect(seen.thing?.number == 1)
                try cache.put(Thing(2))
            }
        }
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 1)
        #expect(kit.context.runners[0].prepare(kit.order(maxCycles: 2)))
        kit.context.driver?.begin(0)
        #expect(try kit.nextEnd()?.failures == 0)
        #expect(seen.thing == nil)
    }
}
