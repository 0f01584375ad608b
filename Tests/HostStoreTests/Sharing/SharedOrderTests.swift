import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What the store has in the end when several things are done to a value at once, and who need not wait for another host.
@Suite("Shared caches: the last word, and the end of waiting")
struct SharedOrderTests {
    private static let second: Int64 = 1_000_000_000
    private static let key = SharedKey(routine: "routine", name: "name", isOnDisk: false, codec: 0, key: [])

    /// A routine that can be stopped, and has only so much time.
    private final class Routine: CacheCaller {
        let stop = Shared(false)
        let patience: MonotonicTime?
        let callerName = "r"
        var isStopAsked: Bool { stop.value }
        var endsRefreshes: Bool { stop.value }

        init(patience: MonotonicTime? = nil) { self.patience = patience }

        func waitVirtually(until deadline: MonotonicTime) -> Bool { false }
        func refresh(_ work: @escaping @Sendable () -> Void) -> Bool { false }
        func holds(_ view: CacheView) {}
        func keep(_ value: CacheValue) {}
    }

    /// A store in which another host loads for as long as the test lasts, and gives signs of life.
    private static func busyWorld(_ onWait: @escaping @Sendable () -> Void = {}) -> SharedWorld {
        SharedWorld { store, _, _ in
            store.state.withLock { state in
                state.version += 1
                for key in state.loads.keys { state.loads[key]?.version = state.version }
            }
            onWait()
        }
    }

    @Test("what is put last is what the store has, whoever comes there last", arguments: CacheWorld.Model.allCases)
    func puts(_ model: CacheWorld.Model) throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: Self.second)
        let cache = try world.host(model, options)
        world.store.state.withLock { $0.before = { _ in _ = cache.put([2]) } }
        #expect(throws: Never.self) { try cache.put([1]).get() }
        #expect(cache.peek().bytes == [2])
        #expect(unsafe try world.host(model, options).get(source: source([3])).bytes == [2])
        // The host that has it knows that the store has it too.
        _ = world.store.takeAsked()
        _ = unsafe cache.get(CacheLookup(fresh: true), source: source([4]))
        #expect(world.store.takeAsked() == ["read", "begin", "succeed"])
    }

    @Test("what is dropped while it is on its way to the store is not there", arguments: CacheWorld.Model.allCases)
    func drops(_ model: CacheWorld.Model) throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: Self.second)
        let cache = try world.host(model, options)
        world.store.state.withLock { $0.before = { _ in _ = cache.invalidate() } }
        #expect(throws: Never.self) { try cache.put([1]).get() }
        #expect(cache.peek().error == .notFound)
        #expect(unsafe try world.host(model, options).get(source: source([3])).bytes == [3])
    }

    @Test("a value that is too large for the store, or for the cache, outdates what the store has")
    func large() throws {
        for (longest, bound) in [(1000, 0), (1 << 20, 1000)] {
            let world = SharedWorld(longestValue: longest)
            let options = unsafe CacheOptions(expire: Self.second, maxValueBytes: bound)
            let cache = try world.host(options)
            _ = unsafe cache.get(source: source([1]))
            let big = [UInt8](repeating: 5, count: 2000)
            #expect(unsafe cache.get(CacheLookup(fresh: true), source: source(big)).bytes == big)
            cache.forget(nil)
            #expect(unsafe try world.host(options).get(source: source([2])).bytes == [2], "bound \(bound)")
            #expect(unsafe cache.get(source: source([3])).bytes == [2])
        }
    }

    @Test("a worker's first put may be larger than what every store takes")
    func firstPut() throws {
        let world = SharedWorld(least: 1000)
        let big = [UInt8](repeating: 5, count: 2000)
        let cache = unsafe try world.host(CacheOptions(expire: Self.second))
        #expect(throws: Never.self) { try cache.put(big).get() }
        #expect(world.store.takeAsked() == ["read", "put"])
        #expect(unsafe try world.host(CacheOptions(expire: Self.second)).get(source: source([2])).bytes == big)
    }

    @Test("who waits for another host is stopped")
    func stop() throws {
        let routine = Routine()
        let waits = Shared(0)
        let world = Self.busyWorld {
            waits.change { $0 += 1 }
            if waits.value == 3 { routine.stop.change { $0 = true } }
        }
        let cache = unsafe try world.host(CacheOptions(expire: Self.second))
        _ = world.store.begin(Self.key, load: 0, value: 0)
        #expect(unsafe cache.get(source: source([1]), caller: routine).error == .stopped)
        #expect(waits.value == 3)
        // A routine of those that share the cache likewise.
        let view = unsafe CacheView(of: cache, routine, source: nil)
        #expect(unsafe cache.get(source: source([1]), by: view).error == .stopped)
        #expect(waits.value == 3)
        // The load that it has begun is over: others begin anew.
        world.store.state.withLock { $0.loads = [:] }
        #expect(unsafe cache.get(source: source([2]), caller: Routine()).bytes == [2])
    }

    @Test("who waits for another host does so for as long as its own time allows")
    func patience() throws {
        let world = Self.busyWorld()
        let cache = unsafe try world.host(CacheOptions(expire: Self.second))
        _ = world.store.begin(Self.key, load: 0, value: 0)
        let start = world.clock.boot()
        let routine = Routine(patience: world.clock.monotonic() + 1_234_000_000)
        let answer = unsafe cache.get(source: source([1]), caller: routine)
        guard case .sourceFailed(let failure)? = answer.error else {
            Issue.record("it does not fail: \(String(describing: answer.state))")
            return
        }
        #expect(failure.text.hasPrefix("the load of another host goes on for 1.2"), "\(failure.text)")
        #expect(world.clock.boot() - start == 1_234_000_000)
        // That is no failure of the source: the next one asks it.
        world.store.state.withLock { $0.loads = [:] }
        #expect(unsafe cache.get(source: source([2]), caller: Routine()).bytes == [2])
    }

    @Test("a background refresh waits for another host until the session ends")
    func refresh() throws {
        let ends = Shared(false)
        let waits = Shared(0)
        let world = Self.busyWorld {
            waits.change { $0 += 1 }
            if waits.value == 3 { ends.change { $0 = true } }
        }
        let work = Shared<[@Sendable () -> Void]>([])
        let environment = CacheEnvironment(
            clock: world.clock, jitter: { 0 },
            background: { one in
                work.change { $0.append(one) }
                return true
            },
            endsRefreshes: { ends.value }, shared: (world.store, .all))
        let namespace = CacheNamespace(
            plugin: "plugin", routine: "routine", budget: CacheBudget(), place: nil, environment: environment)
        let options = unsafe CacheOptions(expire: 60 * Self.second, refreshAfter: Self.second) { _, writer in
            unsafe ([1] as [UInt8]).withUnsafeBytes { unsafe writer.write($0) }
                ? nil : CacheSourceFailure(code: 1, text: "")
        }
        let cache = try namespace.open("name", options, isOnDisk: false).get()
        #expect(unsafe cache.get().bytes == [1])
        world.clock.advance(2 * Self.second)
        let version = try #require(world.store.state.withLock { $0.values[Self.key] }).version
        _ = world.store.begin(Self.key, load: 0, value: version)
        #expect(unsafe cache.get().bytes == [1] && work.value.count == 1)
        for one in work.value { one() }
        #expect(waits.value == 3 && cache.counters().loads == 1)
        #expect(unsafe cache.get().bytes == [1] && work.value.count == 2, "the next session begins another one")
    }
}
