import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

@testable import HostStore

/// Hits by a key that take no lock.
@Suite("Hits by key")
struct KeyedHitsTests {
    /// As the worker asks on the callback's thread: the short way, else the long one, which makes the short one possible.
    private static func get(_ cache: HostCache, _ key: [UInt8], within oldest: Int64 = .max) -> (
        bytes: [UInt8]?, isShort: Bool
    ) {
        let hit = unsafe key.withUnsafeBytes { unsafe cache.hit(key: $0, within: oldest) }
        if let hit { return (unsafe hit.value.takeUnretainedValue().array, true) }
        let answer = unsafe cache.get(key: key)
        if case .success(let served) = answer, served.state == .hit { cache.remember(served.value) }
        return (answer.bytes, false)
    }

    private static func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

    @Test("the second hit of a key takes the short way, and each one of another value too")
    func short() throws {
        let cache = unsafe try CacheWorld().cache(.memory, CacheOptions(expire: .max))
        try cache.put([1], key: [7]).get()
        #expect(Self.get(cache, [7]) == ([1], false))
        #expect(Self.get(cache, [7]) == ([1], true))
        try cache.put([2], key: [7]).get()
        #expect(Self.get(cache, [7]) == ([2], true))
        #expect(Self.get(cache, [8]) == (nil, false))
        #expect(Self.get(cache, []) == (nil, false))
        #expect(cache.counters().hits == 3)
    }

    @Test("what is dropped, evicted, forgotten or past its expiry is not found by the short way")
    func gone() throws {
        let world = CacheWorld()
        world.budget = CacheBudget(valueLimit: 1000, totalLimit: 10_000)
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: 100))
        func hold(_ key: [UInt8]) throws {
            try cache.put([1], key: key).get()
            _ = Self.get(cache, key)
            #expect(Self.get(cache, key) == ([1], true))
        }
        func isShort(_ key: [UInt8]) -> Bool { unsafe key.withUnsafeBytes { unsafe cache.hit(key: $0) != nil } }
        try hold([1])
        try cache.invalidate(key: [1]).get()
        #expect(!isShort([1]))
        try hold([2])
        #expect(cache.reject(key: [2], generation: try cache.peek(key: [2]).get().value.generation, reason: "a test"))
        #expect(!isShort([2]))
        try hold([3])
        world.namespace.forget()
        #expect(!isShort([3]))
        try hold([4])
        world.clock.advance(101)
        #expect(!isShort([4]))
        unsafe #expect(cache.get(key: [4], source: source([2])).bytes == [2])
        #expect(isShort([4]))
        try hold([5])
        world.clock.advance(1)
        for name in 0..<20 {
            unsafe try world.cache(.memory, CacheOptions(expire: .max), name: "\(name)")
                .put([UInt8](repeating: 1, count: 900)).get()
        }
        #expect(cache.counters().evictions > 0 && !isShort([5]))
    }

    @Test("a tolerance holds for the short way as well")
    func tolerance() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        try cache.put([1], key: [1]).get()
        _ = Self.get(cache, [1])
        world.clock.advance(50)
        #expect(Self.get(cache, [1], within: 50).isShort)
        #expect(!Self.get(cache, [1], within: 49).isShort)
    }

    @Test("nearly all of many keys take the short way, and each gives its own value")
    func many() throws {
        let cache = unsafe try CacheWorld().cache(.memory, CacheOptions(expire: .max))
        for number in 0..<5000 { try cache.put(Self.key(number), key: Self.key(number)).get() }
        for number in 0..<5000 { #expect(Self.get(cache, Self.key(number)) == (Self.key(number), false)) }
        var short = 0
        for number in 0..<5000 {
            let (bytes, isShort) = Self.get(cache, Self.key(number))
            #expect(bytes == Self.key(number))
            if isShort { short += 1 }
        }
        #expect(short > 4500)
    }

    @Test("keys with one hash are told apart")
    func sameHash() throws {
        // CRC-32C is linear: the checksums of these differ by nothing, since both are multiples of its polynomial.
        let first: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        var second = first
        let polynomial: UInt64 = 0x1_05ec_76f1  // reflected, with its highest term
        unsafe second.withUnsafeMutableBytes { unsafe $0.storeBytes(of: polynomial, as: UInt64.self) }
        let same = unsafe first.withUnsafeBytes { a in
            unsafe second.withUnsafeBytes { unsafe KeyedHits.hash(a) == KeyedHits.hash($0) }
        }
        try #require(same)
        let cache = unsafe try CacheWorld().cache(.memory, CacheOptions(expire: .max))
        try cache.put([1], key: first).get()
        try cache.put([2], key: second).get()
        for _ in 0..<2 {
            #expect(Self.get(cache, first).bytes == [1])
            #expect(Self.get(cache, second).bytes == [2])
        }
        #expect(Self.get(cache, first).isShort && Self.get(cache, second).isShort)
    }

    @Test("peek takes the short way whatever the value's age, and keeps the value for the callback")
    func glance() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 10))
        try cache.put([1], key: [1]).get()
        try cache.put([2]).get()
        _ = Self.get(cache, [1])
        world.clock.advance(1_000)
        func glance(_ key: [UInt8]) -> CacheHit? { unsafe key.withUnsafeBytes { unsafe cache.glance(key: $0) } }
        let (keyed, unkeyed) = (try #require(glance([1])), try #require(glance([])))
        #expect(keyed.age == 1000 && unkeyed.age == 1000 && glance([9]) == nil)
        _ = cache.invalidate(key: [1])
        _ = unsafe cache.put(UnsafeRawBufferPointer(start: nil, count: 0), byCallback: true)
        unsafe #expect(keyed.value.takeUnretainedValue().array == [1])
        unsafe #expect(unkeyed.value.takeUnretainedValue().array == [2])
        #expect(cache.counters().hits == 1)
    }

    @Test("while other threads put and drop, the callback's thread gets whole values of its keys, and each is released")
    func race() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        let isOver = Atomic(false)
        let ended = Monitor(0)
        for writer in 0..<2 {
            try Thread.start(name: "writer") {
                var round = writer
                while !isOver.load(ordering: .relaxed) {
                    let key = Self.key(round % 40)
                    if round % 7 == 0 {
                        _ = cache.invalidate(key: key)
                    } else {
                        _ = cache.put(key + [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 64), key: key)
                    }
                    round += 1
                }
                ended.withLock { $0 += 1 }
                ended.broadcast()
            }
        }
        var (short, wrong) = (0, 0)
        for round in 0..<40_000 {
            let key = Self.key(round % 40)
            let (bytes, isShort) = Self.get(cache, key)
            if isShort { short += 1 }
            if let bytes {
                let rest = bytes.dropFirst(key.count)
                if bytes.count != key.count + 64 || !bytes.starts(with: key) || Set(rest).count != 1 { wrong += 1 }
            }
            if round % 50 == 0 { world.namespace.callbackEnded() }
        }
        isOver.store(true, ordering: .relaxed)
        ended.wait { $0 == 2 ? () : nil }
        #expect(wrong == 0 && short > 0)
    }
}
