import HostStore
import HostSystem
import HostValues
import Testing

/// Caches whose author has named a folder for their files.
@Suite struct CachePathTests {
    private static func options(_ path: String?) throws -> CacheOptions {
        unsafe CacheOptions(expire: .max, path: try path.map { try #require(CachePath($0)) })
    }

    private static func inspector(_ world: CacheWorld) -> CacheInspector {
        CacheInspector(state: MemoryFolder(world.disk), clock: world.clock, origin: world.origin) {
            [disk = world.disk] path throws(SystemError) in
            var folder: any CacheFolder = MemoryFolder(disk)
            for part in ["root"] + path.split(separator: "/").map(String.init) {
                folder = try folder.folder(part, create: false)
            }
            return folder
        }
    }

    @Test func `a path names a folder, and none leads upwards`() {
        #expect(CachePath("a/b")?.text == "a/b" && CachePath("/srv//x/./y/")?.text == "/srv/x/y")
        #expect(CachePath("a/b")?.isAbsolute == false && CachePath("/a")?.isAbsolute == true)
        for text in ["", "/", ".", "./", "..", "a/../b", "/a/..", String(repeating: "n", count: 256), "a\u{0}b"] {
            #expect(CachePath(text) == nil, "\(text)")
        }
        #expect(CachePath(String(repeating: "abcdefg/", count: 512)) == nil)
    }

    @Test(arguments: [("mine/prices", "data/plugin/mine/prices"), ("/srv/prices", "root/srv/prices")])
    func `files are in the folder that the cache names, and the commands find them`(path: String, place: String) throws
    {
        let world = CacheWorld()
        let options = try Self.options(path)
        try world.cache(.disk, options, name: "a").put([1, 2]).get()
        try world.cache(.disk, options, name: "a").put([3], key: [7]).get()
        try world.cache(.disk, try Self.options(nil), name: "b").put([4]).get()
        #expect(world.disk.files["\(place)/plugin/routine/a.shc"] != nil)
        #expect(world.disk.files["\(place)/plugin/routine/a.keys/%07.shc"] != nil)
        #expect(world.disk.files["cache/v1/plugin/routine/a.shc"] == nil)
        world.restart()
        let again = try world.cache(.disk, options, name: "a")
        #expect(unsafe try again.peek().get().value.bytes.elementsEqual([1, 2]))
        let inspector = Self.inspector(world)
        let list = inspector.list()
        #expect(list.errors.isEmpty && list.files.map(\.name) == ["a", "a", "b"])
        let root = path.hasPrefix("/") ? path : place
        #expect(list.files.map(\.file).contains("\(root)/plugin/routine/a.shc"), "\(list.files.map(\.file))")
        #expect(inspector.get(plugin: "plugin", routine: "routine", name: "a", key: [7])?.bytes == [3])
        #expect(inspector.clear(.init(name: "a")).removed == 2)
        #expect(inspector.list().files.map(\.name) == ["b"])
    }

    @Test func `two caches of one folder keep apart, and a note has nobody else's files listed`() throws {
        let world = CacheWorld()
        try world.cache(.disk, try Self.options("x"), name: "a").put([1]).get()
        try world.cache(.disk, try Self.options("x"), name: "ab").put([2]).get()
        #expect(Self.inspector(world).list(.init(name: "a")).files.map(\.name) == ["a"])
        // A plugin can write what it likes into its folder.
        let note = "cache/v1/plugin/routine/a.at"
        let file = try #require(world.disk.files["data/plugin/x/plugin/routine/ab.shc"])
        for text in ["", "..", "x/../../other", "cache", "/nowhere", String(repeating: "x", count: 5000)] {
            world.disk.set(note, Array(text.utf8))
            let cleared = Self.inspector(world).clear(.init(name: "a"))
            #expect(cleared.removed == 0 && cleared.errors.isEmpty, "\(text)")
        }
        #expect(world.disk.files["data/plugin/x/plugin/routine/ab.shc"] == file)
    }

    @Test func `what cannot be used is refused and told, and memory has no path`() throws {
        let world = CacheWorld()
        world.disk.arm(.failure(13))
        let refused = world.namespace.open("a", try Self.options("x"), isOnDisk: true)
        #expect(throws: CacheFailure.self) { try refused.get() }
        guard case .placeRefused("disk cache a", "x", let error)? = world.events.value.last else {
            Issue.record("\(world.events.value)")
            return
        }
        #expect(error.contains("Permission denied"))
        world.disk.arm(nil)
        #expect(throws: Never.self) { try world.namespace.open("a", try Self.options("x"), isOnDisk: true).get() }
        #expect(throws: CacheFailure.self) {
            try world.namespace.open("m", try Self.options("x"), isOnDisk: false).get()
        }
    }
}
