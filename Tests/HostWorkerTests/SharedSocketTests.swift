import HostStore
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// A worker's way to the store, with a test in the place of the store's worker.
@Suite("A worker's socket to the shared store")
struct SharedSocketTests {
    /// A clock whose time since the boot stands still until it is moved, so that the store is left alone for as long as a test
    /// likes; what waits, waits in real time.
    private final class Clock: HostClock {
        private let time = Mutex<Int64>(1_000_000_000)

        func boot() -> BootTime { BootTime(nanoseconds: time.withLock { $0 }) }
        func monotonic() -> MonotonicTime { SystemClock().monotonic() }
        func wall() -> WallTime { WallTime(nanoseconds: boot().nanoseconds) }
        func advance(_ nanoseconds: Int64) { time.withLock { $0 += nanoseconds } }
    }

    /// A request as it came, with its number.
    private struct Heard: Equatable {
        let id: UInt64
        let request: SharedRequest
    }

    /// The end of the store's worker.
    private final class Peer: @unchecked Sendable {
        // @unchecked: one thread at a time uses it.
        private let socket: PassedDescriptor
        private var splitter = FrameSplitter(longest: SharedFrame.longest)

        init(_ socket: PassedDescriptor) { self.socket = socket }

        /// What has come.
        func heard() throws -> [Heard] {
            var all: [Heard] = []
            while let bytes = try socket.descriptor.receive(atMost: 1 << 16), !bytes.isEmpty { splitter.add(bytes) }
            while let frame = try splitter.next() {
                let (id, request) = try #require(SharedFrame.request(frame))
                all.append(Heard(id: id, request: request))
            }
            return all
        }

        /// Answers what comes; a load begins with the version that its request names for the value.
        func answerAll() throws {
            guard try socket.descriptor.waitUntilReadable(milliseconds: 20) else { return }
            for heard in try heard() {
                var version: UInt64 = 1
                if case .begin(_, _, let value) = heard.request { version = value }
                try answer(heard.id, .done(version: version))
            }
        }

        func answer(_ id: UInt64, _ answer: SharedAnswer) throws { try reply(id, .answer(answer)) }

        func reply(_ id: UInt64, _ reply: SharedReply) throws {
            let frame = SharedFrame.encode(reply, id: id)
            _ = try unsafe frame.withUnsafeBytes { try unsafe socket.descriptor.send($0, wait: true) }
        }
    }

    private final class Kit {
        let clock = Clock()
        let signs: SharedSigns
        let socket: SharedSocket
        let peer: Peer
        /// Whose requests have an answer already.
        let calls: SharedCalls
        /// Whose requests nobody answers.
        let impatient: SharedCalls

        init() throws {
            signs = SharedSigns(doorbell: -1, clock: clock)
            socket = SharedSocket(clock: clock, signs: signs) {}
            let (mine, other) = try DescriptorPair.socket().passed()
            try socket.connect(mine)
            peer = Peer(other)
            calls = SharedCalls(socket, timeoutMs: 60_000, clock: clock)
            impatient = SharedCalls(socket, timeoutMs: 1, clock: clock)
        }
    }

    private static func key(_ key: [UInt8] = []) -> SharedKey {
        SharedKey(routine: "r", name: "n", isOnDisk: false, codec: 0, key: key)
    }

    private static let value = SharedValue(produced: 5, keepMs: 1000, bytes: [1])

    @Test("the end of a load is told also while the store is left alone, whatever its end is")
    func ends() throws {
        let ends: [(SharedCalls) -> SharedAnswer] = [
            { $0.succeed(Self.key(), begun: 5, Self.value) },
            { $0.fail(Self.key(), begun: 5, SharedFailure(code: 7, text: "no"), leftAlone: 1) },
            { $0.end(Self.key(), begun: 5, outdates: true) },
        ]
        for end in ends {
            let kit = try Kit()
            try kit.peer.answer(1, .done(version: 5))
            #expect(kit.calls.begin(Self.key(), load: 0, value: 0) == .done(version: 5))
            #expect(kit.impatient.read(Self.key([1]), known: 0) == nil)
            #expect(end(kit.calls) == .away)
            #expect(try kit.peer.heard().last == Heard(id: 3, request: .end(Self.key(), begun: 5, outdates: false)))
            // Should that be too late, the next sign of life says it again, once.
            #expect(kit.signs.tick != nil)
            kit.socket.touch()
            kit.socket.touch()
            #expect(try kit.peer.heard() == [Heard(id: 3, request: .touch([]))])
            #expect(kit.signs.tick == nil)
        }
    }

    @Test("a value that did not fit behind others is asked for again")
    func again() throws {
        let kit = try Kit()
        let peer = kit.peer
        let asked = Monitor<[UInt64]>([])
        try Thread.start(name: "peer", stack: 1 << 20) {
            let latest = SystemClock().monotonic() + 20_000_000_000
            while asked.withLock({ $0.count }) < 3, SystemClock().monotonic() < latest {
                for heard in (try? peer.heard()) ?? [] {
                    let count = asked.withLock { asked in
                        asked.append(heard.id)
                        return asked.count
                    }
                    try? peer.reply(heard.id, count < 3 ? .answer(.full) : .reading(SharedReading()))
                }
            }
        }
        #expect(kit.calls.read(Self.key(), known: 0) == SharedReading())
        #expect(asked.withLock { $0 } == [1, 2, 3])
    }

    @Test("a sign of life names the loads in progress, by the requests that began them")
    func signs() throws {
        let kit = try Kit()
        try kit.peer.answer(1, .done(version: 5))
        #expect(kit.calls.begin(Self.key(), load: 0, value: 0) == .done(version: 5))
        try kit.peer.answer(2, .changed)
        #expect(kit.calls.begin(Self.key([1]), load: 0, value: 0) == .changed)
        try kit.peer.answer(3, .done(version: 5))
        #expect(kit.calls.begin(Self.key([2]), load: 0, value: 0) == .done(version: 5))
        _ = try kit.peer.heard()
        kit.socket.touch()
        guard case .touch(let loads)? = try kit.peer.heard().first?.request else {
            Issue.record("it gives no sign of life")
            return
        }
        #expect(loads.sorted() == [1, 3])
        try kit.peer.answer(4, .done(version: 6))
        #expect(kit.calls.succeed(Self.key(), begun: 5, Self.value) == .done(version: 6))
        _ = try kit.peer.heard()
        kit.socket.touch()
        #expect(try kit.peer.heard() == [Heard(id: 4, request: .touch([3]))])
        try kit.peer.answer(5, .changed)
        #expect(kit.calls.end(Self.key([2]), begun: 5, outdates: false) == .changed)
        #expect(kit.signs.tick == nil, "nothing is in progress, and nothing in doubt")
    }

    @Test("a load that begins after nobody waits for that any more is disowned, and what begins next is not")
    func late() throws {
        let kit = try Kit()
        #expect(kit.impatient.begin(Self.key(), load: 0, value: 0) == .away)
        try kit.peer.answer(1, .done(version: 5))
        #expect(kit.signs.tick != nil)
        kit.clock.advance(StoreBreaker.rest)
        try kit.peer.answer(2, .done(version: 6))
        #expect(kit.calls.begin(Self.key(), load: 5, value: 0) == .done(version: 6))
        _ = try kit.peer.heard()
        kit.socket.touch()
        #expect(try kit.peer.heard() == [Heard(id: 2, request: .touch([2]))])
    }

    @Test("no more loads are begun than a sign of life can name")
    func most() throws {
        var loads = SharedLoads()
        for number in 0..<UInt64(SharedFrame.mostLoads) {
            #expect(loads.hasRoom)
            loads.start(Self.key(), by: number, begun: number + 1, isKnown: true)
        }
        #expect(!loads.hasRoom)
        let frame = SharedFrame.encode(.touch(loads.takeSign()), id: 9)
        #expect(SharedFrame.request(frame) != nil && frame.count < 1 << 15)
        #expect(SharedFrame.request(SharedFrame.encode(.touch(loads.takeSign() + [1]), id: 9)) == nil)
    }

    @Test("a load that begins while another one ends has its signs of life")
    func order() throws {
        let kit = try Kit()
        let (isOver, left) = (Monitor(false), Monitor(1))
        func start(_ body: @escaping @Sendable () -> Void) throws {
            try Thread.start(name: "socket", stack: 1 << 20) {
                body()
                left.withLock { $0 -= 1 }
                left.broadcast()
            }
        }
        try start { [peer = kit.peer] in while !isOver.withLock({ $0 }), (try? peer.answerAll()) != nil {} }
        for round in 0..<400 as Range<UInt64> {
            let (first, second) = (round * 2 + 1, round * 2 + 2)
            #expect(kit.calls.begin(Self.key(), load: 0, value: first) == .done(version: first))
            left.withLock { $0 += 1 }
            try start { [calls = kit.calls] in _ = calls.end(Self.key(), begun: first, outdates: false) }
            #expect(kit.calls.begin(Self.key([1]), load: 0, value: second) == .done(version: second))
            left.wait { $0 == 1 ? () : nil }
            #expect(kit.signs.tick != nil, "round \(round)")
            _ = kit.calls.end(Self.key([1]), begun: second, outdates: false)
            #expect(kit.signs.tick == nil, "round \(round)")
        }
        isOver.withLock { $0 = true }
        left.wait { $0 == 0 ? () : nil }
    }
}
