internal import HostSystem
internal import HostValues
internal import HostViews

/// How far long runs are, under the log on a terminal.
final class ProgressDisplay {
    private static let period: Int64 = 1_000_000_000
    /// Routines that are looked at; more do not fit in a line.
    private static let most = 64

    private unowned let host: any ControlledHost
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let log: any ConsoleLog
    private var timer: Deadlines.Timer?
    /// Whether there is any.
    private var isShown = false

    init(_ host: any ControlledHost, deadlines: Deadlines, clock: any HostClock, log: any ConsoleLog) {
        self.host = host
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
        timer = deadlines.make { [unowned self] now in show(now) }
    }

    /// Something began or ended: looks whether there is progress to show.
    func look() {
        guard !isShown, let timer, host.hasProgress else { return }
        isShown = true
        deadlines.set(timer, at: clock.monotonic() + Self.period)
    }

    /// A session is over: how far it was is not shown under the line that says so.
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
