import HostStore
import HostTestKit
import HostValues
import Testing

/// Loads that fail while their routine is asked to stop: they say nothing about the source, so nobody remembers them.
@Suite struct CacheStopTests {
    private static let second: Int64 = 1_000_000_000

    @Test(arguments: CacheWorld.Model.allCases)
    func `what fails in a routine that is to stop is neither remembered nor told`(model: CacheWorld.Model) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(model, CacheOptions(expire: 100 * Self.second))
        world.isStopAsked.change { $0 = true }
        unsafe #expect(cache.get(source: source(nil)).error != nil, "who asks learns how it failed")
        #expect(world.events.value.isEmpty && cache.counters().loadFailures == 0)
        world.isStopAsked.change { $0 = false }
        unsafe #expect(cache.get(source: source([1])).bytes == [1], "the next session asks the source at once")
    }

    @Test func `what fails in another routine is remembered and told as ever`() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 100 * Self.second))
        unsafe #expect(cache.get(source: source(nil)).error != nil)
        unsafe #expect(cache.get(source: source([1])).bytes == nil, "the source is left alone")
        #expect(world.events.value.count == 1 && cache.counters().loadFailures == 1)
    }

    @Test func `a stale value is still served to who allows it`() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 100 * Self.second))
        #expect(cache.put([7]).isDone)
        world.clock.advance(150 * Self.second)
        world.isStopAsked.change { $0 = true }
        let served = unsafe cache.get(CacheLookup(tolerance: 100 * Self.second), source: source(nil))
        #expect(served.bytes == [7] && served.state == .stale)
        unsafe #expect(cache.get(source: source(nil)).error != nil)
    }

    @Test func `a refresh that fails since its session ends is left to the next session`() throws {
        let world = CacheWorld()
        let isFailing = Shared(true)
        let options = unsafe CacheOptions(expire: 100 * Self.second, refreshAfter: 10 * Self.second) { key, writer in
            unsafe source(isFailing.value ? nil : [2])(key, writer)
        }
        let cache = try world.cache(.memory, options)
        #expect(cache.put([1]).isDone)
        world.clock.advance(20 * Self.second)
        unsafe #expect(cache.get().bytes == [1])
        world.endsRefreshes.change { $0 = true }
        world.runBackground()
        #expect(world.events.value.isEmpty)
        world.endsRefreshes.change { $0 = false }
        isFailing.change { $0 = false }
        unsafe #expect(cache.get().bytes == [1])
        world.runBackground()
        unsafe #expect(cache.get().bytes == [2], "the refresh was not put off")
    }
}
