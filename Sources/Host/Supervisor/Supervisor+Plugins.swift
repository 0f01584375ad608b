internal import HostCore
internal import HostSystem

/// The plugins directory: which files are plugins, what they say of themselves, and what is set for them.
extension Supervisor {
    /// Looks at the directory, and takes up what is new, changed or gone.
    func scan() {
        guard !isStopping else { return }
        let names: [String]
        do throws(SystemError) {
            names = try directory.names()
        } catch {
            return log.write(.error, "", "\(error)")
        }
        for name in names where PluginFile.isCandidate(name) { takeUp(name) }
        loadNext()
    }

    private func takeUp(_ name: String) {
        guard !plugins.values.contains(where: { $0.fileName == name && $0.state != .removed }) else { return }
        do throws(Refusal) {
            let file = try PluginFile.inspect(
                directory, name: name, allowUnsafePermissions: options.allowsUnsafePermissions)
            let entry = PluginEntry(number: nextNumber, file: file, loadPath: absolute(name))
            nextNumber += 1
            plugins[entry.number] = entry
            loads.add(entry.number)
        } catch {
            log.write(.error, "", "\(error)")
        }
    }

    /// The path by which a worker loads a file: never searched for on a library path.
    private func absolute(_ name: String) -> String {
        let path = directory.child(name)
        return path.contains("/") ? path : "./" + path
    }

    /// Starts workers for the plugins that wait, as many as may load at once.
    func loadNext() {
        while !isStopping, let number = loads.take() {
            guard let plugin = plugins[number], plugin.state == .describing else {
                loads.leave(number)
                continue
            }
            let key = firstKey(for: plugin)
            if worker(key, for: plugin) == nil { loads.leave(number) }
        }
    }

    private func firstKey(for plugin: PluginEntry) -> WorkerLink.Key {
        switch isolation(of: plugin) {
        case .plugin: .plugin(plugin.number)
        case .routine: .routine(plugin.number, 0)
        case .shared: .shared
        }
    }

    /// The isolation level of a plugin: what its configuration or the host's says.
    func isolation(of plugin: PluginEntry) -> Isolation {
        if let settings = plugin.routines.first?.settings { return settings.isolation }
        return settingsBeforeDescription(of: plugin).isolation
    }

    /// What holds for a plugin whose routines are not known yet.
    func settingsBeforeDescription(of plugin: PluginEntry) -> EffectiveSettings {
        let unknown = PluginDescription.unknown(plugin.name)
        return EffectiveSettings(
            of: unknown.routines[0], in: unknown, host: hostConfiguration, file: plugin.configuration,
            commandLine: options.overrides)
    }

    /// A worker has loaded the plugin, or read its description only.
    func loaded(_ number: Int, _ description: PluginDescription, by worker: WorkerLink) {
        guard worker.loading.first == number, let plugin = plugins[number] else { return garbage(from: worker) }
        worker.loading.removeFirst()
        loads.leave(number)
        armWorkerTimer(worker)
        if plugin.state == .describing {
            describe(plugin, description)  // its start, if it has one, sends the load
            retire(worker, ifUnused: true)
            return loadNext()
        }
        worker.loaded.insert(number)
        for routine in plugin.routines where routine.isStartPending && key(for: routine) == worker.key {
            begin(routine, in: worker)
        }
        loadNext()
    }

    /// Takes up what a plugin says of itself, or refuses it.
    private func describe(_ plugin: PluginEntry, _ description: PluginDescription) {
        if let other = plugins.values.first(where: { $0.state == .ready && $0.description?.id == description.id }) {
            return refuse(
                plugin, "its name \(description.id) is taken by \(other.fileName): remove one of the two files")
        }
        plugin.description = description
        readConfiguration(of: plugin, description)
        guard plugin.state == .describing else { return }
        plugin.state = .ready
        log.write(
            .info, plugin.name,
            "\(plugin.fileName): \(description.id) \(description.version), \(description.routines.count) "
                + (description.routines.count == 1 ? "routine" : "routines"))
        for (index, routine) in description.routines.enumerated() {
            add(routine, at: index, to: plugin)
        }
        for routine in plugin.routines { tell(routine, .fileChanged(content: plugin.content)) }
    }

    private func add(
        _ description: PluginDescription.Routine, at index: Int, to plugin: PluginEntry
    ) {
        let settings = EffectiveSettings(
            of: description, in: plugin.description ?? .unknown(plugin.name), host: hostConfiguration, file: plugin.configuration,
            commandLine: options.overrides)
        let id = plugin.name + "/" + description.name
        let policy =
            if let tally = savedTallies[id] {
                RestartPolicy(
                    id: id, settings: settings.restart, restoring: tally, at: clock.monotonic(), wall: clock.wall())
            } else {
                RestartPolicy(id: id, settings: settings.restart)
            }
        let routine = RoutineEntry(
            key: nextKey, plugin: plugin, index: index, name: description.name, settings: settings, policy: policy)
        nextKey += 1
        routine.untilMs = settings.until.moment(nowMs: clock.wall() / 1_000_000)
        routine.timer = deadlines.make { [unowned self, unowned routine] _ in tell(routine, .timerFired) }
        plugin.routines.append(routine)
        routines[routine.key] = routine
        if policy.state == .quarantined {
            log.write(.warning, id, "still quarantined: \(policy.quarantine?.why ?? "")")
        }
    }

    /// A plugin cannot be used: said once.
    func refuse(_ plugin: PluginEntry, _ reason: String) {
        loads.leave(plugin.number)
        guard plugin.state == .describing else { return }
        plugin.state = .refused(reason)
        log.write(.error, "", "\(directory.child(plugin.fileName)): \(reason)")
    }

    // MARK: Configuration

    func loadHostConfiguration() {
        let path = options.configuration ?? directory.child("schedhost.json5")
        do {
            guard let bytes = try readFile(path, isOptional: options.configuration == nil) else { return }
            hostConfiguration = try HostConfiguration(parsing: bytes, file: path)
        } catch {
            log.write(.error, "", "\(error)")
            hasFailed = true
        }
    }

    private func readConfiguration(of plugin: PluginEntry, _ declaration: PluginDescription) {
        let path = directory.child(declaration.id + ".json5")
        do {
            if let bytes = try readFile(path, isOptional: true) {
                plugin.configuration = try PluginConfiguration(parsing: bytes, file: path)
                plugin.configurationSum = unsafe bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) }
                try plugin.configuration.check(against: declaration)
            }
            try hostConfiguration.plugins[declaration.id]?.check(against: declaration)
        } catch {
            refuse(plugin, "its configuration is wrong: \(error)")
        }
    }

    /// A small file's bytes; nil when it may be absent and is.
    private func readFile(_ path: String, isOptional: Bool) throws(SystemError) -> [UInt8]? {
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
    fileprivate static func unknown(_ id: String) -> PluginDescription {
        PluginDescription(
            id: id, version: "", description: nil, isSerial: false, parameters: [],
            routines: [Routine(name: "", description: nil, waitMs: 0, maxCycles: 0, timeoutMs: 0)])
    }
}
