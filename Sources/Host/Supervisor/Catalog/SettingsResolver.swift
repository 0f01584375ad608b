internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// Reads the configuration files of a host and its plugins, and combines them with the plugins' own declarations and
/// the command line into effective settings.
///
/// It reads a plugin's file at each request, and keeps only the host's file, since that applies to all. It keeps no
/// state about plugins and makes no decision about them.
struct SettingsResolver {
    /// The name of the host's file if no other is given.
    static let hostFile = "schedhost.json5"

    private let folder: any PluginFolder
    private let named: String?
    private let overrides: ConfigurationLayer
    private let lookUp: Surrounding.LookUp
    private let commands: CommandFilter
    /// The content of the host's file when it was last valid.
    private(set) var host = HostConfiguration()

    /// Makes a resolver that reads through the folder. `named` is the path of the host's file, which then must exist;
    /// `lookUp` resolves references to the host's surroundings; `log` is told which commands are not run.
    init(
        _ folder: any PluginFolder, host named: String?, overrides: ConfigurationLayer,
        lookUp: @escaping Surrounding.LookUp = HostSurroundings.lookUp, log: (any LogSink)? = nil
    ) {
        commands = CommandFilter(log)
        self.lookUp = lookUp
        self.folder = folder
        self.named = named
        self.overrides = overrides
    }

    /// The path of the host's file.
    var hostPath: String { named ?? folder.path(of: Self.hostFile) }

    /// Reads the host's file; returns true if it has changed. Throws if it is invalid, or if it was named and does not
    /// exist; the former content then stays in force.
    mutating func readHost() throws -> Bool {
        let path = hostPath
        var read = HostConfiguration()
        if let content = try folder.configuration(path, isOptional: named == nil) {
            read = try HostConfiguration(parsing: content.bytes, file: path, isZone: TimeZones.has)
            try read.checkUsers(host: HostProcess.user)
            commands.apply(to: content, at: path) { read.removeCommands() }
        }
        read.isInCluster = host.isInCluster ?? (read.cluster != nil)
        defer { host = read }
        return read != host
    }

    /// The id and configuration of the plugin that a file likely contains, derived from the file's name; nil if there
    /// is no configuration. Errors are ignored here, since they are reported when the plugin is known.
    func expected(of file: String) -> (id: String, configuration: PluginLayers)? {
        for id in PluginNames.likely(file) {
            // What goes beyond the limit does not hold for a first look either.
            let own = ((try? self.own(id)) ?? nil).flatMap { (try? host.check($0)) == nil ? nil : $0 }
            if own != nil || host.plugins[id] != nil { return (id, PluginLayers(block: host.plugins[id], file: own)) }
        }
        return nil
    }

    /// The configuration of one plugin. Throws if it is invalid.
    func configuration(of plugin: PluginDescription) throws -> PluginLayers {
        try ConfigurationFiles.plugin(
            try own(plugin.id), of: plugin, host: host, commandLine: overrides, lookUp: lookUp)
    }

    /// A plugin's own file; nil if there is none.
    private func own(_ id: String) throws -> PluginConfiguration? {
        let path = folder.path(of: id + ".json5")
        guard let content = try folder.configuration(path, isOptional: true) else { return nil }
        var own = try PluginConfiguration(parsing: content.bytes, file: path, isZone: TimeZones.has)
        commands.apply(to: content, at: path) { own.removeCommands() }
        return own
    }

    /// The effective settings of a routine.
    func settings(
        of routine: PluginDescription.Routine, in plugin: PluginDescription, _ configuration: PluginLayers
    ) -> EffectiveSettings {
        EffectiveSettings(
            of: routine, in: plugin, host: host.layer, configuration, commandLine: overrides, limit: host.sandboxLimit)
    }

    /// The effective settings of a plugin with that id whose routines are not known.
    func settings(ofUnknown id: String, _ configuration: PluginLayers) -> EffectiveSettings {
        let unknown = PluginDescription.unknown(id)
        return settings(of: unknown.routines[0], in: unknown, configuration)
    }

    /// The limits of a shared worker: those of the host's file, since no single plugin's can be applied.
    var sharedLimits: WorkerLimits { settings(ofUnknown: "", PluginLayers()).limits }
}
