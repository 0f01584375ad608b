import CPluginAPI
import PluginAPI
import Testing

/// Declarations that mean nothing, or not what they seem to.
@Suite struct DeclarationTests {
    private static let invalid = Int32(SCHEDHOST_INVALID)

    /// C would take what comes before the NUL for the name, and so two caches for one.
    @Test func aNameWithANULIsRefused() {
        let host = FakeHost()
        let caches = [
            Cache("a\0b", expire: nil) { 1 }, Cache("a\0c", expire: nil) { 2 },
            Cache("a", expire: nil, path: "p\0q") { 3 },
        ]
        for cache in caches {
            #expect(host.once { _ throws in _ = try cache() } == Self.invalid)
            #expect(host.failures.last?.hasSuffix("has a NUL") == true, "\(host.failures)")
        }
        let memory = CacheMemory("a\0b", expire: nil) { 1 }
        #expect(host.once { _ throws in _ = try memory() } == Self.invalid)
        #expect(host.once { scheduler in _ = try scheduler.cacheMemory("\0", expire: nil) { 1 } } == Self.invalid)
        #expect(host.diskCaches.isEmpty && host.memoryCaches.isEmpty)
    }

    @Test func aTextWithANULIsNotTakenForItsBeginning() {
        let host = FakeHost()
        host.parameters = ["a": "5"]
        host.once { scheduler throws in
            #expect(scheduler.parameter("a", default: 1) == 5 && scheduler.parameter("a\0b", default: 1) == 1)
            #expect(scheduler.parameter("a\0b", default: "x") == "x")
            #expect(scheduler.parameter("a\0b", default: 1.5) == 1.5)
            #expect(!scheduler.parameter("a\0b", default: false))
            #expect(!scheduler.stat("n\0", 1) && !scheduler.stat("n\0", 0.5) && !scheduler.stat("n\0", "x"))
            #expect(scheduler.stat("n", "x\0y"))
        }
        #expect(host.stats == ["n": "x\u{fffd}y"])
        let plugin = Plugin("p\0q", version: "1") { Routine("r\0s", schedule: "daily\0") { _ in } }
        unsafe #expect(String(cString: plugin.descriptor.pointee.id) == "p\u{fffd}q")
        unsafe #expect(String(cString: plugin.routines[0].pointee.name) == "r\u{fffd}s")
        unsafe #expect(String(cString: plugin.routines[0].pointee.schedule) == "daily\u{fffd}")
    }

    /// Above any bound of the host's, so that it refuses them.
    @Test(arguments: [Duration.seconds(-1), .microseconds(-1), .seconds(Int64.min), .seconds(Int64.min / 1000)])
    func negativeDurationsAreRefused(duration: Duration) {
        let host = FakeHost()
        let plugin = Plugin("p", version: "1") { Routine("r", wait: duration, timeout: duration) { _ in } }
        let routine = unsafe plugin.routines[0].pointee
        unsafe #expect(routine.wait_ms > UInt64(Int64.max) && routine.timeout_ms > UInt64(Int64.max))
        host.once { scheduler in #expect(!scheduler.setWait(duration)) }
        let expired = Cache("e", expire: duration) { 1 }
        let ahead = CacheMemory("r", expire: nil, refreshAfter: duration) { 1 }
        #expect(host.once { _ throws in _ = try expired() } == Self.invalid)
        #expect(host.failures.last?.contains("expiry is negative") == true, "\(host.failures)")
        #expect(host.once { _ throws in _ = try ahead() } == Self.invalid)
        #expect(host.failures.last?.contains("refreshAfter is negative") == true, "\(host.failures)")
        #expect(host.once { scheduler in _ = try scheduler.cache("f", expire: duration) { 1 } } == Self.invalid)
    }

    /// The first one holds, and the log says so, once.
    @Test func anotherDeclarationOfACacheIsTold() {
        let host = FakeHost()
        let first = Cache("c", expire: .seconds(30)) { 1 }
        let same = Cache("c", expire: .seconds(30)) { 1 }
        let later = Cache("c", expire: .seconds(60)) { 2 }
        let other = Codec<Int>(identifier: 20, encode: { [UInt8($0)] }, decode: { Int($0[0]) })
        let coded = Cache("d", expire: nil, codec: other) { 3 }
        let recoded = Cache("d", expire: nil) { 4 }
        host.once { scheduler throws in
            #expect(try first() == 1 && same() == 1 && coded() == 3)
            #expect(host.lines.isEmpty)
            for _ in 0..<3 { #expect(try later() == 1 && recoded() == 3) }
            for expire in [nil, .seconds(5), .seconds(5)] as [Duration?] {
                _ = try scheduler.cacheMemory("m", expire: expire) { 1 }
                _ = try scheduler.cacheMemory("n", expire: nil) { 1 }
            }
        }
        #expect(host.failures == [])
        let told = [
            "c": "its expiry is 30.0 seconds there and 60.0 seconds here",
            "d": "its codec is 20 there and 3 here",
            "m": "its expiry is nil there and 5.0 seconds here",
        ].map { "cache \"\($0)\" is declared twice, and the first declaration holds: \($1)" }
        #expect(Set(host.lines.map(\.text)) == Set(told) && host.lines.count == 3, "\(host.lines)")
        #expect(host.lines.allSatisfy { $0.level == 30 })
    }
}
