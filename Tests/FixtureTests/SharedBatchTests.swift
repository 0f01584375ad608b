import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// What becomes of loads whose worker asks for several things at once, goes, or has not heard that they began; with the fake
/// store.
@Suite struct SharedBatchTests {
    private static let clock = SystemClock()

    private final class Nowhere: EventSink {
        func send(_ event: WorkerEvent) {}
        func log(_ log: WorkerEvent.Log) {}
    }

    /// A link to a store of its own, and the answers so far.
    private final class Kit {
        let link: SharedLink
        private let directory: String
        private let context: PluginContext
        private var answers: [UInt64: SharedReply] = [:]

        init(library: String) throws {
            directory = try Directory.makeTemporary("schedhost-batch", in: "/tmp").path
            let loaded = try LoadedPlugin(path: library)
            let ledger = try Descriptor.memory("ledger")
            try ledger.truncate(to: LedgerSlot.start + LedgerSlot.size, subject: "ledger")
            context = PluginContext(
                number: 3, loaded: loaded, ledger: try LedgerFile(ledger), clock: clock, channel: Nowhere(),
                log: LogGate(level: 20), sessions: SessionCounter(), budget: CacheBudget(), cachePlace: nil)
            try context.prepare(loaded, parameters: "{\"directory\":\"\(directory)\"}")
            let scheduler = try unsafe #require(context.scope).scheduler
            link = try unsafe SharedLink(
                try context.offeredStore(), scheduler, record: Array("clock".utf8), ages: StoreClock(),
                timeoutMs: 5000, clock: clock
            ) { _ in
            } count: { _, _, _ in
            }
        }

        deinit { _ = Fixtures.shell("rm -rf '\(directory)'") }

        func peer(keys: Int = 100) throws -> SharedPeer {
            let (_, other) = try DescriptorPair.socket().passed()
            let access = SharedAccess(
                prefix: "p/", plugin: "a", routine: nil, links: 1, timeoutMs: 2000, mostKeys: keys, mostBytes: 1 << 20)
            return try SharedPeer(
                other, access, token: 1, longest: 1000, account: SharedAccount(keys: keys, bytes: 1 << 20))
        }

        func perform(_ jobs: SharedBatch.Job...) throws {
            try batch(jobs).perform()
        }

        /// What was answered to that request.
        func answer(_ id: UInt64) -> SharedAnswer? {
            if case .answer(let answer)? = answers.removeValue(forKey: id) { answer } else { nil }
        }

        /// Begins a load.
        func begin(_ key: SharedKey, _ peer: SharedPeer, id: UInt64, load: UInt64 = 0, value: UInt64 = 0) throws
            -> UInt64
        {
            try perform(.ask(peer, id: id, .begin(key, load: load, value: value)))
            guard case .done(let version)? = answer(id) else { throw FrameSplitter.Nonsense() }
            return version
        }

        /// What the store has.
        func reading(_ key: SharedKey) throws -> SharedReading {
            try perform(.ask(peer(), id: 99, .read(key, known: 0)))
            guard case .reading(let reading)? = answers.removeValue(forKey: 99) else { throw FrameSplitter.Nonsense() }
            return reading
        }

        private func batch(_ jobs: [SharedBatch.Job]) -> SharedBatch {
            // An answer that nobody could give in time would be given at once.
            SharedBatch(jobs: jobs, link: link, clock: clock, host: "h", timeout: 0) { _, _ in
            } answer: { [unowned self] _, id, reply in
                answers[id] = reply
            }
        }
    }

    private func with(_ body: (Kit) throws -> Void) throws {
        try Fixtures.with("store", file: "libstore.so") { try body(try Kit(library: $0)) }
    }

    private static func key(_ key: [UInt8] = []) -> SharedKey {
        SharedKey(routine: "r", name: "n", isOnDisk: true, codec: 0, key: key)
    }

    private static let value = SharedValue(produced: clock.boot(), keepMs: 60_000, bytes: [1])

    @Test func `a load ends in the batch of a sign of life`() throws {
        try with { kit in
            let peer = try kit.peer()
            let begun = try kit.begin(Self.key(), peer, id: 1)
            try kit.perform(
                .ask(peer, id: 1, .touch([1])), .ask(peer, id: 2, .succeed(Self.key(), begun: begun, Self.value)))
            guard case .done? = kit.answer(2) else {
                Issue.record("it has not ended")
                return
            }
            let reading = try kit.reading(Self.key())
            #expect(reading.load == SharedReading.Load.none && reading.value?.bytes == [1])
        }
    }

    @Test func `a sign of life renews the loads that it names, and deletes the others`() throws {
        try with { kit in
            let peer = try kit.peer()
            let begun = try kit.begin(Self.key([1]), peer, id: 1)
            _ = try kit.begin(Self.key([2]), peer, id: 2)
            _ = try kit.begin(Self.key([3]), peer, id: 4)
            try kit.perform(.ask(peer, id: 3, .touch([1])))
            #expect(try kit.reading(Self.key([1])).load.version > begun)
            #expect(try kit.reading(Self.key([2])).load == SharedReading.Load.none)
            #expect(try kit.reading(Self.key([3])).load != SharedReading.Load.none, "the sign was given before that")
            // What a worker begins after it has given up to wait for that is over at once.
            _ = try kit.begin(Self.key([4]), peer, id: 2)
            #expect(try kit.reading(Self.key([4])).load == SharedReading.Load.none)
        }
    }

    @Test func `what a load has outdated goes with its end`() throws {
        try with { kit in
            let peer = try kit.peer(keys: 1)
            try kit.perform(.ask(peer, id: 1, .put(Self.key(), Self.value)))
            for (id, key) in [(2, Self.key()), (4, Self.key([1]))] as [(UInt64, SharedKey)] {
                var value = try kit.reading(key).value?.version ?? 0
                var begun = try kit.begin(key, peer, id: id, value: value)
                try kit.perform(.ask(peer, id: id + 1, .end(key, begun: begun, outdates: false)))
                #expect(try kit.reading(key).value?.version ?? 0 == value)
                begun = try kit.begin(key, peer, id: id, value: value)
                try kit.perform(.ask(peer, id: id + 1, .end(key, begun: begun, outdates: true)))
                #expect(try kit.reading(key) == SharedReading())
                // It has made room.
                begun = try kit.begin(key, peer, id: id)
                try kit.perform(.ask(peer, id: id + 1, .succeed(key, begun: begun, Self.value)))
                value = try #require(try kit.reading(key).value).version
                // A value that has no room outdates it too.
                var large = Self.value
                large.bytes = [UInt8](repeating: 1, count: 2 << 20)
                begun = try kit.begin(key, peer, id: id, value: value)
                try kit.perform(.ask(peer, id: id + 1, .succeed(key, begun: begun, large)))
                #expect(kit.answer(id + 1) == .full)
                #expect(try kit.reading(key) == SharedReading())
            }
        }
    }

    @Test func `a source is left alone no longer than that is done, whatever a record says`() throws {
        try with { kit in
            let peer = try kit.peer()
            let begun = try kit.begin(Self.key(), peer, id: 1)
            let failure = SharedFailure(code: 7, text: "no")
            try kit.perform(.ask(peer, id: 2, .fail(Self.key(), begun: begun, failure, leftAlone: .max)))
            guard case .failed(_, failure, let left) = try kit.reading(Self.key()).load else {
                Issue.record("it has not failed")
                return
            }
            #expect(left > 0 && left <= SharedFailure.longestLeftAlone)
        }
    }

    @Test func `a load that begins when its worker has gone is over`() throws {
        try with { kit in
            let peer = try kit.peer()
            try kit.perform(.ask(peer, id: 1, .begin(Self.key(), load: 0, value: 0)), .gone(peer))
            #expect(try kit.reading(Self.key()).load == SharedReading.Load.none)
            _ = try kit.begin(Self.key([1]), peer, id: 2)
            #expect(try kit.reading(Self.key([1])).load == SharedReading.Load.none)
        }
    }

    @Test func `a worker goes while the record of its load is written anew`() throws {
        try with { kit in
            let peer = try kit.peer()
            _ = try kit.begin(Self.key(), peer, id: 1)
            // Another thread has taken the sign of life.
            let sign = SharedPeer.Sign(last: 1, performed: [1])
            let load = try #require(peer.touching(sign).live.first?.load)
            try kit.perform(.gone(peer))
            let over = peer.touched(Self.key(), begun: load.begun, current: load.current + 5, isLost: false)
            #expect(over?.current == load.current + 5)
            #expect(peer.takeLoads().isEmpty)
        }
    }

    @Test func `an end that nobody knows of leaves the load to the next sign of life`() throws {
        try with { kit in
            let peer = try kit.peer()
            let begun = try kit.begin(Self.key(), peer, id: 1)
            // Another thread is writing the record anew, for longer than an end waits.
            let sign = SharedPeer.Sign(last: 1, performed: [1])
            let load = try #require(peer.touching(sign).live.first?.load)
            try kit.perform(.ask(peer, id: 2, .end(Self.key(), begun: begun, outdates: false)))
            #expect(kit.answer(2) == .away)
            #expect(peer.touched(Self.key(), begun: begun, current: load.current, isLost: false) == nil)
            // The same where the store has not answered.
            guard case .ready = peer.ending(Self.key(), begun: begun, until: Self.clock.monotonic()) else {
                Issue.record("it cannot end")
                return
            }
            peer.ended(Self.key(), begun: begun, isKnown: false)
            try kit.perform(.ask(peer, id: 2, .touch([])))
            #expect(try kit.reading(Self.key()).load == SharedReading.Load.none)
        }
    }
}
