internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The orders to load plugins, and the programs that describe how their routines run.
extension PluginCatalog {
    /// How long a load may take if no setting says so, in ns.
    private static let loadTimeout: Int64 = 60_000_000_000
    private static let month = Int64(nanosecondsFrom: RoutineTiming.longestMs)

    /// The order to describe a plugin, made when its turn comes; nil if the description is no longer wanted.
    func order(_ number: Int) -> Load? {
        guard let entry = entries[number], entry.isDescribing else { return nil }
        keepCopy(of: number)
        // Applies the plugin's limits already to the worker that describes it, since that runs its constructors.
        let expected = resolver.expected(of: entry.file.name)
        entry.expectedName = expected?.id
        entry.configuration = expected?.configuration.instance(entry.instance) ?? PluginLayers()
        let order = load(entry, [settingsBeforeDescription(of: entry)], isForRunning: false)
        if let gap = sandboxGate.gap(in: [order.limits]) {
            refuse(entry, gap)
            return nil
        }
        return order
    }

    /// Restores the copy of a plugin that workers load, if it was removed, as by a cleaner of /tmp.
    func keepCopy(of number: Int) {
        guard let entry = entries[number], !folder.hasCopy(of: entry.hash) else { return }
        folder.restoreCopy(of: entry.file.name)
        let isBack = folder.hasCopy(of: entry.hash)
        let rest = isBack ? "and is made anew" : "and its file has changed: it is loaded when that was looked at again"
        log.write(
            isBack ? .warning : .error, entry.name, "its copy \(folder.copy(of: entry.hash)) was removed, \(rest)")
    }

    /// The program of a configured plugin. Equal settings of routines share their storage, since with many routines the
    /// settings take most of the memory.
    func program(of entry: Entry, _ description: PluginDescription) -> Program {
        var routines: [Program.Routine] = []
        routines.reserveCapacity(description.routines.count)
        for (index, routine) in description.routines.enumerated() {
            if let last = routines.last,
                EffectiveSettings.areAlike(routine, description.routines[index - 1], entry.configuration)
            {
                routines.append(Program.Routine(name: routine.name, like: last))
                continue
            }
            let settings = resolver.settings(of: routine, in: description, entry.configuration)
            if let last = routines.last, last.settings == settings {
                routines.append(Program.Routine(name: routine.name, like: last))
            } else {
                let content = "\(entry.hash)-abi\(entry.file.abiMajor)-\(settings.fileContent)"
                routines.append(Program.Routine(name: routine.name, settings: settings, content: content))
            }
        }
        // A plugin without routines offers a store, which has parameters too.
        let settings =
            routines.isEmpty
            ? [resolver.settings(of: .absent, in: description, entry.configuration)] : routines.map(\.settings)
        if settings[0].isolation == .shared, entry.configuration.setsLimits {
            log.write(
                .warning, entry.name,
                "its limits do not hold: a shared worker has those of \(SettingsResolver.hostFile)")
        }
        return Program(
            number: entry.number, name: InstanceName.fullName(description.id, entry.instance),
            version: description.version, build: entry.file.buildID,
            isolation: settings[0].isolation, sharedLimits: resolver.sharedLimits,
            load: load(entry, settings, isForRunning: true), routines: routines)
    }

    /// The order to load a plugin in the worker of its first routine. The parameters are included only for running.
    private func load(_ entry: Entry, _ settings: [EffectiveSettings], isForRunning: Bool) -> Load {
        let key: WorkerKey =
            switch settings[0].isolation {
            case .plugin: .plugin(entry.number)
            case .routine: .routine(entry.number, 0)
            case .shared: .shared
            }
        return Load(
            plugin: entry.number, path: folder.copy(of: entry.hash), name: entry.file.name, instance: entry.instance,
            build: entry.file.buildID,
            parameters: isForRunning ? settings[0].paramsJSON : "{}", isForRunning: isForRunning,
            home: home(of: entry, key), key: key,
            limits: key == .shared
                ? resolver.sharedLimits.naming(settings[0].limits.sandbox) : settings[0].limits,
            libraries: key == .shared
                ? LibraryPath.search(for: nil, in: self.settings.plugins)
                : LibraryPath.search(
                    for: entry.file, in: self.settings.plugins, copies: folder.libraries(of: entry.hash)),
            limit: Self.limit(settings), caches: settings[0].caches)
    }

    /// The owner of the worker's folders. Before the description, that is the name which the file had last, else the
    /// likely name; if that was wrong, the worker is replaced.
    private func home(of entry: Entry, _ key: WorkerKey) -> WorkerHome? {
        switch key {
        case .shared: .everybody
        case .plugin, .store:
            names.expected(of: entry.file.name, configured: entry.expectedName).map {
                .plugin(InstanceName.fullName($0, entry.instance))
            }
        case .routine, .shard: nil
        }
    }

    /// How long a load may take: `timeout_ms` limits it, if that is set.
    private static func limit(_ settings: [EffectiveSettings]) -> Int64 {
        guard settings.contains(where: { $0.settings[.timeoutMs] != nil }) else { return loadTimeout }
        return settings.map { min($0.timeoutNanoseconds ?? month, month) }.max() ?? month
    }
}
