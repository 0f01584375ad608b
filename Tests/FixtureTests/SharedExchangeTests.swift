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
    /// Keeps the log.
    private final class Nowhere: EventSink {
        let lines = Monitor<[String]>([])
        let uses = Monitor<[StoreUse]>([])
        func send(_ event: WorkerEvent) {
            if case .store(.used(let more)) = event { uses.withLock { $0 += more } }
        }
        func log(_ log: WorkerEvent.Log) { lines.withLock { $0.append(log.text) } }
    }

    /// An exchange with a store in a directory of its own.
    private final class Kit {
        let directory: String
        let exchange: SharedExchange
        let sink = Nowhere()
        let context: PluginContext
        /// How much each plugin may put into the store.
        var most = (keys: 100, bytes: 1 << 20)
        private let signs = SharedSigns(doorbell: -1, clock: SystemClock())

        init(library: String) throws {
            directory = try Directory.makeTemporary("schedhost-shared", in: "/tmp").path
            let loaded = try LoadedPlugin(path: library)
            let ledger = try Descriptor.memory("ledger")
            try ledger.truncate(to: LedgerSlot.start + LedgerSlot.size, subject: "ledger")
            context = PluginContext(
                number: 3, loaded: loaded, ledger: try LedgerFile(ledger), clock: SystemClock(), channel: sink,
                log: LogGate(level: 20), sessions: SessionCounter(), budget: CacheBudget(), cachePlace: nil)
            try context.prepare(loaded, parameters: "{\"directory\":\"\(directory)\"}")
            exchange = try SharedExchange(try context.offeredStore(), of: context)
        }

        deinit { _ = Fixtures.shell("rm -rf '\(directory)'") }

        /// The other end of a connection.
        func connect(_ plugin: String, routine: String? = nil, worker: Int? = nil, timeoutMs: UInt64 = 2000) throws
            -> PassedDescriptor
        {
            let (mine, other) = try DescriptorPair.socket().passed()
            let access = SharedAccess(
                prefix: "p/", plugin: plugin, routine: routine, worker: worker, links: 2, timeoutMs: timeoutMs,
                mostKeys: most.keys, mostBytes: most.bytes)
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
            // The supervisor is told of all that once, and each link's record for the store's clock is a commit too.
            let now = SystemClock().boot()
            kit.exchange.report(at: now)
            kit.exchange.report(at: now + 60_000_000_000)
            let uses = kit.sink.uses.withLock { $0 }
            #expect(uses.map(\.operation) == [.read, .commit] && uses.allSatisfy { $0.purpose == .caches })
            #expect(uses[0].done == 9 && (8...9).contains(uses[1].done) && uses[1].changed == 1)
            #expect(uses.allSatisfy { $0.unknown == 0 && $0.refused == 0 && $0.totalNs > 0 })
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

    @Test func `a plugin puts no more into the store than it may, and that is said once`() throws {
        try with { kit in
            kit.most = (3, 1000)
            let calls = try kit.worker("a").calls
            func key(_ number: UInt8) -> SharedKey {
                SharedKey(routine: "r", name: "n", isOnDisk: true, codec: 0, key: [number])
            }
            for number in 1...3 as ClosedRange<UInt8> { _ = try version(calls.put(key(number), value([number]))) }
            _ = try version(calls.put(key(3), value([7])))
            #expect(calls.put(key(4), value([4])) == .full)
            // What is put in vain outdates what was there.
            #expect(calls.put(key(3), value([UInt8](repeating: 1, count: 1001))) == .full)
            #expect(calls.read(key(3), known: 0) == SharedReading())
            _ = try version(calls.put(key(4), value([4])))
            // A load that ends with a value without room ends.
            let begun = try version(calls.begin(key(5), load: 0, value: 0))
            #expect(calls.succeed(key(5), begun: begun, value([5])) == .full)
            #expect(calls.read(key(5), known: 0) == SharedReading())
            let said = kit.sink.lines.withLock { $0.filter { $0.contains("shared caches: a has 3 values with") } }
            #expect(said.count == 2 && said[0].contains("caches.shared_keys"), "\(said)")
            // What is dropped makes room, and so does what was kept for its time. Others have room of their own.
            _ = try version(calls.drop(key(1)))
            let short = SharedValue(produced: SystemClock().boot(), keepMs: 1, bytes: [5])
            _ = try version(calls.put(key(5), short))
            usleep(5000)
            _ = try version(calls.put(key(6), value([6])))
            _ = try version(kit.worker("b").calls.put(key(1), value([1])))
            // What was cleared makes room too.
            #expect(calls.put(key(7), value([7])) == .full)
            kit.exchange.cleared(SharedSelection(starts: ["a/"]))
            _ = try version(calls.put(key(7), value([7])))
        }
    }

    @Test func `who waits for a load is told of its end, where the store tells`() throws {
        try with { kit in
            let one = try kit.worker("a").calls
            let (other, socket) = try kit.worker("a")
            let clock = SystemClock()
            func awaited(_ time: Int64) -> Bool { socket.awaitEnd(of: Self.key, until: clock.monotonic() + time) }
            var (begun, value) = (try version(one.begin(Self.key, load: 0, value: 0)), UInt64(0))
            #expect(!awaited(1_000_000_000), "the first one has nobody to rely on, and is told so at once")
            // The watch begins beside that, on a thread of its own.
            let latest = clock.monotonic() + 20_000_000_000
            while !awaited(20_000_000), clock.monotonic() < latest { usleep(10_000) }
            #expect(awaited(20_000_000), "in vain, and watched")
            for _ in 0..<3 {
                let start = clock.monotonic()
                let left = Monitor(1)
                try Thread.start(name: "end", stack: 1 << 20) { [begun] in
                    usleep(30_000)
                    _ = one.fail(Self.key, begun: begun, SharedFailure(code: 7, text: "no"), leftAlone: 1)
                    left.withLock { $0 -= 1 }
                    left.broadcast()
                }
                #expect(awaited(5_000_000_000))
                #expect(clock.monotonic() - start < 2_000_000_000, "long before its time")
                left.wait { $0 == 0 ? () : nil }
                let load = try #require(other.read(Self.key, known: 0)).load
                begun = try version(one.begin(Self.key, load: load.version, value: value))
            }
            value = try version(one.succeed(Self.key, begun: begun, self.value([1])))
            #expect(other.read(Self.key, known: 0)?.value?.version == value)
        }
    }

    @Test func `a worker has one connection for a plugin, however often it asks for one`() throws {
        try with { kit in
            /// Whether the connection has ended, or ends soon.
            func isOver(_ socket: PassedDescriptor, within milliseconds: Int32) throws -> Bool {
                while try socket.descriptor.waitUntilReadable(milliseconds: milliseconds) {
                    if try socket.descriptor.receive(atMost: 1000)?.isEmpty == true { return true }
                }
                return false
            }
            let first = try kit.connect("a", worker: 4)
            let others = [try kit.connect("a", worker: 5), try kit.connect("b", worker: 4), try kit.connect("a")]
            let second = try kit.connect("a", worker: 4)
            #expect(try isOver(first, within: 20_000))
            for socket in others + [second] { #expect(try !isOver(socket, within: 20)) }
        }
    }

    @Test func `a call may take as long as the most patient of those workers lets it that are there`() throws {
        try with { kit in
            let patient = try kit.connect("a", timeoutMs: 9000)
            let others = [try kit.connect("b", timeoutMs: 400), try kit.connect("c", timeoutMs: 10)]
            #expect(kit.exchange.timeoutMs == 9000)
            patient.descriptor.shutDown()
            let clock = SystemClock()
            let latest = clock.monotonic() + 20_000_000_000
            while kit.exchange.timeoutMs != 400, clock.monotonic() < latest { usleep(10_000) }
            #expect(kit.exchange.timeoutMs == 400)
            others[0].descriptor.shutDown()
            while kit.exchange.timeoutMs != 250, clock.monotonic() < latest { usleep(10_000) }
            #expect(kit.exchange.timeoutMs == 250, "so long it may take in any case")
            withExtendedLifetime(others) {}
        }
    }

    @Test func `what is cleared is gone from the store, of what was meant`() throws {
        try with { kit in
            let (one, other) = (try kit.worker("a").calls, try kit.worker("b").calls)
            func key(_ name: String, _ key: String, isOnDisk: Bool = true) -> SharedKey {
                SharedKey(routine: "r", name: name, isOnDisk: isOnDisk, codec: 7, key: Array(key.utf8))
            }
            func fill() throws {
                for calls in [one, other] {
                    for name in ["n", "n2"] {
                        for text in ["", "k", "k/2"] { _ = try version(calls.put(key(name, text), value([1]))) }
                    }
                }
                for number in 0..<60 { _ = try version(one.put(key("many", "\(number)", isOnDisk: false), value([1]))) }
            }
            func clear(_ starts: [String], _ text: String? = nil) throws -> UInt64 {
                let scope = try unsafe #require(kit.context.scope).scheduler
                let connection = try unsafe StoreConnection(
                    try kit.context.offeredStore(), scope, prefix: "p/", timeoutMs: 5000, clock: SystemClock())
                let (removed, broken) = connection.clear(
                    SharedSelection(starts: starts, key: text), timeoutMs: 5000
                ) { _ in }
                #expect(broken == nil)
                return removed
            }
            func left(_ start: String) throws -> Int { try kit.keys().count { $0.hasPrefix(start) } }
            try fill()
            #expect(try clear(["a/r/n/"], "k") == 1 && left("p/cache/a/r/n/") == 2)
            #expect(try clear(["a/r/n/"], "k%2F2") == 1 && clear(["a/r/n/"], "") == 1 && left("p/cache/a/r/n/") == 0)
            #expect(try left("p/cache/a/r/n2/") == 3 && left("p/cache/b/") == 6)
            let begun = try version(one.begin(key("many", "new"), load: 0, value: 0))
            #expect(begun > 0)
            #expect(try clear(["a/"]) == 63 && left("p/cache/a/") == 0 && left("p/load/a/") == 0)
            #expect(try left("p/cache/b/") == 6)
            try fill()
            #expect(try clear([""]) == 72 && left("p/cache/") == 0)
            #expect(try clear([""]) == 0)
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
            // A connection that has not looked at the clock since then finds out now, and has no age for what is there by then.
            var known = 0
            for _ in 0..<200 where known < 20 {
                _ = try version(calls.put(Self.key, value([2])))
                known = calls.read(Self.key, known: 0)?.value?.produced == nil ? 0 : known + 1
            }
            #expect(known == 20)
        }
    }
}
