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
        for value in configured.compactMap({ $0.settings[.runOn] }) where value.value == .word(RunOn.one.rawValue) {
            guard case .file(let file, let position, let key) = value.origin else { continue }
            var message: String?
            if !(isInCluster ?? (cluster != nil)) {
                message =
                    cluster != nil
                    ? "is \"one\", and this host joins its cluster at its start only: start it again"
                    : "is \"one\", and this host is in no cluster: give it one in schedhost.json5, such as "
                        + "cluster: { store: \"redis-store\" }, or leave run_on out"
            } else if isolation == .shared {
                message =
                    "is \"one\", and with isolation \"shared\" all plugins would end with its lease: set isolation: \"plugin\" or "
                    + "\"routine\" for it"
            }
            if let message {
                error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: message))
            }
        }
        if !error.problems.isEmpty { throw error.inOrder }
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
