public import HostValues

/// Parameters that a command line gives, `NAME=VALUE` each, in the types that the plugin declares.
public struct CommandLineParameters: Equatable, Sendable {
    /// What is wrong with one of them, in one line.
    public struct Mistake: Error, Equatable, CustomStringConvertible {
        /// The line.
        public let description: String
    }

    /// By name; of two values of one name the last one counts.
    public private(set) var values: [String: ParameterSetting] = [:]

    /// Reads them. Where a plugin declares no parameters it takes any; what reads as JSON is that, and the rest is text.
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
                    + Spelling.suggestion(for: name, in: names) + "; it has \(names.joined(separator: ", "))")
        }
        let setting = ParameterSetting(plain: parameter.read(text) ?? .string(text), from: .commandLine)
        if let mistake = parameter.mistake(in: setting) { throw Mistake(description: "\(name) \(mistake)") }
        return setting
    }
}
