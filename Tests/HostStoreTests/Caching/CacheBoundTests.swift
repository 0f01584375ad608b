import HostStore
import HostValues
import Testing

/// How many files the keyed values of a cache may have.
@Suite("The bound of keyed cache files")
struct CacheBoundTests {
    private static let folder = "cache/v1/plugin/routine/name.keys/"
    private static let options = unsafe CacheOptions(expire: 1_000_000)

    private static func key(_ number: Int) -> [UInt8] { Array("k\(number)".utf8) }

    /// The files of values: all but the spare.
    private static func files(_ world: CacheWorld) -> Set<String> {
        let names = world.disk.files.keys.filter { $0.hasPrefix(folder) }.map { String($0.dropFirst(folder.count)) }
        return Set(names.filter { $0 != "spare.tmp" })
    }

    @Test("past the bound the least recently written go, and never the value just written", arguments: [false, true])
    func files(_ inBackground: Bool) throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 16, diskMb: 0)
        let cache = try world.cache(.disk, Self.options)
        var order: [Int] = []
        var random = UInt64(5)
        for _ in 0..<2000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(random >> 33) % 60
            try cache.put([UInt8(number)], key: Self.key(number)).get()
            order.removeAll { $0 == number }
            order.append(number)
            if inBackground || random >> 60 == 0 { world.runBackground() }
            let files = Self.files(world)
            #expect(files.contains("k\(number).shc"))
            // Those that are there are the last written.
            #expect(files == Set(order.suffix(files.count).map { "k\($0).shc" }))
            if inBackground { #expect(files.count <= 16) }
        }
        #expect(cache.counters().evictions > 100)
        world.runBackground()
        #expect(Self.files(world).count <= 16)
        // What is gone from the disk is still served from memory, and can be put again.
        #expect(cache.peek(key: Self.key(order[0])).bytes == [UInt8(order[0])])
    }

    @Test("bytes count as well, each file at least 4 KiB; the newest stays whatever it takes")
    func bytes() throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 0, diskMb: 1)
        let cache = try world.cache(.disk, Self.options)
        for number in 0..<400 {
            try cache.put([1], key: Self.key(number)).get()
            world.runBackground()
            #expect(Self.files(world).count <= 256)
        }
        #expect(Self.files(world).count > 200)
        try cache.put([UInt8](repeating: 1, count: 2 << 20), key: [9]).get()
        world.runBackground()
        #expect(Self.files(world) == ["%09.shc"])
    }

    @Test("a value that is written again and again is one file, and drives no other out")
    func again() throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 16, diskMb: 0)
        let cache = try world.cache(.disk, Self.options)
        for number in 0..<14 { try cache.put([1], key: Self.key(number)).get() }
        for _ in 0..<500 {
            try cache.put([2], key: Self.key(0)).get()
            world.runBackground()
        }
        #expect(Self.files(world).count == 14 && cache.counters().evictions == 0)
    }

    @Test("what a worker finds at its start is swept, damaged files too; unkeyed values are not counted")
    func start() throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 0, diskMb: 0)
        for number in 0..<40 { try world.cache(.disk, Self.options).put([1], key: Self.key(number)).get() }
        try world.cache(.disk, Self.options).put([1]).get()
        world.disk.set(Self.folder + "k39.shc.corrupt", [1])
        world.settings.diskFiles = 8
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        #expect(cache.peek(key: Self.key(1)).bytes == [1])
        world.runBackground()
        let names = (34..<40).map { "k\($0).shc" } + ["k39.shc.corrupt"]
        #expect(Self.files(world) == Set(names))
        #expect(cache.counters().evictions == 34)
        #expect(cache.peek().bytes == [1])
    }

    @Test("what is within the bound stays, also when a new worker looks first", arguments: [15, 16, 17])
    func within(_ count: Int) throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 0, diskMb: 0)
        for number in 0..<count { try world.cache(.disk, Self.options).put([1], key: Self.key(number)).get() }
        world.settings.diskFiles = 16
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        #expect(cache.peek(key: Self.key(count - 1)).bytes == [1])
        world.runBackground()
        #expect(Self.files(world).count == (count > 16 ? 14 : count))
        #expect(cache.counters().evictions == (count > 16 ? 3 : 0))
        // It is counted from there on: one more than the bound, and the oldest go.
        for number in count..<17 { try cache.put([1], key: Self.key(number)).get() }
        world.runBackground()
        #expect(Self.files(world).count == 14 || count > 16)
    }

    @Test("what is saved while the files are looked through stays")
    func meanwhile() throws {
        let world = CacheWorld()
        world.settings = CacheSettings(diskFiles: 8, diskMb: 0)
        let cache = try world.cache(.disk, Self.options)
        for number in 0..<9 { try cache.put([1], key: Self.key(number)).get() }
        // The oldest two would go; the first is written again before.
        try cache.put([2], key: Self.key(0)).get()
        world.runBackground()
        #expect(Self.files(world).contains("k0.shc") && !Self.files(world).contains("k1.shc"))
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek(key: Self.key(0)).bytes == [2])
    }
}
