public import HostCore
internal import HostSystem

/// Configuration files: read before a plugin's routines begin, and again when they are edited.
///
/// An edit that is wrong changes nothing: it is said, and what runs keeps its settings until the file is mended.
extension Supervisor {
    private static let hostFile = "schedhost.json5"

    private var hostConfigurationPath: String { options.configuration ?? path(of: Self.hostFile) }

    /// Reads the host's configuration; one that is wrong, or is named and not there, is thrown.
    func loadHostConfiguration() throws {
        hostConfiguration = try ConfigurationFiles.host(
            hostConfigurationPath, isOptional: options.configuration == nil)
    }

    /// What holds for a routine.
    func settings(of routine: PluginDescription.Routine, in plugin: PluginEntry) -> EffectiveSettings {
        EffectiveSettings(
            of: routine, in: plugin.description ?? .unknown(plugin.name), host: hostConfiguration,
            file: plugin.configuration, commandLine: options.overrides)
    }

    /// The isolation level of a plugin: what its configuration or the host's says.
    func isolation(of plugin: PluginEntry) -> Isolation {
        if let settings = plugin.settings.first { return settings.isolation }
        return settingsBeforeDescription(of: plugin).isolation
    }

    /// What holds for a plugin whose routines are not known yet.
    func settingsBeforeDescription(of plugin: PluginEntry) -> EffectiveSettings {
        let unknown = PluginDescription.unknown(plugin.description?.id ?? plugin.expectedName ?? plugin.name)
        return EffectiveSettings(
            of: unknown.routines[0], in: unknown, host: hostConfiguration, file: plugin.configuration,
            commandLine: options.overrides)
    }

    /// Finds the configuration that a plugin probably has, by its file's name, so that the first look at it, which runs
    /// its constructors, has its limits. Mistakes are told later, when its name is known.
    func expectConfiguration(of plugin: PluginEntry) {
        plugin.expectedName = nil
        plugin.configuration = PluginConfiguration()
        for name in PluginEntry.likelyNames(of: plugin.fileName) {
            let configuration = try? ConfigurationFiles.plugin(path(of: name + ".json5"))
            guard configuration != nil || hostConfiguration.plugins[name] != nil else { continue }
            plugin.expectedName = name
            plugin.configuration = configuration ?? PluginConfiguration()
            return
        }
    }

    func readConfiguration(of plugin: PluginEntry, _ declaration: PluginDescription) {
        do {
            plugin.configuration = try ConfigurationFiles.plugin(
                path(of: declaration.id + ".json5"), of: declaration, host: hostConfiguration,
                commandLine: options.overrides)
            warnOfLimits(plugin)
        } catch {
            refuse(plugin, "its configuration is wrong: \(error)")
        }
    }

    /// A shared worker has the host's limits, not those of a plugin in it.
    private func warnOfLimits(_ plugin: PluginEntry) {
        let layers = [plugin.configuration.layer, hostConfiguration.plugins[plugin.name]?.layer ?? .init()]
        guard isolation(of: plugin) == .shared,
            layers.contains(where: { $0.settings.keys.contains { $0.isLimit } })
        else { return }
        log.write(.warning, plugin.name, "its limits do not hold: a shared worker has those of \(Self.hostFile)")
    }

    // MARK: Edits

    /// Files of those names came, changed or went.
    func configurationChanged(_ names: Set<String>, isWhole: Bool) {
        var isHost = isWhole || names.contains(DirectoryWatch.configurationChange)
        if isHost {
            do {
                let before = hostConfiguration
                try loadHostConfiguration()
                isHost = before != hostConfiguration
            } catch {
                log.write(.error, "", "\(error); the settings stay as they were")
                isHost = false
            }
        }
        for plugin in plugins.values.sorted(by: { $0.number < $1.number })
        where isHost || isWhole || names.contains(plugin.name + ".json5") {
            reconsider(plugin)
        }
    }

    private func reconsider(_ plugin: PluginEntry) {
        switch plugin.state {
        case .refused: if plugin.description != nil { tryAgain(plugin) }
        case .waiting, .describing, .removed: break
        case .ready: renew(plugin)
        }
    }

    /// Gives a plugin new settings, which needs new sessions, if they differ.
    private func renew(_ plugin: PluginEntry) {
        guard let description = plugin.description else { return }
        let configuration: PluginConfiguration
        do {
            configuration = try ConfigurationFiles.plugin(
                path(of: description.id + ".json5"), of: description, host: hostConfiguration,
                commandLine: options.overrides)
        } catch {
            return log.write(.error, plugin.name, "\(error); its settings stay as they were")
        }
        plugin.configuration = configuration
        let isSame = zip(plugin.settings, description.routines).allSatisfy { settings, described in
            self.settings(of: described, in: plugin).isSame(as: settings)
        }
        if isSame { return }
        log.write(.info, plugin.name, "its configuration has changed")
        depart(plugin, as: .reloaded, "its configuration has changed")
        enter(PluginEntry(number: nextNumber, file: plugin.file, hash: plugin.hash, loadPath: plugin.loadPath))
    }
}

/// Reads configuration files.
public enum ConfigurationFiles {
    /// The host's file.
    public static func host(_ path: String, isOptional: Bool) throws -> HostConfiguration {
        guard let bytes = try read(path, isOptional: isOptional) else { return HostConfiguration() }
        return try HostConfiguration(parsing: bytes, file: path)
    }

    /// A plugin's file by itself.
    public static func plugin(_ path: String) throws -> PluginConfiguration {
        try PluginConfiguration(parsing: try read(path, isOptional: false) ?? [], file: path)
    }

    /// A plugin's file, which may be absent, and its block in the host's: both are checked against what it declares, and
    /// against the level of isolation.
    public static func plugin(
        _ path: String, of declaration: PluginDescription, host: HostConfiguration,
        commandLine: ConfigurationLayer = .init()
    ) throws -> PluginConfiguration {
        var configuration = PluginConfiguration()
        if let bytes = try read(path, isOptional: true) {
            configuration = try PluginConfiguration(parsing: bytes, file: path)
            try configuration.check(against: declaration)
        }
        try host.plugins[declaration.id]?.check(against: declaration)
        if let routine = declaration.routines.first {
            let isolation = EffectiveSettings(
                of: routine, in: declaration, host: host, file: configuration, commandLine: commandLine
            ).isolation
            try configuration.checkLimits(at: isolation)
            try host.plugins[declaration.id]?.checkLimits(at: isolation)
        }
        return configuration
    }

    /// A small file's bytes; nil when it may be absent and is.
    private static func read(_ path: String, isOptional: Bool) throws(SystemError) -> [UInt8]? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let name = String(parts.last ?? "")
        do throws(SystemError) {
            let directory = try Directory(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
            return try directory.openForReading(name, followLink: true).readAll(limit: 1 << 20, subject: path)
        } catch {
            if isOptional, error.isNotFound { return nil }
            throw error
        }
    }
}

extension PluginDescription {
    /// A plugin of which only the name is known.
    static func unknown(_ id: String) -> PluginDescription {
        PluginDescription(
            id: id, version: "", description: nil, isSerial: false, parameters: [],
            routines: [Routine(name: "", description: nil, waitMs: 0, maxCycles: 0, timeoutMs: 0)])
    }
}
