import HostTestKit
import HostValues
import HostWire
import Testing

/// The frames between a worker's caches and the store's worker, and what a store keeps of them.
@Suite struct SharedFrameTests {
    static let keys = [
        SharedKey(routine: "snapshot", name: "prices", isOnDisk: true, codec: .max, key: []),
        SharedKey(routine: "", name: "ö", isOnDisk: false, codec: 0, key: Array(0...255)),
    ]
    static let value = SharedValue(produced: 77, keepMs: .max, bytes: [1, 2, 3])
    static let failure = SharedFailure(code: -7, text: "no network")
    static let requests: [SharedRequest] = [
        .read(keys[0], known: .max), .begin(keys[1], load: 5, value: 0), .touch([]), .touch([7, .max]),
        .succeed(keys[0], begun: 9, value), .fail(keys[1], begun: 9, failure, leftAlone: 30),
        .end(keys[0], begun: 1, outdates: true),
        .end(keys[1], begun: 2, outdates: false),
        .put(keys[1], SharedValue(produced: .longAgo, keepMs: 0, bytes: [])), .drop(keys[0]),
        .await(keys[1]),
    ]
    static let replies: [SharedReply] = [
        .hello(longestValue: 1 << 20), .reading(SharedReading()),
        .reading(
            SharedReading(
                value: .init(version: 9, begun: 4, produced: 5, bytes: [1]), load: .running(version: 12))),
        .reading(
            SharedReading(
                value: .init(version: .max, begun: 0, produced: nil, bytes: nil),
                load: .failed(version: 3, failure, left: 5))),
        .answer(.done(version: 8)), .answer(.changed), .answer(.away), .answer(.full),
    ]

    @Test(arguments: requests) func aRequestIsReadAsItWasWritten(request: SharedRequest) throws {
        let read = try #require(SharedFrame.request(SharedFrame.encode(request, id: 7)))
        #expect(read.id == 7 && read.request == request)
        #expect(SharedFrame.reply(SharedFrame.encode(request, id: 7)) == nil)
    }

    @Test(arguments: replies) func anAnswerIsReadAsItWasWritten(reply: SharedReply) throws {
        let read = try #require(SharedFrame.reply(SharedFrame.encode(reply, id: .max)))
        #expect(read.id == .max && read.reply == reply)
        #expect(SharedFrame.request(SharedFrame.encode(reply, id: 7)) == nil)
    }

    @Test func framesAreWholeHoweverTheyArrive() throws {
        let frames = Self.requests.enumerated().map { SharedFrame.encode($0.element, id: UInt64($0.offset)) }
        let all = Array(frames.joined())
        for size in [1, 2, 3, 17, 1000] {
            var splitter = FrameSplitter(longest: 1000)
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: all.count, by: size) {
                splitter.add(Array(all[start..<min(start + size, all.count)]))
                while let frame = try splitter.next() { found.append(frame) }
            }
            #expect(found == frames)
            #expect(splitter.missing == 0)
        }
    }

    @Test func whatIsTooLongOrTooShortIsNonsense() throws {
        for size in [0, 1, 11, 1001, UInt32.max] as [UInt32] {
            var splitter = FrameSplitter(longest: 1000)
            splitter.add((0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) })
            #expect(throws: FrameSplitter.Nonsense.self) { try splitter.next() }
        }
    }

    /// Each byte of each frame is any other one, and each frame ends anywhere: that traps nowhere, and what is read reads the
    /// same again.
    @Test func whatAnybodyWritesTrapsNowhere() {
        var random = SplitMix(seed: 11)
        let frames =
            Self.requests.map { SharedFrame.encode($0, id: 1) } + Self.replies.map { SharedFrame.encode($0, id: 1) }
        for frame in frames {
            for end in 0...frame.count {
                #expect(end == frame.count || SharedFrame.request(Array(frame[..<end])) == nil)
                #expect(end == frame.count || SharedFrame.reply(Array(frame[..<end])) == nil)
            }
            for _ in 0..<2000 {
                var other = frame
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    other[Int.random(in: 0..<other.count, using: &random)] = .random(in: 0...255, using: &random)
                }
                if let read = SharedFrame.request(other) {
                    #expect(SharedFrame.request(SharedFrame.encode(read.request, id: read.id))?.request == read.request)
                }
                if let read = SharedFrame.reply(other) {
                    #expect(SharedFrame.reply(SharedFrame.encode(read.reply, id: read.id))?.reply == read.reply)
                }
                var splitter = FrameSplitter(longest: 5000)
                splitter.add(other + frame)
                while let next = try? splitter.next() { _ = SharedFrame.request(next) }
            }
        }
    }

    @Test func recordsAreReadAsTheyWereWritten() {
        for record in [SharedLoadRecord.running(host: "alpha"), .failed(Self.failure, leftAloneMs: .max)] {
            #expect(SharedLoadRecord(record.bytes) == record)
            #expect(SharedLoadRecord(record.bytes + [0]) == nil)
        }
        let value = SharedValueRecord(begun: 7, clockMs: -1, lead: -5, bytes: [1, 2])
        #expect(SharedValueRecord(value.encoded) == value)
        #expect(value.encoded.count == SharedValueRecord.head + 2)
        #expect(SharedValueRecord(Array(value.encoded.prefix(SharedValueRecord.head - 1))) == nil)
    }

    @Test func whatIsNoRecordIsNone() {
        var random = SplitMix(seed: 3)
        let records = [
            SharedLoadRecord.running(host: "alpha").bytes, SharedLoadRecord.failed(Self.failure, leftAloneMs: 5).bytes,
            SharedValueRecord(begun: 7, clockMs: 5, lead: 9, bytes: [1]).encoded,
        ]
        for record in records {
            for end in 0..<record.count { #expect(SharedLoadRecord(Array(record[..<end])) == nil) }
            for _ in 0..<2000 {
                var other = record
                other[Int.random(in: 0..<other.count, using: &random)] = .random(in: 0...255, using: &random)
                _ = SharedLoadRecord(other)
                _ = SharedValueRecord(other)
            }
        }
    }

    @Test func theAccessOfAWorkerIsReadAsItWasWritten() {
        for routine in [nil, "snapshot"] {
            let access = SharedAccess(
                prefix: "schedhost/prod/", plugin: "market-poller@eu", routine: routine,
                worker: routine == nil ? nil : 7, links: 2, timeoutMs: 250)
            #expect(StoreCommand(line: StoreCommand.share(access).line()) == .share(access))
        }
        #expect(StoreCommand(line: Array("{\"store_share\":{\"prefix\":\"a\"}}".utf8)) == nil)
        #expect(WorkerCommand(line: WorkerCommand.share(plugin: 5).line()) == .share(plugin: 5))
        #expect(WorkerEvent(line: WorkerEvent.wantsShared(plugin: 5).line()) == .wantsShared(plugin: 5))
    }
}
