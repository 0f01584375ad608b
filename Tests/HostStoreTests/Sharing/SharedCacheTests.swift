import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

@testable import HostStore

/// Caches of several hosts that share their values.
@Suite("Shared caches")
struct SharedCacheTests {
    private static let second: Int64 = 1_000_000_000

    @Test("the table, with a value of another host", arguments: CacheTableTests.rows, CacheWorld.Model.allCases)
    func row(_ row: CacheTableTests.Row, _ model: CacheWorld.Model) throws {
        for works in [true, false] {
            let world = SharedWorld()
            let options = unsafe CacheOptions(expire: CacheTableTests.expire)
            let other = try world.host(model, options)
            _ = unsafe try other.get(source: source([1])).get()
            world.clock.advance(row.age)
            let cache = try world.host(model, options)
            let request = CacheLookup(fresh: row.fresh, tolerance: row.tolerance)
            let answer = unsafe cache.get(request, source: source(works ? [2] : nil))
            let expected = works ? row.good : row.bad
            #expect(answer.state == expected, "works=\(works)")
            if expected == nil {
                #expect(answer.error == .sourceFailed(CacheSourceFailure(code: 7, text: "no network")))
            } else {
                #expect(answer.bytes == (expected == .loaded ? [2] : [1]))
            }
            // The other host has what was loaded, with its age, by the next call that would load.
            world.clock.advance(CacheTableTests.expire + 1)
            if expected == .loaded, model == .memory {
                world.clock.advance(-CacheTableTests.expire - 1)
                other.forget(nil)
                #expect(unsafe other.get(source: source([3])).bytes == [2])
            }
        }
    }

    @Test("a hit in memory asks nobody, and a miss costs three requests")
    func requests() throws {
        let world = SharedWorld()
        let cache = unsafe try world.host(CacheOptions(expire: Self.second))
        #expect(unsafe cache.get(source: source([1])).state == .loaded)
        #expect(world.store.takeAsked() == ["read", "begin", "succeed"])
        for _ in 0..<10 { #expect(unsafe cache.get(source: source([2])).bytes == [1]) }
        #expect(world.store.takeAsked() == [])
        let other = unsafe try world.host(CacheOptions(expire: Self.second))
        world.clock.advance(Self.second / 2)
        let served = unsafe other.get(source: source([2]))
        #expect(served.bytes == [1] && served.state == .hit)
        #expect(try served.get().age == Self.second / 2)
        #expect(world.store.takeAsked() == ["read"])
        #expect(other.counters().sharedHits == 1 && other.counters().loads == 0)
        #expect(cache.counters().sharedLoads == 1)
        // A value that expired here and there is not sent again.
        world.clock.advance(Self.second)
        #expect(unsafe other.get(source: source([3])).state == .loaded)
        #expect(unsafe cache.get(source: source([4])).bytes == [3])
    }

    @Test("only what is declared is shared, and objects never are", arguments: CacheSharing.allCases, [false, true])
    func which(_ which: CacheSharing, _ isDeclared: Bool) throws {
        let world = SharedWorld()
        let cache = unsafe try world.host(CacheOptions(expire: Self.second, isShared: isDeclared), which: which)
        _ = unsafe cache.get(source: source([1]))
        #expect(world.store.takeAsked().isEmpty == (which == .off || which == .declared && !isDeclared))
        if !isDeclared { _ = unsafe try world.host(CacheOptions(expire: 1, objects: true), which: which) }
        #expect(throws: CacheFailure.self) {
            unsafe try world.host(CacheOptions(expire: 1, objects: true, isShared: true), which: which)
        }
    }

    @Test("who comes while another host loads waits for it, and has the value then")
    func waits() throws {
        let other = Shared(SharedValue(produced: 0, keepMs: 0, bytes: []))
        let world = SharedWorld { store, _, _ in
            store.state.withLock { state in
                // The other host ends its load 20 ms after it began.
                guard state.asked.filter({ $0 == "read" }).count == 3, let (key, load) = state.loads.first else {
                    return
                }
                state.version += 1
                state.loads = [:]
                state.values[key] = (state.version, load.begun, other.value)
            }
        }
        let made = try Self.made([7])
        let cache = unsafe try world.host(CacheOptions(expire: 60 * Self.second))
        let key = SharedKey(routine: "routine", name: "name", isOnDisk: false, codec: 0, key: [])
        _ = world.store.begin(key, load: 0, value: 0)
        other.change {
            $0 = made
            $0.produced = world.clock.boot() + 20_000_000
        }
        let answer = unsafe cache.get(source: source([1]))
        #expect(answer.bytes == [7] && answer.state == .hit)
        #expect(cache.counters().sharedWaits == 1 && cache.counters().sharedHits == 1 && cache.counters().loads == 0)
    }

    /// A value as a host gives it to the store.
    private static func made(_ value: [UInt8]) throws -> SharedValue {
        let world = SharedWorld()
        let cache = unsafe try world.host(CacheOptions(expire: 60 * second))
        _ = unsafe cache.get(source: source(value))
        return try #require(world.store.state.withLock { $0.values.first?.value.value })
    }

    @Test("a host that is dead is not waited for longer than it may be silent")
    func takeover() throws {
        let world = SharedWorld()
        let cache = unsafe try world.host(CacheOptions(expire: Self.second))
        let key = SharedKey(routine: "routine", name: "name", isOnDisk: false, codec: 0, key: [])
        _ = world.store.begin(key, load: 0, value: 0)
        let start = world.clock.boot()
        #expect(unsafe cache.get(source: source([1])).state == .loaded)
        #expect(world.clock.boot() - start == SharedLoad.patience)
        // And the dead one's value is not kept should it come after all.
        #expect(world.store.succeed(key, begun: 1, SharedValue(produced: 0, keepMs: 0, bytes: [])) == .changed)
    }

    @Test("a failure is one for all hosts, until its time is over")
    func failures() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: 40 * Self.second)
        let (one, two) = (try world.host(options), try world.host(options))
        let failure = CacheSourceFailure(code: 7, text: "no network")
        #expect(unsafe one.get(source: source(nil)).error == .sourceFailed(failure))
        world.clock.advance(Self.second)
        guard case .sourceFailed(let told)? = unsafe two.get(source: source([1])).error else {
            Issue.record("it does not fail")
            return
        }
        #expect(told.code == 7 && told.text == "no network")
        #expect(told.leftAloneUntil == world.clock.boot() + 9 * Self.second)
        // It is not asked again, not even for the record.
        _ = world.store.takeAsked()
        #expect(unsafe two.get(source: source([1])).error == .sourceFailed(told))
        #expect(world.store.takeAsked() == [])
        #expect(two.counters().loadFailures == 0)
        // A call for a new value asks all the same.
        let three = try world.host(options)
        #expect(unsafe three.get(CacheLookup(fresh: true), source: source([3])).bytes == [3])
        world.clock.advance(9 * Self.second)
        #expect(unsafe two.get(source: source([1])).bytes == [3])
    }

    @Test("a stale value of another host is served when the source fails, here or there, as the tolerance allows")
    func stale() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: 10 * Self.second)
        let (one, two, three) = (try world.host(options), try world.host(options), try world.host(options))
        _ = unsafe one.get(source: source([1]))
        world.clock.advance(11 * Self.second)
        let lax = CacheLookup(tolerance: 5 * Self.second)
        #expect(unsafe two.get(lax, source: source(nil)).state == .stale)
        let answer = unsafe three.get(lax, source: source([3]))
        #expect(answer.state == .stale && answer.bytes == [1])
        #expect(unsafe three.get(source: source([3])).error != nil)
    }

    @Test("what is put or dropped on one host outdates what another one is loading")
    func puts() throws {
        for drops in [false, true] {
            let world = SharedWorld()
            let options = unsafe CacheOptions(expire: Self.second)
            let (one, two, three) = (try world.host(options), try world.host(options), try world.host(options))
            let answer = unsafe one.get(
                source: source([1]) { if drops { _ = two.invalidate() } else { _ = two.put([2]) } })
            #expect(answer.bytes == [1])
            #expect(unsafe three.get(source: source([3])).bytes == (drops ? [3] : [2]))
        }
    }

    @Test("without the store each host loads for itself, and counts that")
    func away() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: Self.second)
        let (one, two) = (try world.host(options), try world.host(options))
        world.store.state.withLock { $0.isAway = true }
        #expect(unsafe one.get(source: source([1])).bytes == [1])
        #expect(unsafe two.get(source: source([2])).bytes == [2])
        #expect(one.counters().storeFailures == 1 && one.counters().loads == 1)
        world.store.state.withLock { $0.isAway = false }
        // It has no part in what was loaded alone, and the next load is for all again.
        world.clock.advance(Self.second + 1)
        #expect(unsafe one.get(source: source([3])).bytes == [3])
        #expect(unsafe two.get(source: source([4])).bytes == [3])
    }

    @Test("the disk has what came from the store, and is asked first")
    func disk() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: 60 * Self.second)
        let disk = MemoryFolder.Disk()
        _ = unsafe try world.host(.disk, options).get(source: source([1]))
        world.clock.advance(Self.second)
        #expect(unsafe try world.host(.disk, options, disk: disk).get(source: source([2])).bytes == [1])
        disk.restart()
        world.store.state.withLock { $0.isAway = true }
        world.clock.advance(Self.second)
        let answer = unsafe try world.host(.disk, options, disk: disk).get(source: source([2]))
        #expect(answer.bytes == [1])
        #expect(try answer.get().age == 2 * Self.second)
    }

    @Test("a value of another host gets a number of this one's, whatever it has there")
    func ownGenerations() throws {
        let world = SharedWorld()
        let (one, two) = unsafe (try world.host(CacheOptions(expire: .max)), try world.host(CacheOptions(expire: .max)))
        for number in 1...9 as ClosedRange<UInt8> { try one.put([number]).get() }
        let taken = unsafe try two.get(source: source([77])).get().value
        #expect(taken.array == [9] && taken.generation == 1)
    }

    @Test("generations of a host grow, also by values of others")
    func generations() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: Self.second)
        let (one, two) = (try world.host(options), try world.host(options))
        var last: UInt64 = 0
        for round in 0..<10 {
            let cache = round % 3 == 0 ? one : two
            _ = unsafe cache.get(CacheLookup(fresh: true), source: source([UInt8(round)]))
            world.clock.advance(Self.second / 4)
            let generation = unsafe try one.get(CacheLookup(fresh: true, tolerance: 1), source: source([99])).get()
                .value.generation
            #expect(generation > last)
            last = generation
        }
    }

    @Test("a value that is too large for the store stays here, is counted, and nobody waits for it")
    func large() throws {
        let world = SharedWorld(longestValue: 1000)
        let options = unsafe CacheOptions(expire: Self.second)
        let (one, two) = (try world.host(options), try world.host(options))
        let big = [UInt8](repeating: 5, count: 2000)
        #expect(unsafe one.get(source: source(big)).bytes == big)
        #expect(one.counters().storeFailures == 1)
        #expect(unsafe two.get(source: source([2])).bytes == [2])
    }

    @Test("a value that is damaged, or of another key, is none")
    func damaged() throws {
        let world = SharedWorld()
        let options = unsafe CacheOptions(expire: Self.second)
        _ = unsafe try world.host(options).get(source: source([1]))
        let good = try #require(world.store.state.withLock { $0.values.first?.value.value.bytes })
        for index in good.indices {
            world.store.state.withLock { state in
                for key in state.values.keys {
                    state.values[key]?.value.bytes = good
                    state.values[key]?.value.bytes[index] ^= 1
                }
            }
            #expect(unsafe try world.host(options).get(source: source([2])).bytes == [2], "byte \(index)")
        }
        world.store.state.withLock { state in
            let value = state.values.first?.value
            state.values[SharedKey(routine: "routine", name: "name", isOnDisk: false, codec: 0, key: [4])] = value
        }
        #expect(unsafe try world.host(options).get(key: [4], source: source([2])).bytes == [2])
    }

    @Test("hosts, threads and keys at once: one load for each value that there is")
    func threads() throws {
        let loads = Shared<[[UInt8]: Int]>([:])
        let store = MemoryStore(SystemClock()) { _, time in
            let clock = SystemClock()
            let _: Void? = Monitor(()).wait(until: clock.monotonic() + max(0, time - clock.boot())) { _ in nil }
        }
        let left = Monitor(3 * 4)
        for _ in 0..<3 {
            let namespace = CacheNamespace(
                plugin: "plugin", routine: "routine", budget: CacheBudget(), place: nil,
                environment: CacheEnvironment(clock: SystemClock(), shared: (store, .all)))
            for _ in 0..<4 {
                try Thread.start(name: "host", stack: 1 << 20) {
                    if let cache = unsafe try? namespace.open("name", CacheOptions(expire: .max), isOnDisk: false).get()
                    {
                        for number in 0..<40 as Range<UInt8> {
                            let answer = unsafe cache.get(
                                key: [number],
                                source: source([number]) { loads.change { $0[[number], default: 0] += 1 } })
                            #expect(answer.bytes == [number])
                        }
                    }
                    left.withLock { $0 -= 1 }
                    left.broadcast()
                }
            }
        }
        left.wait { $0 == 0 ? () : nil }
        #expect(loads.value.count == 40)
        #expect(loads.value.values.allSatisfy { $0 == 1 })
    }
}
