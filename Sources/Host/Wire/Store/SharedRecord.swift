public import HostValues

/// What a store has of a load: that a host performs it, or how it failed.
///
/// Eight bytes that say what it is and of which version, then its parts. What comes from a store is believed no further than
/// its form; what is none counts as absent, and the next load replaces it.
public enum SharedLoadRecord: Equatable, Sendable {
    /// A host performs it; by its name, for people.
    case running(host: String)
    /// It failed. The source is left alone for so many ms from then on.
    case failed(SharedFailure, leftAloneMs: UInt64)

    private static let magic = Array("SHLOAD\u{1}\u{0}".utf8)
    private static let longestHost = 256

    /// The record's bytes.
    public var bytes: [UInt8] {
        var writer = FrameWriter()
        for byte in Self.magic { writer.number(byte) }
        switch self {
        case .running(let host):
            writer.number(UInt8(1))
            writer.text(String(host.cut(to: Self.longestHost)))
        case .failed(let failure, let leftAlone):
            writer.number(UInt8(2))
            writer.failure(failure)
            writer.number(leftAlone)
        }
        return writer.bytes
    }

    /// The record in these bytes; nil if they are none.
    public init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic) else { return nil }
        var reader = FrameReader(Array(bytes.dropFirst(Self.magic.count)))
        switch reader.number(UInt8.self) {
        case 1: self = .running(host: reader.text(most: Self.longestHost))
        case 2: self = .failed(reader.failure(), leftAloneMs: reader.number())
        default: return nil
        }
        if !reader.isWhole { return nil }
    }
}

/// A value as a store has it: what tells its age, and the value with its header.
public struct SharedValueRecord: Equatable, Sendable {
    /// The bytes before the value.
    public static let head = 32

    /// The version with which its load began.
    public var begun: UInt64
    /// What the store's clock showed then, in ms; -1: it has none.
    public var clockMs: Int64
    /// How long after the answer to that the load ended, in ns.
    public var lead: Int64
    /// The value with its header.
    public var bytes: [UInt8]

    private static let magic = Array("SHVALU\u{1}\u{0}".utf8)

    /// Makes a record from its parts.
    public init(begun: UInt64, clockMs: Int64, lead: Int64, bytes: [UInt8]) {
        self.begun = begun
        self.clockMs = clockMs
        self.lead = lead
        self.bytes = bytes
    }

    /// The record's bytes.
    public var encoded: [UInt8] {
        var writer = FrameWriter()
        for byte in Self.magic { writer.number(byte) }
        writer.number(begun)
        writer.number(clockMs)
        writer.number(lead)
        return writer.bytes + bytes
    }

    /// The record in these bytes; nil if they are none.
    public init?(_ record: [UInt8]) {
        guard record.count >= Self.head, record.starts(with: Self.magic) else { return nil }
        var reader = FrameReader(Array(record.dropFirst(Self.magic.count)))
        begun = reader.number()
        clockMs = reader.number()
        lead = reader.number()
        bytes = reader.rest()
    }
}
