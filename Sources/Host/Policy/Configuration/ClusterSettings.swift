internal import HostValues

/// How a host takes part in a cluster.
public struct ClusterSettings: Equatable, Sendable {
    static let mostWeight: UInt64 = 1000
    static let builtInName = "schedhost"

    /// The plugin that is its store, by its id or its file's name.
    public var store: String
    /// The cluster's name.
    public var name: String
    /// The length of a lease, in ms.
    public var leaseMs: UInt64
    /// How many of the claims this host takes, compared with others; 0: none.
    public var weight: UInt64
    /// The plugin in whose store shared caches are, by its id or its file's name.
    public var cacheStore: String
    /// How many connections shared caches have to it.
    public var links: UInt64

    /// The settings of a host's file; nil if it names no store, so that the host is in no cluster.
    public init?(_ layer: ConfigurationLayer) {
        func value(_ key: SettingKey) -> SettingValue? { layer.settings[key]?.value ?? key.builtIn }
        func integer(_ key: SettingKey) -> UInt64 { if case .integer(let value)? = value(key) { value } else { 0 } }
        guard case .word(let store)? = value(.clusterStore) else { return nil }
        self.store = store
        name = Self.builtInName
        if case .word(let word)? = value(.clusterName) { name = word }
        leaseMs = integer(.clusterLeaseMs)
        weight = integer(.clusterWeight)
        cacheStore = store
        if case .word(let word)? = value(.clusterCacheStore) { cacheStore = word }
        links = integer(.clusterLinks)
    }
}

extension HostConfiguration {
    /// How the host takes part in a cluster; nil if it does not.
    public var cluster: ClusterSettings? { ClusterSettings(layer) }

    /// Throws for each setting by which a plugin's routines are to run on one host only, where that cannot be.
    public func checkRunOn(_ layers: PluginLayers, at isolation: Isolation) throws(ConfigurationError) {
        var error = ConfigurationError()
        let configured = [layer] + layers.parts.flatMap { [$0.layer] + $0.routines.values.map(\.layer) }
        let hasShards = configured.contains { $0.settings[.shards] != nil }
        for value in configured.compactMap({ $0.settings[.runOn] }) {
            guard case .file(let file, let position, let key) = value.origin, case .word(let word) = value.value,
                let message = hindrance(of: RunOn(rawValue: word) ?? .each, at: isolation, hasShards: hasShards)
            else { continue }
            error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: message))
        }
        if !error.problems.isEmpty { throw error.inOrder }
    }

    /// Why routines cannot run so here; nil if they can.
    private func hindrance(of runOn: RunOn, at isolation: Isolation, hasShards: Bool) -> String? {
        switch runOn {
        case .each: return nil
        case .one, .shards: break
        }
        if !(isInCluster ?? (cluster != nil)) {
            return cluster != nil
                ? "is \"\(runOn.rawValue)\", and this host joins its cluster at its start only: start it again"
                : "is \"\(runOn.rawValue)\", and this host is in no cluster: give it one in schedhost.json5, such as "
                    + "cluster: { store: \"redis-store\" }, or leave run_on out"
        }
        if isolation == .shared {
            return
                "is \"\(runOn.rawValue)\", and with isolation \"shared\" all plugins would end with its lease: set isolation: "
                + "\"plugin\" or \"routine\" for it"
        }
        return runOn == .shards && !hasShards ? "is \"shards\" and wants shards beside it, how many: shards: 16" : nil
    }
}

extension ConfigurationReader {
    static func plainName(_ value: JSONValue) -> SettingValue? {
        if case .string(let name) = value, InstanceName.isValid(name) { .word(name) } else { nil }
    }

    /// The host's layer; reports settings of a cluster in it if there is no store.
    mutating func withStore(_ layer: ConfigurationLayer) -> ConfigurationLayer {
        if layer.settings[.clusterStore] != nil { return layer }
        for (key, value) in layer.settings.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where key.isOfCluster {
            guard case .file(_, let position, let path) = value.origin else { continue }
            report("needs cluster.store beside it: the id of the plugin that is the store", at: position, path)
            break
        }
        return layer
    }
}
