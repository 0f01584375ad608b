public import HostValues

/// The value that a configuration, or the plugin itself, gives to a parameter, and what may be shown of it.
public struct ParameterSetting: Equatable, Sendable {
    /// Where the value comes from.
    public enum Source: Equatable, Sendable {
        /// It stands there as it is.
        case written
        /// It was made of what is around the host: its environment, files and credentials.
        case surroundings
        /// It would be made of that, which was not looked at: another process runs elsewhere.
        case unknown
    }

    /// What the plugin gets.
    public private(set) var value: JSONValue
    /// What stands in the file.
    public let written: JSONValue
    /// Where it was set.
    public let origin: SettingOrigin
    /// See `Source`.
    public private(set) var source: Source
    /// Whether the plugin declares that it is shown nowhere.
    public private(set) var isSecret = false

    /// A value as it is written.
    public init(_ value: JSONValue, from origin: SettingOrigin) {
        self.value = value
        written = value
        self.origin = origin
        source = value.hasReferences ? .unknown : .written
    }

    /// A value that means what it says, also where it looks like a reference: a plugin's default.
    init(plain value: JSONValue, from origin: SettingOrigin = .descriptor) {
        self.value = value
        written = value
        self.origin = origin
        source = .written
    }

    /// As everybody may see it: what was taken from the surroundings is shown as it is written.
    public var shown: String { isSecret ? PluginDescription.Parameter.hidden : written.json }

    /// The texts in it that are paths from the root on, where a file gives them. What the plugin itself has as its default gives
    /// it nothing.
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

    /// The same with what the surroundings make of it.
    mutating func take(_ value: JSONValue) {
        self.value = value
        source = .surroundings
    }

    /// The same as the parameter of that declaration takes it.
    func typed(as parameter: PluginDescription.Parameter) -> ParameterSetting {
        var typed = self
        typed.isSecret = parameter.isSecret
        typed.value = parameter.typed(self) ?? value
        return typed
    }
}

extension PluginDescription.Parameter {
    /// What is wrong with a setting of this parameter, or nil. Says nothing of a value that is not to be shown.
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

    /// The value of a setting in this parameter's type; nil when it is of another. What the surroundings say is text, and is
    /// read as what the parameter is.
    func typed(_ setting: ParameterSetting) -> JSONValue? {
        switch (setting.source, setting.value) {
        case (.surroundings, .string(let text)): read(text)
        case (.written, _), (.surroundings, _), (.unknown, _): typed(setting.value)
        }
    }
}
