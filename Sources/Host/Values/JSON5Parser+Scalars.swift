/// Reads names, strings, numbers and literals.
extension JSON5Parser {
    /// Reads the name of an object's member: a string, or an identifier of ECMAScript 5.1.
    mutating func name() throws(JSONSyntaxError) -> String {
        if peek == .quote || peek == .apostrophe { return try string() }
        var name = String.UnicodeScalarView()
        while let scalar {
            let place = position
            var next = scalar
            if scalar == "\\" {
                advance()
                if !take(UInt8(ascii: "u")) {
                    throw JSONSyntaxError(position: place, message: "a name may hold no '\\'")
                }
                next = try unicodeEscape(from: place)
            }
            let fits = name.isEmpty ? Self.beginsName(next) : Self.continuesName(next)
            if !fits {
                if scalar == "\\" {
                    throw JSONSyntaxError(position: place, message: "this escape may not be in a name")
                }
                break
            }
            name.append(next)
            if scalar != "\\" { advanceScalar() }
        }
        if name.isEmpty {
            throw error(
                "\(found) where a name or } is expected\(peek == UInt8(ascii: "#") ? "; a comment begins with //" : "")"
            )
        }
        return String(name)
    }

    private static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || scalar == "_" || scalar.properties.isAlphabetic
    }

    private static func continuesName(_ scalar: Unicode.Scalar) -> Bool {
        if beginsName(scalar) || scalar == "\u{200C}" || scalar == "\u{200D}" { return true }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .nonspacingMark, .spacingMark, .connectorPunctuation: return true
        default: return false
        }
    }

    /// Reads a quoted string.
    mutating func string() throws(JSONSyntaxError) -> String {
        let start = position
        let mark = peek
        advance()
        var text: [UInt8] = []
        while let byte = peek {
            if byte == mark {
                advance()
                return String(decoding: text, as: UTF8.self)
            }
            switch byte {
            case .newline, .carriageReturn:
                throw JSONSyntaxError(
                    position: start,
                    message: "the text that begins here does not end on its line; close it with its quote")
            case .backslash: try escape(into: &text)
            case 0..<0x20 where byte != .tab: throw error("a control character in a text; write it as \\u00…")
            default:
                text.append(byte)
                advance()
            }
        }
        throw JSONSyntaxError(position: start, message: "the text that begins here has no end; close it with its quote")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        let start = position
        advance()
        guard let byte = peek else { return }  // the caller then reports the string as unclosed
        switch byte {
        case UInt8(ascii: "u"):
            advance()
            text += String(try unicodeEscape(from: start)).utf8
        case UInt8(ascii: "x"):
            advance()
            guard let code = JSONText.hexadecimal(2, in: bytes, from: index, to: bytes.count) else {
                throw JSONSyntaxError(position: start, message: "the escape wants 2 hexadecimal digits")
            }
            advance()
            advance()
            text += String(Unicode.Scalar(UInt8(truncatingIfNeeded: code))).utf8
        case .carriageReturn:
            advance()
            _ = take(.newline)
        case .newline: advance()
        case UInt8(ascii: "1")...(.nine):
            throw JSONSyntaxError(
                position: start, message: "'\\\(found.dropFirst().dropLast())' is no escape; a backslash itself is \\\\"
            )
        case .zero:
            if let next = peek(1), (UInt8.zero...UInt8.nine).contains(next) {
                throw JSONSyntaxError(position: start, message: "an octal escape; write it as \\x…")
            }
            text.append(0)
            advance()
        default:
            // JSON5 adds one escape to those of JSON: \v.
            if let code = byte == UInt8(ascii: "v") ? 0x0B : JSONText.meaning(ofEscape: byte) {
                text.append(code)
                advance()
            } else if let scalar {
                // A backslash before a line separator continues the line; before any other character it has no effect.
                if scalar != "\u{2028}" && scalar != "\u{2029}" { text += Array(String(scalar).utf8) }
                advanceScalar()
            }
        }
    }

    /// Reads the hexadecimal digits after `\u`, and the second half of a surrogate pair.
    private mutating func unicodeEscape(from start: TextPosition) throws(JSONSyntaxError) -> Unicode.Scalar {
        switch JSONText.unit(in: bytes, from: index, to: bytes.count) {
        case .scalar(let scalar, let length):
            for _ in 0..<length { advance() }
            return scalar
        case .half: throw JSONSyntaxError(position: start, message: "half of a surrogate pair is no character")
        case .incomplete: throw JSONSyntaxError(position: start, message: "the escape wants 4 hexadecimal digits")
        }
    }

    /// Reads a number: decimal, hexadecimal, NaN or Infinity, with or without a sign.
    mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        var isNegative = false
        if peek == .plus || peek == .minus {
            isNegative = peek == .minus
            advance()
        }
        if let byte = peek, Self.isLetter(byte) {
            switch letters() {
            case "NaN": return .double(.nan)
            case "Infinity": return .double(isNegative ? -.infinity : .infinity)
            default: throw JSONSyntaxError(position: start, message: "a sign without a number")
            }
        }
        if peek == .zero, peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") {
            advance()
            advance()
            return try hexadecimalNumber(isNegative: isNegative, from: start)
        }
        let text = try decimalText(from: start)
        let signed = (isNegative ? "-" : "") + text
        if let integer = Int64(signed) { return .integer(integer) }
        guard let double = Double(signed), double.isFinite else {
            throw JSONSyntaxError(position: start, message: "a number that is too large")
        }
        return .double(double)
    }

    private mutating func hexadecimalNumber(isNegative: Bool, from start: TextPosition) throws(JSONSyntaxError)
        -> JSONValue
    {
        let digits = letters()
        guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit) else {
            throw JSONSyntaxError(position: start, message: "0x wants hexadecimal digits after it")
        }
        guard let integer = Int64((isNegative ? "-" : "") + digits, radix: 16) else {
            throw JSONSyntaxError(position: start, message: "a number that is too large")
        }
        return .integer(integer)
    }

    /// Reads a decimal number and normalises it to a form that every JSON reader accepts: `.5` as `0.5`, `5.` as `5.0`.
    private mutating func decimalText(from start: TextPosition) throws(JSONSyntaxError) -> String {
        let whole = digits()
        if whole.count > 1, whole.hasPrefix("0") {
            throw JSONSyntaxError(position: start, message: "a number may not begin with 0; leave the zeros out")
        }
        var fraction: String?
        if take(.point) { fraction = digits() }
        if whole.isEmpty, fraction ?? "" == "" { throw error("\(found) where a digit is expected") }
        var text = whole.isEmpty ? "0" : whole
        if let fraction { text += "." + (fraction.isEmpty ? "0" : fraction) }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            advance()
            text += "e"
            if let sign = peek, sign == .plus || sign == .minus {
                if sign == .minus { text += "-" }
                advance()
            }
            let exponent = digits()
            if exponent.isEmpty { throw error("\(found) where the exponent's digits are expected") }
            text += exponent
        }
        if let byte = peek, Self.isLetter(byte) {
            throw error("\(found) in a number; a text wants quotes")
        }
        return text
    }

    private mutating func digits() -> String {
        let start = index
        while let byte = peek, (UInt8.zero...UInt8.nine).contains(byte) { advance() }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    /// Reads the longest run of ASCII letters and digits.
    private mutating func letters() -> String {
        let start = index
        while let byte = peek, byte < 0x80, Self.isLetter(byte) || (UInt8.zero...UInt8.nine).contains(byte) {
            advance()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Reads `true`, `false`, `null`, `NaN` or `Infinity`.
    mutating func word() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        let found = self.found
        switch letters() {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "NaN": return .double(.nan)
        case "Infinity": return .double(.infinity)
        case "": throw JSONSyntaxError(position: start, message: "\(found) where a value is expected")
        case let word:
            throw JSONSyntaxError(
                position: start, message: "\(oneLine(word, limit: 40)) is no value; a text wants quotes")
        }
    }
}
