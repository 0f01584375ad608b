import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

@testable import HostStore

/// Replaced values of a routine that is in no callback: they do not wait for its next one when there are many.
@Suite("Values that wait for a callback's end")
struct ParkedValuesTests {
    /// A worker with a limit of 8 MiB, so that from 1 MiB on somebody looks, whose callbacks and barriers the test makes.
    private final class Kit: Sendable {
        static let size = 64 << 10
        static let most = (1 << 20) + (512 << 10) + size + 4096

        let callback = Shared(false)
        let barriers = Shared(0)
        /// What happens while all threads pass a barrier; returns whether they do.
        let during = Shared<@Sendable () -> Bool>({ true })
        let background = Shared<[@Sendable () -> Void]>([])
        let takesWork = Shared(true)
        let clock = TestClock()
        let budget: CacheBudget
        let namespaces: [CacheNamespace]
        private let made = Shared<[Weak]>([])

        /// A value that may be gone.
        struct Weak: @unchecked Sendable {
            // @unchecked: nothing but the value itself is behind it.
            weak var value: CacheValue?
        }

        init(namespaces count: Int = 1, knowsCallbacks: Bool = true) {
            let (during, barriers) = (during, barriers)
            let budget = CacheBudget(totalLimit: 8 << 20) {
                barriers.change { $0 += 1 }
                return during.value()
            }
            self.budget = budget
            var isInCallback: (@Sendable () -> Bool)?
            if knowsCallbacks { isInCallback = { [callback] in callback.value } }
            let environment = CacheEnvironment(
                clock: clock,
                background: { [background, takesWork] work in
                    if takesWork.value { background.change { $0.append(work) } }
                    return takesWork.value
                })
            namespaces = (0..<count).map {
                CacheNamespace(
                    plugin: "plugin", routine: "r\($0)", budget: budget, place: nil, environment: environment,
                    isInCallback: isInCallback)
            }
        }

        func cache(_ index: Int = 0, objects: Bool = false) throws -> HostCache {
            try unsafe namespaces[index].open("c", CacheOptions(expire: .max, objects: objects), isOnDisk: false).get()
        }

        /// Another thread of the plugin puts a value.
        func put(_ cache: HostCache, key: [UInt8] = []) throws {
            try cache.put([UInt8](repeating: 1, count: Self.size), key: key).get()
            made.change { [value = try? cache.peek(key: key).get().value] in $0.append(Weak(value: value)) }
        }

        /// How many of the values are still there.
        var alive: Int { made.value.count { $0.value != nil } }

        func endCallback(_ index: Int = 0) {
            callback.change { $0 = false }
            namespaces[index].callbackEnded()
        }
    }

    @Test(
        "while the routine waits, others replace values by the thousand: few are there at a time",
        arguments: [false, true])
    func bounded(_ isKeyed: Bool) throws {
        let kit = Kit()
        let cache = try kit.cache()
        var most = 0
        for _ in 0..<1000 {
            try kit.put(cache, key: isKeyed ? [1] : [])
            most = max(most, kit.budget.parked)
        }
        #expect(most > 1 << 19 && most <= Kit.most)
        #expect(kit.alive <= Kit.most / Kit.size + 1)
        #expect((50...200).contains(kit.barriers.value), "one for many values, and not one for each")
        kit.endCallback()
        #expect(kit.alive == 1 && kit.budget.parked == 0)
    }

    @Test("the limit is that of all routines together")
    func together() throws {
        let kit = Kit(namespaces: 50)
        let caches = try (0..<50).map { try kit.cache($0) }
        var most = 0
        for _ in 0..<10 {
            for cache in caches { try kit.put(cache) }
            most = max(most, kit.budget.parked)
        }
        #expect(most <= Kit.most)
        #expect(kit.alive <= Kit.most / Kit.size + 50)
    }

    @Test("what the callback in progress has, and may yet find, stays until it returns", arguments: [false, true])
    func callback(_ isKeyed: Bool) throws {
        let kit = Kit()
        let cache = try kit.cache()
        let key: [UInt8] = isKeyed ? [1] : []
        try kit.put(cache, key: key)
        kit.callback.change { $0 = true }
        cache.remember(try cache.peek(key: key).get().value)
        let found = unsafe key.withUnsafeBytes { unsafe isKeyed ? cache.hit(key: $0) : cache.hit() }
        let hit = try unsafe #require(found).value.takeUnretainedValue()
        for _ in 0..<100 { try kit.put(cache, key: key) }
        #expect(kit.alive == 101 && kit.barriers.value == 0, "a callback that all see needs no barrier")
        #expect(hit.array.allSatisfy { $0 == 1 })
        kit.endCallback()
        #expect(kit.budget.parked == 0)
    }

    @Test("a callback that begins before its thread has passed the barrier keeps all")
    func begins() throws {
        let kit = Kit()
        let cache = try kit.cache()
        // The callback's thread has read the value, and what it noted before is seen now.
        kit.during.change { [callback = kit.callback] in
            $0 = {
                callback.change { $0 = true }
                return true
            }
        }
        for _ in 0..<100 { try kit.put(cache) }
        #expect(kit.barriers.value == 1 && kit.alive == 100)
        kit.endCallback()
        #expect(kit.alive == 1 && kit.budget.parked == 0)
    }

    @Test("when a callback has returned meanwhile, the next one does not hold up what it cannot find")
    func returns() throws {
        let kit = Kit()
        let cache = try kit.cache()
        kit.during.change { [callback = kit.callback, namespace = kit.namespaces[0], cache] in
            $0 = {
                callback.change { $0 = true }
                // It is the replaced value of this callback that makes its return count.
                _ = cache.put([2])
                namespace.callbackEnded()
                return true
            }
        }
        for _ in 0..<18 { try kit.put(cache) }
        #expect(kit.barriers.value == 1 && kit.alive <= 2 && kit.callback.value)
    }

    @Test("where threads cannot be made to pass a barrier, values wait, and nobody tries again")
    func refused() throws {
        let kit = Kit()
        let cache = try kit.cache()
        kit.during.change { $0 = { false } }
        for _ in 0..<100 { try kit.put(cache) }
        #expect(kit.barriers.value == 1 && kit.alive == 100)
        kit.endCallback()
        #expect(kit.alive == 1 && kit.budget.parked == 0)
    }

    @Test("where nobody knows which callbacks there are, values wait")
    func unknown() throws {
        let kit = Kit(knowsCallbacks: false)
        let cache = try kit.cache()
        for _ in 0..<100 { try kit.put(cache) }
        #expect(kit.barriers.value == 0 && kit.alive == 100 && kit.budget.parked == 0)
        kit.endCallback()
        #expect(kit.alive == 1)
    }

    @Test("objects are released by another thread than the plugin's, or else wait", arguments: [true, false])
    func objects(_ takesWork: Bool) throws {
        let kit = Kit()
        kit.takesWork.change { $0 = takesWork }
        let cache = try kit.cache(objects: true)
        let released = Shared(0)
        func put(_ count: Int) throws {
            for number in 1...count {
                try unsafe cache.put(
                    object: UnsafeMutableRawPointer(bitPattern: number).unsafelyUnwrapped, cost: Kit.size,
                    release: { _ in released.change { $0 += 1 } }
                ).get()
            }
        }
        try put(100)
        #expect(released.value == 0, "not in the call of a thread that may hold a lock of the plugin's")
        for work in kit.background.value { work() }
        #expect(takesWork ? released.value > 50 : released.value == 0)
        kit.endCallback()
        #expect(released.value == 99 && kit.budget.parked == 0)
    }

    @Test("values of a namespace that is gone do not count")
    func gone() throws {
        let budget = CacheBudget(totalLimit: 8 << 20)
        do {
            let namespace = CacheNamespace(
                plugin: "p", routine: "r", budget: budget, place: nil,
                environment: CacheEnvironment(clock: TestClock()), isInCallback: { true })
            let cache = try unsafe namespace.open("c", CacheOptions(expire: .max), isOnDisk: false).get()
            for _ in 0..<9 { try cache.put([UInt8](repeating: 1, count: Kit.size)).get() }
            #expect(budget.parked > 8 * Kit.size)
        }
        #expect(budget.parked == 0)
    }

    @Test("all threads pass a barrier when one asks for it")
    func barrier() {
        #expect(MemoryBarrier.passAll())
        #expect(MemoryBarrier.passAll())
    }

    /// What a thread does that runs callbacks, with a mark as a worker's.
    private final class Reader: Sendable {
        let isInCallback = Atomic(false)
        let hits = Atomic(0)

        /// Whether no object that a callback was given was released before it returned.
        func run(_ namespace: CacheNamespace, _ cache: HostCache, while writing: borrowing Atomic<Int>) -> Bool {
            var (isRight, round) = (true, 0)
            while writing.load(ordering: .relaxed) > 0 {
                isInCallback.store(true, ordering: .relaxed)
                if let hit = cache.hit(), let object = unsafe hit.value._withUnsafeGuaranteedRef({ unsafe $0.object }) {
                    let word = unsafe object.assumingMemoryBound(to: Atomic<Int>.self)
                    for _ in 0..<100 where unsafe word.pointee.load(ordering: .relaxed) != 1 { isRight = false }
                    hits.add(1, ordering: .relaxed)
                }
                isInCallback.store(false, ordering: .releasing)
                // Often it would release all itself.
                if round % 1000 == 0 { namespace.callbackEnded() }
                round += 1
            }
            namespace.callbackEnded()
            return isRight
        }
    }

    @Test("a thread runs callbacks while another one puts: no object is released that a callback was given")
    func race() throws {
        // Objects whose release only leaves a mark in memory that stays: so a callback can tell, and reads nothing that is gone.
        // Each is so large that somebody looks at once.
        let (count, rounds) = (1, 100_000)
        let words = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: count * rounds)
        for index in 0..<count * rounds { unsafe (words + index).initialize(to: Atomic(1)) }
        let base = Int(bitPattern: words)
        let barriers = Atomic(0)
        let budget = CacheBudget(totalLimit: 8 << 20) {
            barriers.add(1, ordering: .relaxed)
            return MemoryBarrier.passAll()
        }
        let readers = (0..<count).map { _ in Reader() }
        let namespaces = readers.map { reader in
            CacheNamespace(
                plugin: "p", routine: "r", budget: budget, place: nil,
                environment: CacheEnvironment(
                    clock: SystemClock(),
                    background: { work in
                        work()
                        return true
                    }), isInCallback: { reader.isInCallback.load(ordering: .acquiring) })
        }
        let caches = try namespaces.map {
            try unsafe $0.open("c", CacheOptions(expire: .max, objects: true), isOnDisk: false).get()
        }
        let writing = Atomic(count)
        let wrong = Atomic(0)
        try CacheFlightTests.threads(2 * count) { index in
            if index < count {
                for number in 0..<rounds {
                    let place = base + (index * rounds + number) * MemoryLayout<Atomic<Int>>.stride
                    _ = unsafe caches[index].put(
                        object: UnsafeMutableRawPointer(bitPattern: place).unsafelyUnwrapped, cost: 2 << 20,
                        release: { object in
                            unsafe object.assumingMemoryBound(to: Atomic<Int>.self).pointee.store(0, ordering: .relaxed)
                        })
                }
                writing.subtract(1, ordering: .relaxed)
                return
            }
            if !readers[index - count].run(namespaces[index - count], caches[index - count], while: writing) {
                wrong.add(1, ordering: .relaxed)
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(readers.allSatisfy { $0.hits.load(ordering: .relaxed) > 0 })
        #expect(barriers.load(ordering: .relaxed) > 0)
        let released = (0..<count * rounds).count { unsafe words[$0].load(ordering: .relaxed) == 0 }
        #expect(released == count * (rounds - 1))
    }
}
