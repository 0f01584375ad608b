public import HostValues

/// What a worker asks of the store's worker, for the caches that its plugin shares with other hosts.
public enum SharedRequest: Equatable, Sendable {
    /// What there is of a key, without the bytes of a value of the version `known`.
    case read(SharedKey, known: UInt64)
    /// Begin a load, if the records of load and value have these versions.
    case begin(SharedKey, load: UInt64, value: UInt64)
    /// The worker lives, and so do the loads that were begun by these requests. What was begun by any other request up to the
    /// number of this one nobody performs: it has ended, or nobody has heard that it began. Not answered.
    case touch([UInt64])
    /// End a load by its value.
    case succeed(SharedKey, begun: UInt64, SharedValue)
    /// End a load by a failure; the source is left alone for so many ns.
    case fail(SharedKey, begun: UInt64, SharedFailure, leftAlone: Int64)
    /// End a load without a value; with `outdates` the value that there was goes too.
    case end(SharedKey, begun: UInt64, outdates: Bool)
    /// Replace the value.
    case put(SharedKey, SharedValue)
    /// Remove the value.
    case drop(SharedKey)
    /// Answer when the record of the load may have changed, or at once by `away` where nobody would tell.
    case await(SharedKey)

    /// The same with times that a cache may ask for: what comes by a socket may be a plugin's own, and a store is told no time
    /// that it would take for another one, or for ever.
    public var checked: SharedRequest {
        switch self {
        case .succeed(let key, let begun, let value): .succeed(key, begun: begun, value.checked)
        case .put(let key, let value): .put(key, value.checked)
        case .fail(let key, let begun, let failure, let leftAlone):
            .fail(key, begun: begun, failure, leftAlone: min(max(leftAlone, 0), SharedFailure.longestLeftAlone))
        case .read, .begin, .touch, .end, .drop, .await: self
        }
    }

    /// Whether somebody waits for an answer.
    public var isAnswered: Bool {
        switch self {
        case .touch: false
        case .read, .begin, .succeed, .fail, .end, .put, .drop, .await: true
        }
    }
}

extension SharedValue {
    /// The same, kept for as long as a store may keep it.
    fileprivate var checked: SharedValue {
        var value = self
        value.keepMs = min(max(keepMs, 1), Self.longestKeep)
        return value
    }
}

/// What the store's worker answers.
public enum SharedReply: Equatable, Sendable {
    /// The first one on a connection, without a request: the largest value with its header, in bytes.
    case hello(longestValue: UInt64)
    /// What there is of the key.
    case reading(SharedReading)
    /// What became of a change, or that something has changed that was awaited. For a reading `away`; `changed` where what is
    /// there is none of a host's; or `full` where so much waits to be read already that it is to be asked for again.
    case answer(SharedAnswer)
}

/// Requests and answers as frames on the socket between a worker and the store's worker: the size of what follows, as u32;
/// kind, u16; 0, u16; the number of the request, u64; and the body. All numbers are little-endian.
///
/// Both ends believe nothing of the other but its form: a plugin can write on the socket, and the store's worker runs the code
/// of a plugin too.
public enum SharedFrame {
    /// The bytes of a frame before its body, its size included.
    static let head = 16
    /// The largest frame without a value.
    public static let longestPlain = 1 << 18
    /// The largest value with its header that is shared, in bytes: so much memory the other end can make one take.
    public static let longestValue = 64 << 20
    /// The largest frame.
    public static let longest = longestValue + longestPlain
    static let longestText = 65_536
    /// How many loads a worker performs for all hosts at once, at most. A sign of life names all of them, and is small enough
    /// that a socket takes all of it or nothing.
    public static let mostLoads = 2048

    /// A request as a frame.
    public static func encode(_ request: SharedRequest, id: UInt64) -> [UInt8] {
        var writer = FrameWriter()
        switch request {
        case .read(let key, let known):
            writer.begin(1, id)
            writer.key(key)
            writer.number(known)
        case .begin(let key, let load, let value):
            writer.begin(2, id)
            writer.key(key)
            writer.number(load)
            writer.number(value)
        case .touch(let loads):
            writer.begin(3, id)
            writer.numbers(loads)
        case .succeed(let key, let begun, let value):
            writer.begin(4, id)
            writer.key(key)
            writer.number(begun)
            writer.value(value)
        case .fail(let key, let begun, let failure, let leftAlone):
            writer.begin(5, id)
            writer.key(key)
            writer.number(begun)
            writer.failure(failure)
            writer.number(leftAlone)
        case .end(let key, let begun, let outdates):
            writer.begin(6, id)
            writer.key(key)
            writer.number(begun)
            writer.number(UInt8(outdates ? 1 : 0))
        case .put(let key, let value):
            writer.begin(7, id)
            writer.key(key)
            writer.value(value)
        case .drop(let key):
            writer.begin(8, id)
            writer.key(key)
        case .await(let key):
            writer.begin(9, id)
            writer.key(key)
        }
        return writer.finish()
    }

    /// The request in a frame; nil if it is none.
    public static func request(_ frame: [UInt8]) -> (id: UInt64, request: SharedRequest)? {
        var reader = FrameReader(frame)
        let (kind, id) = reader.begin()
        let request: SharedRequest
        switch kind {
        case 1: request = .read(reader.key(), known: reader.number())
        case 2: request = .begin(reader.key(), load: reader.number(), value: reader.number())
        case 3: request = .touch(reader.numbers(most: mostLoads))
        case 4: request = .succeed(reader.key(), begun: reader.number(), reader.value())
        case 5:
            request = .fail(
                reader.key(), begun: reader.number(), reader.failure(), leftAlone: max(0, reader.number()))
        case 6: request = .end(reader.key(), begun: reader.number(), outdates: reader.truth())
        case 7: request = .put(reader.key(), reader.value())
        case 8: request = .drop(reader.key())
        case 9: request = .await(reader.key())
        default: return nil
        }
        return reader.isWhole ? (id, request) : nil
    }

    /// An answer as a frame.
    public static func encode(_ reply: SharedReply, id: UInt64) -> [UInt8] {
        var writer = FrameWriter()
        switch reply {
        case .hello(let longest):
            writer.begin(128, id)
            writer.number(longest)
        case .reading(let reading):
            writer.begin(129, id)
            writer.reading(reading)
        case .answer(.done(let version)):
            writer.begin(130, id)
            writer.number(version)
        case .answer(.changed): writer.begin(131, id)
        case .answer(.away): writer.begin(132, id)
        case .answer(.full): writer.begin(133, id)
        }
        return writer.finish()
    }

    /// The answer in a frame; nil if it is none.
    public static func reply(_ frame: [UInt8]) -> (id: UInt64, reply: SharedReply)? {
        var reader = FrameReader(frame)
        let (kind, id) = reader.begin()
        let reply: SharedReply
        switch kind {
        case 128: reply = .hello(longestValue: reader.number())
        case 129: reply = .reading(reader.reading())
        case 130: reply = .answer(.done(version: reader.number()))
        case 131: reply = .answer(.changed)
        case 132: reply = .answer(.away)
        case 133: reply = .answer(.full)
        default: return nil
        }
        return reader.isWhole ? (id, reply) : nil
    }
}

/// Gathers bytes until they are whole frames.
public struct FrameSplitter: Sendable {
    /// What arrived is no frame, or one that is too long: nothing that follows has a meaning.
    public struct Nonsense: Error {
        /// Makes the error.
        public init() {}
    }

    private var bytes: [UInt8] = []
    private var start = 0
    private let longest: Int

    /// A splitter of frames that are no longer than that.
    public init(longest: Int) { self.longest = longest }

    /// How many bytes are still missing of the frame that has begun; 0 if it is whole or none has begun.
    public var missing: Int {
        guard let size = size else { return 0 }
        return max(0, 4 + size - (bytes.count - start))
    }

    /// How much is to be read at once: what is missing of a large frame, else little, so that one end does not keep others from
    /// being heard. At 64 KiB free(3) would begin to tidy up all memory each time.
    public var share: Int { max(1 << 14, min(missing, 1 << 24)) }

    private var size: Int? {
        guard bytes.count - start >= 4 else { return nil }
        return (0..<4).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
    }

    /// Adds what arrived.
    public mutating func add(_ more: [UInt8]) {
        if start == bytes.count {
            bytes = more
            start = 0
        } else {
            bytes += more
        }
    }

    /// The next whole frame; nil if there is none yet.
    public mutating func next() throws(Nonsense) -> [UInt8]? {
        guard let size else { return nil }
        guard size >= SharedFrame.head - 4, size <= longest else { throw Nonsense() }
        guard bytes.count - start >= 4 + size else { return nil }
        let frame = Array(bytes[start..<start + 4 + size])
        start += 4 + size
        if start >= 1 << 16 || start == bytes.count {
            bytes.removeFirst(start)
            start = 0
        }
        return frame
    }
}
