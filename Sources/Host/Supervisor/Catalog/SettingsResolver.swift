internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// The configuration files of a host and its plugins, and what they say of a routine together with the plugin's own word
/// and the command line's.
///
/// It reads through its folder whenever it is asked about a plugin, and keeps the host's file alone, since that holds for
/// all. It knows no plugin, and decides nothing about one.
struct SettingsResolver {
    /// The host's file, where none is named.
    static let hostFile = "schedhost.json5"

    private let folder: any PluginFolder
    private let named: String?
    private let overrides: ConfigurationLayer
    private let lookUp: Surrounding.LookUp
    /// What the host's file said when it was last read and was right.
    private(set) var host = HostConfiguration()

    /// Reads through that folder. `named`: the host's file, which must be there then. `lookUp`: what is around the host.
    init(
        _ folder: any PluginFolder, host named: String?, overrides: ConfigurationLayer,
        lookUp: @escaping Surrounding.LookUp = HostSurroundings.lookUp
    ) {
        self.lookUp = lookUp
        self.folder = folder
        self.named = named
        self.overrides = overrides
    }

    /// Reads the host's file; true when it says something else than before. Throws when it is wrong, or is named and not
    /// there: then what it said stays.
    mutating func readHost() throws -> Bool {
        let path = named ?? folder.path(of: Self.hostFile)
        var read = HostConfiguration()
        if let bytes = try folder.configuration(path, isOptional: named == nil) {
            read = try HostConfiguration(parsing: bytes, file: path, isZone: TimeZones.has)
        }
        defer { host = read }
        return read != host
    }

    /// What is configured for the plugin that a file probably has, by the file's name, and that plugin's id; nil when nothing
    /// is. Mistakes are not told: they are when the plugin is known.
    func expected(of file: String) -> (id: String, configuration: PluginLayers)? {
        for id in PluginNames.likely(file) {
            let path = folder.path(of: id + ".json5")
            let bytes = (try? folder.configuration(path, isOptional: true)) ?? nil
            let own = bytes.flatMap { try? PluginConfiguration(parsing: $0, file: path, isZone: TimeZones.has) }
            if own != nil || host.plugins[id] != nil { return (id, PluginLayers(block: host.plugins[id], file: own)) }
        }
        return nil
    }

    /// What is configured for a plugin alone. Throws what is wrong with it.
    func configuration(of plugin: PluginDescription) throws -> PluginLayers {
        let path = folder.path(of: plugin.id + ".json5")
        return try ConfigurationFiles.plugin(
            try folder.configuration(path, isOptional: true), path: path, of: plugin, host: host,
            commandLine: overrides, lookUp: lookUp)
    }

    /// What holds for a routine.
    func settings(
        of routine: PluginDescription.Routine, in plugin: PluginDescription, _ configuration: PluginLayers
    ) -> EffectiveSettings {
        EffectiveSettings(
            of: routine, in: plugin, host: host.layer, configuration, commandLine: overrides, limit: host.sandboxLimit)
    }

    /// What holds for a plugin of that id whose routines are not known.
    func settings(ofUnknown id: String, _ configuration: PluginLayers) -> EffectiveSettings {
        let unknown = PluginDescription.unknown(id)
        return settings(of: unknown.routines[0], in: unknown, configuration)
    }

    /// The limits of a worker that plugins share: the host's, since no plugin of it may have its own.
    var sharedLimits: WorkerLimits { settings(ofUnknown: "", PluginLayers()).limits }
}
