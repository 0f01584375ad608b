import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What one cache has on the disk, and how it takes a disk that fails.
@Suite("CacheDisk")
struct CacheDiskTests {
    private static let expire: Int64 = 1000

    private final class World {
        let clock = TestClock()
        let folder = MemoryFolder.Disk()
        let events = Shared<[CacheEvent]>([])

        func disk(codec: UInt32 = 0, valueLimit: Int = 100) -> CacheDisk {
            CacheDisk(
                CacheStore(
                    root: MemoryFolder(folder), plugin: "plugin", routine: "routine", settings: CacheSettings()),
                name: "name", options: unsafe CacheOptions(expire: expire, codec: codec), valueLimit: valueLimit,
                owner: CacheDisk.Owner(plugin: "plugin", routine: "routine", build: "build"),
                environment: CacheEnvironment(
                    clock: clock, origin: CacheOrigin(machine: "", boot: "1", bootOffset: 0), jitter: { 0 },
                    background: { _ in false }, report: { [events] event in events.change { $0.append(event) } }))
        }

        /// A value that was put at the clock's time.
        func made(_ bytes: [UInt8], generation: UInt64, key: [UInt8] = []) -> CacheMade {
            let buffer = unsafe bytes.withUnsafeBytes { unsafe CacheBytes(copying: $0) }
            let value = CacheValue(
                .bytes(buffer), key: key, generation: generation, serial: generation, produced: clock.boot(),
                now: clock.boot())
            return CacheMade(entry: CacheEntry(key: key), value: value, old: nil, loads: 3, isKept: true)
        }
    }

    @Test("a value that was saved is read with its age, by a later process too", arguments: [[], [5]] as [[UInt8]])
    func roundTrip(_ key: [UInt8]) throws {
        let world = World()
        let made = world.made([1, 2], generation: 4, key: key)
        #expect(world.disk().save(made, loadTime: 50, isWanted: { true }) == .replaced)
        world.clock.advance(70)
        let found = try #require(world.disk().read(key))
        #expect(found.header.generation == 4 && found.header.loads == 3 && found.header.build == "build")
        #expect(found.held.produced == world.clock.boot() - 70 && found.held.began == world.clock.boot() - 120)
        #expect(world.disk().read(key + [9]) == nil)
    }

    @Test("a save that nobody wants any more, or that is late, leaves what is there")
    func notSaved() throws {
        let world = World()
        let disk = world.disk()
        #expect(disk.save(world.made([1], generation: 2), loadTime: 0, isWanted: { false }) == .dropped)
        #expect(disk.read([]) == nil)
        #expect(disk.save(world.made([1], generation: 2), loadTime: 0, isWanted: { true }) == .replaced)
        #expect(disk.save(world.made([2], generation: 2), loadTime: 0, isWanted: { true }) == .outdated)
        #expect(try #require(disk.read([])).header.payloadSize == 1)
    }

    @Test("a value is read again only if it is of a later generation, and none over the bound is")
    func conditions() {
        let world = World()
        _ = world.disk().save(world.made([1, 2, 3], generation: 5), loadTime: 0, isWanted: { true })
        #expect(world.disk().read([], above: 5) == nil)
        #expect(world.disk().read([], above: 4) != nil)
        #expect(world.disk(valueLimit: 2).read([]) == nil)
    }

    @Test("what a process has not read itself it learns of", arguments: [[], [5]] as [[UInt8]])
    func newest(_ key: [UInt8]) {
        let world = World()
        _ = world.disk().save(world.made([1], generation: 9, key: key), loadTime: 0, isWanted: { true })
        let disk = world.disk()
        #expect(disk.newest == 0)
        disk.learnNewest()
        #expect(disk.newest == 9)
        _ = world.disk().save(world.made([1], generation: 11, key: key), loadTime: 0, isWanted: { true })
        disk.learnNewest()
        #expect(disk.newest == 9, "it is asked for once")
        disk.learnNewest(key)
        #expect(disk.newest == 11)
    }

    @Test("one process has the turn to load; who does not wait is told, and so is who cannot know")
    func turns() throws {
        let world = World()
        guard case .own(let lock) = world.disk().turn([], patience: 0) else {
            return #expect(Bool(false), "the turn is not had")
        }
        guard case .others = world.disk().turn([], patience: 0) else {
            return #expect(Bool(false), "two have the turn")
        }
        lock.release()
        guard case .own = world.disk().turn([], patience: 0) else {
            return #expect(Bool(false), "the turn was not given back")
        }
        let failing = world.disk()
        _ = failing.read([])
        world.folder.arm(.failure(5), at: 0)
        guard case .unknown = failing.turn([], patience: 0) else { return #expect(Bool(false), "it is known") }
        #expect(world.events.value.count == 1)
    }

    @Test("a save that fails is counted and reported, and reaches nobody else")
    func failingSave() {
        let world = World()
        let disk = world.disk()
        world.folder.arm(.failure(28), at: 0)
        #expect(disk.save(world.made([1], generation: 1), loadTime: 0, isWanted: { true }) == .dropped)
        #expect(disk.counters.saveFailures == 1)
        guard case .saveFailed(cache: "disk cache name", _)? = world.events.value.first else {
            return #expect(Bool(false), "nothing is told")
        }
    }

    @Test("a damaged file, and one of another codec, are set aside, counted and reported")
    func setAside() throws {
        let world = World()
        _ = world.disk().save(world.made([1], generation: 3), loadTime: 0, isWanted: { true })
        let other = world.disk(codec: 8)
        #expect(other.read([]) == nil && other.counters.corrupt == 1 && other.newest == 3)
        _ = other.save(world.made([1], generation: 4), loadTime: 0, isWanted: { true })
        let path = try #require(world.folder.files.keys.first { $0.hasSuffix("/name.shc") })
        world.folder.set(path, [1, 2, 3])
        #expect(other.read([]) == nil && other.counters.corrupt == 2 && world.events.value.count == 2)
        let unknown = world.disk(codec: 8)
        unknown.learnNewest()
        #expect(unknown.newest > 4, "the damaged file may have had a later one")
        // Where the header is whole, the next value is above that one.
        _ = other.save(world.made([1], generation: 9), loadTime: 0, isWanted: { true })
        world.folder.set(path, (world.folder.files[path] ?? []).dropLast() + [77])
        let next = world.disk(codec: 8)
        #expect(next.read([]) == nil && next.newest == 9)
        let last = world.disk(codec: 8)
        last.learnNewest()
        #expect(last.newest >= unknown.newest, "also in the next process")
    }

    @Test("what the plugin rejects is set aside, but no other generation")
    func rejected() {
        let world = World()
        let disk = world.disk()
        _ = disk.save(world.made([1], generation: 3), loadTime: 0, isWanted: { true })
        #expect(!disk.reject([], generation: 2, reason: "no"))
        #expect(disk.reject([], generation: 3, reason: "no") && disk.counters.corrupt == 1)
        #expect(disk.read([]) == nil && !disk.remove([], generation: 0))
    }

    @Test("a file that was removed leaves its generation behind")
    func removed() {
        let world = World()
        _ = world.disk().save(world.made([1], generation: 3), loadTime: 0, isWanted: { true })
        let disk = world.disk()
        #expect(disk.remove([], generation: 6))
        let later = world.disk()
        later.learnNewest()
        #expect(later.newest == 6)
    }
}
