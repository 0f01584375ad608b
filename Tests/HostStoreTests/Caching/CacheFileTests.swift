import HostStore
import HostSystem
import HostValues
import Synchronization
import Testing

/// What damage, crashes and full disks do to the files.
@Suite("Cache files")
struct CacheFileTests {
    static let path = "cache/v1/plugin/routine/name.shc"
    static let options = unsafe CacheOptions(expire: 1000)

    /// The file of a value, its world and how long the part before the payload is.
    private static func saved(_ bytes: [UInt8]) throws -> (world: CacheWorld, file: [UInt8], head: Int) {
        let world = CacheWorld()
        try world.cache(.disk, options).put(bytes).get()
        let file = try #require(world.disk.files[path])
        return (world, file, file.count - bytes.count)
    }

    private static func expectSetAside(_ damaged: [UInt8], _ world: CacheWorld, _ what: String) throws {
        world.disk.set(path, damaged)
        world.disk.set(path + ".corrupt", nil)
        world.restart()
        let cache = try world.cache(.disk, options)
        #expect(cache.peek().error == .notFound, "\(what)")
        #expect(world.disk.files[path] == nil, "\(what)")
        #expect(world.disk.files[path + ".corrupt"] == damaged, "\(what)")
        #expect(cache.counters().corrupt == 1, "\(what)")
        unsafe #expect(cache.get(source: source([5])).state == .loaded, "\(what)")
    }

    @Test("invariant 5: every bit of every byte flipped: absent, set aside, counted")
    func flipped() throws {
        let (world, file, _) = try Self.saved([1, 2, 3, 4])
        for index in file.indices {
            for bit in (0..<8).map({ UInt8(1) << $0 }) + [0xff] {
                var damaged = file
                damaged[index] ^= bit
                try Self.expectSetAside(damaged, world, "byte \(index) ^ \(bit)")
            }
        }
    }

    @Test("invariant 5: every length but the right one: absent, set aside, counted")
    func truncated() throws {
        let (world, file, _) = try Self.saved([1, 2, 3, 4])
        for length in 0..<file.count { try Self.expectSetAside(Array(file.prefix(length)), world, "length \(length)") }
        try Self.expectSetAside(file + [0], world, "one byte more")
    }

    @Test("invariant 5: another cache's file in this one's place is set aside")
    func foreign() throws {
        let (world, file, _) = try Self.saved([1])
        world.disk.set("cache/v1/plugin/routine/other.shc", file)
        let other = try world.cache(.disk, Self.options, name: "other")
        #expect(other.peek().error == .notFound)
        #expect(other.counters().corrupt == 1)
    }

    @Test("another codec's value is set aside, said and counted, one of each name", arguments: 0..<3)
    func codec(_ call: Int) throws {
        let (world, file, _) = try Self.saved([1])
        world.restart()
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: 1000, codec: 2))
        switch call {
        case 0: #expect(cache.peek().error == .notFound)
        case 1: unsafe #expect(cache.get(source: source([2])).state == .loaded)
        default: break
        }
        try cache.put([2]).get()
        #expect(world.disk.files[Self.path + ".other"] == file)
        #expect(cache.counters().corrupt == 1)
        #expect(
            world.events.value.contains(
                .setAside(cache: "disk cache name", file: "name.shc.other", reason: "it is of codec 0, not 2")))
        #expect(try cache.peek().get().value.generation == (call == 1 ? 3 : 2))
        let listed = CacheInspector(state: MemoryFolder(world.disk), clock: world.clock, origin: world.origin).list()
        #expect(listed.files.map(\.isOther) == [false, true] && listed.files[0].flaw == nil)
        // The plugin of before comes back: its value is not.
        let second = world.disk.files[Self.path]
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek().error == .notFound)
        #expect(world.disk.files[Self.path + ".other"] == second && world.disk.files[Self.path] == nil)
        world.restart()
        try world.cache(.disk, Self.options).put([3]).get()
        #expect(try world.cache(.disk, Self.options).peek().get().value.generation == (call == 1 ? 4 : 3))
        #expect(CacheInspector(state: MemoryFolder(world.disk), clock: world.clock).clear(.init()).removed == 2)
    }

    @Test(
        "a value that the plugin cannot decode is set aside, unless another one has come",
        arguments: [[], [1]] as [[UInt8]])
    func reject(_ key: [UInt8]) throws {
        let world = CacheWorld()
        try world.cache(.disk, Self.options).put([1], key: key).get()
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        let generation = try cache.peek(key: key).get().value.generation
        #expect(!cache.reject(key: key, generation: generation + 1, reason: "no field x"))
        #expect(cache.peek(key: key).bytes == [1])
        #expect(cache.reject(key: key, generation: generation, reason: "no field x"))
        #expect(cache.hit() == nil && cache.peek(key: key).error == .notFound && cache.counters().corrupt == 1)
        #expect(world.disk.files.keys.contains { $0.hasSuffix(".shc.other") })
        #expect(!cache.reject(key: key, generation: generation, reason: "no field x"))
        try cache.put([2], key: key).get()
        #expect(try cache.peek(key: key).get().value.generation == generation + 1)
    }

    @Test("a crash before each step of a save leaves the old value or the new one", arguments: [false, true])
    func crash(_ power: Bool) throws {
        var step = 0
        var results: Set<[UInt8]> = []
        while true {
            let world = CacheWorld()
            world.settings.durability = power ? .power : .process
            // The second save leaves a spare, longer than what comes next.
            try world.cache(.disk, Self.options).put([0, 0, 0]).get()
            try world.cache(.disk, Self.options).put([1]).get()
            world.clock.advance(100)
            world.disk.arm(.crash, at: step)
            _ = try world.cache(.disk, Self.options).put([2])
            let crashed = world.disk.state.withLock { $0.isDead }
            world.clock.advance(50)
            world.restart()
            let cache = try world.cache(.disk, Self.options)
            let answer = unsafe try cache.get(source: source(nil)).get()
            results.insert(answer.value.array)
            #expect(answer.value.array == [1] ? answer.age == 150 : answer.value.array == [2] && answer.age == 50)
            #expect(world.disk.files.keys.allSatisfy { $0 == Self.path }, "no temporary is left: step \(step)")
            #expect(cache.counters().corrupt == 0)
            if !crashed { break }
            step += 1
        }
        #expect(results == [[1], [2]])
        #expect(step == (power ? 8 : 6), "lock, reopen, ftruncate, write, (fdatasync), close, exchange, (fsync)")
    }

    @Test("a failure at each step of a save serves the value and leaves the old file", arguments: [28, 5] as [Int32])
    func failure(_ number: Int32) throws {
        var step = 0
        while true {
            let world = CacheWorld()
            world.settings.durability = .power
            let cache = try world.cache(.disk, Self.options)
            try cache.put([0, 0, 0]).get()
            try cache.put([1]).get()
            world.clock.advance(2000)
            let before = try #require(world.disk.files[Self.path])
            world.disk.arm(.failure(number), at: step)
            unsafe #expect(cache.get(source: source([2])).bytes == [2])
            let log = world.disk.log
            world.disk.arm(nil)
            #expect(cache.peek().bytes == [2])
            if step >= log.count { break }
            let failed = cache.counters().saveFailures
            if failed > 0 {
                let renamed = world.disk.files[Self.path] != before
                #expect(failed == 1 && world.events.value.contains { if case .saveFailed = $0 { true } else { false } })
                // Only the sync of the directory comes after the new file is in place.
                #expect(renamed == (log[step] == "fsync"), "\(log) \(step)")
                // What failed goes. Without the lock nothing was touched, and the spare is still there.
                #expect(world.disk.files.count == (log[step] == "lock" ? 2 : 1), "\(log) \(step)")
            }
            step += 1
        }
        #expect(step == 9, "two locks, reopen, ftruncate, write, fdatasync, close, exchange, fsync")
    }

    @Test(
        "large values, whose former file is removed: old or new after a crash at each step, the new one served after a failure",
        arguments: [MemoryFolder.Mishap.crash, .failure(28)], [false, true])
    func large(_ mishap: MemoryFolder.Mishap, power: Bool) throws {
        func value(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 1_200_000) }
        var steps: [String] = []
        var step = 0
        repeat {
            let world = CacheWorld()
            world.settings.durability = power ? .power : .process
            let cache = try world.cache(.disk, Self.options)
            try cache.put(value(1)).get()
            world.disk.arm(mishap, at: step)
            try cache.put(value(2)).get()
            steps = world.disk.log
            #expect(cache.peek().bytes == value(2))
            world.restart()
            let found = try world.cache(.disk, Self.options).peek().bytes
            // The new value is the file's from the exchange on, if that is reached; it is where there is no spare to open.
            let isNew = steps.firstIndex(of: "exchange").map { $0 != step } ?? false
            #expect(found?.count == value(1).count && found?.first == (isNew ? 2 : 1), "\(steps), \(step)")
            #expect(world.disk.files.keys.elementsEqual([Self.path]), "no other file is left: \(steps), \(step)")
            step += 1
        } while step <= steps.count
        let synced = power ? ["fsync", "remove"] : ["remove"]
        #expect(steps.suffix(2 + synced.count) == ["close", "exchange"] + synced, "removed once the new name is safe")
    }

    @Test("a save writes over what the value had before, and the two change names; without that, it is moved over")
    func spare() throws {
        let spare = "cache/v1/plugin/routine/spare.tmp"
        for canExchange in [true, false] {
            let world = CacheWorld()
            world.disk.state.withLock { $0.canExchange = canExchange }
            let cache = try world.cache(.disk, Self.options)
            for number in 1...4 as ClosedRange<UInt8> {
                world.disk.arm(nil)
                let before = world.disk.files[Self.path]
                try cache.put([UInt8](repeating: number, count: 9 - Int(number))).get()
                #expect(world.disk.files[spare] == (canExchange && number > 1 ? before : nil))
                // `mark` and what comes before it belong to the first save of a process.
                let calls = world.disk.log.filter { !["mkdir", "lock", "mark"].contains($0) }
                switch (number, canExchange) {
                case (1, _): #expect(calls == ["reopen", "create", "write", "close", "rename"])
                case (2, true): #expect(calls == ["reopen", "create", "write", "close", "exchange"])
                case (_, true): #expect(calls == ["reopen", "ftruncate", "write", "close", "exchange"])
                case (2, false): #expect(calls == ["reopen", "create", "write", "close", "exchange", "rename"])
                case (_, false): #expect(calls == ["reopen", "create", "write", "close", "rename"])
                }
            }
            // The former file of a large value takes no place on the disk; one of a small value may.
            try cache.put([UInt8](repeating: 7, count: 2 << 20)).get()
            #expect((world.disk.files[spare] != nil) == canExchange)
            for number in 8...9 as ClosedRange<UInt8> {
                world.disk.arm(nil)
                try cache.put([UInt8](repeating: number, count: 2 << 20)).get()
                #expect(world.disk.files[spare] == nil)
                #expect(world.disk.log.suffix(2) == (canExchange ? ["exchange", "remove"] : ["close", "rename"]))
            }
            // Whoever comes next finds the value, and nothing to write over.
            try cache.put([8]).get()
            #expect(world.disk.files[spare] == nil)
            try cache.put([9]).get()
            #expect((world.disk.files[spare] != nil) == canExchange)
            world.restart()
            #expect(try world.cache(.disk, Self.options).peek().bytes == [9])
            #expect(world.disk.files[spare] == nil)
        }
    }

    @Test("a value's file that somebody removed is there again after the next save")
    func removed() throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        for number in 1...3 as ClosedRange<UInt8> {
            try cache.put([number]).get()
            world.disk.set(Self.path, nil)
        }
        try cache.put([4]).get()
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek().bytes == [4])
    }

    @Test("short writes are gone on with")
    func short() throws {
        for step in 0..<6 {
            let world = CacheWorld()
            world.disk.arm(.shortWrite, at: step)
            try world.cache(.disk, Self.options).put([1, 2, 3]).get()
            world.restart()
            #expect(try world.cache(.disk, Self.options).peek().bytes == [1, 2, 3])
        }
    }

    @Test("temporaries of a crash are swept, other files are left")
    func sweep() throws {
        let (world, _, _) = try Self.saved([1])
        world.disk.set("cache/v1/plugin/routine/name.0123.tmp", [1])
        world.disk.set("cache/v1/plugin/routine/notes.txt", [1])
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek().bytes == [1])
        #expect(world.disk.files.keys.sorted() == [Self.path, "cache/v1/plugin/routine/notes.txt"])
    }

    @Test("keyed values come back from the disk, each with its own age")
    func keyed() throws {
        let world = CacheWorld()
        let keys: [[UInt8]] = [
            [], [0], [0xff, 0x00], Array("a".utf8), Array("A".utf8), [UInt8](repeating: 65, count: 65_536),
        ]
        for (index, key) in keys.enumerated() {
            try world.cache(.disk, Self.options).put([UInt8(index)], key: key).get()
            world.clock.advance(10)
        }
        world.restart()
        for (index, key) in keys.enumerated() {
            let answer = unsafe try world.cache(.disk, Self.options).get(key: key, source: source(nil)).get()
            #expect(answer.value.array == [UInt8(index)] && answer.age == Int64(10 * (keys.count - index)))
        }
        try world.cache(.disk, Self.options).invalidate(key: [0]).get()
        #expect(try world.cache(.disk, Self.options).invalidate(key: [0]).error == .notFound)
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek(key: [0]).error == .notFound)
        #expect(try world.cache(.disk, Self.options).peek(key: []).bytes == [0])
    }

    @Test("generations grow over restarts, and an older one never replaces a newer one")
    func generations() throws {
        let world = CacheWorld()
        for expected in 1...5 as ClosedRange<UInt64> {
            let cache = try world.cache(.disk, Self.options)
            try cache.put([UInt8(expected)]).get()
            #expect(try cache.peek().get().value.generation == expected)
            world.restart()
        }
        // Another process loads and saves while this one's load runs.
        let cache = try world.cache(.disk, Self.options)
        world.clock.advance(2000)
        let other = try world.makeNamespace().open("name", Self.options, isOnDisk: true).get()
        let answer = unsafe cache.get { key, writer in
            _ = other.put([70])
            _ = other.put([71])
            return unsafe source([60])(key, writer)
        }
        #expect(answer.bytes == [60])
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek().bytes == [71])
    }
}
