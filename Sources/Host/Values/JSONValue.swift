/// Where something stands in a text: both from 1; a column is one Unicode scalar.
public struct TextPosition: Equatable, Sendable, CustomStringConvertible {
    /// The line.
    public var line: Int
    /// The column.
    public var column: Int

    /// A position.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`.
    public var description: String { "\(line):\(column)" }
}

/// A value of JSON5, with the places of its parts in the text.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number written without point and exponent that fits.
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONNode])
    /// In the order of the text; a name may be there twice.
    case object([JSONMember])
}

/// A value and where it begins.
public struct JSONNode: Equatable, Sendable {
    /// The value.
    public let value: JSONValue
    /// Its first character.
    public let position: TextPosition

    /// A value at a position.
    public init(value: JSONValue, position: TextPosition) {
        self.value = value
        self.position = position
    }
}

/// One name of an object with its value.
public struct JSONMember: Equatable, Sendable {
    /// The name, without quotes.
    public let name: String
    /// Its first character.
    public let position: TextPosition
    /// What it names.
    public let node: JSONNode

    /// A name with its value.
    public init(name: String, position: TextPosition, node: JSONNode) {
        self.name = name
        self.position = position
        self.node = node
    }
}

extension JSONValue {
    /// The value as plain JSON on one line. Numbers that JSON lacks (NaN, infinities) become null.
    public var json: String {
        var text = ""
        write(to: &text)
        return text
    }

    // Recursion is bounded by the parser's depth.
    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .double(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.quote(value, to: &text)
        case .array(let nodes):
            text += "["
            for (index, node) in nodes.enumerated() {
                if index > 0 { text += "," }
                node.value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                Self.quote(member.name, to: &text)
                text += ":"
                member.node.value.write(to: &text)
            }
            text += "}"
        }
    }

    /// Appends a JSON string literal.
    public static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\u{0}"..<" ", "\u{7f}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// What it is, for messages: `"5s"`, `a list`, `-3`.
    public var described: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .double(let value):
            return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : "\(value)"
        case .string(let value):
            var text = ""
            Self.quote(oneLine(value, limit: 60), to: &text)
            return text
        case .array: return "a list"
        case .object: return "an object"
        }
    }
}
