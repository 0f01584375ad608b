import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What a cache decides about all of its values, told the time: no source, no file, no lock and no thread.
@Suite("CacheContents")
struct CacheContentsTests {
    private static let expire: Int64 = 1000

    private static func contents(
        refreshAfter: Int64 = .max, valueLimit: Int = 100, _ budget: CacheBudget = CacheBudget()
    )
        -> CacheContents
    {
        CacheContents(
            policy: CacheFlight.Policy(expire: expire, refreshAfter: refreshAfter), valueLimit: valueLimit,
            budget: budget)
    }

    private static func buffer(_ bytes: [UInt8]) -> CacheBytes {
        unsafe bytes.withUnsafeBytes { unsafe CacheBytes(copying: $0) }
    }

    private static func bytes(_ bytes: [UInt8]) -> CacheValue.Content { .bytes(buffer(bytes)) }

    /// A value as the disk has it.
    private static func found(_ bytes: [UInt8], generation: UInt64, produced: BootTime?, loads: UInt64 = 0)
        -> CacheDisk.Found
    {
        let payload = buffer(bytes)
        let header = unsafe CacheFileHeader(
            produced: CacheStamp(boot: 0, bootTime: 0, wallTime: 0), loadTime: 0, generation: generation, loads: loads,
            expire: expire, codec: 0, plugin: "p", routine: "r", name: "c", key: [], build: "",
            payloadSize: payload.bytes.count, payloadChecksum: payload.checksum)
        return CacheDisk.Found(
            header: header, payload: payload, held: CacheFlight.Held(began: produced ?? 0, produced: produced))
    }

    private func ask(
        _ contents: inout CacheContents, _ key: [UInt8] = [], _ request: CacheLookup = CacheLookup(), at now: BootTime
    )
        -> CacheStep
    {
        var call: CacheFlight.Call?
        return contents.ask(key, request, &call, now: now)
    }

    /// The load that a call is to perform.
    private func load(
        _ contents: inout CacheContents, _ key: [UInt8] = [], _ request: CacheLookup = CacheLookup(), at now: BootTime
    )
        throws -> CacheTicket
    {
        guard case .load(let ticket) = ask(&contents, key, request, at: now) else {
            throw SystemError("ask", "it does not say to load", number: 0)
        }
        return ticket
    }

    /// What a call gets at once.
    private func take(
        _ contents: inout CacheContents, _ key: [UInt8] = [], _ request: CacheLookup = CacheLookup(), at now: BootTime
    )
        throws -> CacheServed
    {
        guard case .take(let served) = ask(&contents, key, request, at: now) else {
            throw SystemError("ask", "it does not answer", number: 0)
        }
        return served
    }

    @Test("one call loads, those that come meanwhile wait and share, and later ones hit")
    func sharing() throws {
        var contents = Self.contents()
        let ticket = try load(&contents, at: 0)
        guard case .wait(let waiting, joins: true) = ask(&contents, at: 5) else {
            return #expect(Bool(false), "the second call does not wait")
        }
        let made = contents.succeed(ticket, Self.bytes([1]), time: 7, now: 10, above: 0)
        #expect(made.isKept && made.old == nil && made.loads == 1 && made.value.generation == 1)
        let outcome = try #require(waiting.load.outcome)
        let shared = contents.share(waiting, outcome, now: 12)
        #expect(shared?.state == .loaded && shared?.bytes == [1])
        let hit = try take(&contents, at: 1010)
        #expect(hit.result.state == .hit && hit.ahead == nil)
        let counters = contents.counters
        #expect(counters.loads == 1 && counters.hits == 1 && counters.loadTime == 7 && counters.bytes == 1)
        _ = try load(&contents, at: 1011)
    }

    @Test("what is put during a load stays, and the load's callers get what it made")
    func putDuringLoad() throws {
        var contents = Self.contents()
        let ticket = try load(&contents, at: 0)
        let put = contents.put(Self.bytes([2]), [], now: 5, above: 0)
        #expect(contents.holds(put))
        let made = contents.succeed(ticket, Self.bytes([1]), time: 7, now: 10, above: 0)
        #expect(!made.isKept && made.old == nil && contents.holds(put) && !contents.holds(made))
        #expect(CacheContents.loaded(made.value, now: 10).value.array == [1])
        #expect(try take(&contents, at: 11).result.bytes == [2])
    }

    @Test("a value that is replaced is handed to the caller, who parks it")
    func replaced() {
        var contents = Self.contents()
        let first = contents.put(Self.bytes([1]), [], now: 0, above: 0)
        let second = contents.put(Self.bytes([2]), [], now: 0, above: 0)
        #expect(second.old === first.value && second.value.generation == 2)
        #expect(contents.invalidate([]) === second.value)
        #expect(contents.invalidate([]) == nil)
    }

    @Test("a failure is repeated without the source for a while, and what is stale may be served instead")
    func failure() throws {
        var contents = Self.contents()
        _ = contents.put(Self.bytes([1]), [], now: 0, above: 0)
        let failure = CacheSourceFailure(code: 7, text: "no network")
        let ticket = try load(&contents, at: 1001)
        #expect(contents.fail(ticket, failure, time: 3, now: 1001, jitter: 0).error == .sourceFailed(failure))
        guard case .sourceFailed(let known)? = try take(&contents, at: 1250).result.error else {
            return #expect(Bool(false), "it does not fail")
        }
        #expect(known.code == 7 && known.leftAloneUntil == 1251)
        #expect(try take(&contents, [], CacheLookup(tolerance: 500), at: 1250).result.state == .stale)
        _ = try load(&contents, at: 1251)
        #expect(contents.counters.loadFailures == 1 && contents.counters.staleServed == 1)
    }

    @Test("without a source only what is stale will do, and an empty entry goes")
    func noSource() throws {
        let budget = CacheBudget()
        var contents = Self.contents(budget)
        let absent = try load(&contents, [5], at: 0)
        #expect(budget.held == 401)
        #expect(contents.lackSource(absent, now: 0).error == .notFound)
        #expect(contents.entries[[5]] == nil && budget.held == 0)
        _ = contents.put(Self.bytes([1]), [5], now: 0, above: 0)
        let stale = try load(&contents, [5], CacheLookup(tolerance: 500), at: 1001)
        #expect(contents.lackSource(stale, now: 1001).state == .stale)
    }

    @Test("an aged hit begins one reload; when that is called off, the next hit begins it")
    func ahead() throws {
        var contents = Self.contents(refreshAfter: 500)
        _ = contents.put(Self.bytes([1]), [], now: 0, above: 0)
        #expect(try take(&contents, at: 499).ahead == nil)
        let ahead = try #require(try take(&contents, at: 500).ahead)
        #expect(CacheTicket(ahead: ahead).isAhead)
        #expect(try take(&contents, at: 501).ahead == nil)
        contents.callOff(ahead)
        let next = try #require(try take(&contents, at: 502).ahead)
        #expect(contents.succeed(CacheTicket(ahead: next), Self.bytes([2]), time: 1, now: 503, above: 0).isKept)
        #expect(try take(&contents, at: 504).result.bytes == [2])
    }

    @Test("what the disk has ends a load that it is enough for, and no other")
    func adopted() throws {
        var contents = Self.contents()
        var ticket = try load(&contents, at: 2000)
        // For those who wait it is noted how the load ended.
        guard case .wait(let waiting, joins: true) = ask(&contents, at: 2000) else { return #expect(Bool(false)) }
        #expect(waiting.load === ticket.load)
        let old = contents.adopt(Self.found([1], generation: 4, produced: 900), &ticket, isNews: false, now: 2000)
        #expect(old.served == nil && old.old == nil && ticket.load.outcome == nil)
        let new = contents.adopt(Self.found([2], generation: 5, produced: 1500), &ticket, isNews: true, now: 2000)
        #expect(new.served?.result.state == .hit && new.served?.result.bytes == [2] && new.old?.array == [1])
        guard case .found? = ticket.load.outcome else { return #expect(Bool(false), "the load goes on") }
        #expect(contents.put(Self.bytes([3]), [], now: 2000, above: 0).value.generation == 6)
    }

    @Test("a fresh call takes from the disk only what came since it was made")
    func adoptedByFreshCall() throws {
        for isNews in [false, true] {
            var contents = Self.contents()
            var ticket = try load(&contents, [], CacheLookup(fresh: true), at: 2000)
            let found = Self.found([1], generation: 4, produced: 2000)
            #expect((contents.adopt(found, &ticket, isNews: isNews, now: 2001).served != nil) == isNews)
        }
    }

    @Test("what the disk has is not taken over when a put has outdated it")
    func outdatedOnDisk() throws {
        var contents = Self.contents()
        var ticket = try load(&contents, at: 0)
        let put = contents.put(Self.bytes([2]), [], now: 0, above: 0)
        #expect(
            contents.adopt(Self.found([1], generation: 1, produced: 0), &ticket, isNews: true, now: 0).served == nil)
        #expect(contents.holds(put))
    }

    @Test("a look takes from the disk only where nothing is held and nothing loads")
    func shown() throws {
        var contents = Self.contents()
        let found = Self.found([1], generation: 4, produced: nil, loads: 3)
        let ticket = try load(&contents, at: 0)
        #expect(contents.show(found, [], now: 0).answer == nil)
        contents.callOff(ticket.load)
        let answer = try #require(contents.show(found, [], now: 0).answer)
        #expect(answer.value.array == [1] && answer.age == nil && contents.peek([], now: 0) != nil)
        #expect(contents.show(Self.found([2], generation: 5, produced: nil), [], now: 0).answer?.value.array == [1])
        #expect(contents.counters.hits == 0)
    }

    @Test("a value over its bound is given and not kept, and the one before goes")
    func tooLarge() throws {
        var contents = Self.contents(valueLimit: 2)
        let old = contents.put(Self.bytes([1]), [], now: 0, above: 0)
        let made = contents.succeed(
            try load(&contents, at: 1001), Self.bytes([1, 2, 3]), time: 0, now: 1001, above: 0)
        #expect(!made.isKept && made.old === old.value && contents.peek([], now: 1001) == nil)
    }

    @Test("generations are above all that was heard of")
    func generations() {
        var contents = Self.contents()
        #expect(contents.put(Self.bytes([1]), [], now: 0, above: 41).value.generation == 42)
        #expect(contents.put(Self.bytes([1]), [9], now: 0, above: 7).value.generation == 43)
        #expect(contents.generation == 43)
    }

    @Test("a value that was used since it became a candidate is not evicted")
    func evicted() throws {
        var contents = Self.contents()
        _ = contents.put(Self.bytes([1]), [5], now: 10, above: 0)
        let first = try #require(contents.entries.candidates.first)
        #expect(first.key == [5] && first.used == 10 && !first.onDisk)
        _ = try take(&contents, [5], at: 20)
        #expect(contents.evict(first) == nil)
        let second = try #require(contents.entries.candidates.first)
        #expect(contents.evict(second)?.array == [1])
        #expect(contents.counters.evictions == 1 && contents.entries[[5]] == nil)
    }

    @Test("only a value of the generation that was rejected goes; one that was saved is known to be on the disk")
    func rejected() throws {
        var contents = Self.contents()
        let made = contents.put(Self.bytes([1]), [], now: 0, above: 0)
        contents.noteSaved(made)
        #expect(contents.entries.unkeyed.onDisk)
        #expect(contents.invalidate([], generation: 2) == nil && contents.holds(made))
        #expect(contents.invalidate([], generation: 1) === made.value)
        contents.noteSaved(made)
        #expect(!contents.entries.unkeyed.onDisk)
    }
}
