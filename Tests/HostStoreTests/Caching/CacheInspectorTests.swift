import HostStore
import HostSystem
import HostValues
import Testing

/// What `schedhost cache` shows, with no host there.
@Suite("The cache inspector")
struct CacheInspectorTests {
    private static func world() throws -> (CacheWorld, CacheInspector) {
        let world = CacheWorld()
        _ = unsafe try world.cache(.disk, CacheOptions(expire: 100, codec: 3), name: "b").get(
            source: source([1, 2, 3]) { world.clock.advance(5) })
        unsafe try world.cache(.disk, CacheOptions(expire: .max), name: "Ä").put([4]).get()
        unsafe try world.cache(.disk, CacheOptions(expire: .max), name: "b").put([5, 6], key: [0, 255]).get()
        world.clock.advance(101)
        return (world, CacheInspector(state: MemoryFolder(world.disk), clock: world.clock, origin: world.origin))
    }

    @Test("lists every value with what its file says")
    func list() throws {
        let (world, inspector) = try Self.world()
        let report = inspector.list()
        #expect(report.errors.isEmpty)
        #expect(report.files.map(\.name) == ["b", "b", "Ä"])
        #expect(report.files.map(\.key) == [[0, 255], [], []])
        let value = try #require(report.files.first { $0.name == "b" && $0.key.isEmpty }?.value)
        #expect(value.size == 3 && value.age == 101 && value.expire == 100 && value.isExpired)
        #expect(value.generation == 1 && value.loads == 1 && value.loadTime == 5)
        #expect(value.codec == 3 && value.build == "build-1")
        #expect(value.produced == world.clock.wall() - 101)
        #expect(inspector.list(.init(plugin: "other")).files.isEmpty)
        #expect(inspector.list(.init(plugin: "plugin", routine: "routine", name: "Ä")).files.count == 1)
    }

    @Test("flags what is wrong, and leaves it where it is")
    func flaws() throws {
        let (world, inspector) = try Self.world()
        let path = "cache/v1/plugin/routine/b.shc"
        var file = try #require(world.disk.files[path])
        file[file.count - 1] ^= 1
        world.disk.set(path, file)
        world.disk.set(path + ".corrupt", [1])
        world.disk.set("cache/v1/plugin/routine/c.shc", world.disk.files["cache/v1/plugin/routine/%C3%84.shc"])
        let flaws = inspector.list().files.compactMap(\.flaw).sorted()
        #expect(flaws == ["corrupt, set aside", "it is another cache's", "its payload does not match its checksum"])
        #expect(world.disk.files[path] == file)
        let got = try #require(inspector.get(plugin: "plugin", routine: "routine", name: "b"))
        #expect(got.bytes == nil && got.listing.flaw != nil)
    }

    @Test("gives a value's bytes, and clears what is selected")
    func getAndClear() throws {
        let (world, inspector) = try Self.world()
        #expect(inspector.get(plugin: "plugin", routine: "routine", name: "b")?.bytes == [1, 2, 3])
        #expect(inspector.get(plugin: "plugin", routine: "routine", name: "b", key: [0, 255])?.bytes == [5, 6])
        #expect(inspector.get(plugin: "plugin", routine: "routine", name: "B") == nil)
        #expect(inspector.clear(.init(name: "b", key: [])).removed == 1)
        #expect(inspector.list().files.count == 2)
        #expect(inspector.clear(.init()).removed == 2)
        #expect(world.disk.files.isEmpty)
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: 1), name: "b").peek().error == .notFound)
    }

    @Test("a state directory without caches is empty, not an error")
    func empty() {
        let report = CacheInspector(state: MemoryFolder(), clock: TestClock()).list()
        #expect(report.files.isEmpty && report.errors.isEmpty)
    }
}
