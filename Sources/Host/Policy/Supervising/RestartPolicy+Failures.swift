internal import HostValues

/// What follows from the end of a session. `FailureHistory` counts the failures.
extension RestartPolicy {
    /// Orders a start, at once or as soon as the pace allows. Who sets the longest delay to 0 wants no pace either; a
    /// plugin cannot set that itself.
    mutating func begin(at now: MonotonicTime) -> [Action] {
        if settings.maxDelayMs > 0, let later = pace.delay(at: now) {
            isStopLasting = false
            state = .waiting(until: later)
            return [.startAt(later)]
        }
        state = .starting
        isOpen = true
        isStopLasting = false
        return [.startNow]
    }

    /// Orders a start, but not before the session that still runs has ended.
    mutating func beginOrWaitForEnd(at now: MonotonicTime) -> [Action] {
        guard isOpen else { return begin(at: now) }
        state = .ending
        isStopLasting = false
        return []
    }

    /// Clears all failures and the quarantine.
    mutating func forget() -> [Action] {
        history = FailureHistory()
        let wasQuarantined = quarantine != nil
        quarantine = nil
        return wasQuarantined ? [.lift] : []
    }

    /// Whether the current session has lived long enough, with a successful cycle.
    func isProven(at now: MonotonicTime) -> Bool {
        guard case .running(let since, true) = state else { return false }
        return now - since >= Int64(nanosecondsFrom: settings.resetAfterMs)
    }

    /// Ends the row of deaths, and a quarantine, if the current session has proven itself.
    mutating func acquit(at now: MonotonicTime) -> [Action] {
        guard isProven(at: now) else { return [] }
        history.end(.death)
        return quarantine == nil ? [] : forget()
    }

    mutating func concluded(
        _ end: SessionEnd, _ cause: String, at now: MonotonicTime, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        switch end {
        case .maxCycles, .until, .endedByRoutine:
            history.endRows()
            state = .complete
            // A probe that completes its session has proven itself.
            return quarantine == nil ? [] : forget()
        case .stopped:
            state = .stopped
            return []
        case .removed:
            state = .idle
            return []
        case .peerFailed, .reloaded, .hostDied, .leaseLost, .handedOver: return begin(at: now)
        case .error: return failed(.error, cause, at: now, using: &random)
        case .crash, .exit, .timeout: return failed(.death, cause, at: now, using: &random)
        case .quarantined: return shutOut(byHook: cause, at: now)
        }
    }

    mutating func failed(
        _ fault: FailureHistory.Fault, _ cause: String, at now: MonotonicTime,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        let ahead = timeAhead(at: now)
        let actions = acquit(at: now)
        if fault == .death, quarantine != nil {
            return shutOut("its probe failed (\(oneLine(cause, limit: 200)))", isProbed: true, at: now)
        }
        switch history.note(fault, cause, ahead: ahead, at: now, by: settings, using: &random) {
        case .wait(let delay): return actions + wait(delay, at: now)
        case .tooManyDeaths(let why): return actions + shutOut(why, isProbed: true, at: now)
        }
    }

    /// Takes an error for which the source was not asked: the next session starts when the source may be asked again.
    mutating func repeated(_ cause: String, _ until: MonotonicTime, at now: MonotonicTime) -> [Action] {
        let ahead = timeAhead(at: now)
        let actions = acquit(at: now)
        return actions
            + wait(history.noteRepeated(cause, until: until, ahead: ahead, at: now, by: settings), at: now)
    }

    /// How long the next session will wait before its first cycle anyway, in ns, so that it may start earlier by that
    /// time. It is one interval if the session that ends now has waited as well. A session that failed sooner may have
    /// asked its source before its first cycle.
    private func timeAhead(at now: MonotonicTime) -> Int64 {
        guard settings.waitsFirst, case .running(let since, _) = state else { return 0 }
        let interval = Int64(nanosecondsFrom: settings.intervalMs)
        return now - since >= interval / 2 ? interval : 0
    }

    private mutating func wait(_ delay: Int64, at now: MonotonicTime) -> [Action] {
        if delay <= 0 { return begin(at: now) }
        let start = now + delay
        state = .waiting(until: start)
        return [.startAt(start)]
    }

    mutating func shutOut(byHook why: String, at now: MonotonicTime) -> [Action] {
        shutOut("its error hook's decision (\(oneLine(why, limit: 300)))", isProbed: false, at: now)
    }

    /// Puts the routine into quarantine. If the previous quarantine was on trial, the next probe is delayed further.
    mutating func shutOut(_ why: String, isProbed: Bool, at now: MonotonicTime) -> [Action] {
        let next = Quarantine(why, after: quarantine, isProbed: isProbed, by: settings, at: now)
        quarantine = next
        state = .quarantined
        history = FailureHistory()
        return [.quarantine(next, at: now)]
    }
}
