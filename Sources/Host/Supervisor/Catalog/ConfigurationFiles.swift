internal import HostInspection
public import HostPolicy
internal import HostStore
internal import HostSystem
public import HostValues

/// Reads configuration files.
public enum ConfigurationFiles {
    /// The host's file.
    public static func host(_ path: String, isOptional: Bool) throws -> HostConfiguration {
        guard let bytes = try read(path, isOptional: isOptional) else { return HostConfiguration() }
        return try HostConfiguration(parsing: bytes, file: path, isZone: TimeZones.has)
    }

    /// A plugin's file by itself.
    public static func plugin(_ path: String) throws -> PluginConfiguration {
        try PluginConfiguration(parsing: try read(path, isOptional: false) ?? [], file: path, isZone: TimeZones.has)
    }

    /// A plugin's file, which may be absent, and its block in the host's: both are checked against what it declares, and
    /// against the level of isolation.
    public static func plugin(
        _ path: String, of declaration: PluginDescription, host: HostConfiguration,
        commandLine: ConfigurationLayer = .init()
    ) throws -> PluginLayers {
        try plugin(
            try read(path, isOptional: true), path: path, of: declaration, host: host, commandLine: commandLine,
            lookUp: nil)
    }

    /// The same of bytes; nil where there is no file. Without `lookUp` parameters that refer to surroundings stay as they
    /// are written: those of the host that will read it are others.
    static func plugin(
        _ bytes: [UInt8]?, path: String, of declaration: PluginDescription, host: HostConfiguration,
        commandLine: ConfigurationLayer, lookUp: Surrounding.LookUp?
    ) throws -> PluginLayers {
        let file = try bytes.map { try PluginConfiguration(parsing: $0, file: path, isZone: TimeZones.has) }
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
        }
        return layers
    }

    /// Checks a plugin's file without the plugin: whether its limits hold at its level of isolation.
    public static func check(_ configuration: PluginConfiguration, of id: String, host: HostConfiguration) throws {
        let unknown = PluginDescription.unknown(id)
        try configuration.checkLimits(
            at: EffectiveSettings(
                of: unknown.routines[0], in: unknown, host: host.layer,
                PluginLayers(block: host.plugins[id], file: configuration)
            ).isolation)
    }

    /// Whether a plugin's file sets limits that do not hold, since its worker is one that plugins share.
    public static func limitsAreShared(
        _ configuration: PluginConfiguration, of id: String, host: HostConfiguration
    ) -> Bool {
        let unknown = PluginDescription.unknown(id)
        let settings = EffectiveSettings(
            of: unknown.routines[0], in: unknown, host: host.layer,
            PluginLayers(block: host.plugins[id], file: configuration))
        return settings.isolation == .shared && configuration.layer.settings.keys.contains { $0.isLimit }
    }

    /// Checks the host's block for a plugin against what that declares, and its limits against its level.
    public static func check(_ host: HostConfiguration, against declaration: PluginDescription) throws {
        guard let block = host.plugins[declaration.id] else { return }
        try block.check(against: declaration)
        try check(block, of: declaration.id, host: host)
    }

    /// A file that others can write. It has commands in it that the host runs (`on_failure`).
    struct Unsafe: Error, CustomStringConvertible {
        let path: String
        let fault: Refusal.Unsafe

        var description: String {
            "\(path): unsafe: \(fault.text("it")), or allow it with --allow-unsafe-permissions"
        }
    }

    /// A small file's bytes; nil when it may be absent and is. Throws `Unsafe` where others can write it, unless that is
    /// allowed: what was opened is looked at, whatever becomes of its name.
    static func read(_ path: String, isOptional: Bool, allowsUnsafePermissions: Bool = true) throws -> [UInt8]? {
        let (folder, name) = Directory.split(path)
        let file: Descriptor
        do throws(SystemError) {
            file = try Directory(folder).openForReading(name, followLink: true)
        } catch {
            if isOptional, error.isNotFound { return nil }
            throw error
        }
        let status = try file.status(subject: path)
        if !allowsUnsafePermissions,
            let fault = Refusal.Unsafe(owner: status.owner, mode: status.mode, user: HostProcess.user)
        {
            throw Unsafe(path: path, fault: fault)
        }
        return try file.readAll(limit: 1 << 20, subject: path)
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
