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
        departing.append(plugin)
        book.retire(plugin.number, as: kind, text)
        fleet.retire(plugin.number)
        hasDepartures = true
    }

    /// Lets go of plugins that have ended, and begins what waited for that.
    func settleDepartures() {
        guard hasDepartures else { return }
        let gone = departing.filter { !fleet.holds($0.number) && !book.hasSessions($0.number) }
        hasDepartures = departing.count > gone.count
        guard !gone.isEmpty else { return }
        departing.removeAll { plugin in gone.contains { $0 === plugin } }
        book.forget(Set(gone.map(\.number)))
        for plugin in gone { plugins[plugin.number] = nil }
        guard !isStopping else { return }
        goOn()
        copies.sweep(keeping: Set(plugins.values.map(\.hash)))
    }

    /// Begins what waited for a plugin's end, or for its name.
    private func goOn() {
        let departingNumbers = Set(departing.map(\.number))
        for plugin in plugins.values.sorted(by: { $0.number < $1.number }) {
            if plugin.state == .waiting, plugin.predecessors.isDisjoint(with: departingNumbers) {
                plugin.state = .describing
                fleet.enqueue(plugin.number)
            } else if case .refused = plugin.state, let owner = plugin.shadowedBy, plugins[owner] == nil {
                tryAgain(plugin)
            } else if plugin.isHeld, plugin.state == .describing, let description = plugin.description {
                describe(plugin, description)
            }
        }
    }
}
