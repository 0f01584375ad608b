import HostStore
import HostTestKit
import HostValues
import Testing

/// The table of the caches, every row, at equality and one tick to either side.
@Suite("The caches' truth table")
struct CacheTableTests {
    static let expire: Int64 = 1000

    struct Row: CustomTestStringConvertible, Sendable {
        var age: Int64
        var fresh: Bool
        var tolerance: Int64
        /// What a source that works leads to, and one that fails.
        var good: ServedValue.State
        var bad: ServedValue.State?

        var testDescription: String { "A=\(age) fresh=\(fresh) t=\(tolerance)" }
    }

    static let rows: [Row] = [
        // A <= E, not fresh: serve, whatever the tolerance.
        Row(age: 0, fresh: false, tolerance: 0, good: .hit, bad: .hit),
        Row(age: 999, fresh: false, tolerance: 0, good: .hit, bad: .hit),
        Row(age: 1000, fresh: false, tolerance: 0, good: .hit, bad: .hit),
        Row(age: 1000, fresh: false, tolerance: 50, good: .hit, bad: .hit),
        // A > E, not fresh: load; stale up to E + t.
        Row(age: 1001, fresh: false, tolerance: 0, good: .loaded, bad: nil),
        Row(age: 1049, fresh: false, tolerance: 50, good: .loaded, bad: .stale),
        Row(age: 1050, fresh: false, tolerance: 50, good: .loaded, bad: .stale),
        Row(age: 1051, fresh: false, tolerance: 50, good: .loaded, bad: nil),
        Row(age: 5000, fresh: false, tolerance: .max, good: .loaded, bad: .stale),
        // A <= E, fresh, t <= 0: load, and never the old value.
        Row(age: 0, fresh: true, tolerance: 0, good: .loaded, bad: nil),
        Row(age: 999, fresh: true, tolerance: 0, good: .loaded, bad: nil),
        Row(age: 1000, fresh: true, tolerance: 0, good: .loaded, bad: nil),
        // A <= E, fresh, t >= A: serve.
        Row(age: 0, fresh: true, tolerance: 1, good: .hit, bad: .hit),
        Row(age: 49, fresh: true, tolerance: 50, good: .hit, bad: .hit),
        Row(age: 50, fresh: true, tolerance: 50, good: .hit, bad: .hit),
        Row(age: 1000, fresh: true, tolerance: 1000, good: .hit, bad: .hit),
        Row(age: 1000, fresh: true, tolerance: .max, good: .hit, bad: .hit),
        // A <= E, fresh, 0 < t < A: load, and never the old value.
        Row(age: 51, fresh: true, tolerance: 50, good: .loaded, bad: nil),
        Row(age: 1000, fresh: true, tolerance: 999, good: .loaded, bad: nil),
        // A > E, fresh, t >= A: load, else stale.
        Row(age: 1001, fresh: true, tolerance: 1001, good: .loaded, bad: .stale),
        Row(age: 1001, fresh: true, tolerance: 1002, good: .loaded, bad: .stale),
        Row(age: 1001, fresh: true, tolerance: .max, good: .loaded, bad: .stale),
        // A > E, fresh, t < A: load, never the old value.
        Row(age: 1001, fresh: true, tolerance: 1000, good: .loaded, bad: nil),
        Row(age: 1001, fresh: true, tolerance: 0, good: .loaded, bad: nil),
    ]

    @Test("each row", arguments: rows, CacheWorld.Model.allCases)
    func row(_ row: Row, _ model: CacheWorld.Model) throws {
        for works in [true, false] {
            for restarts in model == .disk ? [false, true] : [false] {
                let world = CacheWorld()
                var cache = unsafe try world.cache(model, CacheOptions(expire: Self.expire))
                try cache.put([1]).get()
                world.clock.advance(row.age)
                if restarts {
                    world.restart()
                    cache = unsafe try world.cache(model, CacheOptions(expire: Self.expire))
                }
                let request = CacheLookup(fresh: row.fresh, tolerance: row.tolerance)
                // The short way knows the same hits, when there is a value in memory.
                let oldest = !row.fresh ? .max : row.tolerance == 0 ? -1 : row.tolerance
                if !restarts { #expect((cache.hit(within: oldest) != nil) == (row.good == .hit)) }
                let answer = unsafe cache.get(request, source: source(works ? [2] : nil))
                let expected = works ? row.good : row.bad
                #expect(answer.state == expected, "works=\(works) restarts=\(restarts)")
                if expected == nil {
                    #expect(answer.error == .sourceFailed(CacheSourceFailure(code: 7, text: "no network")))
                } else {
                    #expect(answer.bytes == (expected == .loaded ? [2] : [1]))
                }
                // The old value is kept by a failure.
                if !works { #expect(cache.peek().bytes == [1]) }
            }
        }
    }

    @Test("no value", arguments: [false, true], [0, 50, Int64.max])
    func none(_ fresh: Bool, _ tolerance: Int64) throws {
        for model in CacheWorld.Model.allCases { try none(model, fresh, tolerance) }
    }

    private func none(_ model: CacheWorld.Model, _ fresh: Bool, _ tolerance: Int64) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(model, CacheOptions(expire: Self.expire))
        let request = CacheLookup(fresh: fresh, tolerance: tolerance)
        unsafe #expect(cache.get(request, source: source(nil)).error != nil)
        #expect(cache.peek().error == .notFound)
        world.clock.advance(Self.expire)
        unsafe #expect(cache.get(request, source: source([2])).state == .loaded)
    }

    @Test("an unknown age", arguments: [false, true], [0, 50, Int64.max])
    func unknown(_ fresh: Bool, _ tolerance: Int64) throws {
        let world = CacheWorld()
        unsafe try world.cache(.disk, CacheOptions(expire: Self.expire)).put([1]).get()
        // Another boot, and a wall clock before the value was made.
        world.boot = "99999999-2222-3333-4444-555555555555"
        world.clock.reboot(uptime: 10)
        world.clock.step(-1)
        world.restart()
        let cache = unsafe try world.cache(.disk, CacheOptions(expire: Self.expire))
        let request = CacheLookup(fresh: fresh, tolerance: tolerance)
        unsafe #expect(cache.get(request, source: source(nil)).error != nil)
        let peeked = try cache.peek().get()
        #expect(peeked.value.array == [1] && peeked.age == nil)
        world.clock.advance(Self.expire)
        unsafe #expect(cache.get(request, source: source([2])).state == .loaded)
    }

    @Test("negative tolerances and long keys are refused")
    func refused() throws {
        let cache = unsafe try CacheWorld().cache(.memory, CacheOptions(expire: 1))
        unsafe #expect(
            cache.get(CacheLookup(tolerance: -1), source: source([1])).error == .invalid("the tolerance is negative"))
        let key = [UInt8](repeating: 0, count: 65_537)
        unsafe #expect(cache.get(key: key, source: source([1])).error == .invalid("a key has at most 65536 bytes"))
        #expect(CacheTime.nanoseconds(milliseconds: 1500) == 1_500_000_000)
        #expect(CacheTime.nanoseconds(milliseconds: .max) == .max)
    }
}
