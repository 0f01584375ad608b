public import HostValues

/// Decides when a routine is restarted and when it is quarantined: a pure state machine for each routine.
///
/// The supervisor reports events and performs the actions. The policy reads no clock: each event comes with the
/// monotonic time. Between events, nothing happens before `nextDeadline`, when `timerFired` is due. A value type, for
/// one thread at a time.
///
/// The two kinds of failure have different meanings. An error means that the environment is not as the routine needs
/// it: the routine is retried with a back-off, never more often than its own interval, for as long as necessary. A
/// death means that the code is wrong: too many deaths put the routine into quarantine.
///
/// The supervisor must report each end of a session exactly once: `sessionEnded` for a session that had started, and
/// `startFailed` for a requested start that was never reported as `started`. A decision of a hook must be reported
/// before the end of its session; it is ignored if the session is to end anyway.
public struct RestartPolicy: Sendable {
    /// The state of the routine.
    public enum State: Equatable, Sendable {
        /// The routine has not been started yet, or its file was removed.
        case idle
        /// The session was complete. Only a changed file or a person starts the routine again.
        case complete
        /// The routine was stopped by a person, by a hook, or with the host.
        case stopped
        /// The next start is due at this time.
        case waiting(until: MonotonicTime)
        /// A start was requested and has not been reported yet.
        case starting
        /// A session has been running since this time. `good` is whether it has had a successful cycle.
        case running(since: MonotonicTime, good: Bool)
        /// The session or start is to end; another session starts at once after that.
        case ending
        /// The routine is quarantined; see `quarantine`.
        case quarantined
    }

    /// The events that the supervisor reports.
    public enum Event: Equatable, Sendable {
        /// The file exists with this content: a key for its bytes, its configuration and the ABI. Must also be reported
        /// when the host starts.
        case fileChanged(content: String)
        /// A session has begun.
        case started
        /// The session has had a cycle without an error. Must be reported at least once a session, before the session's
        /// end.
        case goodCycle
        /// The session has ended. `cause` groups failures, for example `crash SIGSEGV in sample at line 12`.
        case sessionEnded(SessionEnd, cause: String)
        /// The session has ended with an error that repeats an earlier one: a cache did not ask its source again after
        /// a failure, and will not do so before this time.
        case errorRepeated(cause: String, until: MonotonicTime)
        /// The requested session could not begin. The fault says why: the plugin's `load` returned an error, the worker
        /// died, or the host could not provide one.
        case startFailed(FailureHistory.Fault, cause: String)
        /// The file could not be loaded. Only another file, or another library beside it, can change that.
        case loadError(String)
        /// A person wants the routine to run.
        case resumed
        /// A person wants a new session.
        case restartRequested
        /// A person wants the routine to stop permanently.
        case stopRequested
        /// A hook of the session wants the routine to stop permanently.
        case stopDecided
        /// A hook of the session puts the routine into quarantine.
        case quarantineDecided(why: String)
        /// The time of `nextDeadline` has come. Has no effect if it has not.
        case timerFired
        /// The start that is due would be after the routine's `until`, so there will be no further start.
        case tooLate
    }

    /// The actions for the supervisor, in the order of execution.
    public enum Action: Equatable, Sendable {
        /// Start a session now.
        case startNow
        /// Do nothing now; the start is due at this time. `nextDeadline` has changed.
        case startAt(MonotonicTime)
        /// Log the message of this quarantine, which begins at that time, and show the routine as quarantined. End its
        /// session if one is still running.
        case quarantine(Quarantine, at: MonotonicTime)
        /// Log that the quarantine is over. If the routine is to start, that is a separate action.
        case lift
        /// Log that the routine works again after these errors.
        case recover(FailureHistory.Row)
    }

    /// The settings. They may be changed at any time, and apply from the next event on.
    public var settings: RestartSettings {
        get { shared.value }
        set { shared = SharedRestartSettings(newValue) }
    }
    private var shared: SharedRestartSettings
    var content: String?
    /// How soon the next session may follow. It goes on where a routine's file or settings are replaced.
    public var pace = StartPace()
    private var troubles: Troubles?
    /// The state of the routine.
    public internal(set) var state = State.idle
    /// Whether a start was requested or a session runs whose end has not been reported yet.
    var isOpen = false
    /// Whether a person or a hook stopped the routine, rather than the host at its own end.
    var isStopLasting = false

    /// What most routines do not have. It is a separate object, since a host may have 100 000 routines; immutable, so that
    /// copies of the policy do not share changes.
    private final class Troubles: Sendable {
        let quarantine: Quarantine?
        let history: FailureHistory
        let look: Look?

        init?(_ quarantine: Quarantine?, _ history: FailureHistory, _ look: Look?) {
            if quarantine == nil, look == nil, history == FailureHistory() { return nil }
            self.quarantine = quarantine
            self.history = history
            self.look = look
        }
    }

    /// When to check next whether a probe, or a session after errors, is successful.
    struct Look: Sendable {
        let at: MonotonicTime
        /// The interval between checks in ns.
        let interval: Int64
    }

    /// The quarantine, which remains while a probe runs.
    public internal(set) var quarantine: Quarantine? {
        get { troubles?.quarantine }
        set { troubles = Troubles(newValue, history, look) }
    }
    /// The failures so far.
    var history: FailureHistory {
        get { troubles?.history ?? FailureHistory() }
        set { troubles = Troubles(quarantine, newValue, look) }
    }
    /// The next check; nil if nothing is to be proven.
    var look: Look? {
        get { troubles?.look }
        set { troubles = Troubles(quarantine, history, newValue) }
    }

    /// Creates the policy of a routine without history.
    public init(settings: RestartSettings = RestartSettings()) {
        self.init(shared: SharedRestartSettings(settings))
    }

    /// Creates the policy of a routine without history, with settings that other routines may share.
    public init(shared: SharedRestartSettings) {
        self.shared = shared
    }

    /// When `timerFired` is due; nil if only an external event can change anything.
    ///
    /// While `isOnProbation`, report `goodCycle` before `timerFired` if there was a successful cycle.
    public var nextDeadline: MonotonicTime? {
        switch state {
        case .waiting(let until): until
        case .quarantined: isOpen ? nil : quarantine?.probeAt
        case .running: isOnProbation ? look?.at : nil
        case .idle, .complete, .stopped, .starting, .ending: nil
        }
    }

    /// Whether the current or requested session is a probe of a quarantined routine.
    public var isProbing: Bool {
        switch state {
        case .starting, .running: quarantine != nil
        case .idle, .complete, .stopped, .waiting, .ending, .quarantined: false
        }
    }

    /// The current trouble: the row with the latest failure, if no success has ended it.
    public var trouble: FailureHistory.Row? { history.present }

    /// Whether a successful cycle of the current session would end a row of errors or a quarantine.
    public var isOnProbation: Bool {
        switch state {
        case .running(_, let good): quarantine != nil || (!good && history.row(.error) != nil)
        case .idle, .complete, .stopped, .waiting, .starting, .ending, .quarantined: false
        }
    }

    /// Handles an event at a monotonic time, and returns the actions. `random` provides the jitter.
    public mutating func handle(_ event: Event, at now: MonotonicTime, using random: inout some RandomNumberGenerator)
        -> [Action]
    {
        switch event {
        case .fileChanged(let content): fileChanged(to: content, at: now)
        case .started: started(at: now)
        case .goodCycle: goodCycle(at: now)
        case .sessionEnded(let end, let cause): sessionEnded(end, cause, at: now, using: &random)
        case .errorRepeated(let cause, let until): errorRepeated(cause, until, at: now)
        case .startFailed(let fault, let cause): startFailed(fault, cause, at: now, using: &random)
        case .loadError(let text): loadError(text, at: now)
        case .resumed: resumed(restarting: false, at: now)
        case .restartRequested: resumed(restarting: true, at: now)
        case .stopRequested: stopRequested()
        case .stopDecided: state == .ending ? [] : stopRequested()
        case .quarantineDecided(let why): quarantineDecided(why, at: now)
        case .timerFired: timerFired(at: now)
        case .tooLate: tooLate()
        }
    }

    // MARK: Events

    private mutating func fileChanged(to content: String, at now: MonotonicTime) -> [Action] {
        let isNew = content != self.content
        self.content = content
        guard isNew else { return state == .idle ? begin(at: now) : [] }
        let lifted = forget()
        switch state {
        case .idle, .complete, .stopped, .quarantined, .waiting:
            return lifted + beginOrWaitForEnd(at: now)
        case .starting, .running, .ending:
            state = .ending
            return lifted
        }
    }

    private mutating func started(at now: MonotonicTime) -> [Action] {
        switch state {
        case .idle, .complete, .waiting, .starting:
            state = .running(since: now, good: false)
            let shortage = history.end(.host)
            // A probe must live for the reset time. After errors a single successful cycle suffices, and the first
            // check is soon.
            let interval = quarantine == nil ? 1_000_000_000 : Int64(nanosecondsFrom: settings.resetAfterMs)
            look = isOnProbation ? Look(at: now + interval, interval: max(interval, 1_000_000_000)) : nil
            isOpen = true
            return shortage.map { [.recover($0)] } ?? []
        case .stopped, .quarantined, .ending:
            isOpen = true
            return []
        case .running: return []
        }
    }

    private mutating func goodCycle(at now: MonotonicTime) -> [Action] {
        switch state {
        case .running(let since, _):
            state = .running(since: since, good: true)
            var actions: [Action] = []
            if let errors = history.end(.error) { actions.append(.recover(errors)) }
            return actions + acquit(at: now)
        case .idle, .complete, .stopped, .waiting, .starting, .ending, .quarantined: return []
        }
    }

    private mutating func sessionEnded(
        _ end: SessionEnd, _ cause: String, at now: MonotonicTime, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        isOpen = false
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return []
        case .ending: return begin(at: now)
        case .starting, .running: return concluded(end, cause, at: now, using: &random)
        }
    }

    private mutating func errorRepeated(_ cause: String, _ until: MonotonicTime, at now: MonotonicTime) -> [Action] {
        isOpen = false
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return []
        case .ending: return begin(at: now)
        case .starting, .running: return repeated(cause, until, at: now)
        }
    }

    private mutating func startFailed(
        _ fault: FailureHistory.Fault, _ cause: String, at now: MonotonicTime,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        isOpen = false
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return []
        case .ending: return begin(at: now)
        case .starting, .running: return failed(fault, cause, at: now, using: &random)
        }
    }

    private mutating func loadError(_ text: String, at now: MonotonicTime) -> [Action] {
        isOpen = false
        switch state {
        case .complete, .stopped, .quarantined: return []
        case .ending: return begin(at: now)
        case .idle, .waiting, .starting, .running:
            return shutOut("a load error (\(oneLine(text, limit: 300)))", isProbed: true, at: now)
        }
    }

    private mutating func resumed(restarting: Bool, at now: MonotonicTime) -> [Action] {
        let lifted = forget()
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return lifted + beginOrWaitForEnd(at: now)
        case .starting, .running:
            if restarting { state = .ending }
            return lifted
        case .ending: return lifted
        }
    }

    private mutating func stopRequested() -> [Action] {
        let lifted = forget()
        state = .stopped
        isStopLasting = true
        return lifted
    }

    private mutating func quarantineDecided(_ why: String, at now: MonotonicTime) -> [Action] {
        switch state {
        case .stopped, .quarantined, .ending: return []
        case .idle, .complete, .waiting, .starting, .running: return shutOut(byHook: why, at: now)
        }
    }

    private mutating func tooLate() -> [Action] {
        switch state {
        case .waiting:
            state = .complete
            return forget()
        case .idle, .complete, .stopped, .starting, .running, .ending, .quarantined: return []
        }
    }

    private mutating func timerFired(at now: MonotonicTime) -> [Action] {
        switch state {
        case .waiting(let until): return now >= until ? begin(at: now) : []
        case .quarantined:
            guard let probeAt = quarantine?.probeAt, now >= probeAt, !isOpen else { return [] }
            return begin(at: now)
        case .running:
            guard isOnProbation, let last = look, now >= last.at else { return [] }
            if isProven(at: now) { return acquit(at: now) }
            // The interval between checks doubles, so that a slow routine does not keep waking the host.
            let interval = last.interval.clampedPlus(last.interval)
            look = Look(at: now + interval, interval: interval)
            return []
        case .idle, .complete, .stopped, .starting, .ending: return []
        }
    }
}
