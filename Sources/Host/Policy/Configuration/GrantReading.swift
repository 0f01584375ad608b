internal import HostValues

/// Reads sandbox permissions from a configuration file.
extension SettingShape.Grant {
    /// Reads a list of permissions or one of `words`; nil for any other value.
    func value(of node: JSONNode, words: [String]) -> SettingValue? {
        if case .string(let word) = node.value { return words.contains(word) ? .word(word) : nil }
        guard case .array(let nodes) = node.value, nodes.count <= 1000 else { return nil }
        let values = nodes.compactMap { value(of: $0.value) }
        guard values.count == nodes.count else { return nil }
        switch self {
        case .ports: return .integers(values.compactMap { if case .integer(let port) = $0 { port } else { nil } })
        case .paths, .calls, .variables:
            return .texts(values.compactMap { if case .word(let text) = $0 { text } else { nil } })
        }
    }

    /// Reads one permission; nil if the value is not valid.
    func value(of value: JSONValue) -> SettingValue? {
        switch self {
        case .ports: ConfigurationReader.integer(value).flatMap { $0 <= 65_535 ? .integer($0) : nil }
        case .paths, .calls, .variables:
            ConfigurationReader.argument(value).flatMap { takes($0) ? .word($0) : nil }
        }
    }
}
