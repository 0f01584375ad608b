internal import HostValues

/// How what a sandbox allows is read from a file.
extension SettingShape.Grant {
    /// A list of grants, or one of these words; nil for anything else.
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

    /// One of the list; nil for what is none.
    func value(of value: JSONValue) -> SettingValue? {
        switch self {
        case .ports: ConfigurationReader.integer(value).flatMap { $0 <= 65_535 ? .integer($0) : nil }
        case .paths, .calls, .variables:
            ConfigurationReader.argument(value).flatMap { takes($0) ? .word($0) : nil }
        }
    }
}
