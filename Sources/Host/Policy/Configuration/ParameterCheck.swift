public import HostValues

extension PluginDescription.Parameter {
    /// An error in the declaration itself, in one line: an invalid range, or a default that does not match the type or
    /// the range. Nil if there is none.
    public var problem: String? {
        if let range, ParameterRange(range, kind: type) == nil {
            return "parameter \(name): the range \(JSONValue.string(range).described) is not "
                + (type == .string ? "like \"a|b|c\"" : "like \"1..10\" or \"1|2|3\", in the parameter's type")
        }
        guard let defaultValue else { return nil }
        guard let value = defaultJSON else {
            let given = isSecret ? Self.hidden : JSONValue.string(defaultValue).described
            return "parameter \(name): the default \(given) is not \(type.described)"
        }
        return mistake(in: ParameterSetting(plain: value)).map { "parameter \(name): the default \($0)" }
    }

    /// The default, converted to the parameter's type; nil if there is none or it cannot be converted.
    public var defaultJSON: JSONValue? {
        defaultValue.flatMap { read($0) }
    }

    /// Converts a text to this parameter's type; nil if that is not possible.
    func read(_ text: String) -> JSONValue? {
        switch type {
        case .string: return .string(text)
        case .int: return Int64(text).map { .integer($0) }
        case .double: return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .bool: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        }
    }

    private var limits: ParameterRange? { range.flatMap { ParameterRange($0, kind: type) } }

    /// Whether a value that has the parameter's type is within its range.
    func accepts(_ typed: JSONValue) -> Bool { limits?.contains(typed) ?? true }

    /// The permitted values, for messages.
    var allowed: String { limits?.described(as: type) ?? type.described }

    /// Converts a value to this parameter's type; nil if that is not possible. A whole number is valid as a number, and
    /// 5.0 as a whole number.
    func typed(_ value: JSONValue) -> JSONValue? {
        switch (type, value) {
        case (.string, .string), (.int, .integer), (.double, .double), (.bool, .bool): value
        case (.int, .double(let number)): Int64(exactly: number).map { .integer($0) }
        case (.double, .integer(let number)): .double(Double(number))
        case (.string, _), (.int, _), (.double, _), (.bool, _): nil
        }
    }

}

extension PluginDescription.Parameter.Kind {
    /// The type for messages, such as `a whole number`.
    var described: String {
        switch self {
        case .string: "a text"
        case .int: "a whole number"
        case .double: "a number"
        case .bool: "true or false"
        }
    }
}

/// The permitted values of a declared parameter.
struct ParameterRange {
    private enum Content {
        case words([String])
        case integers(ClosedRange<Int64>, text: (low: String, high: String))
        case numbers(ClosedRange<Double>, text: (low: String, high: String))
    }

    private let content: Content

    /// Parses `low..high` or `a|b|c`; nil if the text has another form or does not match the parameter's type.
    init?(_ text: String, kind: PluginDescription.Parameter.Kind) {
        let isNumber = kind == .int || kind == .double
        if isNumber, let parts = Self.split(text) {
            let low = parts.low.isEmpty ? "-inf" : parts.low
            let high = parts.high.isEmpty ? "inf" : parts.high
            if kind == .int {
                guard let low = parts.low.isEmpty ? .min : Int64(low),
                    let high = parts.high.isEmpty ? .max : Int64(high),
                    low <= high
                else { return nil }
                content = .integers(low...high, text: parts)
            } else {
                guard let low = Double(low), let high = Double(high), low <= high else { return nil }
                content = .numbers(low...high, text: parts)
            }
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

    private static func number(_ text: String, kind: PluginDescription.Parameter.Kind) -> Double? {
        kind == .int ? Int64(text).map { Double($0) } : Double(text).flatMap { $0.isNaN ? nil : $0 }
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
        case .integers(let range, _):
            if case .integer(let number) = value { return range.contains(number) }
            return false
        case .numbers(let range, _):
            if case .double(let number) = value { return range.contains(number) }
            return false
        }
    }

    /// The range for messages: `a number from 1 to 10`, `a number from 1`, `a number up to 10`, or `one of a, b, c`.
    func described(as kind: PluginDescription.Parameter.Kind) -> String {
        switch content {
        case .words(let words): return "one of " + words.joined(separator: ", ")
        case .integers(_, let text), .numbers(_, let text):
            let low = text.low.isEmpty ? "" : " from \(text.low)"
            let high = text.high.isEmpty ? "" : text.low.isEmpty ? " up to \(text.high)" : " to \(text.high)"
            return kind.described + low + high
        }
    }
}
