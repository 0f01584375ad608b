public import HostValues

/// The value that a configuration, or the plugin's default, gives to a parameter, and what may be shown of it.
public struct ParameterSetting: Equatable, Sendable {
    /// How the value was obtained.
    public enum Source: Equatable, Sendable {
        /// The value is literal.
        case written
        /// The value was expanded from the host's surroundings: its environment, files or credentials.
        case surroundings
        /// The value refers to surroundings but is not expanded, because this process may have other surroundings than
        /// the host.
        case unknown
    }

    /// The value that the plugin receives.
    public private(set) var value: JSONValue
    /// The value as the file has it.
    public let written: JSONValue
    /// The origin of the value.
    public let origin: SettingOrigin
    /// How the value was obtained.
    public private(set) var source: Source
    /// Whether the plugin declares the parameter as secret, so that the value must not be shown anywhere.
    public private(set) var isSecret = false

    /// Creates a setting from a value as it is written, in which references are not yet expanded.
    public init(_ value: JSONValue, from origin: SettingOrigin) {
        self.value = value
        written = value
        self.origin = origin
        source = value.hasReferences ? .unknown : .written
    }

    /// Creates a setting from a literal value that may look like a reference: a plugin's default.
    init(plain value: JSONValue, from origin: SettingOrigin = .descriptor) {
        self.value = value
        written = value
        self.origin = origin
        source = .written
    }

    /// The text that may be shown to everybody. References to surroundings are shown unexpanded.
    public var shown: String { isSecret ? PluginDescription.Parameter.hidden : written.json }

    /// The absolute paths in a value from a file. A plugin's own default grants the plugin nothing.
    var givenPaths: [GivenPath] {
        guard source != .unknown, case .file(let file, _, _) = origin else { return [] }
        var paths: [GivenPath] = []
        func add(_ value: JSONValue) {
            switch value {
            case .string(let text):
                if text.hasPrefix("/"), text.utf8.count < 4096, !text.unicodeScalars.contains("\0") {
                    paths.append(GivenPath(text, in: file))
                }
            case .array(let nodes): for node in nodes { add(node.value) }
            case .object(let members): for member in members { add(member.node.value) }
            case .null, .bool, .integer, .double: break
            }
        }
        add(value)
        return paths
    }

    /// Sets the value that results from expanding the references.
    mutating func take(_ value: JSONValue) {
        self.value = value
        source = .surroundings
    }

    /// The setting, converted to the type that the declaration requires.
    func typed(as parameter: PluginDescription.Parameter) -> ParameterSetting {
        var typed = self
        typed.isSecret = parameter.isSecret
        typed.value = parameter.typed(self) ?? value
        return typed
    }
}

extension PluginDescription.Parameter {
    /// An error in a setting of this parameter; nil if there is none. The text does not reveal a secret value.
    func mistake(in setting: ParameterSetting) -> String? {
        let given: String
        switch setting.source {
        case .unknown: return nil
        case .written: given = isSecret ? "what is written there, which is secret" : setting.value.described
        case .surroundings: given = isSecret ? "what that is, which is secret" : "what \(setting.written.described) is"
        }
        if let typed = typed(setting), accepts(typed) { return nil }
        return "must be \(allowed), not \(given)"
    }

    /// The value of a setting, converted to this parameter's type; nil if that is not possible. A value from the
    /// surroundings is text, and is parsed according to the parameter's type.
    func typed(_ setting: ParameterSetting) -> JSONValue? {
        switch (setting.source, setting.value) {
        case (.surroundings, .string(let text)): read(text)
        case (.written, _), (.surroundings, _), (.unknown, _): typed(setting.value)
        }
    }
}
