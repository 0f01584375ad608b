/// A parameter that a plugin declares, as its descriptor says it.
public struct ParameterDeclaration: Equatable, Sendable {
    /// The types; the raw values are those of the ABI.
    public enum Kind: UInt32, Sendable {
        case string = 1
        case integer = 2
        case double = 3
        case bool = 4

        /// For messages: `a whole number`.
        var described: String {
            switch self {
            case .string: "a text"
            case .integer: "a whole number"
            case .double: "a number"
            case .bool: "true or false"
            }
        }
    }

    /// The name.
    public let name: String
    /// The type.
    public let kind: Kind
    /// The default as the plugin writes it; nil for none.
    public let defaultText: String?
    /// `1..65535`, with either end or none, or `a|b|c`; nil for any.
    public let range: String?
    /// One line for `list`; may be empty.
    public let summary: String

    /// What the descriptor says.
    public init(name: String, kind: Kind, defaultText: String? = nil, range: String? = nil, summary: String = "") {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.range = range
        self.summary = summary
    }

    /// What is wrong with the declaration itself, in one line, or nil: a range that cannot be read, or a default
    /// that does not fit the type or the range.
    public var problem: String? {
        if let range, ParameterRange(range, kind: kind) == nil {
            return "parameter \(name): the range \(JSONValue.string(range).described) is not "
                + (kind == .string ? "like \"a|b|c\"" : "like \"1..10\" or \"1|2|3\", in the parameter's type")
        }
        guard let defaultText else { return nil }
        guard let value = defaultValue else {
            return "parameter \(name): the default \(JSONValue.string(defaultText).described) is not \(kind.described)"
        }
        return mistake(in: value).map { "parameter \(name): the default \($0)" }
    }

    /// The default in its type; nil for none.
    public var defaultValue: JSONValue? {
        guard let text = defaultText else { return nil }
        switch kind {
        case .string: return .string(text)
        case .integer: return Int64(text).map { .integer($0) }
        case .double: return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .bool: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        }
    }

    /// What is wrong with a value for this parameter (`must be …`), or nil.
    func mistake(in value: JSONValue) -> String? {
        guard let value = typed(value) else { return "must be \(kind.described)\(among), not \(value.described)" }
        guard let range, let parsed = ParameterRange(range, kind: kind), !parsed.contains(value) else { return nil }
        return "must be \(kind.described)\(among), not \(value.described)"
    }

    /// The value in this parameter's type, or nil when it is of another: a whole number is a number, and 5.0 is whole.
    func typed(_ value: JSONValue) -> JSONValue? {
        switch (kind, value) {
        case (.string, .string), (.integer, .integer), (.double, .double), (.bool, .bool): value
        case (.integer, .double(let number)): Int64(exactly: number).map { .integer($0) }
        case (.double, .integer(let number)): .double(Double(number))
        case (.string, _), (.integer, _), (.double, _), (.bool, _): nil
        }
    }

    private var among: String {
        guard let range, let parsed = ParameterRange(range, kind: kind) else { return "" }
        return " " + parsed.described
    }
}

/// What values a declared parameter takes.
struct ParameterRange {
    private enum Content {
        case words([String])
        case numbers(low: Double?, high: Double?, text: (low: String, high: String))
    }

    private let content: Content

    /// Reads `low..high` or `a|b|c`; nil when it is neither, or not of the parameter's type.
    init?(_ text: String, kind: ParameterDeclaration.Kind) {
        let isNumber = kind == .integer || kind == .double
        if isNumber, let dots = text.utf8.firstIndex(of: .point), text[dots...].hasPrefix("..") || text.contains("..") {
            // The dots between two numbers: the first pair, since `1...5` is nothing.
            guard let parts = Self.split(text) else { return nil }
            let low = Self.number(parts.low, kind: kind)
            let high = Self.number(parts.high, kind: kind)
            if (low == nil && !parts.low.isEmpty) || (high == nil && !parts.high.isEmpty) { return nil }
            if let low, let high, low > high { return nil }
            content = .numbers(low: low, high: high, text: parts)
            return
        }
        let words = text.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
        if words.contains("") || words.count > 256 { return nil }
        if isNumber, words.contains(where: { Self.number($0, kind: kind) == nil }) { return nil }
        if kind == .bool, words.contains(where: { $0 != "true" && $0 != "false" }) { return nil }
        content = .words(words)
    }

    private static func split(_ text: String) -> (low: String, high: String)? {
        let bytes = Array(text.utf8)
        for index in bytes.indices.dropLast() where bytes[index] == .point && bytes[index + 1] == .point {
            return (
                String(decoding: bytes[..<index], as: UTF8.self), String(decoding: bytes[(index + 2)...], as: UTF8.self)
            )
        }
        return nil
    }

    private static func number(_ text: String, kind: ParameterDeclaration.Kind) -> Double? {
        kind == .integer ? Int64(text).map { Double($0) } : Double(text).flatMap { $0.isNaN ? nil : $0 }
    }

    func contains(_ value: JSONValue) -> Bool {
        switch content {
        case .words(let words):
            switch value {
            case .string(let text): return words.contains(text)
            case .integer(let number): return words.contains { Int64($0) == number }
            case .double(let number): return words.contains { Double($0) == number }
            case .bool(let flag): return words.contains(flag ? "true" : "false")
            case .null, .array, .object: return false
            }
        case .numbers(let low, let high, _):
            let number: Double
            switch value {
            case .integer(let value): number = Double(value)
            case .double(let value): number = value
            case .null, .bool, .string, .array, .object: return false
            }
            return number >= low ?? -.infinity && number <= high ?? .infinity
        }
    }

    /// `from 1 to 10`, `from 1`, `up to 10`, or `among a, b, c`.
    var described: String {
        switch content {
        case .words(let words): return "among " + words.joined(separator: ", ")
        case .numbers(_, _, let text):
            if text.low.isEmpty { return text.high.isEmpty ? "of any size" : "up to \(text.high)" }
            return text.high.isEmpty ? "from \(text.low)" : "from \(text.low) to \(text.high)"
        }
    }
}
