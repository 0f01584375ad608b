internal import HostCore
internal import HostSystem

/// systemd as the host's manager: it is told what the host does, by datagrams. sd_notify(3).
final class ServiceManager {
    /// The time between two signs of life, ns; nil when none are wanted. sd_watchdog_enabled(3).
    let watchdog: Int64?
    var hasSaidReady = false
    var hasSaidStopping = false
    var saidStatus = ""
    var nextStatus: Int64 = 0
    var timer: Deadlines.Timer?
    private let path: String

    /// The manager that the environment names; nil when there is none.
    init?() {
        guard let path = HostProcess.environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
            return nil
        }
        self.path = path
        let isOurs = HostProcess.environment("WATCHDOG_PID").map { $0 == "\(HostProcess.pid)" } ?? true
        let period = HostProcess.environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdog = isOurs && period > 0 && period < 1 << 50 ? max(period, 2000) * 500 : nil
    }

    /// Variables by which a manager speaks with its service alone: a plugin that had them could say READY or STOPPING
    /// in the host's name, or take sockets that were meant for it.
    private static let variables: Set<Substring> = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS",
        "LISTEN_FDNAMES", "FDSTORE", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID",
    ]

    /// An environment for workers and other programs: without what is between the manager and the host.
    static func environmentForOthers(_ own: [String]) -> [String] {
        own.filter { !variables.contains($0.prefix { $0 != "=" }) }
    }

    /// Sends assignments; one that is lost is lost.
    func tell(_ lines: String...) {
        try? UnixSocket.sendDatagram(Array(lines.joined(separator: "\n").utf8), to: path)
    }
}

extension Supervisor {
    /// Begins to speak with systemd, when it is there.
    func beginNotifying() {
        guard let manager = ServiceManager() else { return }
        operation.manager = manager
        manager.timer = deadlines.make { [unowned self] _ in notify() }
        guard let period = manager.watchdog else { return }
        operation.watchdogTimer = deadlines.make { [unowned self] now in
            manager.tell("WATCHDOG=1")
            if let timer = operation.watchdogTimer { deadlines.set(timer, at: now + period) }
        }
        if let timer = operation.watchdogTimer { deadlines.set(timer, at: clock.monotonic()) }
    }

    /// Says what is new: that the host is ready or stopping, and its status line, at most once a second.
    func notify() {
        guard let manager = operation.manager else { return }
        if isStopping {
            if !manager.hasSaidStopping { manager.tell("STOPPING=1", "STATUS=stopping") }
            manager.hasSaidStopping = true
            return
        }
        if !manager.hasSaidReady, isReady {
            manager.hasSaidReady = true
            manager.nextStatus = 0
            manager.tell("READY=1")
        }
        let now = clock.monotonic()
        if now < manager.nextStatus {
            if let timer = manager.timer { deadlines.set(timer, at: manager.nextStatus) }
            return
        }
        let text = statusLine
        guard text != manager.saidStatus else { return }
        manager.saidStatus = text
        manager.nextStatus = now + 1_000_000_000
        manager.tell("STATUS=\(text)")
    }

    /// Says that a reload begins; `notify` says when it is over.
    func notifyReload() {
        guard let manager = operation.manager else { return }
        manager.tell("RELOADING=1", "MONOTONIC_USEC=\(clock.monotonic() / 1000)")
        manager.hasSaidReady = false
    }

    private var statusLine: String {
        let ready = plugins.values.filter { $0.state == .ready }.count
        let running = routines.values.filter { $0.session != nil }.count
        let quarantined = routines.values.filter { $0.policy.state == .quarantined }.map(\.identifier).sorted()
        var text = "\(ready) plugins, \(running) of \(routines.count) routines in a session"
        if let first = quarantined.first {
            text += ", quarantined: \(first)" + (quarantined.count > 1 ? " and \(quarantined.count - 1) more" : "")
        }
        return text
    }
}
