/// What a session's end means, and how failures add up.
extension RestartPolicy {
    /// Orders a start.
    mutating func begin() -> [Action] {
        state = .starting
        isOpen = true
        isStopLasting = false
        return [.startNow]
    }

    /// Orders a start, but not before the session that still runs has ended.
    mutating func beginOrWaitForEnd() -> [Action] {
        guard isOpen else { return begin() }
        state = .ending
        isStopLasting = false
        return []
    }

    /// A clean slate: no failures, no quarantine.
    mutating func forget() -> [Action] {
        failures = []
        streak = 0
        let wasQuarantined = quarantine != nil
        quarantine = nil
        return wasQuarantined ? [.lift] : []
    }

    /// Whether the session that runs has shown that it is well.
    func isProven(at now: Int64) -> Bool {
        guard case .running(let since, true) = state else { return false }
        return now.clampedMinus(since) >= Int64(nanosecondsFrom: settings.resetAfterMs)
    }

    mutating func concluded(
        _ ending: Ending, _ cause: String, at now: Int64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        switch ending {
        case .maxCycles, .until, .endedByRoutine:
            streak = 0
            state = .complete
            // A probe that reached its end has proved itself.
            return quarantine == nil ? [] : forget()
        case .stopped:
            state = .stopped
            return []
        case .removed:
            state = .idle
            return []
        case .peerFailed, .reloaded, .hostDied: return begin()
        case .error, .crash, .exit, .timeout: return failed(cause, at: now, using: &random)
        case .quarantined:
            return shutOut("its error hook's decision (\(oneLine(cause, limit: 300)))", probing: false, at: now)
        }
    }

    mutating func failed(_ cause: String, at now: Int64, using random: inout some RandomNumberGenerator) -> [Action] {
        let cause = oneLine(cause, limit: 200)
        var actions: [Action] = []
        if isProven(at: now) {
            streak = 0
            if quarantine != nil { actions = forget() }
        }
        if quarantine != nil {
            return shutOut("its probe failed (\(cause))", probing: true, at: now)
        }
        failures.append(Failure(at: now, cause: cause))
        failures.removeFirst(max(0, failures.count - settings.failuresKept))
        streak = min(streak, 1_000) + 1
        if let why = verdict(on: cause, at: now) {
            return actions + shutOut(why, probing: true, at: now)
        }
        let delay = jittered(settings.delayMs(streak: streak), using: &random)
        if delay <= 0 { return actions + begin() }
        let start = now.clampedPlus(delay)
        state = .waiting(until: start)
        return actions + [.startAt(start)]
    }

    /// Why the failures so far are too many, or nil when they are not.
    private func verdict(on cause: String, at now: Int64) -> String? {
        let same = count(within: settings.sameCauseWindowMs, at: now) { $0.cause == cause }
        if settings.sameCauseFailures > 0, same >= settings.sameCauseFailures {
            let window = spoken(milliseconds: settings.sameCauseWindowMs)
            return "\(same) failures within \(window) for the same cause (\(cause))"
        }
        let all = count(within: settings.anyCauseWindowMs, at: now) { _ in true }
        if settings.anyCauseFailures > 0, all >= settings.anyCauseFailures {
            let window = spoken(milliseconds: settings.anyCauseWindowMs)
            return "\(all) failures within \(window) (the last: \(cause))"
        }
        return nil
    }

    private func count(within milliseconds: UInt64, at now: Int64, where matches: (Failure) -> Bool) -> UInt64 {
        let window = Int64(nanosecondsFrom: milliseconds)
        return failures.reduce(0) { count, failure in
            now.clampedMinus(failure.at) <= window && matches(failure) ? count + 1 : count
        }
    }

    /// A delay in nanoseconds, varied to either side.
    private func jittered(_ milliseconds: UInt64, using random: inout some RandomNumberGenerator) -> Int64 {
        let part = Double(min(settings.jitterPercent, 100)) / 100
        let factor = part == 0 ? 1 : Double.random(in: 1 - part...1 + part, using: &random)
        let delay = Double(Int64(nanosecondsFrom: milliseconds)) * factor
        return Int64(exactly: delay.rounded()) ?? .max
    }

    /// Shuts the routine out; a quarantine that was on trial goes to the next step.
    mutating func shutOut(_ why: String, probing: Bool, at now: Int64) -> [Action] {
        let step = quarantine.map { min($0.step, 1_000) + 1 } ?? 0
        let delay = probing ? settings.probeDelayMs(step: step) : nil
        quarantine = Quarantine(
            why: why, probeAt: delay.map { now.clampedPlus(Int64(nanosecondsFrom: $0)) }, step: step)
        state = .quarantined
        failures = []
        streak = 0
        let next =
            delay.map { "the host tries it again in \(spoken(milliseconds: $0))" } ?? "the host does not retry it"
        return [
            .quarantine(
                message: "\(id) is quarantined: \(why); replace its file, or run `schedhost resume \(id)`; \(next)")
        ]
    }
}
