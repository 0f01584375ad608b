import Glibc
import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// What the store's worker makes of the questions of other workers' caches, with the fake store.
@Suite struct SharedExchangeTests {
    private final class Nowhere: EventSink {
        func send(_ event: WorkerEvent) {}
        func log(_ log: WorkerEvent.Log) {}
    }

    /// An exchange with a store in a directory of its own.
    private final class Kit {
        let directory: String
        let exchange: SharedExchange
        private let context: PluginContext
        private let signs = SharedSigns(doorbell: -1, clock: SystemClock())

        init(library: String) throws {
            directory = try Directory.makeTemporary("schedhost-shared", in: "/tmp").path
            let loaded = try LoadedPlugin(path: library)
            let ledger = try Descriptor.memory("ledger")
            try ledger.truncate(to: LedgerSlot.start + LedgerSlot.size, subject: "ledger")
            context = PluginContext(
                number: 3, loaded: loaded, ledger: try LedgerFile(ledger), clock: SystemClock(), channel: Nowhere(),
                log: LogGate(level: 20), sessions: SessionCounter(), budget: CacheBudget(), cachePlace: nil)
            try context.prepare(loaded, parameters: "{\"directory\":\"\(directory)\"}")
            exchange = try SharedExchange(try context.offeredStore(), of: context)
        }

        deinit { _ = Fixtures.shell("rm -rf '\(directory)'") }

        /// The other end of a connection.
        func connect(_ plugin: String, routine: String? = nil) throws -> PassedDescriptor {
            let (mine, other) = try DescriptorPair.socket().passed()
            let access = SharedAccess(prefix: "p/", plugin: plugin, routine: routine, links: 2, timeoutMs: 2000)
            try exchange.add(other, access)
            return mine
        }

        /// A worker with that plugin.
        func worker(_ plugin: String, routine: String? = nil) throws -> (calls: SharedCalls, socket: SharedSocket) {
            let socket = SharedSocket(clock: SystemClock(), signs: signs) {}
            try socket.connect(try connect(plugin, routine: routine))
            return (SharedCalls(socket, timeoutMs: 5000, clock: SystemClock()), socket)
        }

        /// All keys that the store has.
        func keys() throws -> [String] {
            let scope = try unsafe #require(context.scope).scheduler
            let connection = try unsafe StoreConnection(
                try context.offeredStore(), scope, prefix: "", timeoutMs: 5000, clock: SystemClock())
            let (answer, _) = connection.perform(StoreRequest(lists: ["p/"]), timeoutMs: 5000)
            return try #require(answer.found).map(\.key)
        }

        /// Makes something go wrong.
        func fault(_ line: String) throws {
            try #require(
                Fixtures.shell("echo '\(line)' > '\(directory)/f' && mv '\(directory)/f' '\(directory)/faults'") == 0)
        }
    }

    /// An answer that must not be.
    private struct Odd: Error {
        let text: String

        init(_ text: String) { self.text = text }
    }

    private func with(_ body: (Kit) throws -> Void) throws {
        try Fixtures.with("store", file: "libstore.so") { try body(try Kit(library: $0)) }
    }

    private static let key = SharedKey(routine: "r", name: "n", isOnDisk: true, codec: 0, key: [])

    private func version(_ answer: SharedAnswer) throws -> UInt64 {
        guard case .done(let version) = answer else { throw Odd("\(answer)") }
        return version
    }

    private func value(_ bytes: [UInt8]) -> SharedValue {
        SharedValue(produced: SystemClock().boot(), keepMs: 60_000, bytes: bytes)
    }

    @Test func `one begins, and the other one has the value with its age`() throws {
        try with { kit in
            let (one, other) = (try kit.worker("a").calls, try kit.worker("a").calls)
            #expect(one.read(Self.key, known: 0) == SharedReading())
            let begun = try version(one.begin(Self.key, load: 0, value: 0))
            #expect(other.begin(Self.key, load: 0, value: 0) == .changed)
            #expect(other.read(Self.key, known: 0)?.load == .running(version: begun))
            let made = value([1, 2, 3])
            let stored = try version(one.succeed(Self.key, begun: begun, made))
            let found = try #require(other.read(Self.key, known: 0)?.value)
            #expect(found.version == stored && found.begun == begun && found.bytes == [1, 2, 3])
            let produced = try #require(found.produced)
            #expect(produced <= made.produced && made.produced - produced < 1_000_000_000)
            #expect(other.read(Self.key, known: stored)?.value?.bytes == nil)
            #expect(other.read(Self.key, known: 0)?.load == SharedReading.Load.none)
            // A failure is told with what is left of its time.
            let next = try version(other.begin(Self.key, load: 0, value: stored))
            _ = try version(
                other.fail(Self.key, begun: next, SharedFailure(code: 7, text: "no"), leftAlone: 30_000_000_000))
            guard case .failed(_, let failure, let left)? = one.read(Self.key, known: 0)?.load else {
                throw Odd("no failure")
            }
            #expect(failure == SharedFailure(code: 7, text: "no") && left > 20_000_000_000 && left <= 30_000_000_000)
            // What is put replaces all that.
            _ = try version(one.put(Self.key, value([9])))
            #expect(other.read(Self.key, known: 0)?.value?.bytes == [9])
            #expect(other.read(Self.key, known: 0)?.load == SharedReading.Load.none)
            _ = try version(one.drop(Self.key))
            #expect(other.read(Self.key, known: 0) == SharedReading())
        }
    }

    @Test func `a sign of life changes the record, and the end of a worker frees its loads`() throws {
        try with { kit in
            let (one, socket) = try kit.worker("a")
            let other = try kit.worker("a").calls
            let begun = try version(one.begin(Self.key, load: 0, value: 0))
            socket.touch()
            var seen = SharedReading.Load.running(version: begun)
            for _ in 0..<500 where seen == .running(version: begun) {
                seen = try #require(other.read(Self.key, known: 0)).load
            }
            #expect(seen.version > begun)
            let dying = try kit.connect("a")
            let frame = SharedFrame.encode(.begin(Self.other, load: 0, value: 0), id: 1)
            try unsafe frame.withUnsafeBytes { bytes in
                _ = try unsafe dying.descriptor.send(bytes, wait: true)
            }
            for _ in 0..<500 {
                if case .running? = other.read(Self.other, known: 0)?.load { break }
            }
            dying.descriptor.shutDown()
            var load = other.read(Self.other, known: 0)?.load
            for _ in 0..<500 where load != SharedReading.Load.none { load = other.read(Self.other, known: 0)?.load }
            #expect(load == SharedReading.Load.none)
            _ = try version(one.succeed(Self.key, begun: begun, value([1])))
        }
    }

    private static let other = SharedKey(routine: "r", name: "n", isOnDisk: true, codec: 0, key: [7])

    @Test func `a plugin reaches its own values and nothing else`() throws {
        try with { kit in
            let (one, other, bound) = (
                try kit.worker("a").calls, try kit.worker("b").calls, try kit.worker("a", routine: "q").calls
            )
            _ = try version(one.put(Self.key, value([1])))
            #expect(other.read(Self.key, known: 0) == SharedReading())
            #expect(bound.read(Self.key, known: 0) == nil)
            for text in ["../../claim/a/r", "/claim/", "", "a/r", "\u{0}", String(repeating: "x", count: 5000)] {
                let key = SharedKey(
                    routine: text, name: text, isOnDisk: false, codec: .max, key: Array(text.utf8) + [0, 255])
                _ = one.put(key, value([2]))
            }
            let keys = try kit.keys()
            #expect(keys.count >= 7)
            #expect(keys.allSatisfy { $0.hasPrefix("p/cache/a/") || $0.hasPrefix("p/clock/") }, "\(keys)")
        }
    }

    @Test func `whatever is written on a socket ends that connection at most`() throws {
        try with { kit in
            let good = try kit.worker("a").calls
            var random = SplitMix(seed: 8)
            for round in 0..<60 {
                let bad = try kit.connect("a")
                var bytes = SharedFrame.encode(.put(Self.key, value([1])), id: 5)
                if round % 3 == 0 {
                    bytes = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                        .random(in: 0...255, using: &random)
                    }
                } else {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= .random(in: 1...255, using: &random)
                }
                _ = try? unsafe bytes.withUnsafeBytes { try unsafe bad.descriptor.send($0, wait: true) }
                if round % 2 == 0 { bad.descriptor.shutDown() }
                #expect(good.read(Self.other, known: 0) != nil)
            }
        }
    }

    @Test func `a store that is away is told so, and is there again by itself`() throws {
        try with { kit in
            let (calls, _) = try kit.worker("a")
            _ = try version(calls.put(Self.key, value([1])))
            try kit.fault("down")
            #expect(calls.read(Self.key, known: 0) == nil)
            try kit.fault("")
            var reading: SharedReading?
            for _ in 0..<200 where reading == nil {
                usleep(50_000)
                reading = calls.read(Self.key, known: 0)
            }
            #expect(reading?.value?.bytes == [1])
        }
    }

    @Test func `when the store's clock is set, what was there has no age`() throws {
        try with { kit in
            let calls = try kit.worker("a").calls
            _ = try version(calls.put(Self.key, value([1])))
            // Both connections have looked at the clock.
            for _ in 0..<20 { #expect(calls.read(Self.key, known: 0)?.value?.produced != nil) }
            try kit.fault("clock -3600000")
            // Ages in a store are never less than nothing: that its clock is behind shows when it does not move for a second.
            usleep(1_300_000)
            for _ in 0..<20 { #expect(calls.read(Self.key, known: 0)?.value?.produced == nil) }
            _ = try version(calls.put(Self.key, value([2])))
            #expect(calls.read(Self.key, known: 0)?.value?.produced != nil)
        }
    }
}
