import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// What the store's worker hears of another worker, and how it answers.
@Suite("A worker at the store's worker")
struct SharedPeerTests {
    private final class Kit {
        let poller: Poller
        let peer: SharedPeer
        let worker: PassedDescriptor
        private var splitter = FrameSplitter(longest: SharedFrame.longest)

        init() throws {
            let (mine, other) = try DescriptorPair.socket().passed()
            worker = mine
            poller = try Poller()
            let access = SharedAccess(prefix: "p/", plugin: "a", routine: nil, links: 1, timeoutMs: 250)
            peer = try SharedPeer(
                other, access, token: 1, longest: 1000, account: SharedAccount(keys: 100, bytes: 1 << 20))
            try peer.watch(by: poller)
        }

        func ask(_ request: SharedRequest) throws {
            let frame = SharedFrame.encode(request, id: 1)
            #expect(try worker.descriptor.send(frame, from: 0) == frame.count)
        }

        func answer(_ id: UInt64, value size: Int) {
            let bytes = [UInt8](repeating: 1, count: size)
            peer.answer(
                id, .reading(SharedReading(value: .init(version: 1, begun: 0, produced: nil, bytes: bytes))),
                watchingBy: poller)
        }

        /// What the worker reads, until nothing more comes.
        func answers() throws -> [(id: UInt64, reply: SharedReply)] {
            var all: [(id: UInt64, reply: SharedReply)] = []
            while let bytes = try worker.descriptor.receive(atMost: 1 << 20) {
                if bytes.isEmpty { break }
                splitter.add(bytes)
                while let frame = try splitter.next() { all.append(try #require(SharedFrame.reply(frame))) }
                peer.flush()
            }
            return all
        }
    }

    @Test("of values that are too much at once some are to be asked for again, and the connection stays")
    func tooMuch() throws {
        let kit = try Kit()
        for id in 1...20 as ClosedRange<UInt64> { kit.answer(id, value: 4 << 20) }
        let answers = try kit.answers()
        #expect(answers.map(\.id) == Array(1...20))
        let isReading = answers.map { if case .reading = $0.reply { true } else { false } }
        #expect((15...16).contains(isReading.prefix { $0 }.count))
        #expect(answers.dropFirst(16).allSatisfy { $0.reply == .answer(.full) })
        kit.answer(21, value: 4 << 20)
        // A single one is sent, however large it may be.
        kit.answer(22, value: SharedFrame.longestValue)
        #expect(try kit.answers().map(\.id) == [21, 22])
        kit.answer(23, value: SharedFrame.longestValue)
        guard case .reading? = try kit.answers().first?.reply else {
            Issue.record("it is not given")
            return
        }
    }

    @Test("what waits is not moved each time that a little of it has gone")
    func moves() {
        var waiting = WaitingOutput()
        waiting.add(Array(repeating: 1, count: 500_000))
        waiting.add(Array(repeating: 2, count: 500_000))
        var (moves, moved) = (0, 0)
        for number in 1...1000 {
            let before = waiting.start
            waiting.took(1000)
            if waiting.start < before + 1000 {
                moves += 1
                moved += waiting.count
            }
            #expect(waiting.count == 1_000_000 - number * 1000)
            if number == 600 { #expect(waiting.bytes[waiting.start] == 2) }
        }
        #expect(moves <= 20 && moved <= 1_000_000 && waiting.isEmpty && waiting.bytes.isEmpty)
    }

    @Test("times that no cache asks for reach no store")
    func times() throws {
        let kit = try Kit()
        let key = SharedKey(routine: "r", name: "n", isOnDisk: true, codec: 0, key: [])
        func heard(_ request: SharedRequest) throws -> SharedRequest? {
            try kit.ask(request)
            return kit.peer.hear().requests.first?.request
        }
        func value(_ keepMs: UInt64) -> SharedValue { SharedValue(produced: 5, keepMs: keepMs, bytes: [1]) }
        for (asked, kept) in [(0, 1), (77, 77), (.max, SharedValue.longestKeep)] as [(UInt64, UInt64)] {
            #expect(try heard(.put(key, value(asked))) == .put(key, value(kept)))
            #expect(
                try heard(.succeed(key, begun: 3, value(asked))) == .succeed(key, begun: 3, value(kept)))
        }
        let failure = SharedFailure(code: 7, text: "no")
        for (asked, left) in [(0, 0), (5, 5), (.max, SharedFailure.longestLeftAlone)] as [(Int64, Int64)] {
            #expect(
                try heard(.fail(key, begun: 3, failure, leftAlone: asked))
                    == .fail(key, begun: 3, failure, leftAlone: left))
        }
        #expect(try heard(.read(key, known: .max)) == .read(key, known: .max))
    }
}
