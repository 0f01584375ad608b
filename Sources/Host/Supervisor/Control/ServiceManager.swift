internal import HostSystem
internal import HostValues

/// systemd as the host's manager: it is told what the host does, by datagrams. sd_notify(3).
final class ServiceManager {
    /// The time between two signs of life, ns; nil when none are wanted. sd_watchdog_enabled(3).
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
    private var summary: () -> HostSummary = { HostSummary() }

    /// The manager that the environment names; nil when there is none.
    convenience init?() {
        guard let path = HostProcess.environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
            return nil
        }
        let isOurs = HostProcess.environment("WATCHDOG_PID").map { $0 == "\(HostProcess.pid)" } ?? true
        let period = HostProcess.environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        // What is lost is lost.
        self.init(watchdogMicroseconds: isOurs ? period : 0) {
            try? UnixSocket.sendDatagram(Array($0.utf8), to: path)
        }
    }

    /// A manager that wants a sign of life within that time, if it is no 0, and is told by `send`.
    init(watchdogMicroseconds period: Int64, send: @escaping (String) -> Void) {
        watchdog = period > 0 && period < 1 << 50 ? max(period, 2000) * 500 : nil
        self.send = send
    }

    /// Begins to speak.
    func begin(_ deadlines: Deadlines, _ clock: any HostClock, summary: @escaping () -> HostSummary) {
        self.deadlines = deadlines
        self.clock = clock
        self.summary = summary
        timer = deadlines.make { [unowned self] _ in notify() }
        guard let watchdog else { return }
        let timer = deadlines.make { [unowned self] now in
            tell("WATCHDOG=1")
            if let watchdogTimer { deadlines.set(watchdogTimer, at: now + watchdog) }
        }
        watchdogTimer = timer
        deadlines.set(timer, at: clock.monotonic())
    }

    /// Says what is new: that the host is ready or stopping, and its status line, at most once a second.
    func notify() {
        guard let clock, let deadlines, !hasSaidStopping else { return }
        let summary = summary()
        if summary.isStopping {
            hasSaidStopping = true
            return tell("STOPPING=1", "STATUS=stopping")
        }
        if !hasSaidReady, summary.isReady {
            hasSaidReady = true
            nextStatus = .longAgo
            tell("READY=1")
        }
        let now = clock.monotonic()
        if now < nextStatus {
            if let timer { deadlines.set(timer, at: nextStatus) }
            return
        }
        let text = summary.line
        guard text != saidStatus else { return }
        saidStatus = text
        nextStatus = now + 1_000_000_000
        tell("STATUS=\(text)")
    }

    /// Says that a reload begins; `notify` says when it is over.
    func reloadBegins() {
        guard let clock else { return }
        tell("RELOADING=1", "MONOTONIC_USEC=\(clock.monotonic().nanoseconds / 1000)")
        hasSaidReady = false
    }

    /// Sends assignments.
    private func tell(_ lines: String...) { send(lines.joined(separator: "\n")) }

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
}
