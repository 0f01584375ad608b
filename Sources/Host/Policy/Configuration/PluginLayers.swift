public import HostValues

/// The configuration files for one plugin: its block in `schedhost.json5`, and its own file, which takes precedence.
public struct PluginLayers: Equatable, Sendable {
    /// The configurations in ascending order of precedence.
    public let parts: [PluginConfiguration]
    /// The paths that the files give as parameters to any routine, sorted.
    public let givenPaths: [GivenPath]
    /// Whether they are those of one instance of several.
    public let isOfInstance: Bool

    /// Creates layers that configure nothing.
    public init() { self.init([]) }

    /// Creates layers from the plugin's block in the host's file and from the plugin's own file.
    public init(block: PluginConfiguration?, file: PluginConfiguration?) {
        self.init([block, file].compactMap { $0 })
    }

    /// The names of the configured instances, sorted; if there are none, the plugin runs once, without an instance.
    public var instances: [String] { Set(parts.flatMap { $0.instances.keys }).sorted(by: NaturalOrder.precedes) }

    /// The layers for one instance. In each file the instance's block overrides what is set for all instances.
    public func instance(_ name: String?) -> PluginLayers {
        guard let name else { return self }
        return PluginLayers(
            parts.flatMap { [$0, $0.instances[name]?.configuration].compactMap { $0 } }, isOfInstance: true)
    }

    private init(_ parts: [PluginConfiguration], isOfInstance: Bool = false) {
        self.parts = parts
        self.isOfInstance = isOfInstance
        let layers = parts.flatMap { [$0.layer] + $0.routines.values.map(\.layer) }
        givenPaths = Set(layers.flatMap { $0.params.values.flatMap(\.givenPaths) })
            .sorted { ($0.path, $0.file) < ($1.path, $1.file) }
    }

    /// Checks the files against the plugin's description. Throws all errors of the first file that has any.
    public func check(against plugin: PluginDescription) throws(ConfigurationError) {
        for part in parts.reversed() { try part.check(against: plugin) }
    }

    /// Checks whether limits for individual routines can be enforced at that level of isolation; throws if not.
    public func checkLimits(at isolation: Isolation) throws(ConfigurationError) {
        for part in parts.reversed() { try part.checkLimits(at: isolation) }
    }

    /// The layers with all references to surroundings expanded.
    public func expanded(by lookUp: @escaping Surrounding.LookUp) throws(ConfigurationError) -> PluginLayers {
        var expanded: [PluginConfiguration] = []
        for part in parts { expanded.append(try part.expanded(by: lookUp)) }
        return PluginLayers(expanded, isOfInstance: isOfInstance)
    }

    /// Whether the files set limits for the plugin as a whole.
    public var setsLimits: Bool { parts.contains { $0.layer.settings.keys.contains { $0.isLimit } } }
}
