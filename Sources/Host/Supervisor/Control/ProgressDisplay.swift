internal import HostSystem
internal import HostValues
internal import HostViews

/// Shows the progress of long runs below the log on a terminal.
final class ProgressDisplay {
    private static let period: Int64 = 1_000_000_000
    /// The number of routines considered; no more fit into a line.
    private static let most = 64

    private unowned let host: any ControlledHost
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let log: any ConsoleLog
    private var timer: Deadlines.Timer?
    /// Whether the display is active.
    private var isShown = false

    init(_ host: any ControlledHost, deadlines: Deadlines, clock: any HostClock, log: any ConsoleLog) {
        self.host = host
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
        timer = deadlines.make { [unowned self] now in show(now) }
    }

    /// Starts the display if there is progress to show. Call it when something has begun or ended.
    func look() {
        guard !isShown, let timer, host.hasProgress else { return }
        isShown = true
        deadlines.set(timer, at: clock.monotonic() + Self.period)
    }

    /// Clears the display if it shows a session that has ended, so that its progress does not stand below the log line
    /// about the end.
    func sessionEnds(_ identifier: String) {
        if !log.footer.isEmpty, log.footer.contains(identifier) { log.footer = "" }
    }

    private func show(_ now: MonotonicTime) {
        let routines = host.progress(most: Self.most)
        log.footer = ProgressLine.text(
            routines, nowMs: clock.wallMilliseconds(), width: max(20, TerminalSize.columnsOfError - 1))
        isShown = !routines.isEmpty
        if isShown, let timer { deadlines.set(timer, at: now + Self.period) }
    }
}
