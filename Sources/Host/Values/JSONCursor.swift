/// An error in a JSON text, with its position.
public struct JSONFault: Error, Equatable, CustomStringConvertible {
    /// The position in bytes from the start of the text.
    public let offset: Int
    /// What the reader expected at that position.
    public let expected: String

    /// The column, and what was expected there.
    public var description: String { "column \(offset + 1): expected \(expected)" }
}

/// A pull reader for one JSON text. It builds no tree: the caller takes the fields that it knows and skips the others.
///
/// The input may be any bytes: the reader never traps, and it bounds the depth of nesting. Ill-formed UTF-8 inside
/// strings is repaired.
public struct JSONCursor {
    private let bytes: [UInt8]
    private let start: Int
    private let end: Int
    private var position: Int

    /// Creates a reader for the bytes in `range`, which is clamped to the array.
    public init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        start = max(0, min(range.lowerBound, bytes.count))
        end = max(start, min(range.upperBound, bytes.count))
        position = start
    }

    /// The error for an `expected` element that is missing at the current position.
    public func fault(_ expected: String) -> JSONFault { JSONFault(offset: position - start, expected: expected) }

    /// Reads an object. Calls `field` for each name; `field` must read the value with one of the other functions.
    public mutating func object(_ field: (inout JSONCursor, String) throws(JSONFault) -> Void) throws(JSONFault) {
        try expect(UInt8(ascii: "{"), "an object")
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let name = try string()
            try expect(UInt8(ascii: ":"), "a colon")
            try field(&self, name)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), "a comma or the end of the object")
    }

    /// Reads a list. Calls `item` before each value; `item` must read the value with one of the other functions.
    public mutating func list(_ item: (inout JSONCursor) throws(JSONFault) -> Void) throws(JSONFault) {
        try expect(UInt8(ascii: "["), "a list")
        if take(UInt8(ascii: "]")) { return }
        repeat { try item(&self) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"), "a comma or the end of the list")
    }

    /// Reads true or false.
    public mutating func bool() throws(JSONFault) -> Bool {
        _ = peek()
        switch try word() {
        case "true": return true
        case "false": return false
        default: throw fault("true or false before this")
        }
    }

    /// Reads a string.
    public mutating func string() throws(JSONFault) -> String {
        try expect(UInt8(ascii: "\""), "a string")
        let first = position
        while position < end, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            if bytes[position] < 0x20 { throw fault("no control character in a string") }
            position += 1
        }
        if position < end, bytes[position] == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[first..<position - 1], as: UTF8.self)
        }
        var text = Array(bytes[first..<position])
        while position < end {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return String(decoding: text, as: UTF8.self)
            }
            if byte < 0x20 { throw fault("no control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
        }
        throw fault("the end of a string")
    }

    /// Reads an unsigned whole number.
    public mutating func unsigned() throws(JSONFault) -> UInt64 {
        guard let value = whole(in: number()), !value.isNegative || value.magnitude == 0 else {
            throw fault("a whole number before this, from 0")
        }
        return value.magnitude
    }

    /// Reads a signed whole number.
    public mutating func signed() throws(JSONFault) -> Int64 {
        guard let value = whole(in: number()).flatMap({ Self.signed($0) }) else {
            throw fault("a whole number before this")
        }
        return value
    }

    /// Reads a number or a string. `true`, `false` and `null` are returned as strings; a list or an object is skipped
    /// and gives nil.
    public mutating func scalar() throws(JSONFault) -> SessionRecord.Value? {
        switch peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skip()
            return nil
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return .string(try word())
        default:
            let token = number()
            if let value = whole(in: token).flatMap({ Self.signed($0) }) { return .int(value) }
            guard isNumber(token), let value = Double(String(decoding: bytes[token], as: UTF8.self)) else {
                throw fault("a value")
            }
            return .double(value)
        }
    }

    /// Whether the next value is null; if so, it is consumed.
    public mutating func null() throws(JSONFault) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        _ = try word()
        return true
    }

    /// Skips a value of any kind, nested at most 64 deep.
    public mutating func skip(depth: Int = 0) throws(JSONFault) {
        switch peek() {
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): _ = try word()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth < 64 else { throw fault("no deeper nesting") }
            let isObject = bytes[position] == UInt8(ascii: "{")
            let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
            position += 1
            if take(close) { return }
            repeat {
                if isObject {
                    try skipString()
                    try expect(UInt8(ascii: ":"), "a colon")
                }
                try skip(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try expect(close, "a comma or the end of the list")
        default: if !isNumber(number()) { throw fault("a value") }
        }
    }

    /// Checks that only white space follows.
    public mutating func finish() throws(JSONFault) {
        if peek() != nil { throw fault("the end of the line") }
    }

    // MARK: Parts

    /// The next byte that is not white space, which is not consumed.
    private mutating func peek() -> UInt8? {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ name: String) throws(JSONFault) {
        if !take(byte) { throw fault(name) }
    }

    private mutating func skipString() throws(JSONFault) {
        try expect(UInt8(ascii: "\""), "a string")
        while position < end {
            let byte = bytes[position]
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        position = end
        throw fault("the end of a string")
    }

    /// Passes the characters that can occur in a number, at most 64 of them, and returns their places.
    private mutating func number() -> Range<Int> {
        _ = peek()
        let first = position
        while position < end, position - first < 64 {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
                continue
            default: break
            }
            break
        }
        return first..<position
    }

    /// The whole number there; nil if there is none, or if it is too large.
    private func whole(in token: Range<Int>) -> (isNegative: Bool, magnitude: UInt64)? {
        guard let first = token.first else { return nil }
        let isNegative = bytes[first] == UInt8(ascii: "-")
        let digits = isNegative ? token.dropFirst() : token
        if digits.isEmpty { return nil }
        var magnitude: UInt64 = 0
        for place in digits {
            let digit = bytes[place] &- UInt8(ascii: "0")
            let (product, isLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, isTooLarge) = product.addingReportingOverflow(UInt64(digit))
            guard digit < 10, !isLarge, !isTooLarge else { return nil }
            magnitude = sum
        }
        return (isNegative, magnitude)
    }

    private static func signed(_ number: (isNegative: Bool, magnitude: UInt64)) -> Int64? {
        if number.isNegative {
            return number.magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- number.magnitude) : nil
        }
        return Int64(exactly: number.magnitude)
    }

    /// Whether there is a number, RFC 8259 section 6; leading zeros are accepted.
    private func isNumber(_ token: Range<Int>) -> Bool {
        var place = token.lowerBound
        if byte(place, token) == UInt8(ascii: "-") { place += 1 }
        guard let whole = digits(from: place, token) else { return false }
        place = whole
        if byte(place, token) == UInt8(ascii: ".") {
            guard let fraction = digits(from: place + 1, token) else { return false }
            place = fraction
        }
        if byte(place, token).map({ $0 | 0x20 }) == UInt8(ascii: "e") {
            place += 1
            if byte(place, token) == UInt8(ascii: "+") || byte(place, token) == UInt8(ascii: "-") { place += 1 }
            guard let exponent = digits(from: place, token) else { return false }
            place = exponent
        }
        return place == token.upperBound
    }

    private func byte(_ place: Int, _ token: Range<Int>) -> UInt8? { place < token.upperBound ? bytes[place] : nil }

    /// The place after the digits from `first` on; nil if there are none.
    private func digits(from first: Int, _ token: Range<Int>) -> Int? {
        var place = first
        while place < token.upperBound, bytes[place] &- UInt8(ascii: "0") < 10 { place += 1 }
        return place > first ? place : nil
    }

    private mutating func word() throws(JSONFault) -> String {
        for word in ["true", "false", "null"] {
            let upper = position + word.utf8.count
            if upper <= end, bytes[position..<upper].elementsEqual(word.utf8) {
                position = upper
                return word
            }
        }
        throw fault("a value")
    }

    /// Reads the rest of an escape sequence after its backslash.
    private mutating func escape(into text: inout [UInt8]) throws(JSONFault) {
        guard position < end else { throw fault("the end of a string") }
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "u") {
            switch JSONText.unit(in: bytes, from: position, to: end) {
            case .scalar(let scalar, let length):
                text += String(scalar).utf8
                position += length
            case .half:
                text += "\u{FFFD}".utf8
                position += 4
            case .incomplete: throw fault("four hexadecimal digits")
            }
        } else if let meaning = JSONText.meaning(ofEscape: byte) {
            text.append(meaning)
        } else {
            throw fault("a known escape before this")
        }
    }
}
