import HostStore
import HostValues
import Testing

/// Ages that no clock step, restart or reboot makes wrong.
@Suite("Ages of cached values")
struct CacheAgeTests {
    static let day: Int64 = 86_400_000_000_000

    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var made: CacheStamp
        var now: CacheStamp
        var age: Int64?
        var testDescription: String { what }

        init(_ what: String, _ made: (UInt128, Int64, Int64), _ now: (UInt128, Int64, Int64), _ age: Int64?) {
            self.what = what
            self.made = CacheStamp(boot: made.0, bootTime: made.1, wallTime: made.2)
            self.now = CacheStamp(boot: now.0, bootTime: now.1, wallTime: now.2)
            self.age = age
        }
    }

    static let cases = [
        Case("same boot", (1, 100, 5000), (1, 130, 5030), 30),
        Case("same boot, clock set ahead", (1, 100, 5000), (1, 130, 5030 + day), 30),
        Case("same boot, clock set back", (1, 100, 5000), (1, 130, 5030 - day), 30),
        Case("same boot, from the future", (1, 131, 5000), (1, 130, 5030), nil),
        Case("same boot, this tick", (1, 130, 5000), (1, 130, 5000), 0),
        Case("another boot", (1, 100, 5000), (2, 10, 5400), 400),
        Case("another boot, longer up than the clock says", (1, 100, 5000), (2, 900, 5400), 900),
        Case("another boot, no time gone by the clock", (1, 100, 5000), (2, 7, 5000), 7),
        Case("another boot, clock set back", (1, 100, 5000), (2, 7, 4999), nil),
        Case("boots without an id are never the same", (0, 100, 5000), (0, 130, 5400), 400),
        Case("the ends of the numbers", (1, .min, .min), (2, .max, .max), .max),
        Case("the ends of the numbers, same boot", (1, .max, 0), (1, .min, 0), nil),
    ]

    @Test("stamps", arguments: cases)
    func stamp(_ one: Case) { #expect(one.made.age(at: one.now) == one.age) }

    @Test("a restart and a clock step within a boot leave the age exact", arguments: [-day, day])
    func step(_ step: Int64) throws {
        let world = CacheWorld()
        unsafe try world.cache(.disk, CacheOptions(expire: .max)).put([1]).get()
        world.clock.advance(12_345)
        world.clock.step(step)
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: .max)).get().get().age == 12_345)
    }

    @Test("a value that the disk gave keeps the age of its load, and its load time")
    func loadTime() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: .max))
        _ = unsafe cache.get(source: source([1]) { world.clock.advance(400) })
        world.clock.advance(10)
        #expect(try cache.peek().get().age == 10)
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: .max)).peek().get().age == 10)
        let listing = CacheInspector(state: MemoryFolder(world.disk), clock: world.clock, boot: world.boot).list()
        #expect(listing.files.map { $0.value?.loadTime } == [400])
    }

    @Test("boot ids")
    func bootNumber() {
        #expect(
            CacheStamp.bootNumber("11111111-2222-3333-4444-555555555555") == 0x1111_1111_2222_3333_4444_5555_5555_5555)
        #expect(CacheStamp.bootNumber("") == 0)
        #expect(CacheStamp.bootNumber("no id") == 0)
    }
}
