import Glibc
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

/// Two workers on one real state directory, as two processes are.
@Suite("Two processes on one cache")
struct CacheProcessTests {
    private static func namespace(_ state: any CacheFolder, _ clock: TestClock) -> CacheNamespace {
        CacheNamespace(
            plugin: "p", routine: "r", budget: CacheBudget(),
            place: CachePlace(state, of: .state, settings: CacheSettings(durability: .power)),
            environment: CacheEnvironment(clock: clock))
    }

    @Test("what one has loaded the other takes from the disk")
    func shared() throws {
        try withScratch { state in
            let clock = TestClock()
            let options = unsafe CacheOptions(expire: 1000)
            let a = try Self.namespace(try state(), clock).open("x", options, isOnDisk: true).get()
            let b = try Self.namespace(try state(), clock).open("x", options, isOnDisk: true).get()
            unsafe #expect(a.get(source: source([1])).state == .loaded)
            unsafe #expect(b.get(source: source([2])).bytes == [1])
            clock.advance(1001)
            unsafe #expect(b.get(source: source([3])).state == .loaded)
            // A's own value is stale; under the lock it finds B's.
            unsafe #expect(a.get(source: source([4])).bytes == [3])
            #expect(a.counters().loads == 1)
            unsafe #expect(a.get(CacheLookup(fresh: true), source: source([5])).bytes == [5])
        }
    }

    @Test("both ask at once: one source runs, and the other waits for its result")
    func race() throws {
        try withScratch { state in
            let clock = TestClock()
            let caches = unsafe [
                try Self.namespace(try state(), clock).open("x", CacheOptions(expire: 1000), isOnDisk: true).get(),
                try Self.namespace(try state(), clock).open("x", CacheOptions(expire: 1000), isOnDisk: true).get(),
            ]
            let loads = Atomic(0)
            let called = Atomic(0)
            let answers = Shared<[[UInt8]?]>([])
            try CacheFlightTests.threads(2) { index in
                called.add(1, ordering: .relaxed)
                let answer = unsafe caches[index].get(
                    source: source([UInt8(index)]) {
                        loads.add(1, ordering: .relaxed)
                        while called.load(ordering: .relaxed) < 2 { sched_yield() }  // until the other asks, too
                    })
                answers.change { $0.append(answer.bytes) }
            }
            #expect(loads.load(ordering: .relaxed) == 1)
            #expect(answers.value.count == 2 && answers.value[0] == answers.value[1])
        }
    }

    @Test("two that put in turns, some puts twice: each is newer than all before it, whoever put them")
    func turns() throws {
        try withScratch { state in
            let clock = TestClock()
            let options = unsafe CacheOptions(expire: 1000)
            let caches = [
                try Self.namespace(try state(), clock).open("x", options, isOnDisk: true).get(),
                try Self.namespace(try state(), clock).open("x", options, isOnDisk: true).get(),
            ]
            var last: [[UInt8]: UInt64] = [:]
            var random = UInt64(11)
            for number in 0..<400 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let key = [UInt8](repeating: 7, count: Int(random >> 60 & 3))
                try caches[Int(random >> 40 & 1)].put([UInt8(truncatingIfNeeded: number)], key: key).get()
                // A third process sees it.
                let seen = try Self.namespace(try state(), clock).open("x", options, isOnDisk: true).get().peek(
                    key: key
                ).get()
                #expect(seen.value.array == [UInt8(truncatingIfNeeded: number)])
                #expect(seen.value.generation > last[key, default: 0])
                last[key] = seen.value.generation
            }
        }
    }

    @Test("a link or a directory in a file's place is set aside, not followed")
    func link() throws {
        try withScratch { state in
            let cache = unsafe try Self.namespace(try state(), TestClock()).open(
                "x", CacheOptions(expire: 1000), isOnDisk: true
            ).get()
            try cache.put([1]).get()
            let folder = try state().folder("cache", create: false).folder("v1", create: false)
                .folder("p", create: false).folder("r", create: false)
            try folder.remove("x.shc")
            _ = try folder.folder("x.shc", create: true)
            let other = unsafe try Self.namespace(try state(), TestClock()).open(
                "x", CacheOptions(expire: 1000), isOnDisk: true
            ).get()
            unsafe #expect(other.get(source: source([2])).bytes == [2])
            #expect(other.counters().corrupt == 1)
            #expect(try folder.names() == ["lock", "x.keys", "x.shc", "x.shc.corrupt"])
        }
    }
}
