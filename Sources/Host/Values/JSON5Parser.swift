/// A syntax error in a JSON5 text, with its position.
public struct JSONSyntaxError: Error, Equatable, Sendable {
    /// The position of the first wrong character.
    public let position: TextPosition
    /// What is wrong and how to correct it.
    public let message: String
}

/// A JSON5 parser that records positions, in one pass over the bytes.
///
/// The host does not use the decoder of FoundationEssentials, because that traps on some texts (`{"a":1e+}`), reports
/// no position of an error or a value, and silently takes the first of two equal names. A test compares the two parsers
/// on texts that both accept. Depth and size are bounded, so that no text can exhaust the stack or the memory.
public struct JSON5Parser {
    /// The deepest permitted nesting of lists and objects.
    public static let depthLimit = 64
    /// The largest permitted text, in bytes.
    public static let sizeLimit = 1 << 20

    let bytes: [UInt8]
    var index = 0
    var position = TextPosition(line: 1, column: 1)
    private var depth = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Parses a text in UTF-8, with or without a byte order mark, that holds exactly one value.
    public static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONNode {
        try parse(bytes, isConfiguration: false)
    }

    /// Parses the text of a configuration, which must be an object, and returns its members.
    public static func parseConfiguration(_ bytes: [UInt8]) throws(JSONSyntaxError) -> [JSONMember] {
        guard case .object(let members) = try parse(bytes, isConfiguration: true).value else { return [] }
        return members
    }

    private static func parse(_ bytes: [UInt8], isConfiguration: Bool) throws(JSONSyntaxError) -> JSONNode {
        var parser = JSON5Parser(bytes)
        if bytes.count > sizeLimit { throw parser.error("the file is larger than 1 MiB") }
        try parser.checkEncoding()
        parser.index = 0
        parser.position = TextPosition(line: 1, column: 1)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
        try parser.skipSpace()
        if parser.peek == nil { throw parser.error("the file is empty; an empty configuration is {}") }
        if isConfiguration, parser.peek != .openBrace {
            throw parser.error("\(parser.found) where { is expected; a configuration looks like { wait_ms: 1000 }")
        }
        let node = try parser.value()
        try parser.skipSpace()
        if parser.peek != nil { throw parser.error("\(parser.found) comes after the end of the value") }
        return node
    }

    // MARK: Characters

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    func peek(_ offset: Int) -> UInt8? { index + offset < bytes.count ? bytes[index + offset] : nil }

    /// Skips one byte and keeps the line and column up to date.
    mutating func advance() {
        guard index < bytes.count else { return }
        let byte = bytes[index]
        index += 1
        if byte == .newline || (byte == .carriageReturn && peek != .newline) {
            position = TextPosition(line: position.line + 1, column: 1)
        } else if byte & 0xC0 != 0x80 {
            position.column += 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        advance()
        return true
    }

    func error(_ message: String) -> JSONSyntaxError { JSONSyntaxError(position: position, message: message) }

    /// The character at the current position, worded for an error message.
    var found: String {
        guard let scalar else { return "the end of the file" }
        if scalar == "\n" || scalar == "\r" { return "the end of the line" }
        if scalar == " " { return "a space" }
        if scalar.properties.generalCategory == .control { return "a control character" }
        return "'\(scalar)'"
    }

    /// The Unicode scalar at the current position. The text has already been checked to be valid UTF-8.
    var scalar: Unicode.Scalar? {
        guard let first = peek else { return nil }
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        return String(decoding: bytes[index..<min(index + length, bytes.count)], as: UTF8.self).unicodeScalars.first
    }

    mutating func advanceScalar() {
        advance()
        while let byte = peek, byte & 0xC0 == 0x80 { advance() }
    }

    private mutating func checkEncoding() throws(JSONSyntaxError) {
        if String(validating: bytes, as: UTF8.self) != nil { return }
        while index < bytes.count {
            let byte = bytes[index]
            let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            let end = min(index + length, bytes.count)
            if String(validating: bytes[index..<end], as: UTF8.self) == nil { break }
            while index < end { advance() }
        }
        throw error("the file is not UTF-8 here; save it in that encoding")
    }

    /// Skips white space and comments.
    mutating func skipSpace() throws(JSONSyntaxError) {
        while let byte = peek {
            switch byte {
            case .space, .tab, .newline, .carriageReturn, 0x0B, 0x0C: advance()
            case .slash: try skipComment()
            case 0x80...:
                guard let scalar, scalar == "\u{FEFF}" || scalar.properties.isWhitespace, scalar != "\u{85}" else {
                    return
                }
                advanceScalar()
            default: return
            }
        }
    }

    private mutating func skipComment() throws(JSONSyntaxError) {
        let start = position
        switch peek(1) {
        case .slash:
            while let byte = peek, byte != .newline, byte != .carriageReturn {
                if byte >= 0x80, scalar == "\u{2028}" || scalar == "\u{2029}" { break }
                advance()
            }
        case .star:
            advance()
            advance()
            while peek != nil {
                if peek == .star, peek(1) == .slash {
                    advance()
                    advance()
                    return
                }
                advance()
            }
            throw JSONSyntaxError(position: start, message: "the comment that begins here has no end; close it with */")
        default: throw error("'/' begins no comment; write // or /* … */")
        }
    }

    // MARK: Values

    mutating func value() throws(JSONSyntaxError) -> JSONNode {
        let start = position
        guard let byte = peek else { throw error("the file ends where a value is expected") }
        let value: JSONValue
        switch byte {
        case .openBrace: value = try nested { (parser) throws(JSONSyntaxError) in try parser.object() }
        case .openBracket: value = try nested { (parser) throws(JSONSyntaxError) in try parser.array() }
        case .quote, .apostrophe: value = .string(try string())
        case .plus, .minus, .point, .zero...(.nine): value = try number()
        default: value = try word()
        }
        return JSONNode(value: value, position: start)
    }

    private mutating func nested(_ body: (inout JSON5Parser) throws(JSONSyntaxError) -> JSONValue)
        throws(JSONSyntaxError) -> JSONValue
    {
        if depth == Self.depthLimit { throw error("lists and objects are nested more than \(Self.depthLimit) deep") }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        advance()
        var nodes: [JSONNode] = []
        while true {
            try skipSpace()
            if take(.closeBracket) { return .array(nodes) }
            if peek == nil { throw unclosed("list", "]", start) }
            nodes.append(try value())
            try skipSpace()
            if take(.comma) { continue }
            if take(.closeBracket) { return .array(nodes) }
            if peek == nil { throw unclosed("list", "]", start) }
            throw error("\(found) where a comma or ] is expected\(commentHint)")
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        advance()
        var members: [JSONMember] = []
        while true {
            try skipSpace()
            if take(.closeBrace) { return .object(members) }
            if peek == nil { throw unclosed("object", "}", start) }
            let place = position
            let name = try self.name()
            try skipSpace()
            if !take(.colon) {
                let hint = peek == .minus ? "; a name with - in it wants quotes" : ""
                throw error("\(found) where a colon is expected after the name \(oneLine(name, limit: 40))\(hint)")
            }
            try skipSpace()
            members.append(JSONMember(name: name, position: place, node: try value()))
            try skipSpace()
            if take(.comma) { continue }
            if take(.closeBrace) { return .object(members) }
            if peek == nil { throw unclosed("object", "}", start) }
            throw error("\(found) where a comma or } is expected\(commentHint)")
        }
    }

    private var commentHint: String { peek == UInt8(ascii: "#") ? "; a comment begins with //" : "" }

    private func unclosed(_ what: String, _ mark: String, _ start: TextPosition) -> JSONSyntaxError {
        JSONSyntaxError(position: start, message: "the \(what) that begins here has no end; close it with \(mark)")
    }
}
