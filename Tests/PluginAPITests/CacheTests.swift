import CPluginAPI
import PluginAPI
import Testing

private final class Thing: Sendable {
    let name: String
    init(_ name: String = "") { self.name = name }
}

private final class Weak: @unchecked Sendable {
    weak var thing: Thing?
}

private struct Broken: Error, Equatable {
    let number: Int
}

private struct Point: Codable, Equatable, Sendable {
    var x: Int
    var y: String
}

@Suite struct CacheTests {
    @Test func hitIsTheSameObject() {
        let host = FakeHost()
        let loads = UncheckedBox(0)
        let cache = CacheMemory("things", expire: .seconds(30)) {
            loads.value += 1
            return Thing()
        }
        host.once { scheduler throws in
            let first = try cache.answer()
            #expect(first.state == .loaded && first.generation == 1)
            host.now = 30
            let second = try cache.answer(in: scheduler)
            #expect(second.state == .hit && second.value === first.value && second.age == .seconds(30))
            host.now = 30.5
            #expect(try cache() !== first.value)
            host.now = 32
            #expect(try cache(fresh: true, tolerance: .seconds(2)) !== first.value)
            #expect(loads.value == 2)
            _ = try cache(fresh: true)
            #expect(loads.value == 3)
        }
        #expect(host.failures == [])
    }

    @Test func inlineFormIsTheSameCache() {
        let host = FakeHost()
        let first = UncheckedBox<Thing?>(nil)
        let plugin = Plugin("inline", version: "1") {
            Routine("r", wait: .zero) { scheduler in
                let thing = try scheduler.cacheMemory("t", expire: .seconds(30)) { Thing() }
                if let known = first.value { #expect(thing === known) } else { first.value = thing }
            }
        }
        for _ in 0..<3 { unsafe #expect(host.run(plugin.routines[0]) == 0) }
        #expect(host.memoryCaches["t"]?.loads == 1)
    }

    @Test func keysAreApart() {
        let host = FakeHost()
        let cache = CacheMemory("k", expire: nil) { (key: String) in Thing("<\(key)>") }
        host.once { _ throws in
            #expect(try cache(key: "ä").name == "<ä>")
            #expect(try cache(key: "b").name == "<b>")
            #expect(try cache().name == "<>")
            #expect(try cache(key: "ä") === cache(key: "ä"))
            #expect(try cache.invalidate(key: "ä"))
            #expect(try !cache.invalidate(key: "ä"))
            #expect(try cache.peek(key: "ä") == nil)
            #expect(try cache.peek(key: "b")?.value.name == "<b>")
            try cache.put(Thing("put"), key: "ä")
            #expect(try cache(key: "ä").name == "put")
        }
        #expect(host.failures == [])
    }

    @Test func objectIsReleasedOnce() {
        let host = FakeHost()
        let cache = CacheMemory("o", expire: .zero) { Thing() }
        let seen = Weak()
        host.once { _ throws in seen.thing = try cache() }
        #expect(seen.thing != nil)
        host.memoryCaches["o"]?.drop("")
        #expect(seen.thing == nil)
    }

    @Test func pinnedAnswersAreReleased() {
        let host = FakeHost()
        host.isPinning = true
        let memory = CacheMemory("m", expire: .seconds(1)) { Thing() }
        let disk = Cache("d", expire: .seconds(1)) { [1, 2] }
        // What another version wrote: its codec refuses it, and the source is asked.
        let other = Cache(
            "o", expire: .seconds(1),
            codec: Codec(identifier: 9, encode: { (_: Int) in [1] }, decode: { _ in throw Broken(number: 1) })
        ) { 1 }
        host.once { scheduler throws in
            for _ in 0..<3 {
                // In the callback itself a host pins nothing, so that a hit there has nothing to give back.
                waitForThread {
                    _ = try memory(in: scheduler)
                    _ = try memory.answer(in: scheduler)
                    _ = try memory.peek(in: scheduler)
                    _ = try disk(in: scheduler)
                    _ = try disk.peek(in: scheduler)
                    _ = try other(in: scheduler)
                    _ = try other.peek(in: scheduler)
                }
                host.now += 0.5
            }
        }
        #expect(host.failures == [])
        #expect(host.pins == 0)
        #expect(host.memoryCaches["m"]?.loads == 1)
    }

    /// The host counts the pins of a value, and not whose they are: to give back one that is not there would take away that of
    /// a thread which still reads the value.
    @Test func whatComesWithoutAPinIsNotReleased() {
        let host = FakeHost()
        let other = FakeHost()
        let foreign = UncheckedBox<Scheduler?>(nil)
        other.once { foreign.value = $0 }
        let memory = CacheMemory("m", expire: nil) { Thing() }
        let disk = Cache("d", expire: nil) { [1] }
        let nesting = CacheMemory("n", expire: nil) {
            // In a source all is kept, also what is asked on behalf of another routine.
            for scheduler in [nil, foreign.value] {
                _ = try memory(key: "n", in: scheduler)
                _ = try memory.peek(key: "n", in: scheduler)
                _ = try disk.peek(in: scheduler)
            }
        }
        host.once { scheduler throws in
            // The first use, that after another cache, those of a disk cache, and one declared in place.
            for _ in 0..<2 {
                _ = try memory()
                _ = try memory.answer(in: scheduler)
                _ = try disk()
                _ = try disk.answer(in: scheduler)
                _ = try disk.peek()
                _ = try memory.peek()
                _ = try nesting(fresh: true)
                _ = try scheduler.cacheMemory("i", expire: nil) { Thing() }
                _ = try scheduler.cache("j", expire: nil) { [2] }
            }
            #expect(host.releases == 0 && other.releases == 0)
            // Outside of its own callback a routine gets it pinned, also in that of another routine.
            _ = try memory(in: foreign.value)
            _ = try disk.peek(key: "n", in: foreign.value)
            _ = try disk(in: foreign.value)
            #expect(host.releases == 0 && other.releases == 2)
            waitForThread { _ = try memory(in: scheduler) }
            #expect(host.releases == 1 && other.releases == 2)
        }
        #expect(host.failures == [] && other.failures == [])
    }

    @Test func aValueOfAnotherVersionIsSetAside() {
        let host = FakeHost()
        let cache = Cache("n", expire: nil) { [5, 6] as [Int] }
        host.once { _ throws in
            _ = try cache()
            for text in ["{", "\"text\"", "[true]"] {
                host.diskCaches["n"]?.put("", bytes: Array(text.utf8), now: host.now)
                #expect(try cache.peek() == nil)
                #expect(try cache.peek() == nil)
                host.diskCaches["n"]?.put("", bytes: Array(text.utf8), now: host.now)
                #expect(try cache() == [5, 6])
            }
        }
        #expect(host.failures == [])
        let told = host.diskCaches["n"]?.setAside ?? []
        #expect(told.count == 6 && told.allSatisfy { $0.hasPrefix("it cannot be decoded: ") }, "\(told)")
        #expect(host.diskCaches["n"]?.loads == 4)
    }

    @Test func refusedObjectIsReleased() {
        let host = FakeHost()
        let cache = CacheMemory("large", expire: nil, cost: { _ in 1 << 21 }) { Thing() }
        let seen = Weak()
        let code = host.once { _ throws in
            let thing = Thing()
            seen.thing = thing
            try cache.put(thing)
        }
        #expect(code == Int32(SCHEDHOST_TOO_LARGE))
        #expect(seen.thing == nil)
        #expect(
            host.once { _ in try cache.put(Thing(), key: String(repeating: "k", count: 65_537)) }
                == Int32(SCHEDHOST_INVALID))
    }

    @Test func sourcesErrorIsThrownAsItIs() {
        let host = FakeHost()
        let cache = CacheMemory("e", expire: .seconds(10)) { () throws -> Int in
            if host.now > 5 { throw Broken(number: Int(host.now)) }
            return 1
        }
        let disk = Cache("e", expire: nil) { () throws -> Int in throw Broken(number: 8) }
        let code = host.once { _ throws in
            #expect(throws: Broken(number: 8)) { try disk() }
            #expect(try cache() == 1)
            host.now = 11
            let stale = try cache.answer(tolerance: .seconds(1))
            #expect(stale.value == 1 && stale.state == .stale && stale.lastError == 1)
            _ = try cache()
        }
        #expect(code == 1)
        #expect(host.failures.last == "Broken(number: 11)")
    }

    @Test func selfUseIsAnErrorNotADeadlock() {
        let host = FakeHost()
        let box = UncheckedBox<CacheMemory<Int>?>(nil)
        let cache = CacheMemory("self", expire: nil) { try box.value.map { try $0() } ?? 0 }
        box.value = cache
        #expect(host.once { _ throws in _ = try cache() } == Int32(SCHEDHOST_REENTRANT))
        #expect(host.failures.last == "cache \"self\": its source asks for its own cache")
        box.value = nil
    }

    @Test func anotherTypeUnderTheSameNameIsRefused() {
        let host = FakeHost()
        let code = host.once { scheduler throws in
            _ = try scheduler.cacheMemory("x", expire: nil) { 1 }
            _ = try scheduler.cacheMemory("x", expire: nil) { "one" }
        }
        #expect(code == Int32(SCHEDHOST_INVALID))
    }

    /// To Swift they are one text, to the host two names.
    @Test func equivalentNamesAreDifferentCaches() {
        let host = FakeHost()
        let names = ["caf\u{e9}", "cafe\u{301}", "a\u{300}", "a\u{340}", "K", "\u{212a}"]
        #expect(names[0] == names[1] && names[2] == names[3] && names[4] == names[5])
        let caches = names.indices.map { index in CacheMemory(names[index], expire: nil) { index } }
        host.once { scheduler throws in
            for _ in 0..<2 {
                for (index, name) in names.enumerated() {
                    #expect(try caches[index]() == index)
                    #expect(try scheduler.cacheMemory(name, expire: nil) { -1 } == index)
                    #expect(try scheduler.cacheMemory(name, expire: nil) { -1 } == index)
                    #expect(try scheduler.cache(name, expire: nil) { index } == index)
                }
            }
        }
        #expect(host.failures == [])
    }

    @Test func negativeToleranceIsRefused() {
        let host = FakeHost()
        let cache = CacheMemory("n", expire: nil) { 1 }
        #expect(host.once { _ throws in _ = try cache(tolerance: .seconds(-1)) } == Int32(SCHEDHOST_INVALID))
    }

    /// Whatever its length, around each of the places where it is computed in another way: whole milliseconds, rounded down.
    @Test func aToleranceIsPassedInWholeMilliseconds() {
        let host = FakeHost()
        let cache = CacheMemory("n", expire: nil) { 1 }
        let unit: Int128 = 1_000_000_000_000_000
        let week: Int128 = 1 << 79
        let longest: Int128 = 9_223_372_036_854_775_807 * unit
        let short = [0, 1, unit - 1, unit, unit + 1, 59_999 * unit + 17, 604_800_000 * unit]
        let long = [week - 1, week, week + 1, week + unit, longest - 1, longest, longest + unit]
        host.once { _ throws in
            for length in short + long {
                _ = try cache(tolerance: Duration(attoseconds: length))
                let passed = host.memoryCaches["n"]?.lastTolerance
                #expect(passed == Int64(clamping: length / unit), "\(length)")
            }
        }
        #expect(host.failures == [])
    }

    @Test func outsideOfARoutineItSaysSo() {
        let cache = CacheMemory("outside", expire: nil) { 1 }
        let error = #expect(throws: CacheError.self) { try cache() }
        #expect(error?.code == Int32(SCHEDHOST_NOT_HERE))
    }

    @Test func withoutCachesEveryCallLoads() {
        let host = FakeHost(caches: false)
        let loads = UncheckedBox(0)
        let memory = CacheMemory("m", expire: nil) { loads.value += 1 }
        let disk = Cache("d", expire: nil) { () -> Int in
            loads.value += 1
            return 4
        }
        let code = host.once { scheduler throws in
            #expect(try memory.answer().state == .loaded)
            try memory()
            #expect(try disk() == 4)
            #expect(try disk.peek() == nil)
            #expect(try !disk.invalidate())
            try disk.put(3)
            #expect(try scheduler.cache("i", expire: nil) { "inline" } == "inline")
        }
        #expect(code == 0 && loads.value == 3)
    }

    @Test func refreshAheadUsesTheCachesOwnSource() throws {
        let host = FakeHost()
        let cache = CacheMemory("r", expire: .seconds(10), refreshAfter: .seconds(5)) { (key: String) in key + "!" }
        host.once { _ throws in #expect(try cache(key: "a") == "a!") }
        let options = unsafe try #require(host.memoryCaches["r"]?.options)
        unsafe #expect(options.refresh_after_ms == 5000 && options.source != nil && options.user != nil)
    }

    @Test func valueIsDecodedOnce() {
        let host = FakeHost()
        let count = UncheckedBox((encoded: 0, decoded: 0, loaded: 0))
        let codec = Codec<Thing>(identifier: 40) {
            count.value.encoded += 1
            return Array($0.name.utf8)
        } decode: {
            count.value.decoded += 1
            return Thing(String(decoding: $0, as: UTF8.self))
        }
        // Two plugins with the same store: the second is the first one after a restart.
        for (round, decoded) in [(0, 0), (1, 1)] {
            let cache = Cache("t", expire: .seconds(100), codec: codec) {
                count.value.loaded += 1
                return Thing("made")
            }
            let plugin = Plugin("disk", version: "1") {
                Routine("r", wait: .zero) { _ in
                    let thing = try cache()
                    #expect(thing.name == "made")
                    for _ in 0..<5 { #expect(try cache() === thing) }
                    #expect(try cache.peek()?.value === thing)
                }
            }
            unsafe #expect(host.run(plugin.routines[0]) == 0)
            #expect(count.value == (1, decoded, 1), "round \(round)")
        }
        #expect(host.diskCaches["t"]?.codec == 40)
    }

    @Test func newGenerationIsDecodedAnew() {
        let host = FakeHost()
        let cache = Cache("g", expire: nil) { "old" }
        host.once { _ throws in
            #expect(try cache() == "old")
            host.diskCaches["g"]?.put("", bytes: Array("new".utf8), now: 0)
            #expect(try cache() == "new")
            try cache.put("put")
            #expect(try cache() == "put")
            try cache.invalidate()
            #expect(try cache.peek() == nil)
            #expect(try cache() == "old")
        }
        #expect(host.failures == [])
    }

    @Test func storedForms() throws {
        let host = FakeHost()
        let point = Point(x: 1, y: "ü")
        host.once { scheduler throws in
            #expect(try scheduler.cache("json", expire: nil) { point } == point)
            #expect(try scheduler.cache("text", expire: nil) { "ü" } == "ü")
            #expect(try scheduler.cache("bytes", expire: nil) { [0, 255] as [UInt8] } == [0, 255])
            #expect(
                try scheduler.cache(
                    "own", expire: nil,
                    codec: Codec {
                        [$0]
                    } decode: {
                        $0[0]
                    }
                ) { UInt8(7) } == 7)
        }
        #expect(host.failures == [])
        #expect(host.diskCaches.mapValues(\.codec) == ["json": 3, "text": 2, "bytes": 1, "own": 16])
        let stored = unsafe try #require(host.diskCaches["json"]?.entries[""]?.bytes)
        let text = unsafe String(decoding: stored, as: UTF8.self)
        #expect(text.contains("\"x\":1") && text.contains("\"y\":\"ü\""))
    }

    @Test func unreadableValueIsLoadedAnew() {
        let host = FakeHost()
        let cache = Cache("p", expire: nil) { Point(x: 2, y: "new") }
        host.once { _ throws in
            _ = try cache()
            host.diskCaches["p"]?.put("", bytes: Array("{\"x\":1}".utf8), now: 0)
            #expect(try cache.peek() == nil)
            #expect(try cache() == Point(x: 2, y: "new"))
            #expect(host.diskCaches["p"]?.loads == 2)
        }
        #expect(host.failures == [])
    }

    @Test func manyKeysStayRight() {
        let host = FakeHost()
        let cache = Cache("many", expire: nil) { (key: String) in key }
        host.once { _ throws in
            for round in 0..<2 {
                for number in 0..<300 { #expect(try cache(key: "k\(number)") == "k\(number)", "\(round)") }
            }
        }
        #expect(host.diskCaches["many"]?.loads == 300)
    }
}
