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
            ofUnknown: entry.description?.id ?? entry.expectedName ?? entry.plugin, entry.configuration)
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
        // Whatever is told of a plugin is told of all its instances at once.
        var renewed: Set<String> = []
        for entry in inOrder() where isHost || isWhole || names.contains(entry.plugin + ".json5") {
            switch entry.state {
            case .refused(_, .some, _): describeAgain(entry)
            case .ready(_, let description): if renewed.insert(description.id).inserted { renewAll(entry, description) }
            case .refused, .waiting, .describing, .held, .retiring: break
            }
        }
    }

    /// Reads what is configured for a plugin, and gives it to those of its instances that run; others come or go.
    private func renewAll(_ entry: Entry, _ description: PluginDescription) {
        let layers: PluginLayers
        do {
            layers = try resolver.configuration(of: description)
        } catch {
            return log.write(.error, description.id, "\(error); its settings stay as they were")
        }
        _ = settleInstances(of: entry, layers.instances)
        for sibling in inOrder(where: { $0.isSibling(of: entry) }) {
            guard case .ready(let program, let description) = sibling.state else { continue }
            renew(sibling, program, description, layers.instance(sibling.instance))
        }
    }

    /// Lets the instances of a plugin come and go that the configuration has, or has no more. Whether this one stays.
    ///
    /// Who was described before it was known that there are instances is the first of those that are missing.
    func settleInstances(of entry: Entry, _ wanted: [String]) -> Bool {
        let siblings = inOrder { $0.isSibling(of: entry) && !$0.isRetiring }
        if entry.instance == nil, !entry.isReady {
            entry.instance = wanted.first { name in !siblings.contains { $0.instance == name } }
        }
        let plan = InstancePlan(wanted: wanted, present: siblings.map { ($0.number, $0.instance) })
        for number in plan.go {
            guard let sibling = entries[number] else { continue }
            let text = "its configuration has \(sibling.instance.map { "no instance \($0)" } ?? "instances now")"
            log.write(.info, sibling.name, text)
            retire(sibling, as: .removed, text)
        }
        for instance in plan.come { enter(entry.file, entry.hash, instance: instance) }
        return plan.stay.contains(entry.number)
    }

    /// Gives a plugin new settings, which needs new sessions, if they differ.
    private func renew(
        _ entry: Entry, _ program: Program, _ description: PluginDescription, _ layers: PluginLayers
    ) {
        entry.configuration = layers
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
        enter(entry.file, entry.hash, instance: entry.instance)
    }
}
