import HostStore
import HostTestKit
import HostValues
import Testing

/// 100 000 random steps against a model of ten lines: what a user may rely on, and nothing else.
@Suite("A random walk of the caches")
struct CacheWalkTests {
    /// The model: a value with its stamps, the age as it was when the value was last read, a back-off, and the table.
    private struct Model {
        var value: (bytes: [UInt8], made: CacheStamp)?
        var origin: BootTime??
        var retryAt = BootTime.longAgo
        let expire: Int64

        mutating func put(_ bytes: [UInt8], _ now: CacheStamp) {
            (value, origin, retryAt) = ((bytes, now), now.bootTime, .longAgo)
        }

        mutating func peek(_ now: CacheStamp) -> [UInt8]? {
            guard let value else { return nil }
            if origin == nil { origin = .some(value.made.age(at: now).map { now.bootTime - $0 }) }
            return value.bytes
        }

        mutating func get(_ request: CacheLookup, _ now: CacheStamp, works: Bool, next: [UInt8]) -> [UInt8]? {
            let old = peek(now)
            let age = old == nil ? nil : origin.flatMap { $0 }.map { now.bootTime - $0 }
            let (fresh, t) = (request.fresh, request.tolerance)
            if let age, age <= expire, !fresh || (t > 0 && t >= age) { return old }
            let tries = now.bootTime >= retryAt || (fresh && t <= 0)
            if tries, works { put(next, now) }
            if tries, works { return next }
            if tries { retryAt = now.bootTime + min(expire / 4, 30_000_000_000) }
            guard let age, age > expire, fresh ? t >= age : age <= expire + t else { return nil }
            return old
        }
    }

    @Test("the cache and the model agree", arguments: CacheWorld.Model.allCases, [UInt64(1), 2])
    func walk(_ model: CacheWorld.Model, _ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let world = CacheWorld()
        let expire: Int64 = 1000
        let options = unsafe CacheOptions(expire: expire)
        var cache = try world.cache(model, options)
        var expected = Model(expire: expire)
        var counter: UInt32 = 0
        for step in 0..<50_000 {
            counter += 1
            let next = unsafe withUnsafeBytes(of: counter) { unsafe [UInt8]($0) }
            let now = CacheStamp(
                machine: world.origin.machine, boot: world.origin.boot, bootTime: world.clock.boot(),
                wallTime: world.clock.wall())
            switch random.below(20) {
            case 0..<10:
                let tolerance: Int64 = [0, 0, 1, 100, 500, 1000, 2000][random.below(7)]
                let request = CacheLookup(fresh: random.below(3) == 0, tolerance: tolerance)
                let works = random.below(3) > 0
                let wanted = expected.get(request, now, works: works, next: next)
                let got = unsafe cache.get(request, source: source(works ? next : nil))
                try #require(got.bytes == wanted, "step \(step): \(request), works \(works)")
            case 10..<14: world.clock.advance([1, 99, 250, 500, 1000, 1001][random.below(6)])
            case 14:
                try cache.put(next).get()
                expected.put(next, now)
            case 15:
                _ = cache.invalidate()
                (expected.value, expected.retryAt) = (nil, .longAgo)
            case 16:
                let wanted = expected.peek(now)
                try #require(cache.peek().bytes == wanted, "step \(step): peek")
            case 17:
                world.clock.step([-86_400_000_000_000, 86_400_000_000_000, -500, 500][random.below(4)])
            default:
                if random.below(2) == 0 {
                    world.clock.reboot(uptime: Int64(1 + random.below(500)))
                    world.clock.step([0, 300, 2000][random.below(3)])
                    world.boot = String(random.next(), radix: 16)
                }
                world.restart()
                cache = try world.cache(model, options)
                (expected.origin, expected.retryAt) = (nil, .longAgo)
                if model == .memory { expected.value = nil }
            }
        }
        #expect(cache.counters().saveFailures == 0)
    }
}
