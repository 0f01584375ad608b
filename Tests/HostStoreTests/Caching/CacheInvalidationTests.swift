import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What was invalidated does not come back, whatever happens at the same time, and whatever the disk does.
@Suite("Invalidation")
struct CacheInvalidationTests {
    private static let options = unsafe CacheOptions(expire: .max)

    @Test(
        "a call that comes while the file is being removed does not bring its value back",
        arguments: [[], [5]] as [[UInt8]], [true, false])
    func callMeanwhile(_ key: [UInt8], _ hasSource: Bool) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        try cache.put([1], key: key).get()
        world.disk.meanwhile("remove") {
            #expect(cache.peek(key: key).error == .notFound)
            let answer = unsafe cache.get(key: key, source: hasSource ? source([2]) : nil)
            if hasSource { #expect(answer.bytes == [2]) } else { #expect(answer.error == .notFound) }
        }
        try cache.invalidate(key: key).get()
        // What was loaded since is kept.
        if hasSource {
            #expect(cache.peek(key: key).bytes == [2])
        } else {
            #expect(cache.peek(key: key).error == .notFound)
        }
        unsafe #expect(cache.get(key: key, source: source([3])).bytes == (hasSource ? [2] : [3]))
    }

    @Test(
        "a load that has read the file when it is removed does not keep its value", arguments: [[], [5]] as [[UInt8]])
    func loadMeanwhile(_ key: [UInt8]) throws {
        let world = CacheWorld()
        try world.cache(.disk, Self.options).put([1], key: key).get()
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        world.disk.meanwhile("open") { #expect(cache.invalidate(key: key).isDone) }
        unsafe #expect(cache.get(key: key, source: source([2])).bytes == [2])
        unsafe #expect(cache.get(key: key, source: source([3])).bytes == [3])
    }

    @Test("a look that has read the file when it is removed does not see its value", arguments: [[], [5]] as [[UInt8]])
    func lookMeanwhile(_ key: [UInt8]) throws {
        let world = CacheWorld()
        try world.cache(.disk, Self.options).put([1], key: key).get()
        world.restart()
        let cache = try world.cache(.disk, Self.options)
        world.disk.meanwhile("open") { #expect(cache.invalidate(key: key).isDone) }
        #expect(cache.peek(key: key).error == .notFound)
        unsafe #expect(cache.get(key: key, source: source([2])).bytes == [2])
        // What else is invalidated meanwhile is no reason not to see it.
        world.restart()
        let later = try world.cache(.disk, Self.options)
        world.disk.meanwhile("open") { _ = later.invalidate(key: [9]) }
        #expect(later.peek(key: key).bytes == [2])
    }

    @Test("what is put while the file is being removed stays", arguments: [[], [5]] as [[UInt8]])
    func putMeanwhile(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        try cache.put([1], key: key).get()
        world.disk.meanwhile("remove") { #expect(cache.put([2], key: key).isDone) }
        try cache.invalidate(key: key).get()
        #expect(cache.peek(key: key).bytes == [2])
    }

    @Test("a load that is too large, and outdated, leaves what was put meanwhile", arguments: [[], [5]] as [[UInt8]])
    func tooLargeAndOutdated(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let options = unsafe CacheOptions(expire: .max, maxValueBytes: 100)
        let cache = try world.cache(.disk, options)
        let large = [UInt8](repeating: 7, count: 101)
        let answer = unsafe cache.get(key: key, source: source(large) { _ = cache.put([1], key: key) })
        #expect(answer.bytes == large && cache.peek(key: key).bytes == [1])
        world.restart()
        #expect(try world.cache(.disk, options).peek(key: key).bytes == [1])
    }

    @Test(
        "a load that is too large outdates the file, and not what comes while that is removed",
        arguments: [[], [5]] as [[UInt8]], [true, false])
    func tooLarge(_ key: [UInt8], _ isPut: Bool) throws {
        let world = CacheWorld()
        let options = unsafe CacheOptions(expire: .max, maxValueBytes: 100)
        let cache = try world.cache(.disk, options)
        try cache.put([1], key: key).get()
        let large = [UInt8](repeating: 7, count: 101)
        let answer = unsafe cache.get(
            CacheLookup(fresh: true), key: key,
            source: source(large) {
                world.disk.meanwhile("lock") {
                    if isPut {
                        #expect(cache.put([2], key: key).isDone)
                    } else {
                        unsafe #expect(cache.get(key: key, source: source([2])).bytes == [2])
                    }
                }
            })
        #expect(answer.bytes == large && cache.peek(key: key).bytes == [2])
        world.restart()
        #expect(try world.cache(.disk, options).peek(key: key).bytes == [2])
    }

    @Test("on a full disk the file goes all the same", arguments: [[], [5]] as [[UInt8]])
    func fullDisk(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        try cache.put([1], key: key).get()
        world.disk.arm(.failure(28), only: "mark")
        try cache.invalidate(key: key).get()
        unsafe #expect(cache.get(key: key, source: source(nil)).bytes == nil)
        world.disk.arm(nil)
        world.restart()
        #expect(try world.cache(.disk, Self.options).peek(key: key).error == .notFound)
    }

    @Test("what cannot be removed is not read", arguments: [[], [5]] as [[UInt8]], [5, 13, 28] as [Int32])
    func notRemoved(_ key: [UInt8], _ number: Int32) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        try cache.put([1], key: key).get()
        world.disk.arm(.failure(number), only: "remove")
        try cache.invalidate(key: key).get()
        #expect(cache.peek(key: key).error == .notFound)
        unsafe #expect(cache.get(key: key, source: source([2])).bytes == [2])
        // What is saved in its place is.
        world.disk.arm(nil)
        try cache.put([3], key: key).get()
        cache.forget(key)
        #expect(cache.peek(key: key).bytes == [3])
    }

    @Test(
        "what cannot be saved outdates the file, also when it is no longer in memory",
        arguments: [[], [5]] as [[UInt8]])
    func notSaved(_ key: [UInt8]) throws {
        let world = CacheWorld()
        let cache = try world.cache(.disk, Self.options)
        try cache.put([1], key: key).get()
        world.disk.arm(.failure(28), only: "write")
        try cache.put([2], key: key).get()
        #expect(cache.counters().saveFailures == 1 && cache.peek(key: key).bytes == [2])
        for candidate in cache.candidates() { cache.evict(candidate) }
        #expect(cache.peek(key: key).error == .notFound)
        unsafe #expect(cache.get(key: key, source: source([4])).bytes == [4])
    }

    @Test("of many outdated files one is known at least")
    func outdated() {
        var files = OutdatedFiles()
        #expect(!files.has([], 1) && !files.has([], 0))
        files.add([], upTo: 7)
        files.add([], upTo: 5)
        #expect(files.has([], 7) && !files.has([], 8) && !files.has([1], 1))
        for number in 0..<UInt16(OutdatedFiles.limit) {
            files.add([UInt8(number >> 8), UInt8(number & 255)], upTo: 9)
        }
        #expect(files.has([], 7) && files.has([0, 0], 9) && !files.has([0, 0], 10))
        files.remove([15, 255])
        #expect(!files.has([15, 255], 10))
    }

    @Test("several removals of one value at once: the last one ends them")
    func removals() {
        var removals = CacheRemovals()
        #expect(!removals.has([1]))
        removals.begin([1])
        removals.begin([1])
        removals.end([1])
        #expect(removals.has([1]) && !removals.has([]))
        removals.end([1])
        #expect(!removals.has([1]))
    }

    @Test("a call that comes while the store drops the value does not bring it back")
    func sharedMeanwhile() throws {
        let world = SharedWorld()
        let cache = try world.host(Self.options)
        unsafe #expect(cache.get(source: source([1])).bytes == [1])
        world.store.state.withLock { state in
            state.beforeDrop = { unsafe #expect(cache.get(source: source([2])).bytes == [2]) }
        }
        try cache.invalidate().get()
        unsafe #expect(cache.get(source: source([3])).bytes == [2])
    }
}
