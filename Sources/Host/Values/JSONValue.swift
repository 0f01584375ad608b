/// A position in a text. Line and column are counted from 1, columns in Unicode scalars.
public struct TextPosition: Equatable, Sendable, CustomStringConvertible {
    /// The line.
    public var line: Int
    /// The column.
    public var column: Int

    /// Creates a position.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`.
    public var description: String { "\(line):\(column)" }
}

/// A value of JSON5, with the positions of its parts in the text.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number written without point and exponent that fits into 64 bits.
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONNode])
    /// The members in the order of the text; a name may occur twice.
    case object([JSONMember])
}

/// A value and the position at which it begins.
public struct JSONNode: Equatable, Sendable {
    /// The value.
    public let value: JSONValue
    /// The position of its first character.
    public let position: TextPosition

    /// Creates a value at a position.
    public init(value: JSONValue, position: TextPosition) {
        self.value = value
        self.position = position
    }
}

/// One member of an object: a name with its value.
public struct JSONMember: Equatable, Sendable {
    /// The name, without quotes.
    public let name: String
    /// The position of the name's first character.
    public let position: TextPosition
    /// The value.
    public let node: JSONNode

    /// Creates a member.
    public init(name: String, position: TextPosition, node: JSONNode) {
        self.name = name
        self.position = position
        self.node = node
    }
}

extension JSONValue {
    /// The value as plain JSON on one line. Numbers that JSON lacks (NaN, infinities) become null.
    public var json: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    // The parser bounds the depth of the value, and thereby this recursion.
    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .double(let value): bytes += (value.isFinite ? "\(value)" : "null").utf8
        case .string(let value): JSONText.append(value, to: &bytes)
        case .array(let nodes):
            bytes.append(.openBracket)
            for (index, node) in nodes.enumerated() {
                if index > 0 { bytes.append(.comma) }
                node.value.write(to: &bytes)
            }
            bytes.append(.closeBracket)
        case .object(let members):
            bytes.append(.openBrace)
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(.comma) }
                JSONText.append(member.name, to: &bytes)
                bytes.append(.colon)
                member.node.value.write(to: &bytes)
            }
            bytes.append(.closeBrace)
        }
    }

    /// A text as a JSON string literal.
    public static func quoted(_ value: String) -> String {
        var bytes: [UInt8] = []
        JSONText.append(value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value as error messages show it: `"5s"`, `a list`, `-3`.
    public var described: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .double(let value):
            return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : "\(value)"
        case .string(let value): return Self.quoted(oneLine(value, limit: 60))
        case .array: return "a list"
        case .object: return "an object"
        }
    }
}
