import AllocationCounter
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What a key with a few bytes takes, and what is left out of it until it is needed.
@Suite("The size of a cache's entries")
struct CacheEntrySizeTests {
    private static func contents(_ budget: CacheBudget = CacheBudget(), isPrivate: Bool) -> CacheContents {
        CacheContents(
            policy: CacheFlight.Policy(expire: 1000, refreshAfter: .max), valueLimit: 100, budget: budget,
            isPrivate: isPrivate)
    }

    @Test("a value with its key takes what the budget counts for it")
    func bytes() throws {
        let budget = CacheBudget()
        var contents = Self.contents(budget, isPrivate: true)
        let (count, length) = (3 << 10, 5)
        for number in 0..<count {
            let key = Array(String(10_000 + number).utf8)
            _ = unsafe ([1, 2, 3, 4, 5] as [UInt8]).withUnsafeBytes {
                unsafe contents.put(.few($0), key, now: 0, above: 0)
            }
        }
        let entries = (0..<8).compactMap { contents.entries[Array(String(10_000 + $0).utf8)] }
        let entry = try #require(entries.first)
        let sizes = (entry: heapSize(of: entries), value: heapSize(of: entries.compactMap(\.value)))
        #expect(sizes.entry <= 112 && sizes.value <= 128)
        // An array has 32 bytes before its elements. Three quarters of a dictionary's slots are in use at most, and here so are
        // as many, each with a key and an entry.
        let keys = unsafe entries.compactMap { entry in
            unsafe entry.key.withUnsafeBytes { bytes in unsafe bytes.baseAddress.map { unsafe $0 - 32 } }
        }
        let key = unsafe heapSize(at: keys)
        let all = sizes.entry + sizes.value + key + 16 * 4 / 3
        #expect(entry.overhead - length == 320 && budget.held == count * (entry.overhead + 5))
        #expect(abs(entry.overhead - all) <= 32, "\(all)")
    }

    @Test("what the disk and the cluster know of a value has room only where there are any")
    func copies() {
        let (own, other) = (CacheEntry(key: [1], isPrivate: true), CacheEntry(key: [1]))
        for entry in [own, other] {
            #expect(entry.loads == 0 && entry.shared == 0 && entry.saved == nil)
            (entry.loads, entry.shared) = (3, 4)
            entry.saved = CacheEntry.Saved(mark: 5, generation: 6, size: 7)
        }
        #expect(own.loads == 0 && own.shared == 0 && own.saved == nil)
        #expect(other.loads == 3 && other.shared == 4 && other.saved?.mark == 5)
        #expect(other.saved?.generation == 6 && other.saved?.size == 7)
        #expect(other.overhead > own.overhead)
    }

    @Test("a value notes when it was used and whether it was handed out, and forgets both when it is made another one")
    func marks() {
        let value = unsafe ([1] as [UInt8]).withUnsafeBytes {
            unsafe CacheValue(.few($0), key: [], generation: 1, serial: 1, produced: 10, now: 20)
        }
        #expect(value.used == 20 && !value.isSeen && value.canRenew(32) && !value.canRenew(33))
        value.see()
        #expect(value.used == 20 && value.isSeen && !value.canRenew(1))
        value.use(at: 31)
        #expect(value.used == 31 && value.isSeen)
        unsafe ([2, 3] as [UInt8]).withUnsafeBytes { unsafe value.renew($0, generation: 2, serial: 5, produced: 40) }
        #expect(value.used == 40 && !value.isSeen && value.produced == 40 && value.array == [2, 3])
        unsafe #expect(value.generation == 2 && value.serial == 5 && value.cost == 2 && value.object == nil)
        for time in [BootTime.longAgo, BootTime(nanoseconds: -7)] {
            unsafe ([1] as [UInt8]).withUnsafeBytes { unsafe value.renew($0, generation: 2, serial: 5, produced: time) }
            #expect(value.produced == time)
        }
    }

    @Test("a put makes the value that nobody has the new one, but not in a cache that routines share")
    func renewal() throws {
        for routine in ["routine", ""] {
            let namespace = CacheNamespace(
                plugin: "plugin", routine: routine, budget: CacheBudget(), place: nil,
                environment: CacheEnvironment(clock: TestClock()))
            let cache = unsafe try namespace.open("name", CacheOptions(expire: .max), isOnDisk: false).get()
            try cache.put([1], byCallback: true).get()
            weak let first = cache.current
            try cache.put([2], byCallback: true).get()
            // A renewed value is the same object; another one's end is the end of the first.
            #expect((first == nil) == routine.isEmpty && cache.current?.array == [2])
        }
    }

    @Test("bytes are no object, and an object has no bytes", arguments: [0, 5, 40])
    func parts(_ count: Int) throws {
        let bytes = [UInt8](repeating: 7, count: count)
        let content: CacheValue.Content = unsafe bytes.withUnsafeBytes { unsafe .bytes(CacheBytes(copying: $0)) }
        let value = CacheValue(content, key: [], generation: 1, serial: 1, produced: nil, now: 0)
        unsafe #expect(value.array == bytes && value.object == nil && value.cost == count && !value.isObject)
        unsafe #expect(value.parts.size == count && value.parts.object == nil && value.produced == .longAgo)
        unsafe #expect(value.parts.data == value.bytes.baseAddress)
        let pointer = unsafe try #require(UnsafeMutableRawPointer(bitPattern: 8))
        let object = unsafe CacheValue(
            .object(CacheObject(pointer, cost: 9) { _ in }), key: [], generation: 1, serial: 1, produced: 0, now: 0)
        unsafe #expect(object.array == [] && object.object == pointer && object.cost == 9 && object.isObject)
        unsafe #expect(object.parts.data == nil && object.parts.size == 0 && object.parts.object == pointer)
    }

    @Test("the short way knows the age up to which a hit has no side effects, and nothing that is older than a century")
    func lifetime() {
        let clock = TestClock()
        func isHit(_ expire: Int64, _ refreshAfter: Int64, _ produced: BootTime?) -> Bool {
            let hits = CacheHits(
                clock: CacheClock(clock), policy: CacheFlight.Policy(expire: expire, refreshAfter: refreshAfter),
                countsHits: true)
            let value = unsafe ([1] as [UInt8]).withUnsafeBytes {
                unsafe CacheValue(.few($0), key: [], generation: 1, serial: 1, produced: produced, now: clock.boot())
            }
            hits.publish(value)
            return withExtendedLifetime(value) { hits.find(within: .max) != nil }
        }
        let now = clock.boot()
        #expect(isHit(1000, .max, now - 1000) && !isHit(1000, .max, now - 1001))
        #expect(isHit(1000, 500, now - 499) && !isHit(1000, 500, now - 500))
        #expect(isHit(.max, .max, now) && isHit(0, .max, now) && isHit(0, .max, now + 5))
        #expect(isHit(.max, .max, now - (1 << 61)) && !isHit(.max, .max, nil))
        for distance in [0, 1, 2, 1 << 40] as [Int64] {
            #expect(!isHit(1000, .max, BootTime(nanoseconds: .min + distance)))
        }
    }
}
