import Foundation
import HostStore
import HostSystem
import HostTestKit
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

    @Test(arguments: ["data", "data/p", "data/p/mine", "data/p/mine/p"])
    func `a folder that somebody has removed is made anew by the next value`(removed: String) throws {
        let root = TestDirectory()
        let namespace = try root.namespace("p", "routine", TestClock())
        let cache = try namespace.open("a", try Self.options("mine"), isOnDisk: true).get()
        let file = root.path + "/data/p/mine/p/routine/a.shc"
        for value in 1...2 {
            try cache.put([UInt8(value)]).get()
            try cache.put([UInt8(value)], key: [7]).get()
            #expect(FileManager.default.fileExists(atPath: file))
            try FileManager.default.removeItem(atPath: root.path + "/" + removed)
        }
        #expect(cache.counters().saveFailures == 0)
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

    @Test func `what a note leads to anywhere is removed only if it is a value of that cache`() throws {
        let world = CacheWorld()
        for path in ["/srv", "/victim"] {
            try world.cache(.disk, try Self.options(path), name: path == "/srv" ? "a" : "b").put([1], key: []).get()
        }
        try world.cache(.disk, try Self.options("/victim"), name: "b").put([1], key: [7]).get()
        let other = try #require(world.disk.files["root/srv/plugin/routine/a.shc"])
        let precious = [
            "root/victim/plugin/routine/b.shc": Array("precious".utf8),
            "root/victim/plugin/routine/b.keys/%07.shc": other, "root/victim/plugin/routine/b.shc.corrupt": [1],
        ]
        for (file, bytes) in precious { world.disk.set(file, bytes) }
        let before = world.disk.files
        let cleared = Self.inspector(world).clear(.init(name: "b"))
        #expect(cleared.removed == 0 && cleared.errors.count == 3, "\(cleared.errors)")
        #expect(cleared.errors.allSatisfy { $0.description.contains("remove it yourself") }, "\(cleared.errors)")
        #expect(world.disk.files == before)
        #expect(Self.inspector(world).clear(.init(name: "a")).removed == 1)
    }

    @Test func `a cache that names another folder has its value there, and what it left is told and cleared`() throws {
        let world = CacheWorld()
        func put(_ value: UInt8, at path: String?) throws {
            world.restart()
            let cache = try world.cache(.disk, try Self.options(path), name: "a")
            try cache.put([value]).get()
            try cache.put([value], key: [7]).get()
            try world.cache(.disk, try Self.options(nil), name: "a.b").put([9]).get()
        }
        func values() -> [[UInt8]?] {
            [[], [7]].map {
                Self.inspector(world).get(plugin: "plugin", routine: "routine", name: "a", key: $0)?.bytes ?? nil
            }
        }
        try put(1, at: nil)
        #expect(values() == [[1], [1]])
        try put(2, at: "x")
        #expect(values() == [[2], [2]])
        let flaws = Self.inspector(world).list(.init(name: "a")).files.compactMap(\.flaw)
        #expect(flaws == Array(repeating: "left from before the cache named another folder", count: 2))
        #expect(Self.inspector(world).list(.init(name: "a.b")).files.map(\.flaw) == [nil])
        try put(3, at: nil)
        #expect(values() == [[3], [3]])
        try put(4, at: "y")
        #expect(Self.inspector(world).clear(.init(name: "a")).removed == 4)
    }

    @Test func `paths that are equivalent in Unicode are different folders`() throws {
        let (one, other) = ("caf\u{e9}", "cafe\u{301}")
        #expect(one == other && CachePath(one) != CachePath(other) && CachePath("a//b") == CachePath("a/b/"))
        let world = CacheWorld()
        try world.cache(.disk, try Self.options(one), name: "a").put([1]).get()
        try world.cache(.disk, try Self.options(other), name: "b").put([2]).get()
        #expect(Self.inspector(world).list().files.map(\.name) == ["a", "b"])
        #expect(Self.inspector(world).clear(.init()).removed == 2)
    }

    @Test func `each reason why a path names no folder is told`() {
        #expect(CachePath.fault(of: "a/b") == nil)
        for (text, word) in [
            ("", "no folder"), ("./", "no folder"), ("/", "no folder"), ("a/../b", "upwards"), ("a\u{0}b", "NUL"),
            (String(repeating: "n", count: 256), "255"), (String(repeating: "abcdefg/", count: 512), "4095"),
        ] {
            #expect(CachePath.fault(of: text)?.contains(word) == true, "\(text)")
        }
    }

    @Test func `a folder in which nothing can be written is refused when the cache is opened, with the mend`() throws {
        let world = CacheWorld()
        for (number, mend) in [(13, "allow it: sandbox: { write: [\"/srv\"] }"), (20, "give a folder that is no link")]
        {
            world.disk.set("root/srv/plugin/routine/other", [])
            world.disk.arm(.failure(Int32(number)), only: "lock")
            #expect(throws: CacheFailure.self) {
                try world.namespace.open("a", try Self.options("/srv"), isOnDisk: true).get()
            }
            world.disk.arm(nil)
            guard case .placeRefused("disk cache a", "/srv", let error)? = world.events.value.last else {
                Issue.record("\(world.events.value)")
                return
            }
            #expect(error.contains(mend), "\(error)")
        }
    }

    @Test func `a file in place of a folder of keys hides no other value, and a full disk keeps none`() throws {
        let world = CacheWorld()
        try world.cache(.disk, try Self.options(nil), name: "b").put([1]).get()
        world.disk.set("cache/v1/plugin/routine/a.keys", [])
        #expect(Self.inspector(world).list().files.map(\.name) == ["b"])
        world.disk.arm(.failure(28), only: "mark")
        let cleared = Self.inspector(world).clear(.init())
        world.disk.arm(nil)
        #expect(cleared.removed == 1)
        #expect(Self.inspector(world).list().files.isEmpty)
    }
}
