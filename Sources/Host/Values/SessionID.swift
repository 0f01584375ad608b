/// The id of a session. Ids are unique within a state directory and sort in the order in which sessions start.
///
/// An id has 44 bits of milliseconds since 1970, UTC, above 20 bits that distinguish starts in the same millisecond.
/// Its text form is 13 lower-case characters of Crockford's base 32, which sort in the same order as the numbers.
public struct SessionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt64

    /// Creates an id from a number; any number is valid.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Parses the text form: exactly 13 characters, in either case; as Crockford permits, `i` and `l` count as 1 and
    /// `o` as 0. Nil for any other text.
    public init?(_ text: some StringProtocol) {
        var value: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            guard let digit = Self.digit(byte), count < Self.length, value >> 59 == 0 else { return nil }
            value = value << 5 | digit
            count += 1
        }
        guard count == Self.length else { return nil }
        rawValue = value
    }

    /// When the session started according to the id, in milliseconds since 1970, UTC.
    public var milliseconds: Int64 { Int64(rawValue >> 20) }

    /// The text form.
    public var description: String {
        unsafe String(unsafeUninitializedCapacity: Self.length) { bytes in
            for position in 0..<Self.length { unsafe bytes[position] = character(at: position) }
            return Self.length
        }
    }

    /// A character of the text form; `position` is less than `length`.
    public func character(at position: Int) -> UInt8 {
        Self.alphabet[Int(rawValue >> UInt64(5 * (Self.length - 1 - position)) & 31)]
    }

    /// Whether the session of `left` started before that of `right`.
    public static func < (left: SessionID, right: SessionID) -> Bool { left.rawValue < right.rawValue }

    /// The number of characters of the text form.
    public static let length = 13
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "o"), UInt8(ascii: "O"): return 0
        case UInt8(ascii: "i"), UInt8(ascii: "I"), UInt8(ascii: "l"), UInt8(ascii: "L"): return 1
        default: return alphabet.firstIndex(of: byte | 0x20).flatMap { $0 < 10 ? nil : UInt64($0) }
        }
    }
}

extension SessionID: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = SessionID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a session id: \(text)")
        }
        self = id
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Generates session ids, each greater than the previous one even if the clock is set back.
///
/// If two generators, in two workers, start sessions in the same millisecond, 20 random bits distinguish the ids.
public struct SessionIDGenerator: Sendable {
    private var last: UInt64 = 0

    /// Creates a generator that has made no id yet.
    public init() {}

    /// The next id, for a session that starts `milliseconds` after 1970, UTC. A time that does not fit into 44 bits is
    /// clamped.
    public mutating func next(milliseconds: Int64) -> SessionID {
        var random = SystemRandomNumberGenerator()
        return next(milliseconds: milliseconds, using: &random)
    }

    /// The next id, with the caller's random numbers, which makes a run reproducible.
    public mutating func next(milliseconds: Int64, using random: inout some RandomNumberGenerator) -> SessionID {
        let time = UInt64(max(0, min(milliseconds, 1 << 44 - 1)))
        let fresh = time << 20 | UInt64.random(in: 0..<1 << 20, using: &random)
        last = fresh > last ? fresh : last &+ 1
        return SessionID(rawValue: last)
    }
}
