internal import HostCore
internal import HostSystem

/// The host's status, read from the ledgers and from the kernel: workers are not asked, and do not notice.
extension Supervisor: ControlledHost {
    var summary: HostSummary {
        let (routines, running, quarantined) = book.tally
        return HostSummary(
            isReady: isReady, isStopping: isStopping, readyPlugins: plugins.values.count { $0.state == .ready },
            routines: routines, running: running, quarantined: quarantined)
    }

    var hasProgress: Bool { book.hasProgress }

    func progress(most: Int) -> [RoutineStatus] {
        book.progress(most: most) { [keeper] in keeper.lifetimeCycles(of: $0) }
    }

    func freshStatus() -> HostStatus {
        let boot = clock.boot()
        var status = HostStatus(
            version: HostVersion.text, pid: HostProcess.pid, host: hostName, nowMs: clock.wall() / 1_000_000,
            startMs: startMs, uptimeMs: max(0, boot - startBoot) / 1_000_000,
            pluginsPath: options.plugins, statePath: options.state, logLevel: log.level.rawValue)
        status.isStopping = isStopping
        status.isReady = isReady
        let own = ProcessUsage(of: HostProcess.pid)
        status.residentBytes = own?.residentBytes
        status.cpuMs = own?.cpuMs
        status.plugins = plugins.values.filter { $0.state != .removed }.map { plugin in
            let (state, why) = Self.words(plugin.state)
            return HostStatus.Plugin(
                id: plugin.name, file: plugin.fileName, version: plugin.description?.version ?? "", state: state,
                why: why, routines: plugin.settings.count)
        }
        .sorted { ($0.id, $0.file) < ($1.id, $1.file) }
        status.routines = book.status { [keeper] in keeper.lifetimeCycles(of: $0) }
        status.workers = fleet.status { name(of: $0) }
        return status
    }

    /// Whether every plugin file that is there was looked at.
    var isReady: Bool { hasStarted && plugins.values.allSatisfy { $0.state != .describing && $0.state != .waiting } }

    private static func words(_ state: PluginEntry.State) -> (String, String?) {
        switch state {
        case .waiting, .describing: ("loading", nil)
        case .ready: ("ready", nil)
        case .refused(let why): ("refused", why)
        case .removed: ("removed", nil)
        }
    }
}
