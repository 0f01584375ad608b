import AllocationCounter
import CPluginAPI
import FoundationEssentials
import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import PluginAPI
import Synchronization
import Testing

@testable import HostWorker

/// A cache that several routines ask, through the function table as plugins in C call it.
@safe private struct SharedCache {
    let name: String
    var flags = UInt32(SCHEDHOST_CACHE_PLUGIN)
    var expireMs = Int64.max
    var refreshAfterMs: Int64 = 0
    var source: schedhost_source?

    /// Opens it; the code and the handle.
    func open(_ scheduler: HostWorkerTests.Scheduler, isDisk: Bool = false) -> (code: Int32, cache: OpaquePointer?) {
        var options = unsafe schedhost_cache_options()
        unsafe options.struct_size = UInt32(MemoryLayout<schedhost_cache_options>.size)
        unsafe options.flags = flags
        unsafe options.expire_ms = expireMs
        unsafe options.refresh_after_ms = refreshAfterMs
        unsafe options.source = unsafe source
        var cache: OpaquePointer?
        let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
        let code =
            unsafe isDisk
            ? host.pointee.cache(scheduler, name, &options, &cache)
            : host.pointee.cache_memory(scheduler, name, &options, &cache)
        return unsafe (code, cache)
    }
}

/// What a get answers.
@safe private struct Got {
    let code: Int32
    let state: UInt32
    let text: String
    let object: UnsafeMutableRawPointer?
}

private func get(
    _ scheduler: HostWorkerTests.Scheduler, _ cache: OpaquePointer?, fresh: Bool = false, key: String = "",
    source: schedhost_source? = nil
) -> Got {
    var request = unsafe schedhost_cache_request()
    unsafe request.struct_size = UInt32(MemoryLayout<schedhost_cache_request>.size)
    unsafe request.flags = fresh ? UInt32(SCHEDHOST_GET_FRESH) : 0
    unsafe request.source = unsafe source
    var value = unsafe schedhost_cache_value()
    unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
    let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
    var key = key
    let code = key.withUTF8 { bytes in
        unsafe request.key = bytes.isEmpty ? nil : UnsafeRawPointer(bytes.baseAddress)
        unsafe request.key_size = bytes.count
        return unsafe host.pointee.cache_get(scheduler, cache, &request, &value)
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: value.data, count: value.size)
    return unsafe Got(
        code: code, state: value.state, text: String(decoding: bytes, as: UTF8.self), object: value.object)
}

private func put(_ scheduler: HostWorkerTests.Scheduler, _ cache: OpaquePointer?, _ text: String) -> Int32 {
    let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
    return unsafe Array(text.utf8).withUnsafeBytes {
        unsafe host.pointee.cache_put(scheduler, cache, nil, 0, $0.baseAddress, $0.count)
    }
}

private let word: schedhost_source = { _, _, _, writer, _ in
    unsafe writer?.pointee.write(writer, "value", 5) ?? -1
}

/// A handle that a test passes from one routine to another.
@safe private final class Handed: @unchecked Sendable {
    // @unchecked: set before others read it.
    var cache: OpaquePointer?
}

@safe private enum Gone {
    static let objects = Mutex<[Int]>([])
}

/// Caches that the routines of a plugin share.
@Suite("Caches of a plugin")
struct PluginCacheTests {
    private static let second: Int64 = 1_000_000_000

    @Test("one handle does for all routines: one loads, others hit, each counts what its own calls were")
    func common() throws {
        let handed = Handed()
        let codes = Mutex<[Int32]>([])
        let first = Script { scheduler in
            let shared = unsafe SharedCache(name: "prices", source: word)
            let (code, cache) = unsafe shared.open(scheduler)
            unsafe handed.cache = unsafe cache
            let again = unsafe shared.open(scheduler)
            unsafe expect(again.cache == cache)
            let got = unsafe get(scheduler, cache)
            expect(got.state == UInt32(SCHEDHOST_VALUE_LOADED) && got.text == "value")
            codes.withLock { $0 += [code, got.code] }
            return 0
        }
        let second = Script { scheduler in
            for _ in 0..<3 {
                let got = unsafe get(scheduler, handed.cache)
                expect(got.code == 0 && got.state == UInt32(SCHEDHOST_VALUE_HIT) && got.text == "value")
            }
            // A cache of its own with that name is another one.
            let own = unsafe SharedCache(name: "prices", flags: 0, source: word).open(scheduler)
            unsafe expect(
                own.cache != handed.cache && get(scheduler, own.cache).state == UInt32(SCHEDHOST_VALUE_LOADED))
            var counters = schedhost_cache_counters()
            counters.struct_size = UInt32(MemoryLayout<schedhost_cache_counters>.size)
            unsafe expect(scheduler.pointee.host.pointee.cache_counters(scheduler, handed.cache, &counters) == 0)
            expect(counters.hits == 3 && counters.loads == 1 && counters.bytes == 5, "those of all together")
            return 0
        }
        let clock = TestClock()
        let kit = unsafe try PluginKit([first, second], clock: clock)
        let ends = [
            try kit.session(kit.order(0, maxCycles: 1), on: clock),
            try kit.session(kit.order(1, maxCycles: 1), on: clock),
        ]
        #expect(ends.map(\.failures) == [0, 0] && codes.withLock { $0 } == [0, 0])
        // The first of the routines tells also what no call has caused.
        #expect(ends[0].stats["cache.prices.loads"] == .int(1) && ends[0].stats["cache.prices.bytes"] == .int(5))
        #expect(ends[0].stats["cache.prices.hits"] == nil)
        #expect(
            ends[1].stats["cache.prices.plugin.hits"] == .int(3) && ends[1].stats["cache.prices.plugin.bytes"] == nil)
        #expect(ends[1].stats["cache.prices.loads"] == .int(1), "its own cache")
        unsafe #expect(kit.context.ledger.annex(1).pointee.cacheHits.load(ordering: .relaxed) == 3)
        unsafe #expect(kit.context.ledger.annex(0).pointee.cacheLoads.load(ordering: .relaxed) == 1)
    }

    @Test("load may open and ask it; a routine's own cache not. Another plugin's scheduler is refused")
    func scopes() throws {
        let kit = unsafe try PluginKit([Script()])
        let other = unsafe try PluginKit([Script()])
        let scope = try #require(kit.context.scope)
        let opened = Handed()
        let text = unsafe scope.callScope(
            .loading,
            { scheduler, user in
                guard let scheduler = unsafe scheduler, let user = unsafe user else { return 1 }
                let (code, cache) = unsafe SharedCache(name: "c", source: word).open(scheduler)
                unsafe Unmanaged<Handed>.fromOpaque(user).takeUnretainedValue().cache = unsafe cache
                guard code == 0, unsafe get(scheduler, cache).text == "value" else { return 2 }
                guard unsafe get(scheduler, cache).state == UInt32(SCHEDHOST_VALUE_HIT) else { return 3 }
                let own = unsafe SharedCache(name: "own", flags: 0).open(scheduler)
                return unsafe own.code == Int32(SCHEDHOST_NOT_HERE) ? 0 : 4
            }, user: Unmanaged.passUnretained(opened).toOpaque())
        #expect(text == nil)
        let runner = kit.context.runners[0]
        unsafe expect(get(runner.scheduler, opened.cache).state == UInt32(SCHEDHOST_VALUE_HIT))
        unsafe expect(get(other.context.runners[0].scheduler, opened.cache).code == Int32(SCHEDHOST_INVALID))
        unsafe expect(
            SharedCache(name: "x", flags: UInt32(SCHEDHOST_CACHE_PLUGIN) | 1 << 20).open(runner.scheduler).code
                == Int32(SCHEDHOST_UNSUPPORTED))
    }

    @Test("a hit allocates nothing, also after the first one of each callback")
    func allocations() throws {
        let counts = Mutex<[UInt64]>([])
        let script = Script { scheduler in
            let cache = unsafe SharedCache(name: "c", source: word).open(scheduler).cache
            let other = unsafe SharedCache(name: "d", source: word).open(scheduler).cache
            _ = unsafe get(scheduler, cache)
            _ = unsafe get(scheduler, other)
            let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
            var value = unsafe schedhost_cache_value()
            unsafe value.struct_size = UInt32(MemoryLayout<schedhost_cache_value>.size)
            _ = unsafe host.pointee.cache_get(scheduler, cache, nil, &value)
            _ = unsafe host.pointee.cache_get(scheduler, other, nil, &value)
            let before = allocation_count()
            for _ in 0..<10_000 {
                _ = unsafe host.pointee.cache_get(scheduler, cache, nil, &value)
                _ = unsafe host.pointee.cache_get(scheduler, other, nil, &value)
            }
            counts.withLock { $0.append(allocation_count() - before) }
            return 0
        }
        let clock = TestClock()
        let kit = unsafe try PluginKit([script], clock: clock)
        #expect(try kit.session(kit.order(maxCycles: 3), on: clock).failures == 0)
        #expect(counts.withLock { $0 } == [0, 0, 0])
    }

    @Test("what a callback got lives until it returns, whatever the other routine does, and then goes")
    func lifetime() throws {
        Gone.objects.withLock { $0 = [] }
        let handed = Handed()
        let inner = Mutex<(@Sendable () -> Void)?>(nil)
        @Sendable func put(_ scheduler: HostWorkerTests.Scheduler, _ number: Int) -> Int32 {
            unsafe scheduler.pointee.host.pointee.cache_put_object(
                scheduler, handed.cache, nil, 0, UnsafeMutableRawPointer(bitPattern: number),
                { object in Gone.objects.withLock { $0.append(Int(bitPattern: object)) } }, 8)
        }
        let holder = Script { scheduler in
            let flags = UInt32(SCHEDHOST_CACHE_PLUGIN) | UInt32(SCHEDHOST_CACHE_OBJECTS)
            unsafe handed.cache = unsafe SharedCache(name: "c", flags: flags).open(scheduler).cache
            unsafe expect(put(scheduler, 16) == 0)
            unsafe expect(get(scheduler, handed.cache).object == UnsafeMutableRawPointer(bitPattern: 16))
            inner.withLock { $0 }?()
            #expect(Gone.objects.withLock { $0 } == [32], "16 is in use here, 32 was in use by nobody")
            unsafe expect(get(scheduler, handed.cache).object == UnsafeMutableRawPointer(bitPattern: 48))
            #expect(Gone.objects.withLock { $0 } == [32])
            return 0
        }
        let writer = Script { scheduler in
            unsafe expect(put(scheduler, 32) == 0 && put(scheduler, 48) == 0)
            return 0
        }
        let clock = TestClock()
        let kit = unsafe try PluginKit([holder, writer], clock: clock)
        let order = kit.order(1, maxCycles: 1)
        nonisolated(unsafe) let host = kit
        inner.withLock { $0 = { _ = try? unsafe host.session(order, on: clock) } }
        #expect(try kit.session(kit.order(0, maxCycles: 1), on: clock).failures == 0)
        #expect(Gone.objects.withLock { $0 } == [32, 16])
    }

    // MARK: While one loads

    /// Two routines on a virtual clock: the first one loads, which takes it 20 s, and the second one asks after 1 s.
    private static func meet(
        _ source: @escaping schedhost_source, _ change: (inout WorkerCommand.Start) -> Void = { _ in },
        stop: (index: Int, second: Int64)? = nil
    ) throws -> (got: [String], ends: [WorkerEvent.Ended], seconds: [Int64]) {
        let clock = VirtualClock(beginning: 0)
        let got = Mutex<[(Int, String, Int64)]>([])
        let start = clock.boot()
        func script(_ index: Int) -> Script {
            Script { scheduler in
                let host = unsafe scheduler.pointee.host.unsafelyUnwrapped
                if index == 1 { _ = unsafe host.pointee.sleep_ms(scheduler, 1000) }
                let cache = unsafe SharedCache(name: "c", source: source).open(scheduler).cache
                let answer = unsafe get(scheduler, cache)
                let reason = unsafe words(host.pointee.cache_error(scheduler, cache))
                let text = answer.code == 0 ? answer.text : "\(answer.code): \(reason)"
                got.withLock { $0.append((index, text, (clock.boot() - start) / second)) }
                return answer.code
            }
        }
        let kit = unsafe try PluginKit([script(0), script(1)], virtual: clock)
        let guide = Stopper(kit, clock: clock, stop: stop, end: 60)
        for index in 0..<2 {
            var order = kit.order(index, waitMs: 60_000, maxCycles: 1)
            if index == 1 { change(&order) }
            let isReady = kit.context.runners[index].prepare(order)
            try #require(isReady)
            kit.context.driver?.begin(index)
        }
        (kit.context.driver as? VirtualTime)?.run(guide)
        let ends = try [kit.nextEnd(), kit.nextEnd()].compactMap { $0 }.sorted { $0.slot < $1.slot }
        let all = got.withLock { $0 }.sorted { $0.0 < $1.0 }
        return (all.map(\.1), ends, all.map(\.2))
    }

    /// Ends virtual time when both sessions are over, and asks one of them to stop before.
    private final class Stopper: VirtualTimeGuide {
        let end: BootTime
        private let kit: PluginKit
        private let clock: VirtualClock
        private var stop: (index: Int, at: BootTime)?

        init(_ kit: PluginKit, clock: VirtualClock, stop: (index: Int, second: Int64)?, end: Int64) {
            self.kit = kit
            self.clock = clock
            self.end = clock.boot() + end * PluginCacheTests.second
            self.stop = stop.map { ($0.index, clock.boot() + $0.second * PluginCacheTests.second) }
        }

        var earliest: BootTime { stop?.at ?? .never }

        func settle() -> Bool {
            if let due = stop, clock.boot() >= due.at {
                stop = nil
                kit.context.runners[due.index].ask(.stop)
                kit.context.driver?.poke(due.index)
            }
            return kit.context.runners.contains { $0.isBusy }
        }

        func rest() {}
    }

    private static let slow: schedhost_source = { scheduler, _, _, writer, _ in
        _ = unsafe scheduler?.pointee.host.pointee.sleep_ms(scheduler, 20_000)
        return unsafe writer?.pointee.write(writer, "late", 4) ?? -1
    }

    @Test("who asks while another one loads waits for that load, and time goes on meanwhile")
    func joined() throws {
        let met = unsafe try Self.meet(Self.slow)
        #expect(met.got == ["late", "late"] && met.seconds == [20, 20])
        #expect(met.ends.map { $0.stats["cache.c.loads"] } == [.int(1), nil])
    }

    @Test("a load that fails fails for all who wait, and its source is left alone for all")
    func failed() throws {
        let met = unsafe try Self.meet { scheduler, _, _, _, _ in
            _ = unsafe scheduler?.pointee.host.pointee.sleep_ms(scheduler, 20_000)
            return unsafe scheduler?.pointee.host.pointee.fail(scheduler, 7, "no network") ?? -1
        }
        #expect(met.got == ["-4: no network", "-4: no network"] && met.seconds == [20, 20])
        #expect(met.ends.map(\.reason.text) == ["cache c: no network", "cache c: no network"])
        #expect(met.ends.map { $0.stats["cache.c.load_failures"] } == [.int(1), nil])
    }

    @Test("who waits can be stopped, and that is no failure")
    func stoppedWaiting() throws {
        let met = unsafe try Self.meet(Self.slow, { $0.maxCycles = 2 }, stop: (1, 5))
        #expect(met.got == ["late", "-8: the routine was asked to stop while it waited for the load of another one"])
        #expect(met.seconds == [20, 5])
        #expect(met.ends[1].reason.end == .stopped && met.ends[1].failures == 0)
    }

    @Test("a load whose routine is stopped is nobody's failure: the one who waits loads")
    func stoppedLoading() throws {
        let met = unsafe try Self.meet(
            { scheduler, _, _, writer, _ in
                if unsafe scheduler?.pointee.host.pointee.sleep_ms(scheduler, 20_000) != 0 { return 1 }
                return unsafe writer?.pointee.write(writer, "late", 4) ?? -1
            }, stop: (0, 5))
        #expect(met.got.last == "late" && met.seconds == [5, 25])
        #expect(met.ends[1].failures == 0 && met.ends[1].stats["cache.c.loads"] == .int(1))
        #expect(met.ends.map { $0.stats["cache.c.load_failures"] } == [nil, nil])
    }

    @Test("who waits for a load that does not end says so before it is taken for one that hangs")
    func hangs() throws {
        let met = unsafe try Self.meet(Self.slow, { $0.timeoutMs = 10_000 })
        #expect(met.got[0] == "late" && met.seconds == [20, 9])
        #expect(met.got[1] == "-4: the load of routine r0 goes on for 9.0 s, longer than this one may wait for it")
        #expect(met.ends[1].reason.end == .error)
    }

    @Test("two caches whose sources ask each other are no deadlock")
    func deadlock() throws {
        let handed = [Handed(), Handed()]
        let codes = Mutex<[Int32]>([])
        let clock = VirtualClock(beginning: 0)
        func script(_ index: Int) -> Script {
            let script = Script { scheduler in
                let answer = unsafe get(scheduler, handed[index].cache)
                codes.withLock { $0.append(answer.code) }
                return 0
            }
            unsafe script.start = { scheduler in
                unsafe handed[index].cache = unsafe SharedCache(name: "c\(index)", source: crossing).open(scheduler)
                    .cache
                Crossing.caches.withLock { $0[index] = unsafe UInt(bitPattern: handed[index].cache) }
                return 0
            }
            return script
        }
        let kit = unsafe try PluginKit([script(0), script(1)], virtual: clock)
        for index in 0..<2 {
            let isReady = kit.context.runners[index].prepare(kit.order(index, waitMs: 60_000, maxCycles: 1))
            try #require(isReady)
            kit.context.driver?.begin(index)
        }
        (kit.context.driver as? VirtualTime)?.run(Stopper(kit, clock: clock, stop: nil, end: 60))
        #expect(codes.withLock { $0 } == [-4, -4])
    }

    // MARK: On disk, and in Swift

    @Test("on disk it lies beside the routines' folders, and in Swift it is one cache for all")
    func swift() throws {
        let path = try Directory.makeTemporary("schedhost-shared", in: "/tmp").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let loads = Mutex(0)
        let lasting = Cache("rates", expire: nil, scope: .plugin) { () -> [Int] in
            loads.withLock { $0 += 1 }
            return [1, 2]
        }
        let quick = CacheMemory("best", expire: nil, scope: .plugin) { try lasting().max() ?? 0 }
        let sums = Mutex<[Int]>([])
        let plugin = Plugin("shared", version: "1") {
            for index in 0..<3 {
                Routine("r\(index)", wait: .zero, maxCycles: 2) { scheduler in
                    let best = try quick()
                    _ = try scheduler.cacheMemory("here", expire: nil, scope: .plugin) { best }
                    sums.withLock { $0.append(best) }
                }
            }
        } load: { _ in
            _ = try lasting()
        }
        let place = CachePlace(SystemCacheFolder(try Directory(path), clock: SystemClock()), of: .all)
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 3, cachePlace: place)
        #expect(kit.context.load() == nil)
        for index in 0..<3 {
            #expect(kit.context.runners[index].prepare(kit.order(index, maxCycles: 2)))
            kit.context.driver?.begin(index)
        }
        let ends = try (0..<3).map { _ in try #require(try kit.nextEnd()) }
        #expect(ends.map(\.failures) == [0, 0, 0])
        #expect(sums.withLock { $0 } == Array(repeating: 2, count: 6) && loads.withLock { $0 } == 1)
        func total(_ name: String) -> Int64 {
            ends.reduce(0) { if case .int(let count)? = $1.stats[name] { $0 + count } else { $0 } }
        }
        #expect(total("cache.best.loads") == 1 && total("cache.here.loads") == 1)
        #expect(FileManager.default.fileExists(atPath: path + "/shared/%/rates.shc"))
    }

    @Test("a refresh ahead of expiry runs the cache's source for the routine whose call has begun it")
    func refresh() throws {
        let clock = TestClock()
        let askers = Mutex<[String]>([])
        let cache = CacheMemory("c", expire: nil, refreshAfter: .seconds(10), scope: .plugin) {
            askers.withLock { $0.append(PluginAPI.Scheduler.current?.routine ?? "nobody") }
            return 1
        }
        let plugin = Plugin("ahead", version: "1") {
            for name in ["a", "b"] { Routine(name, wait: .zero, maxCycles: 1) { _ in _ = try cache() } }
        }
        let kit = unsafe try PluginKit(descriptor: plugin.descriptor, routines: 2, clock: clock)
        #expect(try kit.session(kit.order(0, maxCycles: 1), on: clock).failures == 0)
        clock.advance(11 * Self.second)
        #expect(try kit.session(kit.order(1, maxCycles: 1), on: clock).stats["cache.c.loads"] == .int(1))
        #expect(askers.withLock { $0 } == ["a", "b"])
    }
}

@safe private enum Crossing {
    static let caches = Mutex<[UInt]>([0, 0])
}

/// Asks for the other cache, a second later.
private let crossing: schedhost_source = { scheduler, _, _, writer, _ in
    guard let scheduler = unsafe scheduler else { return -1 }
    _ = unsafe scheduler.pointee.host.pointee.sleep_ms(scheduler, 1000)
    let isFirst = unsafe words(place(scheduler).routine) == "r0"
    let other = Crossing.caches.withLock { $0[isFirst ? 1 : 0] }
    let answer = unsafe get(scheduler, OpaquePointer(bitPattern: other))
    return answer.code == 0 ? unsafe writer?.pointee.write(writer, "x", 1) ?? -1 : answer.code
}
