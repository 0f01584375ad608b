internal import HostSystem
internal import HostValues
internal import HostWire

/// The store of a store worker at work for the supervisor: once for leases, and once for what people ask, each on threads and
/// connections of its own. Each begins with its first command.
struct StoreThreads {
    private var leases: StoreThread?
    private var people: StoreThread?

    /// Performs a command by the store of that plugin.
    mutating func perform(_ command: StoreCommand, of plugin: PluginContext) {
        do {
            switch command {
            case .open, .ask:
                let thread = try leases ?? StoreThread(try plugin.offeredStore(), of: plugin, for: .leases)
                leases = thread
                try thread.perform(command)
            case .consult, .clear:
                let thread = try people ?? StoreThread(try plugin.offeredStore(), of: plugin, for: .people)
                people = thread
                try thread.perform(command)
            case .share: break  // the exchange's
            }
        } catch let fault as OfferedStore.Fault {
            fail(command, fault.text, plugin)
        } catch {
            fail(command, "\(error)", plugin)
        }
    }

    private func fail(_ command: StoreCommand, _ text: String, _ plugin: PluginContext) {
        let event: StoreEvent
        switch command {
        case .open, .ask: event = .down(text)
        case .consult(let id, _, _, _):
            event = .consulted(id, StoreAnswer(sent: plugin.clock.boot(), outcome: .refused(text), found: nil))
        case .clear(let id, _, _, _): event = .cleared(id, removed: 0, trouble: text)
        case .share: return
        }
        plugin.channel.send(.store(event))
    }

    /// Whether a call hangs.
    func hang(at now: BootTime) -> Bool {
        let (one, other) = (leases?.hangs(at: now) ?? false, people?.hangs(at: now) ?? false)
        return one || other
    }

    /// How often `hang` is to be asked, in ms; -1: not at all.
    var tick: Int32 { [leases?.tick ?? -1, people?.tick ?? -1].filter { $0 >= 0 }.min() ?? -1 }
}
