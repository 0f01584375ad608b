import Glibc
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

/// Many callers, one source.
@Suite("Single flight of the caches")
struct CacheFlightTests {
    /// Runs `body` on so many threads at once and waits for all.
    static func threads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
        let running = Monitor(count)
        for index in 0..<count {
            try Thread.start(name: "test-\(index)") {
                body(index)
                running.withLock { $0 -= 1 }
                running.broadcast()
            }
        }
        running.wait { $0 == 0 ? () : nil }
    }

    /// A source that waits at a gate until the test opens it.
    final class Gate: Sendable {
        private let state = Monitor((begun: 0, isOpen: false))

        var begun: Int { state.withLock { $0.begun } }

        func pass() {
            state.withLock { $0.begun += 1 }
            state.broadcast()
            state.wait { $0.isOpen ? () : nil }
        }

        func waitForLoad() { state.wait { $0.begun > 0 ? () : nil } }
        func open() {
            state.withLock { $0.isOpen = true }
            state.broadcast()
        }
    }

    /// Threads that are to wait, seen to sleep by the kernel: one that was only about to call may call too late. proc(5).
    final class Callers: Sendable {
        private let numbers = Monitor<[String]>([])

        /// Told by each of them before it calls.
        func enter() {
            let own = Self.words(of: "thread-self").first ?? ""
            numbers.withLock { $0.append(own) }
        }

        /// Returns when so many have entered and all of them sleep.
        func waitUntilAllSleep(_ count: Int) {
            var times = 0
            while times < 2 {
                let entered = numbers.withLock { $0 }
                let isAsleep =
                    entered.count == count && entered.allSatisfy { Self.words(of: "self/task/\($0)")[2] == "S" }
                times = isAsleep ? times + 1 : 0
                sched_yield()
            }
        }

        /// Number, name and state of a thread.
        private static func words(of thread: String) -> [String] {
            let bytes = try? Directory("/proc/\(thread)").openForReading("stat").readAll(limit: 4096, subject: thread)
            let words = String(decoding: bytes ?? [], as: UTF8.self).split(separator: " ").prefix(3).map { String($0) }
            return words.count == 3 ? words : ["", "", ""]
        }
    }

    @Test("16 callers of a slow source share one load", arguments: CacheWorld.Model.allCases, [true, false])
    func shared(_ model: CacheWorld.Model, _ works: Bool) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(model, CacheOptions(expire: 1000))
        let gate = Gate()
        let results = Shared<[Result<ServedValue, CacheFailure>]>([])
        let callers = Callers()
        try Thread.start(name: "opener") {
            gate.waitForLoad()
            callers.waitUntilAllSleep(16)
            gate.open()
        }
        try Self.threads(16) { _ in
            callers.enter()
            let result = unsafe cache.get(source: source(works ? [1] : nil) { gate.pass() })
            results.change { $0.append(result) }
        }
        #expect(gate.begun == 1)
        #expect(results.value.count == 16)
        if works {
            #expect(results.value.allSatisfy { $0.bytes == [1] })
            #expect(cache.counters().loads == 1)
        } else {
            let error = CacheFailure.sourceFailed(CacheSourceFailure(code: 7, text: "no network"))
            #expect(results.value.allSatisfy { $0.error == error })
            #expect(cache.counters().loadFailures == 1)
        }
    }

    @Test("16 strict callers need two loads at most, and none gets what began before its call")
    func strict() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: .max))
        let gate = Gate()
        let loads = Atomic(0)
        let callers = Callers()
        let answers = Shared<[[UInt8]?]>([])
        try Thread.start(name: "first") {
            _ = unsafe cache.get(source: source([0]) { gate.pass() })
        }
        gate.waitForLoad()
        world.clock.advance(1)
        try Thread.start(name: "opener") {
            callers.waitUntilAllSleep(16)
            gate.open()
        }
        try Self.threads(16) { _ in
            callers.enter()
            let result = unsafe cache.get(
                CacheLookup(fresh: true), source: source([1]) { loads.add(1, ordering: .relaxed) })
            answers.change { $0.append(result.bytes) }
        }
        #expect(answers.value.allSatisfy { $0 == [1] })
        #expect(loads.load(ordering: .relaxed) == 1)
    }

    @Test("a fresh caller with a tolerance joins a load that began within it")
    func tolerant() throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(.memory, CacheOptions(expire: 10))
        let gate = Gate()
        try Thread.start(name: "first") { _ = unsafe cache.get(source: source([0]) { gate.pass() }) }
        gate.waitForLoad()
        world.clock.advance(50)
        let joined = Shared<[UInt8]?>(nil)
        let callers = Callers()
        try Thread.start(name: "opener") {
            callers.waitUntilAllSleep(1)
            gate.open()
        }
        try Self.threads(1) { _ in
            callers.enter()
            let result = unsafe cache.get(CacheLookup(fresh: true, tolerance: 50), source: source([1]))
            joined.change { $0 = result.bytes }
        }
        #expect(joined.value == [0])
    }

    @Test("a source that asks for its own value gets an error", arguments: CacheWorld.Model.allCases)
    func reentrant(_ model: CacheWorld.Model) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(model, CacheOptions(expire: 1000))
        var inner: CacheFailure?
        let outer = unsafe cache.get { _, _ in
            inner = unsafe cache.get(source: source([1])).error
            return inner == .reentrant ? CacheSourceFailure(code: 3, text: "inner") : nil
        }
        #expect(inner == .reentrant)
        #expect(outer.error == .sourceFailed(CacheSourceFailure(code: 3, text: "inner")))
        // Another key is another value.
        let other = unsafe cache.get(key: [1]) { _, writer in
            _ = unsafe writer.write(UnsafeRawBufferPointer(start: nil, count: 0))
            return unsafe cache.get(key: [2], source: source([2])).error.map {
                CacheSourceFailure(code: 1, text: $0.description)
            }
        }
        #expect(other.state == .loaded)
    }

    @Test("two caches whose sources ask for each other on two threads do not wait for ever")
    func chain() throws {
        let world = CacheWorld()
        let a = unsafe try world.cache(.memory, CacheOptions(expire: 1000), name: "a")
        let b = unsafe try world.cache(.memory, CacheOptions(expire: 1000), name: "b")
        let both = Monitor(0)
        let meet: @Sendable () -> Void = {
            both.withLock { $0 += 1 }
            both.broadcast()
            both.wait { $0 >= 2 ? () : nil }
        }
        let errors = Shared<[CacheFailure]>([])
        try Self.threads(2) { index in
            let (own, other) = index == 0 ? (a, b) : (b, a)
            let result = unsafe own.get { _, _ in
                meet()
                return unsafe other.get(source: source([1])).error.map {
                    errors.change { [error = $0] in $0.append(error) }
                    return CacheSourceFailure(code: 9, text: $0.description)
                }
            }
            _ = result
        }
        #expect(errors.value.contains(.reentrant))
    }

    @Test("a put during a load wins over what the load brings")
    func putWins() throws {
        let cache = unsafe try CacheWorld().cache(.disk, CacheOptions(expire: 1000))
        let answer = unsafe cache.get { _, writer in
            #expect(cache.put([9]).error == nil)
            return unsafe source([1])(UnsafeRawBufferPointer(start: nil, count: 0), writer)
        }
        #expect(answer.bytes == [1])
        #expect(cache.peek().bytes == [9])
    }

    @Test("an invalidation during a load is not undone by it", arguments: CacheWorld.Model.allCases)
    func invalidationWins(_ model: CacheWorld.Model) throws {
        let world = CacheWorld()
        let cache = unsafe try world.cache(model, CacheOptions(expire: 1000))
        let answer = unsafe cache.get { key, writer in
            _ = cache.invalidate()
            return unsafe source([1])(key, writer)
        }
        #expect(answer.bytes == [1])
        #expect(cache.peek().error == .notFound)
        #expect(!world.disk.files.keys.contains { $0.hasSuffix(".shc") })
    }

    @Test("after a failure the source is left alone for a quarter of the expiry, 30 s at most")
    func backOff() throws {
        let second: Int64 = 1_000_000_000
        for (expire, wait) in [(40 * second, 10 * second), (1000 * second, 30 * second), (0, 0)] {
            let world = CacheWorld()
            let cache = unsafe try world.cache(.memory, CacheOptions(expire: expire))
            var calls = 0
            let failing = unsafe source(nil) { calls += 1 }
            _ = unsafe cache.get(source: failing)
            if wait > 0 {
                world.clock.advance(wait - 1)
                guard case .sourceFailed(let known)? = unsafe cache.get(source: failing).error else {
                    Issue.record("no failure of the source")
                    continue
                }
                #expect(known.code == 7 && known.text == "no network")
                #expect(known.leftAloneUntil ?? 0 > world.clock.boot(), "the caller learns until when")
                #expect(calls == 1)
                _ = unsafe cache.get(CacheLookup(fresh: true), source: failing)
                #expect(calls == 2)
            }
            world.clock.advance(wait)
            _ = unsafe cache.get(source: failing)
            #expect(calls == (wait > 0 ? 3 : 2))
        }
    }

    @Test("past refresh_after a hit is served and one reload runs in the background")
    func refreshAhead() throws {
        let world = CacheWorld()
        let calls = Atomic(0)
        let own: @Sendable (UnsafeRawBufferPointer, CacheWriter) -> CacheSourceFailure? = { key, writer in
            let call = calls.add(1, ordering: .relaxed).newValue
            return unsafe source([UInt8(call)])(key, writer)
        }
        let cache = try world.cache(.disk, unsafe CacheOptions(expire: 100, refreshAfter: 60, source: own))
        unsafe #expect(cache.get().state == .loaded)
        world.clock.advance(59)
        unsafe #expect(cache.get().state == .hit && cache.hit() != nil)
        world.runBackground()
        #expect(calls.load(ordering: .relaxed) == 1)
        world.clock.advance(1)
        #expect(cache.hit() == nil)
        for _ in 0..<3 { unsafe #expect(cache.get().bytes == [1]) }
        world.runBackground()
        #expect(calls.load(ordering: .relaxed) == 2)
        unsafe #expect(cache.get().bytes == [2])
        #expect(cache.hit() != nil)
    }

    @Test("a hit by fresh with a tolerance begins the reload as any other does", arguments: CacheWorld.Model.allCases)
    func refreshAheadByFresh(_ model: CacheWorld.Model) throws {
        let world = CacheWorld()
        let own: @Sendable (UnsafeRawBufferPointer, CacheWriter) -> CacheSourceFailure? = { key, writer in
            unsafe source([2])(key, writer)
        }
        let cache = try world.cache(model, unsafe CacheOptions(expire: 100, refreshAfter: 60, source: own))
        try cache.put([1]).get()
        world.clock.advance(59)
        unsafe #expect(cache.get(CacheLookup(fresh: true, tolerance: 59)).state == .hit)
        #expect(world.background.value.isEmpty)
        world.clock.advance(1)
        for _ in 0..<2 { unsafe #expect(cache.get(CacheLookup(fresh: true, tolerance: 60)).bytes == [1]) }
        #expect(world.background.value.count == 1)
        world.runBackground()
        #expect(cache.peek().bytes == [2] && cache.counters().loads == 1)
        // One that does not tolerate the age loads itself, and nothing is begun beside it.
        world.clock.advance(70)
        unsafe #expect(cache.get(CacheLookup(fresh: true, tolerance: 69)).state == .loaded)
        #expect(world.background.value.isEmpty)
    }
}

extension Result where Success == Void, Failure == CacheFailure {
    var error: CacheFailure? { if case .failure(let error) = self { error } else { nil } }
}
