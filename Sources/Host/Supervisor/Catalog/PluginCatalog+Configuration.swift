internal import HostPolicy
internal import HostValues

/// The configurations of plugins: read before their routines begin, and again when files are edited.
///
/// An invalid edit changes nothing: it is logged, and routines keep their settings until the file is corrected. But the next
/// start would fail by it, so until then it is also a part of the status, which people and alarms look at.
extension PluginCatalog {
    /// Reads the host's configuration; throws if it is invalid, or if it was named and does not exist.
    func loadHostConfiguration() throws { _ = try resolver.readHost() }

    /// The effective settings of a plugin whose routines are not known yet.
    func settingsBeforeDescription(of entry: Entry) -> EffectiveSettings {
        resolver.settings(
            ofUnknown: entry.description?.id ?? entry.expectedName ?? entry.plugin, entry.configuration)
    }

    /// The effective settings of a routine of an active plugin, or of the plugin if it has no such routine.
    func settings(plugin: String, routine: String) -> EffectiveSettings? {
        guard let entry = entries.values.first(where: { $0.name == plugin && !$0.isRetiring }) else { return nil }
        if case .ready(let program, _) = entry.state,
            let known = program.routines.first(where: { $0.name == RoutineShard.split(routine).routine })
        {
            return known.settings
        }
        return settingsBeforeDescription(of: entry)
    }

    /// Handles added, changed or removed configuration files.
    func configurationChanged(_ names: Set<String>, isWhole: Bool) {
        var isHost = isWhole || names.contains(DirectoryWatch.configurationChange)
        if isHost {
            do {
                let cluster = resolver.host.cluster
                isHost = try refused.host(resolver.hostPath) { try resolver.readHost() }
                if resolver.host.cluster != cluster {
                    log.write(.warning, "", "cluster {} has changed, which holds from this host's next start on")
                }
            } catch {
                log.write(.error, "", "\(error); the settings stay as they were")
                isHost = false
            }
        }
        // An instance's configuration is part of its plugin's, so all instances of a plugin are renewed at once.
        var renewed: Set<String> = []
        for entry in inOrder() where isHost || isWhole || names.contains(entry.plugin + ".json5") {
            switch entry.state {
            case .refused(_, .some, _): describeAgain(entry)
            case .ready(_, let description): if renewed.insert(description.id).inserted { renewAll(entry, description) }
            case .refused, .waiting, .describing, .held, .retiring: break
            }
        }
    }

    /// Reads the configuration of a plugin, and notes whether it is refused.
    func configuration(of entry: Entry, _ description: PluginDescription) throws -> PluginLayers {
        let siblings = entries.values.filter { $0.isSibling(of: entry) }
        return try RefusedConfigurations.plugin(description.id, folder.path(of: description.id + ".json5"), siblings) {
            try resolver.configuration(of: description)
        }
    }

    /// Reads a plugin's configuration, applies it to the running instances, and starts or retires others.
    private func renewAll(_ entry: Entry, _ description: PluginDescription) {
        let layers: PluginLayers
        do {
            layers = try configuration(of: entry, description)
        } catch {
            return log.write(.error, description.id, "\(error); its settings stay as they were")
        }
        _ = settleInstances(of: entry, layers.instances)
        for sibling in inOrder(where: { $0.isSibling(of: entry) }) {
            guard case .ready(let program, let description) = sibling.state else { continue }
            renew(sibling, program, description, layers.instance(sibling.instance))
        }
    }

    /// Starts and retires instances as the configuration says. Returns whether this entry stays.
    ///
    /// An entry that was described before the instances were known becomes the first missing instance.
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

    /// Gives a plugin new settings, in new sessions, if they differ from the present ones.
    private func renew(
        _ entry: Entry, _ program: Program, _ description: PluginDescription, _ layers: PluginLayers
    ) {
        entry.configuration = layers
        let isSameStore = !program.routines.isEmpty || self.program(of: entry, description).load == program.load
        let isSame =
            isSameStore
            && zip(program.routines, description.routines).allSatisfy { known, routine in
                resolver.settings(of: routine, in: description, entry.configuration).isSame(as: known.settings)
            }
        if isSame {
            // Equal settings in other words: a person's orders are stored under a key derived from the files' words.
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
