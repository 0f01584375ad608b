/// Who a host is, for as long as its state directory lives: 128 random bits, 32 hexadecimal digits.
public struct HostID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first half.
    public let high: UInt64
    /// The second half.
    public let low: UInt64

    /// An id from its bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the text form: exactly 32 digits in lower case. Nil for any other text.
    public init?(_ text: String) {
        let digits = text.utf8
        guard digits.count == 32, let high = Hexadecimal.read(digits.prefix(16)),
            let low = Hexadecimal.read(digits.dropFirst(16))
        else { return nil }
        self.init(high: high, low: low)
    }

    /// The text form.
    public var description: String { Hexadecimal.text(high) + Hexadecimal.text(low) }

    /// The order of their texts.
    public static func < (one: HostID, other: HostID) -> Bool { (one.high, one.low) < (other.high, other.low) }
}

/// One life of a host as a member of its cluster: a new one with each start, and after each loss.
public struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    /// Random bits.
    public let rawValue: UInt64

    /// A life by its number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Reads the text form: exactly 16 digits in lower case. Nil for any other text.
    public init?(_ text: String) {
        guard let value = Hexadecimal.read(text.utf8[...]) else { return nil }
        rawValue = value
    }

    /// The text form.
    public var description: String { Hexadecimal.text(rawValue) }
}

private enum Hexadecimal {
    static func text(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    static func read(_ digits: Substring.UTF8View) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
