internal import HostPolicy
internal import HostValues

/// What is configured for plugins: read before their routines begin, and again when files are edited.
///
/// An edit that is wrong changes nothing: it is said, and what runs keeps its settings until the file is mended.
extension PluginCatalog {
    /// Reads the host's configuration; one that is wrong, or is named and not there, is thrown.
    func loadHostConfiguration() throws { _ = try resolver.readHost() }

    /// What holds for a plugin whose routines are not known yet.
    func settingsBeforeDescription(of entry: Entry) -> EffectiveSettings {
        resolver.settings(
            ofUnknown: entry.description?.id ?? entry.expectedName ?? entry.name, entry.configuration)
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

    /// Files of those names came, changed or went.
    func configurationChanged(_ names: Set<String>, isWhole: Bool) {
        var isHost = isWhole || names.contains(DirectoryWatch.configurationChange)
        if isHost {
            do {
                isHost = try resolver.readHost()
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
        do {
            entry.configuration = try resolver.configuration(of: description)
        } catch {
            return log.write(.error, entry.name, "\(error); its settings stay as they were")
        }
        let isSame = zip(program.routines, description.routines).allSatisfy { known, routine in
            resolver.settings(of: routine, in: description, entry.configuration).isSame(as: known.settings)
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
