import Glibc
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Synchronization
import Testing

/// The lock file of a folder stays open between saves, while people remove files and plugins close numbers that are not theirs.
@Suite("The lock file that stays open")
struct CacheLockTests {
    private static let options = unsafe CacheOptions(expire: 1_000_000_000_000)

    /// A folder as two processes have it: locks of one exclude those of the other.
    private final class Place {
        let scratch = TestDirectory()
        var path: String { scratch.path + "/lock" }

        func folder() throws -> SystemCacheFolder { SystemCacheFolder(try scratch.directory(), clock: SystemClock()) }

        /// The numbers under which this process has that file open.
        func numbers(of file: String = "lock") -> [Int32] {
            (3..<4096 as Range<Int32>).filter { number in
                var buffer = [CChar](repeating: 0, count: 4096)
                let count = unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
                let target = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                return target == scratch.path + "/" + file
            }
        }
    }

    private static func isFree(_ folder: any CacheFolder, at offset: Int64 = 0) throws -> Bool {
        guard let lock = try folder.lock("lock", at: offset, patience: 0) else { return false }
        lock.release()
        return true
    }

    @Test("somebody removes the lock file: who has the old one open and who makes a new one exclude each other")
    func removed() throws {
        let place = Place()
        let one = try place.folder()
        for _ in 0..<3 {
            #expect(try Self.isFree(one))
            #expect(unsafe unlink(place.path) == 0)
            let other = try place.folder()
            let held = try #require(try other.lock("lock", at: 0, patience: 0))
            #expect(try !Self.isFree(one))
            held.release()
            #expect(try Self.isFree(one))
            let mine = try #require(try one.lock("lock", at: 0, patience: 0))
            #expect(try !Self.isFree(other))
            mine.release()
        }
        #expect(place.numbers().count == 1, "the old files are closed")
    }

    @Test("another file that takes the place of the lock file is the lock file")
    func replaced() throws {
        let place = Place()
        let (one, other) = (try place.folder(), try place.folder())
        #expect(try Self.isFree(one))
        try place.scratch.write("new", [])
        #expect(unsafe rename(place.scratch.path + "/new", place.path) == 0)
        let held = try #require(try other.lock("lock", at: 0, patience: 0))
        #expect(try !Self.isFree(one))
        held.release()
    }

    @Test("it is removed while somebody waits for it", arguments: [0, 7] as [Int64])
    func removedMeanwhile(_ offset: Int64) throws {
        let place = Place()
        let holder = try place.folder()
        let old = try #require(try holder.lock("lock", at: offset, patience: 0))
        let waiting = try place.folder()
        let result = Monitor<Bool?>(nil)
        // The lock file's second descriptor is the waiting thread's.
        try Thread.start(name: "waits") {
            let lock = try? waiting.lock("lock", at: offset, patience: 700_000_000)
            result.withLock { $0 = lock != nil }
            result.signal()
        }
        while place.numbers().count < 2 { sched_yield() }
        #expect(unsafe unlink(place.path) == 0)
        let new = try #require(try place.folder().lock("lock", at: offset, patience: 0))
        old.release()
        #expect(result.wait { $0 } == false, "it waits for the new one too")
        new.release()
        #expect(try Self.isFree(waiting, at: offset))
    }

    @Test("a plugin closes the number of the lock file, and has a file of its own under it: that is left alone")
    func closed() throws {
        let place = Place()
        let other = try place.folder()
        let own = place.scratch.path + "/own"
        let file = unsafe Glibc.open(own, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(unsafe write(file, "mine", 4) == 4)
        var numbers: [Int32] = []
        do {
            let one = try place.folder()
            #expect(try Self.isFree(one))
            numbers = place.numbers()
            try #require(numbers.count == 1)
            #expect(dup2(file, numbers[0]) == numbers[0])
            let lock = try #require(try one.lock("lock", at: 0, patience: 0))
            #expect(try !Self.isFree(other), "it has opened the lock file anew")
            #expect(Self.isUnlocked(own), "the plugin's file is not locked")
            try lock.setMark(CacheMark(holder: 5, generation: 6))
            lock.release()
            #expect(try other.lock("lock", at: 0, patience: 0)?.mark() == CacheMark(holder: 5, generation: 6))
        }
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(unsafe pread(file, &bytes, bytes.count, 0) == 4 && bytes.starts(with: "mine".utf8))
        #expect(place.numbers().count == 1, "that of the other process")
        #expect(close(numbers[0]) == 0, "what the plugin has open stays so")
        close(file)
    }

    @Test("the same when the folder ends without another save, and when a lock was held meanwhile", arguments: [0, 7])
    func closedAtLast(_ offset: Int64) throws {
        let place = Place()
        let file = unsafe Glibc.open(place.scratch.path + "/own", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        var number: Int32 = -1
        do {
            let lock = try #require(try place.folder().lock("lock", at: offset, patience: 0))
            number = try #require(place.numbers().first)
            #expect(dup2(file, number) == number)
            lock.release()
        }
        #expect(close(number) == 0)
        close(file)
    }

    @Test("a number that is closed and names nothing is no error")
    func gone() throws {
        let place = Place()
        let (one, other) = (try place.folder(), try place.folder())
        #expect(try Self.isFree(one))
        for number in place.numbers() { close(number) }
        let lock = try #require(try one.lock("lock", at: 0, patience: 0))
        #expect(try !Self.isFree(other))
        lock.release()
    }

    @Test("two caches on one folder that somebody removes by hand, as two processes have it, go on with one value")
    func folder() throws {
        let place = Place()
        func cache() throws -> HostCache {
            try CacheNamespace(
                plugin: "p", routine: "r", budget: CacheBudget(), place: CachePlace(try place.folder(), of: .state),
                environment: CacheEnvironment(clock: SystemClock())
            ).open("x", Self.options, isOnDisk: true).get()
        }
        let (one, other) = (try cache(), try cache())
        try one.put([1]).get()
        try other.put([2]).get()
        for number in 3...9 as ClosedRange<UInt8> {
            let folder = place.scratch.path + "/cache/v1/p/r"
            for name in ["lock", "spare.tmp", "x.shc"] { _ = unsafe unlink("\(folder)/\(name)") }
            if number % 2 == 0 { #expect(unsafe rmdir(folder) == 0) }
            try (number % 3 == 0 ? one : other).put([number]).get()
            #expect(try cache().peek().bytes == [number])
        }
        #expect(one.counters().saveFailures == 0 && other.counters().saveFailures == 0)
    }

    /// Whether a file can be locked by somebody else.
    private static func isUnlocked(_ path: String) -> Bool {
        let file = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        return (try? Descriptor(owning: dup(file)).lockByte(at: 0, patience: 0, subject: path)) == true
    }
}
