/// The character-level rules that JSON and JSON5 share: how a text is escaped, and what an escape means. The writer,
/// the cursor and the parser of configurations all use them, so that they agree.
enum JSONText {
    /// Appends `text` as a JSON string literal, cut to `limit` bytes of UTF-8 before it is escaped.
    ///
    /// Also escapes characters that could harm a terminal (`TerminalText`), because people read JSON there too.
    static func append(_ text: String, limit: Int = .max, to bytes: inout [UInt8]) {
        bytes.append(.quote)
        if !appendPlain(text, limit: limit, to: &bytes) { appendEscaped(text, limit: limit, to: &bytes) }
        bytes.append(.quote)
    }

    /// Appends the text unchanged if it needs neither an escape nor a cut, which is the common case. Returns whether it
    /// did.
    private static func appendPlain(_ text: String, limit: Int, to bytes: inout [UInt8]) -> Bool {
        // By the bytes themselves, since a record has twenty such texts and a view of a text is slower to walk.
        let isDone = unsafe text.utf8.withContiguousStorageIfAvailable { utf8 in
            guard utf8.count <= limit, unsafe utf8.allSatisfy(isPlain) else { return false }
            unsafe bytes.append(contentsOf: utf8)
            return true
        }
        return isDone ?? false
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != .quote && byte != .backslash
    }

    private static func appendEscaped(_ text: String, limit: Int, to bytes: inout [UInt8]) {
        for scalar in text.cut(to: limit).unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [.backslash, UInt8(truncatingIfNeeded: scalar.value)]
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case _ where TerminalText.isHarmful(scalar.value): bytes += escape(scalar).utf8
            default: bytes += UTF8.encode(scalar) ?? .init()
            }
        }
    }

    /// A character as `\u` and four digits, or as two of these if it is a surrogate pair.
    static func escape(_ scalar: Unicode.Scalar) -> String {
        (UTF16.encode(scalar) ?? .init()).map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    /// The byte that a backslash and this letter stand for, in JSON and JSON5 alike; nil for a letter on which they
    /// differ.
    static func meaning(ofEscape letter: UInt8) -> UInt8? {
        switch letter {
        case .quote, .backslash, .slash: letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): .newline
        case UInt8(ascii: "r"): .carriageReturn
        case UInt8(ascii: "t"): .tab
        default: nil
        }
    }

    /// The value of a hexadecimal digit.
    static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case .zero...(.nine): UInt32(byte - .zero)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// The value of `count` hexadecimal digits at `start`; nil if there are fewer before `end`.
    static func hexadecimal(_ count: Int, in bytes: [UInt8], from start: Int, to end: Int) -> UInt32? {
        guard start <= end, end - start >= count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[start..<start + count] {
            guard let digit = digit(byte) else { return nil }
            value = value << 4 | digit
        }
        return value
    }

    /// The result of reading the four hexadecimal digits after `\u`.
    enum Unit: Equatable {
        /// A character, and the number of bytes read: 4, or 10 with the second half of a surrogate pair.
        case scalar(Unicode.Scalar, length: Int)
        /// One half of a surrogate pair without the other, which is no character.
        case half
        /// There are fewer than four digits.
        case incomplete
    }

    /// Reads the digits after `\u`, which begin at `start`.
    static func unit(in bytes: [UInt8], from start: Int, to end: Int) -> Unit {
        guard let high = hexadecimal(4, in: bytes, from: start, to: end) else { return .incomplete }
        if let scalar = Unicode.Scalar(high) { return .scalar(scalar, length: 4) }
        guard high < 0xDC00, end - start >= 10, bytes[start + 4] == .backslash, bytes[start + 5] == UInt8(ascii: "u"),
            let low = hexadecimal(4, in: bytes, from: start + 6, to: end), (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { return .half }
        return .scalar(scalar, length: 10)
    }
}

/// Names for the characters of JSON and of times.
extension UInt8 {
    static let tab: UInt8 = 0x09, newline: UInt8 = 0x0A, carriageReturn: UInt8 = 0x0D, space: UInt8 = 0x20
    static let quote: UInt8 = 0x22, apostrophe: UInt8 = 0x27, star: UInt8 = 0x2A, plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C, minus: UInt8 = 0x2D, slash: UInt8 = 0x2F
    /// `.`
    public static let point: UInt8 = 0x2E
    static let zero: UInt8 = 0x30, nine: UInt8 = 0x39, colon: UInt8 = 0x3A
    static let openBracket: UInt8 = 0x5B, backslash: UInt8 = 0x5C, closeBracket: UInt8 = 0x5D
    static let openBrace: UInt8 = 0x7B, closeBrace: UInt8 = 0x7D
}
