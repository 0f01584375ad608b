import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

/// Lifetimes, bounds and counters.
@Suite("What the caches keep in memory")
struct CacheMemoryTests {
    @Test("a value that the callback looked at lives until the callback ends, a pinned one until it is released")
    func lifetimes() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        try cache.put([1]).get()
        weak var first: CacheValue?
        weak var second: CacheValue?
        var pin: CacheValue?
        do {
            let hit = try #require(cache.hit())
            unsafe first = hit.value.takeUnretainedValue()
        }
        try cache.put([2]).get()
        #expect(first?.array == [1])
        world.namespace.callbackEnded()
        #expect(first == nil)
        pin = try cache.peek().get().value
        second = pin
        _ = cache.invalidate()
        world.namespace.callbackEnded()
        #expect(second?.array == [2])
        pin = nil
        #expect(second == nil)
        _ = pin
    }

    /// Who a value is, and what is known of it.
    private struct Looks: Equatable {
        let identity: ObjectIdentifier
        let serial: UInt64
        let bytes: [UInt8]
        let generation: UInt64
        let age: Int64?

        init(_ cache: HostCache, _ key: [UInt8]) throws {
            let answer = try cache.peek(key: key).get()
            identity = ObjectIdentifier(answer.value)
            serial = answer.value.serial
            bytes = answer.value.array
            generation = answer.value.generation
            age = answer.age
        }
    }

    @Test("a put of a few bytes makes the value another one that nobody was given", arguments: [[], [5]] as [[UInt8]])
    func renewal(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 100))
        try cache.put([1, 2, 3], key: key, byCallback: true).get()
        let first = try Looks(cache, key)
        let overhead = world.budget.held - 3
        world.clock.advance(60)
        try cache.put([4], key: key, byCallback: true).get()
        let second = try Looks(cache, key)
        #expect(second.identity == first.identity && second.serial != first.serial)
        #expect(second.bytes == [4] && second.generation == first.generation + 1 && second.age == 0)
        #expect(world.budget.held == 1 + overhead && cache.counters().bytes == 1)
        world.clock.advance(60)
        #expect(try unsafe cache.get(key: key, source: source([9])).get().state == .hit, "its expiry is its own")
        world.namespace.callbackEnded()
        world.clock.advance(41)
        #expect(try unsafe cache.get(key: key, source: source([9])).get().state == .loaded)
    }

    @Test("a put leaves a value as it is that somebody has, whoever it is", arguments: [[], [5]] as [[UInt8]])
    func noRenewal(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        func put(_ bytes: [UInt8], byCallback: Bool = true) throws {
            try cache.put(bytes, key: key, byCallback: byCallback).get()
        }
        try put([1])
        // With a reference, as a pin is and what a thread of the plugin's own was given.
        let held = try cache.peek(key: key).get().value
        try put([2])
        #expect(held.array == [1] && held.generation == 1)
        // By a hit, which takes none.
        cache.remember(try cache.peek(key: key).get().value)
        let hit = try #require(unsafe key.withUnsafeBytes { unsafe $0.isEmpty ? cache.hit() : cache.hit(key: $0) })
        try put([3])
        #expect(unsafe hit.value.takeUnretainedValue().array == [2])
        // By a peek, which takes none either.
        cache.remember(try cache.peek(key: key).get().value)
        let seen = try #require(unsafe key.withUnsafeBytes { unsafe cache.glance(key: $0) })
        try put([4])
        #expect(unsafe seen.value.takeUnretainedValue().array == [3])
        // Another thread does not know what the callback looks at at this moment.
        let fourth = try Looks(cache, key)
        try put([5], byCallback: false)
        #expect(try Looks(cache, key).identity != fourth.identity)
        // There is no room for more within the value.
        let few = try Looks(cache, key)
        let many = [UInt8](repeating: 7, count: 33)
        try put(many)
        #expect(try Looks(cache, key).identity != few.identity)
        #expect(try Looks(cache, key).bytes == many)
        try put([6])
        #expect(try Looks(cache, key).bytes == [6])
    }

    @Test("a source may write a value in parts, the first ones of few bytes", arguments: [0, 1, 31, 32, 33, 99])
    func parts(_ count: Int) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        let bytes = (0..<count).map { UInt8($0) }
        for part in [1, 5, 16, 32, 33, 99] {
            let result = unsafe cache.get(CacheLookup(fresh: true)) { _, writer in
                // An empty value is written too: a source that writes nothing has made none.
                _ = unsafe writer.write(UnsafeRawBufferPointer(start: nil, count: 0))
                for start in stride(from: 0, to: count, by: part) {
                    let piece = Array(bytes[start..<min(start + part, count)])
                    unsafe piece.withUnsafeBytes { _ = unsafe writer.write($0) }
                    _ = unsafe writer.write(UnsafeRawBufferPointer(start: nil, count: 0))
                }
                return nil
            }
            let value = try result.get().value
            #expect(value.array == bytes, "in parts of \(part)")
            #expect(unsafe UInt(bitPattern: value.bytes.baseAddress) % 16 == 0)
        }
    }

    @Test("an object is released once, when nobody has it any more")
    func objects() throws {
        let world = CacheWorld()
        let options = unsafe CacheOptions(expire: 10, objects: true)
        let cache = try world.cache(.memory, options)
        let released = Shared<[Int]>([])
        func make(_ number: Int, _ fail: Bool = false) -> CacheSource {
            { _, writer in
                let pointer = unsafe UnsafeMutableRawPointer(bitPattern: number)!
                unsafe writer.setObject(pointer, cost: 100) { pointer in
                    released.change { [number = Int(bitPattern: pointer)] in $0.append(number) }
                }
                return fail ? CacheSourceFailure(code: 1, text: "") : nil
            }
        }
        #expect(try unsafe cache.get(source: make(1)).get().value.object == UnsafeMutableRawPointer(bitPattern: 1))
        #expect(cache.counters().bytes == 100 && world.budget.held == 100)
        #expect(try unsafe cache.get().get().value.object == UnsafeMutableRawPointer(bitPattern: 1))
        world.clock.advance(11)
        _ = unsafe cache.get(source: make(2, true))
        #expect(released.value == [2])
        world.clock.advance(11)
        _ = unsafe cache.get(source: make(3))
        #expect(released.value == [2])
        world.namespace.callbackEnded()
        #expect(released.value == [2, 1])
        #expect(cache.put([1]).error == .invalid("this cache holds objects"))
        unsafe #expect(cache.get(CacheLookup(fresh: true), source: source([1])).error != nil)
        #expect(world.namespace.open("x", options, isOnDisk: true).isFailure)
    }

    @Test("a value over its bound is served and not kept", arguments: CacheWorld.Model.allCases)
    func tooLarge(_ model: CacheWorld.Model) throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 100, totalLimit: 1000)
        let cache = unsafe try world.cache(model, CacheOptions(expire: 1000, maxValueBytes: 1 << 40))
        let large = [UInt8](repeating: 1, count: 101)
        try cache.put([1]).get()
        #expect(cache.put(large).error == .tooLarge)
        #expect(cache.peek().error == .notFound)
        try cache.put([1]).get()
        unsafe #expect(cache.get(CacheLookup(fresh: true), source: source(large)).bytes == large)
        #expect(cache.peek().error == .notFound)
        #expect(world.budget.held == 0)
    }

    @Test("past the bound goes first what the disk has, then what was not used for longest")
    func eviction() throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 100, totalLimit: 800)
        let memory = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        let disk = unsafe try world.cache(.disk, CacheOptions(expire: .max))
        let value = [UInt8](repeating: 1, count: 100)
        try disk.put(value).get()
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            world.clock.advance(1)
            unsafe try world.cache(.memory, CacheOptions(expire: .max), name: name).put(value).get()
        }
        world.clock.advance(1)
        let a = unsafe try world.cache(.memory, CacheOptions(expire: .max), name: "a")
        let b = unsafe try world.cache(.memory, CacheOptions(expire: .max), name: "b")
        #expect(a.hit() != nil)
        #expect(world.budget.held == 800)
        try memory.put(value).get()
        #expect(world.budget.held == 700)
        #expect(disk.counters().evictions == 1 && b.counters().evictions == 1 && a.counters().evictions == 0)
        #expect(a.hit() != nil && b.hit() == nil && b.peek().error == .notFound)
        unsafe #expect(disk.get().state == .hit)
    }

    @Test("a value that has room stays, however much of the room it takes")
    func nearlyAll() throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 1000, totalLimit: 1000)
        try unsafe world.cache(.disk, CacheOptions(expire: .max)).put([UInt8](repeating: 1, count: 100)).get()
        let large = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        try large.put([UInt8](repeating: 1, count: 950)).get()
        #expect(large.hit() != nil && world.budget.held == 950)
    }

    @Test("a value of the disk that finds no room in memory is served each time", arguments: [[], [1]] as [[UInt8]])
    func noRoom(_ key: [UInt8]) throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 1000, totalLimit: 1000)
        let options = unsafe CacheOptions(
            expire: 1000, refreshAfter: 500, source: { key, writer in unsafe source([7])(key, writer) })
        let disk = try world.cache(.disk, options)
        let large = [UInt8](repeating: 1, count: 850)
        try disk.put(large, key: key).get()
        try unsafe world.cache(.memory, CacheOptions(expire: .max)).put([UInt8](repeating: 2, count: 300)).get()
        #expect(disk.counters().evictions == 1)
        for _ in 0..<3 {
            world.clock.advance(10)
            let answer = try unsafe disk.get(key: key).get()
            #expect(answer.value.array == large && answer.state == .hit)
        }
        unsafe #expect(disk.get(CacheLookup(fresh: true, tolerance: 30), key: key).bytes == large)
        #expect(disk.peek(key: key).bytes == large)
        #expect(disk.counters().hits == 4 && disk.counters().loads == 0)
        // From the age at which it is refreshed too, and the refresh brings another one.
        world.clock.advance(500)
        unsafe #expect(disk.get(key: key).bytes == large)
        #expect(disk.counters().hits == 5)
        world.runBackground()
        unsafe #expect(disk.get(key: key).bytes == [7])
        // Past its expiry it is stale or loaded.
        world.clock.advance(2000)
        unsafe #expect(disk.get(key: key, source: source([8])).state == .loaded)
    }

    @Test("many callers at once get such a value as well")
    func noRoomForMany() throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 1000, totalLimit: 1000)
        let disk = try unsafe world.cache(.disk, CacheOptions(expire: .max))
        try disk.put([UInt8](repeating: 1, count: 850)).get()
        try unsafe world.cache(.memory, CacheOptions(expire: .max)).put([UInt8](repeating: 2, count: 300)).get()
        let served = Shared(0)
        try CacheFlightTests.threads(8) { _ in
            for _ in 0..<50 where unsafe disk.get().bytes?.count == 850 { served.change { $0 += 1 } }
        }
        #expect(served.value == 400 && disk.counters().hits == 400)
    }

    @Test("what was cleared from outside is let go of: the next get loads, and no load in progress brings it back")
    func forget() throws {
        let world = CacheWorld()
        let options = unsafe CacheOptions(expire: .max)
        let disk = try world.cache(.disk, options)
        let other = try world.cache(.disk, options, name: "other")
        let memory = try world.cache(.memory, options)
        for key in [[], [1], [2]] as [[UInt8]] { try disk.put([1], key: key).get() }
        try other.put([1]).get()
        try memory.put([1]).get()
        #expect(disk.hit() != nil)
        func clear(_ name: String?, _ key: [UInt8]?) {
            _ = CacheInspector(state: MemoryFolder(world.disk), clock: world.clock).clear(.init(name: name, key: key))
            world.namespace.forget(name: name, key: key)
        }
        clear("name", [1])
        #expect(disk.peek(key: [1]).error == .notFound && disk.peek(key: [2]).bytes == [1] && disk.hit() != nil)
        clear("name", nil)
        #expect(disk.hit() == nil && disk.peek().error == .notFound && disk.peek(key: [2]).error == .notFound)
        #expect(other.hit() != nil)
        clear(nil, nil)
        #expect(other.hit() == nil && memory.hit() != nil)
        #expect(world.budget.held == 1)
        let answer = unsafe disk.get { key, writer in
            clear(nil, nil)
            return unsafe source([7])(key, writer)
        }
        #expect(answer.bytes == [7] && disk.peek().error == .notFound)
        clear("no such cache", nil)
    }

    @Test("keys that hold nothing do not pile up")
    func failedKeys() throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 1000, totalLimit: 100_000)
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 1000))
        for key in 0..<5000 as Range<UInt16> {
            _ = unsafe cache.get(key: [UInt8(key >> 8), UInt8(key & 255)], source: source(nil))
        }
        #expect(world.budget.held <= 100_000)
        #expect(cache.counters().evictions == 0)
    }

    @Test("counters")
    func counters() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: 100))
        _ = unsafe cache.get(source: source([1, 2]) { world.clock.advance(7) })
        _ = unsafe cache.get()
        _ = cache.hit()
        world.clock.advance(101)
        _ = unsafe cache.get(CacheLookup(tolerance: 100), source: source(nil) { world.clock.advance(5) })
        var expected = CacheCounters()
        expected.hits = 2
        expected.loads = 1
        expected.loadFailures = 1
        expected.staleServed = 1
        expected.bytes = 2
        expected.loadTime = 12
        #expect(cache.counters() == expected)
        #expect(world.namespace.counters() == expected)
        let stale = unsafe try cache.get(CacheLookup(tolerance: 100)).get()
        #expect(stale.state == .stale && stale.lastFailure?.code == 7)
    }

    @Test("without a source there is what is held, or nothing")
    func noSource() throws {
        let cache = unsafe try CacheWorld().cache(.memory, CacheOptions(expire: 100))
        unsafe #expect(cache.get().error == .notFound)
        unsafe #expect(cache.get(key: [1]).error == .notFound)
        try cache.put([1]).get()
        unsafe #expect(cache.get().bytes == [1])
        unsafe #expect(cache.get(CacheLookup(fresh: true)).error == .notFound)
    }
}

extension Result {
    var isFailure: Bool { if case .failure = self { true } else { false } }
}
