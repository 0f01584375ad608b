internal import HostValues

/// What a session's end means, and how failures add up.
extension RestartPolicy {
    /// Whose failure it is.
    public enum Fault: String, CaseIterable, Sendable {
        /// The world's: a callback returned an error. The code is well, and is tried for as long as it takes.
        case error
        /// The code's: it crashed, left or hung.
        case death
        /// The host's own: it lacked disk, descriptors or memory. Counts against nobody.
        case host
    }

    /// Failures of one kind in a row.
    public struct Trouble: Equatable, Sendable {
        /// Which kind.
        public let fault: Fault
        /// When the row began, monotonic.
        public let since: Int64
        /// How many there were.
        public internal(set) var count: Int
        /// The last one's cause, in one line.
        public internal(set) var cause: String
    }

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
        troubles = []
        return lift()
    }

    private mutating func lift() -> [Action] {
        let wasQuarantined = quarantine != nil
        quarantine = nil
        return wasQuarantined ? [.lift] : []
    }

    /// Whether the session that runs has shown that it is well.
    func isProven(at now: Int64) -> Bool {
        guard case .running(let since, true) = state else { return false }
        return now.clampedMinus(since) >= Int64(nanosecondsFrom: settings.resetAfterMs)
    }

    /// A session that has shown that it is well ends the row of deaths, and a quarantine.
    mutating func acquit(at now: Int64) -> [Action] {
        guard isProven(at: now) else { return [] }
        endTrouble(.death)
        return quarantine == nil ? [] : forget()
    }

    /// One more of its kind; returns how many in a row that makes.
    private mutating func note(_ fault: Fault, _ cause: String, at now: Int64) -> Int {
        var trouble =
            troubles.first { $0.fault == fault } ?? Trouble(fault: fault, since: now, count: 0, cause: "")
        trouble.count = min(trouble.count, 1_000_000) + 1
        trouble.cause = cause
        endTrouble(fault)
        troubles.append(trouble)
        return trouble.count
    }

    /// The row of that kind is over.
    mutating func endTrouble(_ fault: Fault) { troubles.removeAll { $0.fault == fault } }

    mutating func concluded(
        _ ending: Ending, _ cause: String, at now: Int64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        switch ending {
        case .maxCycles, .until, .endedByRoutine:
            troubles = []
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
        case .error: return failed(.error, cause, at: now, using: &random)
        case .crash, .exit, .timeout: return failed(.death, cause, at: now, using: &random)
        case .quarantined:
            return shutOut("its error hook's decision (\(oneLine(cause, limit: 300)))", probing: false, at: now)
        }
    }

    mutating func failed(
        _ fault: Fault, _ cause: String, at now: Int64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        let cause = oneLine(cause, limit: 200)
        let actions = acquit(at: now)
        let inRow = note(fault, cause, at: now)
        switch fault {
        case .error:
            // The interval bounds it from below after the jitter, so that a source is never asked more often than it is
            // when all is well.
            let backOff = jittered(settings.backOffMs(step: inRow), using: &random)
            return actions + wait(max(backOff, Int64(nanosecondsFrom: settings.intervalMs)), at: now)
        case .host:
            return actions + wait(jittered(settings.shortageDelayMs, using: &random), at: now)
        case .death:
            if quarantine != nil {
                return shutOut("its probe failed (\(cause))", probing: true, at: now)
            }
            failures.append(Failure(at: now, cause: cause))
            failures.removeFirst(max(0, failures.count - settings.failuresKept))
            if let why = verdict(on: cause, at: now) {
                return actions + shutOut(why, probing: true, at: now)
            }
            return actions + wait(jittered(settings.backOffMs(step: inRow - 1), using: &random), at: now)
        }
    }

    /// The source was not asked: that adds nothing to the row, and the next session begins when it may be asked again.
    mutating func repeated(_ cause: String, _ until: Int64, at now: Int64) -> [Action] {
        let actions = acquit(at: now)
        if !troubles.contains(where: { $0.fault == .error }) { _ = note(.error, oneLine(cause, limit: 200), at: now) }
        let delay = min(until.clampedMinus(now), Int64(nanosecondsFrom: settings.maxDelayMs))
        return actions + wait(max(delay, Int64(nanosecondsFrom: settings.intervalMs), 1), at: now)
    }

    private mutating func wait(_ delay: Int64, at now: Int64) -> [Action] {
        if delay <= 0 { return begin() }
        let start = now.clampedPlus(delay)
        state = .waiting(until: start)
        return [.startAt(start)]
    }

    /// Why the deaths so far are too many, or nil when they are not.
    private func verdict(on cause: String, at now: Int64) -> String? {
        let same = count(within: settings.sameCauseWindowMs, at: now) { $0.cause == cause }
        if settings.sameCauseFailures > 0, same >= settings.sameCauseFailures {
            let window = spoken(milliseconds: settings.sameCauseWindowMs)
            return "it died \(same) times within \(window) for the same cause (\(cause))"
        }
        let all = count(within: settings.anyCauseWindowMs, at: now) { _ in true }
        if settings.anyCauseFailures > 0, all >= settings.anyCauseFailures {
            let window = spoken(milliseconds: settings.anyCauseWindowMs)
            return "it died \(all) times within \(window) (the last: \(cause))"
        }
        return nil
    }

    private func count(within milliseconds: UInt64, at now: Int64, where matches: (Failure) -> Bool) -> UInt64 {
        let window = Int64(nanosecondsFrom: milliseconds)
        return failures.reduce(0) { count, failure in
            now.clampedMinus(failure.at) <= window && matches(failure) ? count + 1 : count
        }
    }

    /// A delay in nanoseconds, varied to either side, and never above the greatest delay.
    private func jittered(_ milliseconds: UInt64, using random: inout some RandomNumberGenerator) -> Int64 {
        let part = Double(min(settings.jitterPercent, 100)) / 100
        let factor = part == 0 ? 1 : Double.random(in: 1 - part...1 + part, using: &random)
        let delay = Double(Int64(nanosecondsFrom: milliseconds)) * factor
        let most = Int64(nanosecondsFrom: max(settings.maxDelayMs, settings.shortageDelayMs))
        return min(Int64(exactly: delay.rounded()) ?? .max, most)
    }

    /// Shuts the routine out; a quarantine that was on trial goes to the next step.
    mutating func shutOut(_ why: String, probing: Bool, at now: Int64) -> [Action] {
        let step = quarantine.map { min($0.step, 1_000) + 1 } ?? 0
        let delay = probing ? settings.probeDelayMs(step: step) : nil
        quarantine = Quarantine(
            why: why, probeAt: delay.map { now.clampedPlus(Int64(nanosecondsFrom: $0)) }, step: step)
        state = .quarantined
        failures = []
        troubles = []
        let next =
            delay.map { "the host tries it again in \(spoken(milliseconds: $0))" } ?? "the host does not retry it"
        return [
            .quarantine(
                message: "\(id) is quarantined: \(why); replace its file, or run `schedhost resume \(id)`; \(next)")
        ]
    }
}
