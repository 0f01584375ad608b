/// The name of one session, unique in a state directory, and in the order of starts.
///
/// 44 bits of UTC milliseconds over 20 bits that tell apart what starts in the same millisecond. As text it is
/// 13 characters of Crockford's base 32 in lower case, which sort as the numbers do.
public struct SessionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// An id from its number; every number is one.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Reads the text form: exactly 13 characters, of either case, with Crockford's `i`, `l` for 1 and `o` for 0.
    /// Nil for any other text.
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

    /// When the session started, UTC in milliseconds since 1970, as the id remembers it.
    public var milliseconds: Int64 { Int64(rawValue >> 20) }

    /// The text form.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        var shift: UInt64 = 60
        while true {
            bytes.append(Self.alphabet[Int(rawValue >> shift & 31)])
            if shift == 0 { break }
            shift -= 5
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The order of starts.
    public static func < (left: SessionID, right: SessionID) -> Bool { left.rawValue < right.rawValue }

    private static let length = 13
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

/// Makes session ids, each greater than the one before it, also when the clock is set back.
///
/// Two generators (two workers) that start a session in the same millisecond are told apart by 20 random bits.
public struct SessionIDGenerator: Sendable {
    private var last: UInt64 = 0

    /// A generator that has made none.
    public init() {}

    /// The next id, for a session that starts at `milliseconds` UTC; times outside of 44 bits are cut to them.
    public mutating func next(milliseconds: Int64) -> SessionID {
        var random = SystemRandomNumberGenerator()
        return next(milliseconds: milliseconds, using: &random)
    }

    /// The same by random numbers that somebody chose, for a run that is to be the same each time.
    public mutating func next(milliseconds: Int64, using random: inout some RandomNumberGenerator) -> SessionID {
        let time = UInt64(max(0, min(milliseconds, 1 << 44 - 1)))
        let fresh = time << 20 | UInt64.random(in: 0..<1 << 20, using: &random)
        last = fresh > last ? fresh : last &+ 1
        return SessionID(rawValue: last)
    }
}
