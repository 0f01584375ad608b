public import HostValues

/// Parameters from a command line, each as `NAME=VALUE`, converted to the types that the plugin declares.
public struct CommandLineParameters: Equatable, Sendable {
    /// An error in a parameter.
    public struct Mistake: Error, Equatable, CustomStringConvertible {
        /// The error in one line.
        public let description: String
    }

    /// The parameters by name; if a name is repeated, the last value wins.
    public private(set) var values: [String: ParameterSetting] = [:]

    /// Parses the texts. A plugin that declares no parameters accepts any; then a value that is valid JSON is parsed,
    /// and any other value is text.
    public init(_ texts: [String], of plugin: PluginDescription) throws(Mistake) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2, !parts[0].isEmpty else {
                throw Mistake(description: "\(Spelling.quoted(text)) is no NAME=VALUE")
            }
            values[parts[0]] = try Self.setting(parts[0], parts[1], of: plugin)
        }
    }

    private static func setting(_ name: String, _ text: String, of plugin: PluginDescription) throws(Mistake)
        -> ParameterSetting
    {
        if plugin.parameters.isEmpty {
            let read = try? JSON5Parser.parse(Array(text.utf8)).value
            return ParameterSetting(plain: read ?? .string(text), from: .commandLine)
        }
        guard let parameter = plugin.parameters.first(where: { $0.name == name }) else {
            let names = plugin.parameters.map(\.name)
            throw Mistake(
                description: "\(plugin.id) has no parameter \(Spelling.quoted(name))"
                    + Spelling.offer(of: names, for: name))
        }
        let setting = ParameterSetting(plain: parameter.read(text) ?? .string(text), from: .commandLine)
        if let mistake = parameter.mistake(in: setting) { throw Mistake(description: "\(name) \(mistake)") }
        return setting
    }
}
