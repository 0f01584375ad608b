internal import HostSystem
internal import HostValues

/// Reports the host's state to its service manager, systemd, in datagrams. sd_notify(3).
final class ServiceManager {
    /// The time between two watchdog notifications, in ns; nil if none are wanted. sd_watchdog_enabled(3).
    private let watchdog: Int64?
    private let send: (String) -> Void
    private(set) var hasSaidReady = false
    private var hasSaidStopping = false
    private var saidStatus = ""
    private var nextStatus = MonotonicTime.longAgo
    private var timer: Deadlines.Timer?
    private var watchdogTimer: Deadlines.Timer?
    private var clock: (any HostClock)?
    private var deadlines: Deadlines?
    private var host = Host(isReady: { false }, isStopping: { false }, summary: { HostSummary() })

    /// What is to be known of the host. The summary is asked for only when its line is due, since it costs more the more
    /// plugins there are.
    struct Host {
        /// Whether every plugin file was described or refused; asked until that was reported.
        var isReady: () -> Bool
        var isStopping: () -> Bool
        var summary: () -> HostSummary
    }

    /// Makes the reporter for the manager that the environment names; nil if there is none.
    convenience init?() {
        guard let path = HostProcess.environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
            return nil
        }
        let isOurs = HostProcess.environment("WATCHDOG_PID").map { $0 == "\(HostProcess.pid)" } ?? true
        let period = HostProcess.environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        // Lost datagrams are not repeated.
        self.init(watchdogMicroseconds: isOurs ? period : 0) {
            try? UnixSocket.sendDatagram(Array($0.utf8), to: path)
        }
    }

    /// Makes a reporter that sends texts with `send`. The watchdog period in microseconds is what the manager expects;
    /// 0 means no watchdog.
    init(watchdogMicroseconds period: Int64, send: @escaping (String) -> Void) {
        watchdog = period > 0 && period < 1 << 50 ? max(period, 2000) * 500 : nil
        self.send = send
    }

    /// Starts to report.
    func begin(_ deadlines: Deadlines, _ clock: any HostClock, _ host: Host) {
        self.deadlines = deadlines
        self.clock = clock
        self.host = host
        timer = deadlines.make { [unowned self] _ in notify() }
        guard let watchdog else { return }
        let timer = deadlines.make { [unowned self] now in
            tell("WATCHDOG=1")
            if let watchdogTimer { deadlines.set(watchdogTimer, at: now + watchdog) }
        }
        watchdogTimer = timer
        deadlines.set(timer, at: clock.monotonic())
    }

    /// Reports changes: that the host is ready or stopping, and its status line, at most once a second.
    func notify() {
        guard let clock, let deadlines, !hasSaidStopping else { return }
        if host.isStopping() {
            hasSaidStopping = true
            return tell("STOPPING=1", "STATUS=stopping")
        }
        if !hasSaidReady, host.isReady() {
            hasSaidReady = true
            nextStatus = .longAgo
            tell("READY=1")
        }
        let now = clock.monotonic()
        if now < nextStatus {
            if let timer { deadlines.set(timer, at: nextStatus) }
            return
        }
        nextStatus = now + 1_000_000_000
        let text = host.summary().line
        guard text != saidStatus else { return }
        saidStatus = text
        tell("STATUS=\(text)")
    }

    /// Reports that a reload begins; `notify` reports its end.
    func reloadBegins() {
        guard let clock else { return }
        tell("RELOADING=1", "MONOTONIC_USEC=\(clock.monotonic().nanoseconds / 1000)")
        hasSaidReady = false
    }

    /// Sends assignments, one a line.
    private func tell(_ lines: String...) { send(lines.joined(separator: "\n")) }

    /// The variables for the communication between a manager and its service alone. A plugin that inherited them could
    /// report READY or STOPPING in the host's name, or take sockets that are meant for the host.
    private static let variables: Set<Substring> = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS",
        "LISTEN_FDNAMES", "FDSTORE", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID",
    ]

    /// The environment for workers and other programs, without these variables.
    static func environmentForOthers(_ own: [String]) -> [String] {
        own.filter { !variables.contains($0.prefix { $0 != "=" }) }
    }
}
