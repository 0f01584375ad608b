import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

@testable import HostStore

/// The numbers of a cache's values.
@Suite("Generations of cached values")
struct CacheGenerationTests {
    private static let options = unsafe CacheOptions(expire: .max)

    private static func put(_ world: CacheWorld, _ key: [UInt8] = [], name: String = "name") throws -> UInt64 {
        let cache = try world.cache(.disk, options, name: name)
        try cache.put([1], key: key).get()
        return try cache.peek(key: key).get().value.generation
    }

    @Test("they grow by one with each value of the cache, keyed or not, over restarts")
    func restarts() throws {
        let world = CacheWorld()
        let keys: [[UInt8]] = [[], [1], [2], [1], [], [3]]
        for (index, key) in keys.enumerated() {
            world.restart()
            #expect(try Self.put(world, key) == UInt64(index + 1))
            // Another cache of the routine has numbers of its own.
            #expect(try Self.put(world, name: "other") == UInt64(index + 1))
        }
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        unsafe #expect(
            try cache.get(CacheLookup(fresh: true), key: [9], source: source([1])).get().value.generation == 7)
    }

    enum Loss: CaseIterable { case invalidated, invalidatedAtOnce, cleared, tooLarge, trimmed, sweptTwice }

    @Test("and go on when the last value is gone", arguments: Loss.allCases, [[], [5]] as [[UInt8]])
    func losses(_ loss: Loss, _ key: [UInt8]) throws {
        let world = CacheWorld()
        for _ in 0..<3 { _ = try Self.put(world, key) }
        switch loss {
        case .invalidated:
            try world.cache(.disk, Self.options).invalidate(key: key).get()
        case .invalidatedAtOnce:
            world.restart()
            try world.cache(.disk, Self.options).invalidate(key: key).get()
        case .cleared:
            #expect(CacheInspector(state: MemoryFolder(world.disk), clock: world.clock).clear(.init()).removed == 1)
        case .tooLarge:
            world.budget = CacheBudget(valueLimit: 1)
            world.restart()
            #expect(try world.cache(.disk, Self.options).put([1, 2], key: key).error == .tooLarge)
        case .trimmed:
            if key.isEmpty { return }
            for path in world.disk.files.keys where path.hasSuffix(".shc") { world.disk.set(path, nil) }
        case .sweptTwice:
            for _ in 0..<2 {
                try world.cache(.disk, Self.options).invalidate(key: key).get()
                world.restart()
                #expect(try Self.put(world, key) > 3)
            }
            try world.cache(.disk, Self.options).invalidate(key: key).get()
            world.restart()
            #expect(try Self.put(world, key) == 6)
            return
        }
        #expect(!world.disk.files.keys.contains { $0.hasSuffix(".shc") })
        world.budget = CacheBudget()
        world.restart()
        #expect(try Self.put(world, key) == 4)
        #expect(try Self.put(world, [7]) == 5)
    }

    @Test("they go on where another process has given later ones", arguments: [[], [5]] as [[UInt8]], [true, false])
    func otherProcess(_ key: [UInt8], _ isHeld: Bool) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        if isHeld { try cache.put([0], key: key).get() } else { #expect(cache.peek(key: key).error == .notFound) }
        cache.forget(nil)
        _ = cache.invalidate(key: [77])  // From here on it does not ask for the highest generation of all files.
        let other = try world.makeNamespace().open("name", Self.options, isOnDisk: true).get()
        for number in 1...50 as ClosedRange<UInt8> { try other.put([number], key: key).get() }
        let last = try other.peek(key: key).get().value.generation
        try cache.invalidate(key: key).get()
        #expect(try Self.put(world, key) == last + 1)
        try cache.invalidate(key: key).get()
        world.restart()
        #expect(try Self.put(world, key) == last + 2)
    }

    @Test("a file whose header is damaged does not begin the numbers anew", arguments: [0, 24, 200], [true, false])
    func damagedHeader(place: Int, isRead: Bool) throws {
        let world = CacheWorld()
        for _ in 0..<3 { _ = try Self.put(world) }
        let path = try #require(world.disk.files.keys.first { $0.hasSuffix("name.shc") })
        var last: UInt64 = 3
        for _ in 0..<2 {
            var bytes = try #require(world.disk.files[path])
            if place < bytes.count { bytes[place] ^= 0xFF } else { bytes = [] }
            world.disk.set(path, bytes)
            world.restart()
            let cache = try world.cache(.disk, Self.options)
            if isRead, case .success = cache.peek() { Issue.record("a damaged value is served") }
            let next = try Self.put(world)
            #expect(next > last)
            last = next
        }
    }

    @Test(
        "a file that claims to be the last one of all is damaged, and is replaced", arguments: [[], [5]] as [[UInt8]])
    func highest(_ key: [UInt8]) throws {
        let world = CacheWorld()
        _ = try Self.put(world, key)
        let path = try #require(world.disk.files.keys.first { $0.hasSuffix(".shc") })
        let file = try #require(world.disk.files[path])
        var header = try #require(CacheFileHeader(Array(file.dropLast())))
        for generation in [UInt64.max, CacheFileHeader.generationLimit] {
            header.generation = generation
            var buffer = ByteWriter()
            header.encode(to: &buffer)
            world.disk.set(path, unsafe [UInt8](buffer.bytes) + [1])
            world.restart()
            let cache = try world.cache(.disk, Self.options)
            #expect(cache.peek(key: key).error == .notFound && cache.counters().corrupt == 1)
            #expect(try Self.put(world, key) < CacheFileHeader.generationLimit)
            world.restart()
            #expect(try world.cache(.disk, Self.options).peek(key: key).bytes == [1])
        }
    }

    @Test("a lock file that tells such a number tells nothing", arguments: [[], [5]] as [[UInt8]])
    func highestMark(_ key: [UInt8]) throws {
        let world = CacheWorld()
        for _ in 0..<3 { _ = try Self.put(world, [5]) }
        world.disk.state.withLock { state in
            for path in state.marks.keys { state.marks[path]?.generation = .max }
        }
        for number in 4...6 as ClosedRange<UInt64> {
            world.restart()
            let cache = try world.cache(.disk, Self.options)
            try cache.put([9], key: key).get()
            #expect(try cache.peek(key: key).get().value.generation <= number)
            world.restart()
            #expect(try world.cache(.disk, Self.options).peek(key: key).bytes == [9])
        }
    }

    @Test("keyed files of a version that wrote no number down are asked for theirs")
    func earlierVersion() throws {
        let world = CacheWorld()
        for key in 1...4 as ClosedRange<UInt8> { _ = try Self.put(world, [key]) }
        world.disk.state.withLock { $0.marks = [:] }
        world.restart()
        #expect(try Self.put(world, [9]) == 5)
    }
}
