internal import HostValues

extension PluginConfiguration {
    /// The configuration with all references to surroundings expanded by `lookUp`. Throws an error for each missing
    /// value.
    public func expanded(by lookUp: @escaping Surrounding.LookUp) throws(ConfigurationError) -> PluginConfiguration {
        var expansion = SurroundingExpansion(lookUp: lookUp)
        let expanded = expansion.expand(self)
        if !expansion.error.problems.isEmpty { throw expansion.error.inOrder }
        return expanded
    }
}

/// Expands references to surroundings, and collects errors.
private struct SurroundingExpansion {
    let lookUp: Surrounding.LookUp
    var error = ConfigurationError()

    mutating func expand(_ configuration: PluginConfiguration) -> PluginConfiguration {
        var expanded = configuration
        expand(&expanded.layer)
        for name in expanded.routines.keys.sorted() {
            if var block = expanded.routines[name] {
                expand(&block.layer)
                expanded.routines[name] = block
            }
        }
        for name in expanded.instances.keys.sorted() {
            if let block = expanded.instances[name] {
                expanded.instances[name]?.configuration = expand(block.configuration)
            }
        }
        return expanded
    }

    private mutating func expand(_ layer: inout ConfigurationLayer) {
        for name in layer.params.keys.sorted() {
            guard let setting = layer.params[name], setting.source == .unknown,
                case .file(let file, let position, let key) = setting.origin
            else { continue }
            let node = expand(JSONNode(value: setting.written, position: position), file: file, key: key)
            layer.params[name]?.take(node.value)
        }
    }

    /// Expands a value. The parser bounds the recursion.
    private mutating func expand(_ node: JSONNode, file: String, key: String) -> JSONNode {
        switch node.value {
        case .null, .bool, .integer, .double: return node
        case .string(let text):
            return JSONNode(
                value: .string(expand(text, at: node.position, file: file, key: key)), position: node.position)
        case .array(let nodes):
            var expanded: [JSONNode] = []
            for (index, node) in nodes.enumerated() {
                expanded.append(expand(node, file: file, key: "\(key)[\(index)]"))
            }
            return JSONNode(value: .array(expanded), position: node.position)
        case .object(let members):
            var expanded: [JSONMember] = []
            for member in members {
                let node = expand(member.node, file: file, key: "\(key).\(member.name)")
                expanded.append(JSONMember(name: member.name, position: member.position, node: node))
            }
            return JSONNode(value: .object(expanded), position: node.position)
        }
    }

    private mutating func expand(_ text: String, at position: TextPosition, file: String, key: String) -> String {
        // The text was already parsed when the file was checked.
        guard let parts = try? SurroundingText(text).parts else { return text }
        var expanded = ""
        for part in parts {
            switch part {
            case .plain(let text): expanded += text
            case .reference(let reference):
                switch lookUp(reference, file) {
                case .text(let text) where text.unicodeScalars.contains("\0"):
                    let message = "\(reference) has a NUL character, which no text may hold"
                    error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: message))
                case .text(let text): expanded += text
                case .absent(let why):
                    error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: why))
                }
            }
        }
        return expanded
    }
}

extension Surrounding: CustomStringConvertible {
    /// The reference as a file has it, without the fallback.
    public var description: String {
        switch self {
        case .environment(let name, _): "${env:\(name)}"
        case .file(let path): "${file:\(path)}"
        case .credential(let name): "${credential:\(name)}"
        }
    }
}
