internal import HostCore
internal import HostSystem

/// Plugins whose file is gone or another one: their sessions end in order, and only then does what replaces them begin,
/// so that two sessions of one routine never overlap.
extension Supervisor {
    /// Ends what runs of a plugin; its sessions' records give that kind.
    func depart(_ plugin: PluginEntry, as kind: SessionRecord.Kind, _ text: String) {
        guard plugin.state != .removed else { return }
        plugin.state = .removed
        plugin.isHeld = false
        loads.leave(plugin.number)
        departing.append(plugin)
        for routine in plugin.routines {
            if let timer = routine.timer { deadlines.set(timer, at: nil) }
            endSession(of: routine, as: kind, text)
        }
        for worker in Array(workers.values) {
            switch worker.key {
            case .plugin(plugin.number), .routine(plugin.number, _): retire(worker)
            case .shared where worker.loaded.contains(plugin.number) || worker.loading.contains(plugin.number):
                close(worker)
            case .plugin, .routine, .shared: break
            }
        }
        hasDepartures = true
    }

    /// Code is never unloaded, so a worker that others share loads nothing new beside the old: its other sessions go
    /// on, and it ends with the last of them.
    private func close(_ worker: WorkerLink) {
        workers[worker.key] = nil
        leaving[ObjectIdentifier(worker)] = worker
        retire(worker, ifUnused: true)
    }

    /// Lets go of plugins that have ended, and begins what waited for that.
    func settleDepartures() {
        guard hasDepartures else { return }
        let held = Set((Array(workers.values) + Array(leaving.values)).flatMap { Self.plugins(in: $0) })
        let gone = departing.filter { plugin in
            !held.contains(plugin.number) && plugin.routines.allSatisfy { $0.session == nil }
        }
        hasDepartures = departing.count > gone.count
        guard !gone.isEmpty else { return }
        saveTallies()
        departing.removeAll { plugin in gone.contains { $0 === plugin } }
        for plugin in gone { forget(plugin) }
        guard !isStopping else { return }
        goOn()
        copies.sweep(keeping: Set(plugins.values.map(\.hash)))
        loadNext()
    }

    /// The plugins that a worker keeps from having ended.
    private static func plugins(in worker: WorkerLink) -> [Int] {
        switch worker.key {
        case .plugin(let number), .routine(let number, _): [number]
        case .shared: worker.loading
        }
    }

    private func forget(_ plugin: PluginEntry) {
        for routine in plugin.routines {
            for timer in [routine.timer, routine.stopTimer] { if let timer { deadlines.remove(timer) } }
            hangs.remove(routine.key)
            routines[routine.key] = nil
            departed[routine.identifier] = routine
        }
        plugin.routines = []
        plugins[plugin.number] = nil
    }

    /// Begins what waited for a plugin's end, or for its name.
    private func goOn() {
        let departingNumbers = Set(departing.map(\.number))
        for plugin in plugins.values.sorted(by: { $0.number < $1.number }) {
            if plugin.state == .waiting, plugin.predecessors.isDisjoint(with: departingNumbers) {
                plugin.state = .describing
                loads.add(plugin.number)
            } else if case .refused = plugin.state, let owner = plugin.shadowedBy, plugins[owner] == nil {
                tryAgain(plugin)
            } else if plugin.isHeld, plugin.state == .describing, let description = plugin.description {
                describe(plugin, description)
            }
        }
    }
}

extension RoutineEntry {
    /// Goes on where the entry of the file before it left.
    func continues(_ before: RoutineEntry) {
        sessions = before.sessions
        failures = before.failures
        isPaused = before.isPaused
    }
}
