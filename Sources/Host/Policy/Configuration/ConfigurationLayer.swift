public import HostValues

/// Where a value comes from, in the order in which they win: the last one does.
public enum SettingOrigin: Equatable, Sendable, CustomStringConvertible {
    /// The host's own default.
    case builtIn
    /// The plugin's descriptor.
    case descriptor
    /// A configuration file, at this place and key.
    case file(String, TextPosition, key: String)
    /// The command line.
    case commandLine

    /// A few words, as `list` shows them.
    public var description: String {
        switch self {
        case .builtIn: "built in"
        case .descriptor: "plugin"
        case .file(let file, let position, _): "\(file):\(position.line)"
        case .commandLine: "command line"
        }
    }
}

/// A value with its origin.
public struct Sourced<Value: Equatable & Sendable>: Equatable, Sendable {
    /// The value.
    public let value: Value
    /// Where it was set.
    public let origin: SettingOrigin

    /// A value and where it was set.
    public init(_ value: Value, from origin: SettingOrigin) {
        self.value = value
        self.origin = origin
    }
}

/// What one source sets: some settings and some parameters. The rest is left to the sources below it.
public struct ConfigurationLayer: Equatable, Sendable {
    /// The settings.
    public var settings: [SettingKey: Sourced<SettingValue>] = [:]
    /// The parameters, by name.
    public var params: [String: ParameterSetting] = [:]

    /// A layer that sets nothing.
    public init() {}

    /// A layer from the command line. The values were checked by whoever read them.
    public init(commandLine values: [SettingKey: SettingValue]) {
        settings = values.mapValues { Sourced($0, from: .commandLine) }
    }

    /// Lays another one over this one.
    mutating func merge(_ upper: ConfigurationLayer) {
        // What says when it runs is one thing, by a wait or by a schedule: the last one said holds.
        if upper.settings[.schedule] != nil { settings[.waitMs] = nil }
        if upper.settings[.waitMs] != nil { settings[.schedule] = nil }
        for (key, value) in upper.settings {
            if key.addsUp, let lower = settings[key], let sum = lower.value.adding(value.value) {
                settings[key] = Sourced(sum, from: value.origin)
            } else {
                settings[key] = value
            }
        }
        params.merge(upper.params) { $1 }
    }
}

/// A routine's block in a configuration file.
public struct RoutineBlock: Equatable, Sendable {
    /// The file and place of the routine's name.
    let file: String
    let position: TextPosition
    let keyPath: String
    /// What it sets.
    public var layer: ConfigurationLayer
}

/// An instance's block in a configuration file.
public struct InstanceBlock: Equatable, Sendable {
    /// What it sets for that instance alone.
    public var configuration: PluginConfiguration
}

/// What a plugin's own file sets, or the block of a plugin in `schedhost.json5`.
public struct PluginConfiguration: Equatable, Sendable {
    /// What holds for all of the plugin's routines.
    public var layer = ConfigurationLayer()
    /// What holds for one of them, by name.
    public var routines: [String: RoutineBlock] = [:]
    /// What holds for one of its instances, by name; without any the plugin runs once, as itself.
    public var instances: [String: InstanceBlock] = [:]

    /// A file that sets nothing, or is not there.
    public init() {}

    /// Reads `<plugin>.json5`. `file` is its name for messages; `isZone` tells whether there is a time zone of a name.
    public init(parsing bytes: [UInt8], file: String, isZone: @escaping (String) -> Bool = { _ in false })
        throws(ConfigurationError)
    {
        var reader = ConfigurationReader(file: file, isZone: isZone)
        if let members = reader.root(of: bytes) { self = reader.plugin(members, path: "") }
        if !reader.error.problems.isEmpty { throw reader.error.inOrder }
    }
}

/// What `schedhost.json5` sets.
public struct HostConfiguration: Equatable, Sendable {
    /// What holds for every plugin. Without parameters: these belong to a plugin.
    public var layer = ConfigurationLayer()
    /// What plugins' own files may allow at most.
    public var sandboxLimit = SandboxLimit()
    /// What holds for one plugin, by its name.
    public var plugins: [String: PluginConfiguration] = [:]

    /// A file that sets nothing, or is not there.
    public init() {}

    /// Reads `schedhost.json5`. `file` is its name for messages; `isZone` tells whether there is a time zone of a name.
    public init(parsing bytes: [UInt8], file: String, isZone: @escaping (String) -> Bool = { _ in false })
        throws(ConfigurationError)
    {
        var reader = ConfigurationReader(file: file, isZone: isZone)
        if let members = reader.root(of: bytes) { self = reader.host(members) }
        if !reader.error.problems.isEmpty { throw reader.error.inOrder }
    }
}
