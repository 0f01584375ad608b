internal import HostInspection
public import HostPolicy
internal import HostStore
internal import HostSystem
public import HostValues

/// Reads and checks configuration files.
public enum ConfigurationFiles {
    /// Reads the host's file. A missing file is an empty configuration if `isOptional`, else an error.
    public static func host(_ path: String, isOptional: Bool) throws -> HostConfiguration {
        guard let content = try read(path, isOptional: isOptional) else { return HostConfiguration() }
        return try HostConfiguration(parsing: content.bytes, file: path, isZone: TimeZones.has)
    }

    /// Reads a plugin's file without checking it against the plugin.
    public static func plugin(_ path: String) throws -> PluginConfiguration {
        try plugin(path, isOptional: false) ?? PluginConfiguration()
    }

    /// Reads a plugin's file without checking it against the plugin; nil if it is optional and absent.
    static func plugin(_ path: String, isOptional: Bool) throws -> PluginConfiguration? {
        try read(path, isOptional: isOptional).map {
            try PluginConfiguration(parsing: $0.bytes, file: path, isZone: TimeZones.has)
        }
    }

    /// Reads a plugin's file, which may be absent, and its block in the host's file, and checks both against what the
    /// plugin declares and against the isolation level.
    public static func plugin(
        _ path: String, of declaration: PluginDescription, host: HostConfiguration,
        commandLine: ConfigurationLayer = .init()
    ) throws -> PluginLayers {
        try plugin(
            try plugin(path, isOptional: true), of: declaration, host: host, commandLine: commandLine, lookUp: nil)
    }

    /// Does the same with the content of the plugin's file; nil means that there is no file. Without `lookUp`,
    /// parameters that refer to environment variables, files or credentials are not expanded, since they belong to the
    /// surroundings of another host.
    static func plugin(
        _ file: PluginConfiguration?, of declaration: PluginDescription, host: HostConfiguration,
        commandLine: ConfigurationLayer, lookUp: Surrounding.LookUp?
    ) throws -> PluginLayers {
        if let file { try host.check(file) }
        var layers = PluginLayers(block: host.plugins[declaration.id], file: file)
        if let lookUp { layers = try layers.expanded(by: lookUp) }
        try layers.check(against: declaration)
        guard let routine = declaration.routines.first else { return layers }
        for instance in [nil] + layers.instances {
            let own = layers.instance(instance)
            let settings = EffectiveSettings(
                of: routine, in: declaration, host: host.layer, own, commandLine: commandLine)
            try own.checkLimits(at: settings.isolation)
            try host.checkRunOn(own, at: settings.isolation)
        }
        return layers
    }

    /// Checks a plugin's file without the plugin: whether its limits can be applied at its isolation level.
    public static func check(_ configuration: PluginConfiguration, of id: String, host: HostConfiguration) throws {
        let unknown = PluginDescription.unknown(id)
        let layers = PluginLayers(block: host.plugins[id], file: configuration)
        let isolation = EffectiveSettings(of: unknown.routines[0], in: unknown, host: host.layer, layers).isolation
        try configuration.checkLimits(at: isolation)
        try host.checkRunOn(layers, at: isolation)
    }

    /// Whether a plugin's file sets limits that cannot be applied, because the plugin runs in a shared worker.
    public static func limitsAreShared(
        _ configuration: PluginConfiguration, of id: String, host: HostConfiguration
    ) -> Bool {
        let unknown = PluginDescription.unknown(id)
        let layers = PluginLayers(block: host.plugins[id], file: configuration)
        let settings = EffectiveSettings(
            of: unknown.routines[0], in: unknown, host: host.layer, layers.instance(layers.instances.first))
        return settings.isolation == .shared && configuration.layer.settings.keys.contains { $0.isLimit }
    }

    /// Checks the host's block for a plugin against what the plugin declares, and its limits against the isolation
    /// level.
    public static func check(_ host: HostConfiguration, against declaration: PluginDescription) throws {
        guard let block = host.plugins[declaration.id] else { return }
        try block.check(against: declaration)
        try check(block, of: declaration.id, host: host)
    }

    /// A configuration file that other users can write. It may contain commands that the host runs (`on_failure`).
    struct Unsafe: Error, CustomStringConvertible {
        let path: String
        let fault: Refusal.Unsafe

        var description: String {
            "\(path): unsafe: \(fault.text("it")), or allow it with --allow-unsafe-permissions"
        }
    }

    /// The content of a file.
    struct Content {
        let bytes: [UInt8]
        /// The reason why other users can write the file, if unsafe permissions are allowed; nil if they cannot.
        var fault: Refusal.Unsafe?
    }

    /// Reads a small file; nil if it is optional and absent. Unless unsafe permissions are allowed, throws `Unsafe` if
    /// other users can write it; the check applies to the opened file, so that a later rename has no effect.
    static func read(_ path: String, isOptional: Bool, allowsUnsafePermissions: Bool = true) throws -> Content? {
        let (folder, name) = Directory.split(path)
        let file: Descriptor
        do throws(SystemError) {
            file = try Directory(folder).openForReading(name, followLink: true)
        } catch {
            if isOptional, error.isNotFound { return nil }
            throw error
        }
        let status = try file.status(subject: path)
        let fault = Refusal.Unsafe(owner: status.owner, mode: status.mode, user: HostProcess.user)
        if !allowsUnsafePermissions, let fault { throw Unsafe(path: path, fault: fault) }
        return Content(bytes: try file.readAll(limit: 1 << 20, subject: path), fault: fault)
    }
}

extension PluginDescription {
    /// A placeholder for a plugin of which only the name is known.
    static func unknown(_ id: String) -> PluginDescription {
        PluginDescription(
            id: id, version: "", description: nil, isSerial: false, parameters: [],
            routines: [Routine(name: "", description: nil, waitMs: 0, maxCycles: 0, timeoutMs: 0)])
    }
}
