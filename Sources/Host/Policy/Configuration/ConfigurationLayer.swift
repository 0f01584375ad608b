public import HostValues

/// The origin of a value, in ascending order of precedence.
public enum SettingOrigin: Equatable, Sendable, CustomStringConvertible {
    /// The host's own default.
    case builtIn
    /// The plugin's descriptor.
    case descriptor
    /// A configuration file, with the position and the key.
    case file(String, TextPosition, key: String)
    /// The command line.
    case commandLine

    /// The origin in a few words, as `list` shows it.
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
    /// The origin of the value.
    public let origin: SettingOrigin

    /// Creates a value with its origin.
    public init(_ value: Value, from origin: SettingOrigin) {
        self.value = value
        self.origin = origin
    }
}

/// The settings and parameters of one source. What it leaves unset is taken from the sources below it.
public struct ConfigurationLayer: Equatable, Sendable {
    /// The settings.
    public var settings: [SettingKey: Sourced<SettingValue>] = [:]
    /// The parameters, by name.
    public var params: [String: ParameterSetting] = [:]

    /// Creates a layer that sets nothing.
    public init() {}

    /// Creates a layer from the command line, whose values the caller has already checked.
    public init(commandLine values: [SettingKey: SettingValue]) {
        settings = values.mapValues { Sourced($0, from: .commandLine) }
    }

    /// Adds another layer on top of this one.
    mutating func merge(_ upper: ConfigurationLayer) {
        // An interval and a schedule exclude each other: setting one in an upper layer removes the other from this
        // layer.
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

/// The block of a routine in a configuration file.
public struct RoutineBlock: Equatable, Sendable {
    /// The file and the position of the routine's name.
    let file: String
    let position: TextPosition
    let keyPath: String
    /// The settings and parameters of the block.
    public var layer: ConfigurationLayer
}

/// The block of an instance in a configuration file.
public struct InstanceBlock: Equatable, Sendable {
    /// The configuration of that instance alone.
    public var configuration: PluginConfiguration
}

/// The content of a plugin's own file, or of the plugin's block in `schedhost.json5`.
public struct PluginConfiguration: Equatable, Sendable {
    /// The settings and parameters for all routines of the plugin.
    public var layer = ConfigurationLayer()
    /// The blocks of individual routines, by name.
    public var routines: [String: RoutineBlock] = [:]
    /// The blocks of instances, by name; if there are none, the plugin runs once, without an instance.
    public var instances: [String: InstanceBlock] = [:]

    /// Creates the configuration of a missing or empty file.
    public init() {}

    /// Parses `<plugin>.json5`. `file` is its name for messages; `isZone` returns whether a time zone of that name
    /// exists.
    public init(parsing bytes: [UInt8], file: String, isZone: @escaping (String) -> Bool = { _ in false })
        throws(ConfigurationError)
    {
        var reader = ConfigurationReader(file: file, isZone: isZone)
        if let members = reader.root(of: bytes) { self = reader.plugin(members, path: "") }
        if !reader.error.problems.isEmpty { throw reader.error.inOrder }
    }
}

/// The content of `schedhost.json5`.
public struct HostConfiguration: Equatable, Sendable {
    /// The settings for all plugins. It has no parameters, because parameters belong to a plugin.
    public var layer = ConfigurationLayer()
    /// The most that plugins' own files may grant.
    public var sandboxLimit = SandboxLimit()
    /// The user ids from which each plugin gets its own; nil if plugins run as the host's user.
    public var users: Sourced<UserRange>?
    /// The blocks of individual plugins, by name.
    public var plugins: [String: PluginConfiguration] = [:]
    /// Whether the host is in a cluster, which it joins at its start only; nil if it has not started yet, and will join
    /// one if the file says so.
    public var isInCluster: Bool?

    /// Creates the configuration of a missing or empty file.
    public init() {}

    /// Parses `schedhost.json5`. `file` is its name for messages; `isZone` returns whether a time zone of that name
    /// exists.
    public init(parsing bytes: [UInt8], file: String, isZone: @escaping (String) -> Bool = { _ in false })
        throws(ConfigurationError)
    {
        var reader = ConfigurationReader(file: file, isZone: isZone)
        if let members = reader.root(of: bytes) { self = reader.host(members) }
        if !reader.error.problems.isEmpty { throw reader.error.inOrder }
    }
}
