public import HostValues

/// What of the policy goes from host to host, and from one wording of the configuration to the next.
extension RestartPolicy {
    /// A routine as an earlier host left it; what is absurd in the tally is clamped to what can be.
    ///
    /// It starts, or stays shut out or stopped, at its first `fileChanged`, which it compares with the tally's content.
    /// `now` and `wall` are the same moment.
    public init(
        id: String, settings: RestartSettings = RestartSettings(), restoring tally: RoutineTally, at now: MonotonicTime,
        wall: WallTime
    ) {
        self.init(id: id, settings: settings)
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

    /// What the next host must know, or nil when there is nothing to tell. Times as for `init(restoring:)`. A pause is
    /// not the policy's: the tally carries it for whoever holds it.
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

    /// The same file and the same settings are kept under another key from now on, since the configuration says them in other
    /// words: nothing starts or is forgiven by that. True when the key is another one, so that the tally wants to be saved.
    public mutating func renamed(to content: String) -> Bool {
        guard self.content != nil, self.content != content else { return false }
        self.content = content
        return true
    }
}
