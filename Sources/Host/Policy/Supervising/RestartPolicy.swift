public import HostValues

/// Decides when a routine is started again, and when it is shut out: one pure state machine for each routine.
///
/// The supervisor tells it what happened and does what it answers. It reads no clock: every event comes with the
/// monotonic time in nanoseconds. Between events nothing needs doing before `nextDeadline`; then `timerFired` is due.
/// A value type, for one thread at a time.
///
/// Two kinds of failure mean different things. An error says that the world is not as the routine needs it: it is tried
/// again with a back-off, never more often than its own interval, for as long as it takes. A death says that the code is
/// wrong: too many of them shut the routine out.
///
/// The supervisor tells each end of a session once: `sessionEnded` for a routine whose session had started, and
/// `startFailed` for one whose start was ordered and never reported. What a hook decided
/// comes before the end of its session; in a session that is to end anyway it counts no more.
public struct RestartPolicy: Sendable {
    /// Where the routine stands.
    public enum State: Equatable, Sendable {
        /// Not started yet, or its file was removed.
        case idle
        /// Its session was complete: it starts again for a changed file or a person only.
        case complete
        /// Stopped by a person, by a hook's decision or with the host.
        case stopped
        /// Its start is due at that time.
        case waiting(until: MonotonicTime)
        /// A start was ordered and is not reported yet.
        case starting
        /// A session runs since that monotonic time; `good` once it had a good cycle.
        case running(since: MonotonicTime, good: Bool)
        /// Its session or start is to end, and another one begins at once after that.
        case ending
        /// Shut out; see `quarantine`.
        case quarantined
    }

    /// What the supervisor tells.
    public enum Event: Equatable, Sendable {
        /// The file is there, with this content: a key of its bytes, its configuration and the ABI. Told at start too.
        case fileChanged(content: String)
        /// A session began.
        case started
        /// The session had a cycle without an error. Telling it once a session is enough, at the latest before its end.
        case goodCycle
        /// The session ended. `cause` groups failures: such as `crash SIGSEGV in sample at line 12`.
        case sessionEnded(SessionEnd, cause: String)
        /// The session ended by an error that is no new one: a cache did not ask its source again so soon after a failure,
        /// and will not before that monotonic time.
        case errorRepeated(cause: String, until: MonotonicTime)
        /// The ordered session could not begin, and whose fault that is: its plugin's `load` returned an error, the worker
        /// died, or the host had none.
        case startFailed(FailureHistory.Fault, cause: String)
        /// The file could not be loaded: nothing changes that but another file, here or beside it.
        case loadError(String)
        /// A person wants it to run.
        case resumed
        /// A person wants a new session.
        case restartRequested
        /// A person wants it to stop, and to stay so.
        case stopRequested
        /// A hook of the session wants the same.
        case stopDecided
        /// A hook of the session shut the routine out.
        case quarantineDecided(why: String)
        /// The time of `nextDeadline` has come. Harmless when it has not.
        case timerFired
        /// The start that is due would come after the routine's `until`: there is none any more.
        case tooLate
    }

    /// What the supervisor is to do, in this order.
    public enum Action: Equatable, Sendable {
        /// Start a session now.
        case startNow
        /// Nothing now: the start is due at that time. A new `nextDeadline`.
        case startAt(MonotonicTime)
        /// Log this line and show the routine as quarantined. A session that still runs is to be ended.
        case quarantine(message: String)
        /// Log that the quarantine is over; the start, if any, is an action of its own.
        case lift
        /// Log that it is good again after these errors.
        case recover(FailureHistory.Row)
    }

    /// The routine's id, `plugin/routine`, for messages.
    public let id: String
    /// The numbers; may be changed at any time, and hold from the next event on.
    public var settings: RestartSettings
    /// Where the routine stands.
    public internal(set) var state = State.idle
    /// The quarantine, also while a probe runs.
    public internal(set) var quarantine: Quarantine?

    var content: String?
    /// What went wrong, and what the next failure leads to.
    var history = FailureHistory()
    /// A start was ordered or a session runs, and its end was not told yet.
    var isOpen = false
    /// The stop is a person's or a hook's, not the host's own end.
    var isStopLasting = false
    /// While a probe runs, or a session after errors: when to look whether it is good, and the time between looks.
    var look: (at: MonotonicTime, interval: Int64)?

    /// A routine that was never seen before.
    public init(id: String, settings: RestartSettings = RestartSettings()) {
        self.id = id
        self.settings = settings
    }

    /// The monotonic time at which `timerFired` is due, or nil when only an event from outside can change anything.
    ///
    /// While `isDoubted`, tell `goodCycle` before `timerFired` if there was one.
    public var nextDeadline: MonotonicTime? {
        switch state {
        case .waiting(let until): until
        case .quarantined: isOpen ? nil : quarantine?.probeAt
        case .running: isDoubted ? look?.at : nil
        case .idle, .complete, .stopped, .starting, .ending: nil
        }
    }

    /// Whether the session that runs, or is about to, is a probe of a quarantined routine.
    public var isProbing: Bool {
        switch state {
        case .starting, .running: quarantine != nil
        case .idle, .complete, .stopped, .waiting, .ending, .quarantined: false
        }
    }

    /// What goes wrong at present: the latest row of failures that nothing good has ended yet.
    public var trouble: FailureHistory.Row? { history.present }

    /// Whether a session runs of which a good cycle would be news: it would end a row of errors, or a quarantine.
    public var isDoubted: Bool {
        switch state {
        case .running(_, let good): quarantine != nil || (!good && history.row(.error) != nil)
        case .idle, .complete, .stopped, .waiting, .starting, .ending, .quarantined: false
        }
    }

    /// Takes one event at a monotonic time; returns what to do. `random` makes the jitter.
    public mutating func handle(_ event: Event, at now: MonotonicTime, using random: inout some RandomNumberGenerator)
        -> [Action]
    {
        switch event {
        case .fileChanged(let content): fileChanged(to: content)
        case .started: started(at: now)
        case .goodCycle: goodCycle(at: now)
        case .sessionEnded(let end, let cause): sessionEnded(end, cause, at: now, using: &random)
        case .errorRepeated(let cause, let until): errorRepeated(cause, until, at: now)
        case .startFailed(let fault, let cause): startFailed(fault, cause, at: now, using: &random)
        case .loadError(let text): loadError(text, at: now)
        case .resumed: resumed(restarting: false)
        case .restartRequested: resumed(restarting: true)
        case .stopRequested: stopRequested()
        case .stopDecided: state == .ending ? [] : stopRequested()
        case .quarantineDecided(let why): quarantineDecided(why, at: now)
        case .timerFired: timerFired(at: now)
        case .tooLate: tooLate()
        }
    }

    // MARK: Each event in every state

    private mutating func fileChanged(to content: String) -> [Action] {
        let isNew = content != self.content
        self.content = content
        guard isNew else { return state == .idle ? begin() : [] }
        let lifted = forget()
        switch state {
        case .idle, .complete, .stopped, .quarantined, .waiting:
            return lifted + beginOrWaitForEnd()
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
            // A probe has to live for that long; after errors one good cycle will do, and the first comes at once.
            let interval = quarantine == nil ? 1_000_000_000 : Int64(nanosecondsFrom: settings.resetAfterMs)
            look = (now + interval, max(interval, 1_000_000_000))
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
        case .ending: return begin()
        case .starting, .running: return concluded(end, cause, at: now, using: &random)
        }
    }

    private mutating func errorRepeated(_ cause: String, _ until: MonotonicTime, at now: MonotonicTime) -> [Action] {
        isOpen = false
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return []
        case .ending: return begin()
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
        case .ending: return begin()
        case .starting, .running: return failed(fault, cause, at: now, using: &random)
        }
    }

    private mutating func loadError(_ text: String, at now: MonotonicTime) -> [Action] {
        isOpen = false
        switch state {
        case .complete, .stopped, .quarantined: return []
        case .ending: return begin()
        case .idle, .waiting, .starting, .running:
            return shutOut("a load error (\(oneLine(text, limit: 300)))", isProbed: true, at: now)
        }
    }

    private mutating func resumed(restarting: Bool) -> [Action] {
        let lifted = forget()
        switch state {
        case .idle, .complete, .stopped, .waiting, .quarantined: return lifted + beginOrWaitForEnd()
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
        case .waiting(let until): return now >= until ? begin() : []
        case .quarantined:
            guard let probeAt = quarantine?.probeAt, now >= probeAt, !isOpen else { return [] }
            return begin()
        case .running:
            guard isDoubted, let last = look, now >= last.at else { return [] }
            if isProven(at: now) { return acquit(at: now) }
            // Each look is twice as far away as the one before: a slow routine does not keep the host awake.
            let interval = last.interval.clampedPlus(last.interval)
            look = (now + interval, interval)
            return []
        case .idle, .complete, .stopped, .starting, .ending: return []
        }
    }
}
