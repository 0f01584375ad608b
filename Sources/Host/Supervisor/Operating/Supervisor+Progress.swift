internal import HostCore
internal import HostSystem

/// How far long runs are, under the log on a terminal.
extension Supervisor {
    private static let progressPeriod: Int64 = 1_000_000_000
    /// Routines that are looked at; more do not fit in a line.
    private static let mostInProgress = 64

    /// Shows progress, when the log goes to a terminal.
    func beginProgress() {
        guard StandardStream.error.isTerminal, options.logFormat == .text else { return }
        operation.progressTimer = deadlines.make { [unowned self] now in showProgress(now) }
    }

    /// Something began or ended: looks whether there is progress to show.
    func lookForProgress() {
        guard let timer = operation.progressTimer, !operation.hasProgress else { return }
        guard routines.values.contains(where: { $0.session != nil && hasEnd($0) }) else { return }
        operation.hasProgress = true
        deadlines.set(timer, at: clock.monotonic() + Self.progressPeriod)
    }

    /// A session is over: how far it was is not shown under the line that says so.
    func endProgress(of record: SessionRecord) {
        if !log.footer.isEmpty, log.footer.contains(record.identifier) { log.footer = "" }
    }

    private func hasEnd(_ routine: RoutineEntry) -> Bool { routine.settings.maxCycles > 0 || routine.untilMs != nil }

    private func showProgress(_ now: Int64) {
        let bounded = routines.values.filter { $0.session != nil && hasEnd($0) }.sorted { $0.key < $1.key }
        let shown = bounded.prefix(Self.mostInProgress).map { status(of: [$0]) }
        log.footer = ProgressLine.text(
            shown, nowMs: clock.wall() / 1_000_000, width: max(20, TerminalSize.columnsOfError - 1))
        operation.hasProgress = !bounded.isEmpty
        if operation.hasProgress, let timer = operation.progressTimer {
            deadlines.set(timer, at: now + Self.progressPeriod)
        }
    }
}
