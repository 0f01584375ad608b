import CPluginAPI
import PluginAPI
import Testing

/// A value that counts how many of its kind there are.
private final class Large: Sendable {
    private let count: UncheckedBox<Int>

    init(_ count: UncheckedBox<Int>) {
        self.count = count
        count.value += 1
    }

    deinit { count.value -= 1 }
}

private struct Broken: Error, Equatable {
    let number: Int
}

/// What a disk cache keeps of its values beside the host, and what it does with bytes that it cannot read.
@Suite struct DiskCacheTests {
    /// A cache of values that are `size` bytes on disk, each; how many are alive, and how many were decoded.
    private func cache(_ size: Int) -> (Cache<Large>, alive: UncheckedBox<Int>, decoded: UncheckedBox<Int>) {
        let (alive, decoded) = (UncheckedBox(0), UncheckedBox(0))
        let codec = Codec<Large>(identifier: 30) { _ in
            [UInt8](repeating: 0, count: size)
        } decode: { _ in
            decoded.value += 1
            return Large(alive)
        }
        let cache = Cache("large", expire: nil, codec: codec) { (_: String) in Large(alive) }
        return (cache, alive, decoded)
    }

    /// The host counts bytes, and not what they were decoded to.
    @Test(arguments: [(2 << 20, 1), (65_536, 16), (1024, 256)])
    func decodedValuesHaveABound(size: Int, most: Int) {
        let host = FakeHost()
        let (cache, alive, _) = cache(size)
        host.once { _ throws in
            for number in 0..<400 { _ = try cache(key: "\(number)") }
        }
        #expect(host.failures == [])
        #expect(alive.value == most)
    }

    @Test func whatIsUsedIsDecodedOnce() {
        let host = FakeHost()
        let (cache, _, decoded) = cache(262_144)
        host.once { _ throws in
            for number in 0..<20 {
                _ = try cache(key: "\(number)")
                _ = try cache(key: "0")
                _ = try cache()
            }
        }
        #expect(host.failures == [])
        #expect(decoded.value == 0)
    }

    /// However large it is: a table that each cycle asks for.
    @Test func oneLargeValueIsDecodedOnce() {
        let host = FakeHost()
        let (cache, _, decoded) = cache(4 << 20)
        host.once { _ throws in
            for _ in 0..<5 {
                _ = try cache()
                _ = try cache(key: "a")
            }
        }
        #expect(host.failures == [])
        #expect(decoded.value == 0)
    }

    @Test func whatTheHostHasLetGoIsLetGo() {
        let host = FakeHost()
        let (cache, alive, _) = cache(10)
        host.once { _ throws in
            for key in ["", "a", "b"] {
                _ = try cache(key: key)
                host.diskCaches["large"]?.drop(key)
                #expect(try cache.peek(key: key) == nil)
            }
        }
        #expect(host.failures == [])
        #expect(alive.value == 0)
    }

    /// What another version wrote is no answer to a source that fails: its error is thrown, and the value set aside.
    @Test func aStaleValueThatCannotBeReadDoesNotHideTheSourcesError() {
        let host = FakeHost()
        let cache = Cache("s", expire: .seconds(1)) { () throws -> [Int] in
            if host.now > 1 { throw Broken(number: 503) }
            return [1]
        }
        host.once { scheduler throws in
            _ = try cache()
            for isElsewhere in [false, true] {
                host.diskCaches["s"]?.put("", bytes: Array("{".utf8), now: 0)
                host.now = 5
                if isElsewhere {
                    waitForThread {
                        #expect(throws: Broken(number: 503)) { try cache(tolerance: .seconds(60), in: scheduler) }
                    }
                } else {
                    #expect(throws: Broken(number: 503)) { try cache(tolerance: .seconds(60)) }
                }
                #expect(try cache.peek() == nil)
            }
        }
        let told = host.diskCaches["s"]?.setAside ?? []
        #expect(told.count == 2 && told.allSatisfy { $0.hasPrefix("it cannot be decoded: ") }, "\(told)")
        #expect(host.diskCaches["s"]?.loads == 3)
    }
}
