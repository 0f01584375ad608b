internal import HostCore
internal import HostSystem

/// Configuration files: read before a plugin's routines begin, and again when they are edited.
///
/// An edit that is wrong changes nothing: it is said, and what runs keeps its settings until the file is mended.
extension PluginCatalog {
    private static let hostFile = "schedhost.json5"

    /// Reads the host's configuration; one that is wrong, or is named and not there, is thrown.
    func loadHostConfiguration() throws {
        let path = settings.configuration ?? path(of: Self.hostFile)
        guard let bytes = try folder.configuration(path, isOptional: settings.configuration == nil) else {
            hostConfiguration = HostConfiguration()
            return
        }
        hostConfiguration = try HostConfiguration(parsing: bytes, file: path, isZone: TimeZones.has)
    }

    // MARK: Before a plugin is described

    /// Finds the configuration that a plugin probably has, by its file's name, so that the worker that describes it, which
    /// runs its constructors, has its limits. Mistakes are told later, when its name is known.
    func expectConfiguration(of entry: Entry) {
        entry.expectedName = nil
        entry.configuration = PluginConfiguration()
        for name in PluginNames.likely(entry.file.name) {
            let path = path(of: name + ".json5")
            let bytes = (try? folder.configuration(path, isOptional: true)) ?? nil
            let configuration = bytes.flatMap {
                try? PluginConfiguration(parsing: $0, file: path, isZone: TimeZones.has)
            }
            guard configuration != nil || hostConfiguration.plugins[name] != nil else { continue }
            entry.expectedName = name
            entry.configuration = configuration ?? PluginConfiguration()
            return
        }
    }

    /// What holds for a plugin whose routines are not known yet.
    func settingsBeforeDescription(of entry: Entry) -> EffectiveSettings {
        let unknown = PluginDescription.unknown(entry.description?.id ?? entry.expectedName ?? entry.name)
        return effective(unknown.routines[0], in: unknown, entry.configuration)
    }

    /// What holds for a routine.
    func effective(
        _ routine: PluginDescription.Routine, in description: PluginDescription, _ configuration: PluginConfiguration
    ) -> EffectiveSettings {
        EffectiveSettings(
            of: routine, in: description, host: hostConfiguration, file: configuration, commandLine: settings.overrides)
    }

    // MARK: When it is described

    /// Reads what is configured for a plugin. Throws what is wrong with it.
    func configure(_ entry: Entry, _ description: PluginDescription) throws {
        entry.configuration = try configuration(of: description)
    }

    private func configuration(of description: PluginDescription) throws -> PluginConfiguration {
        let path = path(of: description.id + ".json5")
        return try ConfigurationFiles.plugin(
            try folder.configuration(path, isOptional: true), path: path, of: description, host: hostConfiguration,
            commandLine: settings.overrides)
    }

    /// A shared worker has the host's limits, not those of a plugin in it.
    func warnOfLimits(_ entry: Entry, _ name: String) {
        let layers = [entry.configuration.layer, hostConfiguration.plugins[name]?.layer ?? .init()]
        guard layers.contains(where: { $0.settings.keys.contains { $0.isLimit } }) else { return }
        log.write(.warning, name, "its limits do not hold: a shared worker has those of \(Self.hostFile)")
    }

    /// What holds for a routine of a plugin that is not ending, or for the plugin where it has no such routine.
    func settings(plugin: String, routine: String) -> EffectiveSettings? {
        guard let entry = entries.values.first(where: { $0.name == plugin && !$0.isRetiring }) else { return nil }
        if case .ready(let program, _) = entry.state,
            let known = program.routines.first(where: { $0.name == routine })
        {
            return known.settings
        }
        return settingsBeforeDescription(of: entry)
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
        for entry in entries.values.sorted(by: { $0.number < $1.number })
        where isHost || isWhole || names.contains(entry.name + ".json5") {
            switch entry.state {
            case .refused(_, .some, _): describeAgain(entry)
            case .ready(let program, let description): renew(entry, program, description)
            case .refused, .waiting, .describing, .held, .retiring: break
            }
        }
    }

    /// Gives a plugin new settings, which needs new sessions, if they differ.
    private func renew(_ entry: Entry, _ program: Program, _ description: PluginDescription) {
        let configuration: PluginConfiguration
        do {
            configuration = try self.configuration(of: description)
        } catch {
            return log.write(.error, entry.name, "\(error); its settings stay as they were")
        }
        entry.configuration = configuration
        let isSame = zip(program.routines, description.routines).allSatisfy { known, routine in
            effective(routine, in: description, configuration).isSame(as: known.settings)
        }
        if isSame {
            // The same settings in other words: what a person ordered is kept under what the files say.
            let reworded = self.program(of: entry, description)
            if reworded == program { return }
            entry.state = .ready(reworded, description)
            changes.append(.reworded(reworded))
            return
        }
        log.write(.info, entry.name, "its configuration has changed")
        retire(entry, as: .reloaded, "its configuration has changed")
        enter(entry.file, entry.hash)
    }
}
