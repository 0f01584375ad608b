internal import HostInspection
internal import HostPolicy
internal import HostStore
internal import HostSystem
public import HostValues
internal import HostWire

/// A plugin to try, with its configuration as a host of the file's directory would apply it.
public struct TrialPlan {
    /// The reason why it cannot be tried.
    public struct Refusal: Error, CustomStringConvertible {
        /// The reason in one line.
        public let description: String

        /// Makes a refusal.
        public init(description: String) { self.description = description }
    }

    /// The plugin's location, which also determines its configuration.
    private enum Subject {
        /// An inspected file, which is certainly a plugin. Its configuration is in the same folder.
        case file(PluginFile, folder: String)
        /// A part of this process, with the text of its configuration.
        case memory(configuration: String?)
    }

    private let subject: Subject
    private let options: TrialOptions

    /// Inspects the file, without running any of its code.
    public init(_ options: TrialOptions) throws {
        self.options = options
        let (folder, name) = Directory.split(options.file)
        let directory = try Directory(folder)
        do throws(HostInspection.Refusal) {
            subject = .file(
                try PluginFile.inspect(directory, name: name, allowUnsafePermissions: true), folder: folder)
        } catch {
            throw Refusal(description: "\(error)")
        }
    }

    /// Makes a plan for a plugin that is part of this process. `configuration` is the text of its JSON5 file, if any.
    public init(inMemory options: TrialOptions, configuration: String?) {
        self.options = options
        subject = .memory(configuration: configuration)
    }

    /// The absolute path of the file, so that dlopen(3) does not search for it.
    public var path: String { HostProcess.absolute(options.file) }

    /// The seed of the random numbers; nil if they come from the system.
    var seed: UInt64? { options.seed }

    /// The environment variables that the dynamic linker needs before this process starts, so that it can load the
    /// plugin: for the runtime of a sanitizer, and for libraries beside the file that it would not find by itself.
    /// Empty if none are needed.
    public var linkerVariables: [String: String] {
        guard case .file(let file, let folder) = subject else { return [:] }
        var variables: [String: String] = [:]
        let sanitizers = Sanitizer.libraries(of: file)
        if !sanitizers.isEmpty {
            let others = HostProcess.environment("LD_PRELOAD").map { [$0] } ?? []
            variables["LD_PRELOAD"] = (sanitizers + others).joined(separator: ":")
            variables.merge(Sanitizer.options(endingProcess: false) { HostProcess.environment($0) }) { own, _ in own }
        }
        if let directory = try? Directory(folder),
            !Libraries(of: file, in: directory, allowUnsafePermissions: true).found.isEmpty
        {
            let others = HostProcess.environment("LD_LIBRARY_PATH").map { [$0] } ?? []
            let own = LibraryPath.search(for: file, in: HostProcess.absolute(folder)).folders
            variables["LD_LIBRARY_PATH"] = (own + others).joined(separator: ":")
        }
        return variables
    }

    /// The host's configuration, and the plugin's own one, if there is any.
    private func configuration(
        of plugin: PluginDescription
    ) throws -> (host: HostConfiguration, own: PluginConfiguration?) {
        switch subject {
        case .file(_, let folder):
            let beside = (folder == "." ? "" : folder + "/")
            let host = try ConfigurationFiles.host(
                options.config ?? beside + SettingsResolver.hostFile, isOptional: options.config == nil)
            return (host, try ConfigurationFiles.plugin(beside + plugin.id + ".json5", isOptional: true))
        case .memory(let text):
            let own = try text.map {
                try PluginConfiguration(parsing: Array($0.utf8), file: plugin.id + ".json5", isZone: TimeZones.has)
            }
            return (HostConfiguration(), own)
        }
    }

    /// The program for the book, and the positions of its routines in the plugin. `end`: when all sessions end, in UTC
    /// ms; nil if they end by themselves.
    func program(of plugin: PluginDescription, at nowMs: Int64, end: Int64?) throws -> (Program, [Int]) {
        let (host, own) = try configuration(of: plugin)
        let layers = try ConfigurationFiles.plugin(
            own, of: plugin, host: host, commandLine: ConfigurationLayer(),
            lookUp: HostSurroundings.lookUp)
        let instances = layers.instances
        if let instance = options.instance, !instances.contains(instance) {
            throw Refusal(
                description: "\(plugin.id) has no instance \(Spelling.quoted(instance))"
                    + (instances.isEmpty
                        ? ": its configuration names none" : "; it has \(Spelling.listed(instances))"))
        }
        if options.instance == nil, let first = instances.first {
            throw Refusal(
                description: "\(plugin.id) runs as instances (\(instances.joined(separator: ", "))): name one, such as "
                    + "--instance \(first)")
        }
        let chosen = try indices(of: plugin)
        if chosen.isEmpty {
            throw Refusal(description: "\(plugin.id) has no routine to be tried: it offers a store")
        }
        let parameters = try CommandLineParameters(options.parameters, of: plugin)
        let routines = chosen.map { index in
            Program.Routine(
                name: plugin.routines[index].name,
                settings: effective(
                    of: plugin.routines[index], in: plugin, host.layer, layers.instance(options.instance), parameters,
                    nowMs, end),
                content: "")
        }
        let settings = routines[0].settings
        let build =
            switch subject {
            case .file(let file, _): file.buildID
            case .memory: ""
            }
        let name = InstanceName.fullName(plugin.id, options.instance)
        let load = Load(
            plugin: 0, path: path, name: options.file, instance: options.instance, build: build,
            parameters: settings.paramsJSON, isForRunning: true, home: .plugin(name), key: .plugin(0),
            limits: settings.limits, libraries: LibrarySearch(), limit: .max, caches: settings.caches)
        let program = Program(
            number: 0, name: name, version: plugin.version, build: build, isolation: .plugin,
            sharedLimits: settings.limits, load: load, routines: routines)
        return (program, chosen)
    }

    private func indices(of plugin: PluginDescription) throws(Refusal) -> [Int] {
        let names = plugin.routines.map(\.name)
        if options.routines.isEmpty { return Array(names.indices) }
        for name in options.routines where !names.contains(name) {
            throw Refusal(
                description: "\(plugin.id) has no routine \(Spelling.quoted(name))"
                    + Spelling.offer(of: names, for: name))
        }
        return names.indices.filter { options.routines.contains(names[$0]) }
    }

    private func effective(
        of routine: PluginDescription.Routine, in plugin: PluginDescription, _ host: ConfigurationLayer,
        _ layers: PluginLayers, _ parameters: CommandLineParameters, _ nowMs: Int64, _ end: Int64?
    ) -> EffectiveSettings {
        func merged(_ layer: ConfigurationLayer) -> EffectiveSettings {
            EffectiveSettings(of: routine, in: plugin, host: host, layers, commandLine: layer)
        }
        var values: [SettingKey: SettingValue] = [:]
        // Naming a routine enables it, whatever the configuration says.
        if !options.routines.isEmpty { values[.enabled] = .flag(true) }
        values[.runOn] = .word(RunOn.each.rawValue)
        if let cycles = options.cycles { values[.maxCycles] = .integer(cycles) }
        if let end, (merged(ConfigurationLayer()).until.moment(nowMs: nowMs) ?? .max) > end {
            values[.until] = .until(.moment(end))
        }
        var layer = ConfigurationLayer(commandLine: values)
        layer.params = parameters.values
        return merged(layer)
    }
}
