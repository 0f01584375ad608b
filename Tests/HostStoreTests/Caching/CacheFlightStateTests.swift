import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// A value's life, told the time, without a cache.
@Suite("CacheFlight")
struct CacheFlightStateTests {
    private let policy = CacheFlight.Policy(expire: 1000, refreshAfter: .max)

    /// What a call is to do.
    private func ask(_ flight: inout CacheFlight, _ request: CacheLookup = CacheLookup(), at now: BootTime)
        -> CacheFlight.Step
    {
        let call = flight.call(request, now: now)
        return flight.ask(call, now: now, policy: policy, refreshes: false)
    }

    /// The load that a call is to perform.
    private func load(_ flight: inout CacheFlight, at now: BootTime) throws -> CacheFlight.Load {
        guard case .load(let load) = ask(&flight, at: now) else {
            throw CacheSourceFailure(code: 1, text: "it does not say to load")
        }
        return load
    }

    @Test("a failure, its text and its back-off stay until a value comes, and copies have their own")
    func failure() throws {
        var flight = CacheFlight()
        let first = try load(&flight, at: 0)
        let isKept = flight.succeed(first, produced: 10, keep: true)
        #expect(isKept && flight.held == CacheFlight.Held(began: 0, produced: 10) && flight.failure == nil)
        _ = try load(&flight, at: 1011)
        let failure = CacheSourceFailure(code: 7, text: "no network")
        flight.fail(failure, now: 1020, policy: policy, jitter: 0)
        let copy = flight
        let known = failure.leftAlone(until: 1270)
        #expect(known != failure && failure.leftAloneUntil == nil && known.text == "no network" && known.code == 7)
        let steps = [ask(&flight, at: 1269), ask(&flight, CacheLookup(tolerance: 500), at: 1269)]
        #expect(steps == [.fail(known), .stale] && flight.failure == failure)
        flight.put(now: 1269)
        let step = ask(&flight, at: 1269)
        #expect(flight.failure == nil && step == .serve(refresh: nil))
        #expect(copy.failure == failure && copy.age(at: 1269) == 1259)
        var other = copy
        let next = try load(&other, at: 1270)
        #expect(next == CacheFlight.Load(began: 1270, epoch: 0))
        other.invalidate()
        #expect(other.failure == nil && other.held == nil && copy.held != nil)
    }

    @Test("of a long text the beginning is kept for the calls of the back-off, since each key may have one")
    func longText() throws {
        var flight = CacheFlight()
        _ = try load(&flight, at: 0)
        flight.fail(
            CacheSourceFailure(code: 7, text: String(repeating: "é", count: 2000)), now: 1, policy: policy, jitter: 0)
        let kept = try #require(flight.failure)
        #expect(kept.text == String(repeating: "é", count: 256) && kept.code == 7)
    }

    @Test(
        "a load that a put or an invalidation has outdated is waited for, not joined, and its value is not kept",
        arguments: [true, false])
    func outdated(_ isPut: Bool) throws {
        var flight = CacheFlight()
        let old = try load(&flight, at: 5)
        let before = [
            ask(&flight, at: 6), ask(&flight, CacheLookup(fresh: true), at: 6),
            ask(&flight, CacheLookup(fresh: true, tolerance: 1), at: 6),
        ]
        #expect(before == [.join, .waitOut, .join])
        if isPut { flight.put(now: 7) } else { flight.invalidate() }
        let after = ask(&flight, at: 2000)
        #expect(after == .waitOut)
        let isAdopted = flight.adopt(CacheFlight.Held(began: 0, produced: 0), during: old)
        let isKept = flight.succeed(old, produced: 8, keep: true)
        #expect(!isAdopted && !isKept && flight.held == (isPut ? CacheFlight.Held(began: 7, produced: 7) : nil))
        // The next load is one by itself.
        let next = try load(&flight, at: 2000)
        let joined = ask(&flight, at: 2000)
        let isNextKept = flight.succeed(next, produced: 2001, keep: true)
        #expect(joined == .join && isNextKept)
    }

    @Test("an age that is unknown is none, and another value is another version")
    func ages() {
        var flight = CacheFlight()
        #expect(flight.held == nil && flight.age(at: 5) == nil)
        flight.adopt(CacheFlight.Held(began: 3, produced: nil))
        #expect(flight.held == CacheFlight.Held(began: 3, produced: nil) && flight.age(at: 5) == nil)
        let version = flight.version
        flight.adopt(CacheFlight.Held(began: 3, produced: 4))
        #expect(flight.age(at: 9) == 5 && flight.age(at: 1) == 0 && flight.version != version)
        flight.evict()
        #expect(flight.held == nil && flight.version == version + 2 && flight.epoch == 0)
    }
}
