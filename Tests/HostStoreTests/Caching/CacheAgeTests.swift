import HostStore
import HostTestKit
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

        init(
            _ what: String, _ made: (UInt128, BootTime, WallTime), _ now: (UInt128, BootTime, WallTime), _ age: Int64?,
            machines: (UInt64, UInt64) = (5, 5)
        ) {
            self.what = what
            self.made = CacheStamp(machine: machines.0, boot: made.0, bootTime: made.1, wallTime: made.2)
            self.now = CacheStamp(machine: machines.1, boot: now.0, bootTime: now.1, wallTime: now.2)
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
        Case("no boot id, up for longer than the clock says", (0, 100, 5000), (0, 9999, 5400), 400),
        Case("no boot id then, one now", (0, 100, 5000), (2, 9999, 5400), 400),
        Case("a boot id then, none now", (1, 100, 5000), (0, 9999, 5400), 400),
        Case("no boot id, clock set back", (0, 100, 5000), (0, 130, 4999), nil),
        Case("another machine that is up for longer", (1, 100, 5000), (2, 9999, 5400), 400, machines: (5, 6)),
        Case("another machine whose clock is behind", (1, 100, 5000), (2, 9999, 4999), nil, machines: (5, 6)),
        Case("a machine without an id", (1, 100, 5000), (2, 9999, 5400), 400, machines: (0, 0)),
        Case("a file of an earlier version", (1, 100, 5000), (2, 9999, 5400), 400, machines: (0, 6)),
        Case("two containers of one boot", (1, 100, 5000), (1, 130, 9999), 30, machines: (5, 6)),
        Case("the ends of the numbers", (1, .longAgo, .longAgo), (2, .never, .never - 1), .max),
        Case("a wall clock beyond 2262", (1, 100, 5000), (2, 10, .never), nil),
        Case("a wall clock beyond 2262, same boot", (1, 100, .never), (1, 130, .never), 30),
        Case("the ends of the numbers, same boot", (1, .never, 0), (1, .longAgo, 0), nil),
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
        let listing = CacheInspector(state: MemoryFolder(world.disk), clock: world.clock, origin: world.origin).list()
        #expect(listing.files.map { $0.value?.loadTime } == [400])
    }

    @Test(
        "a value that was made in another time namespace of the boot has its true age",
        arguments: [-3, 0, 40] as [Int64])
    func timeNamespace(_ seconds: Int64) throws {
        let world = CacheWorld()
        let offset = seconds * 1_000_000_000
        unsafe try world.cache(.disk, CacheOptions(expire: .max)).put([1]).get()
        // The namespace's clock is the machine's, so many seconds ahead.
        world.clock.reboot(uptime: world.clock.boot().nanoseconds + 4_000_000_000 + offset)
        world.bootOffset = offset
        world.restart()
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: 2_000_000_000))
        #expect(try cache.peek().get().age == 4_000_000_000)
        unsafe #expect(cache.get(source: source([2])).state == .loaded)
        // And back, with a value that was made inside.
        world.clock.reboot(uptime: world.clock.boot().nanoseconds + 1_000_000_000 - offset)
        world.bootOffset = 0
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: .max)).peek().get().age == 1_000_000_000)
    }

    @Test("what is copied to another machine is as old there as it is, also when that was up for longer")
    func otherMachine() throws {
        let world = CacheWorld()
        unsafe try world.cache(.disk, CacheOptions(expire: Self.day)).put([1]).get()
        world.clock.advance(5)
        world.clock.reboot(uptime: 90 * Self.day)
        world.machine = "fedcba9876543210fedcba9876543210"
        world.boot = "aaaaaaaa-2222-3333-4444-555555555555"
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: Self.day)).get().get().age == 5)
        // Without any id too.
        world.machine = ""
        world.boot = ""
        world.restart()
        unsafe #expect(try world.cache(.disk, CacheOptions(expire: Self.day)).get().get().age == 5)
    }

    @Test("a machine's id is a number that does not tell it; what is no id is unknown")
    func machine() {
        let id = "0123456789abcdef0123456789abcdef"
        let number = CacheOrigin(machine: id, boot: "", bootOffset: 0).machine
        #expect(number != 0 && number != UInt64(id.suffix(16), radix: 16) && number != UInt64(id.prefix(16), radix: 16))
        for wrong in ["", "uninitialized", String(repeating: "0", count: 32), String(repeating: "x", count: 32)] {
            #expect(CacheOrigin(machine: wrong, boot: "", bootOffset: 0).machine == 0)
        }
    }

    @Test("boot ids")
    func bootNumber() {
        #expect(
            CacheStamp.bootNumber("11111111-2222-3333-4444-555555555555") == 0x1111_1111_2222_3333_4444_5555_5555_5555)
        #expect(CacheStamp.bootNumber("") == 0)
        #expect(CacheStamp.bootNumber("no id") == 0)
    }
}
