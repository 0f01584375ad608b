public import HostValues

/// What files configure for one plugin: its block in `schedhost.json5` and its own file. The last one that sets a key wins.
public struct PluginLayers: Equatable, Sendable {
    /// From what is laid under the others to what wins.
    public let parts: [PluginConfiguration]
    /// The paths that they give as parameters, to any routine, in order.
    public let givenPaths: [GivenPath]

    /// Nothing is configured.
    public init() { self.init([]) }

    /// What the host's file says of it, and its own one.
    public init(block: PluginConfiguration?, file: PluginConfiguration?) {
        self.init([block, file].compactMap { $0 })
    }

    /// The names of the instances that they have, in order; none: the plugin runs once, as itself.
    public var instances: [String] { Set(parts.flatMap { $0.instances.keys }).sorted(by: NaturalOrder.precedes) }

    /// What holds for one instance: in each file its block wins over what stands for all of them.
    public func instance(_ name: String?) -> PluginLayers {
        guard let name else { return self }
        return PluginLayers(parts.flatMap { [$0, $0.instances[name]?.configuration].compactMap { $0 } })
    }

    private init(_ parts: [PluginConfiguration]) {
        self.parts = parts
        let layers = parts.flatMap { [$0.layer] + $0.routines.values.map(\.layer) }
        givenPaths = Set(layers.flatMap { $0.params.values.flatMap(\.givenPaths) })
            .sorted { ($0.path, $0.file) < ($1.path, $1.file) }
    }

    /// Compares them with what the plugin declares. Throws all mistakes of the first file that has some.
    public func check(against plugin: PluginDescription) throws(ConfigurationError) {
        for part in parts.reversed() { try part.check(against: plugin) }
    }

    /// Whether limits for one routine hold at that level.
    public func checkLimits(at isolation: Isolation) throws(ConfigurationError) {
        for part in parts.reversed() { try part.checkLimits(at: isolation) }
    }

    /// The same with what the surroundings say.
    public func expanded(by lookUp: @escaping Surrounding.LookUp) throws(ConfigurationError) -> PluginLayers {
        var expanded: [PluginConfiguration] = []
        for part in parts { expanded.append(try part.expanded(by: lookUp)) }
        return PluginLayers(expanded)
    }

    /// Whether they set limits for the whole plugin.
    public var setsLimits: Bool { parts.contains { $0.layer.settings.keys.contains { $0.isLimit } } }
}
