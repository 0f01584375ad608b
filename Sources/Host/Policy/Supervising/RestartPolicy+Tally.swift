public import HostValues

/// Saves and restores the policy between hosts, and adapts it to a reworded configuration.
extension RestartPolicy {
    /// Restores a routine that an earlier host saved; impossible values in the tally are clamped.
    ///
    /// The routine starts, or stays quarantined or stopped, at its first `fileChanged`, whose content is compared with
    /// that of the tally. `now` and `wall` must be the same moment.
    public init(
        shared: SharedRestartSettings = SharedRestartSettings(RestartSettings()),
        restoring tally: RoutineTally, at now: MonotonicTime, wall: WallTime
    ) {
        self.init(shared: shared)
        let moment = RoutineTally.Moment(now: now, wall: wall)
        content = tally.content
        history = FailureHistory(restoring: tally, by: settings, at: moment)
        if let old = tally.quarantine {
            quarantine = Quarantine(restoring: old, by: settings, at: moment)
            state = .quarantined
        } else if tally.stopped {
            isStopLasting = true
            state = .stopped
        }
    }

    /// The data that the next host must know; nil if there is none. Times as for `init(restoring:)`. The policy does
    /// not know about a pause; its owner passes it, so that the tally includes it.
    public func tally(at now: MonotonicTime, wall: WallTime, isPaused: Bool = false) -> RoutineTally? {
        let isStopped = state == .stopped && isStopLasting
        guard let content, history != FailureHistory() || isStopped || quarantine != nil || isPaused else {
            return nil
        }
        let moment = RoutineTally.Moment(now: now, wall: wall)
        let (failures, rows) = history.saved(at: moment)
        return RoutineTally(
            content: content, failures: failures, rows: rows, stopped: isStopped,
            quarantine: quarantine.map { $0.saved(at: moment) }, paused: isPaused ? true : nil)
    }

    /// Replaces the key of the content, because the configuration expresses the same settings differently. Nothing is
    /// started and no failure is cleared. Returns whether the key has changed, so that the tally must be saved.
    public mutating func renamed(to content: String) -> Bool {
        guard self.content != nil, self.content != content else { return false }
        self.content = content
        return true
    }
}
