internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// Cycles whose concurrency is limited: each waits for the host's grant.
extension RoutineRunner {
    /// Asks the gate about a cycle that is due. Returns how the turn ends if the cycle must wait; nil if it may begin.
    @inline(__always)
    func stopAtGate(_ now: BootTime) -> RunPool.Turn? {
        switch session.gate.cycleIsDue() {
        case .enter: return nil
        case .ask(let number):
            let due = unsafe cell.pointee.schedule.due
            plugin.channel.send(.wantsTurn(slot: session.slot, session: session.id, number: number, due: due))
            return restAtGate(now)
        case .wait: return restAtGate(now)
        }
    }

    /// Ends the turn while waiting for the host. Notes that nothing is due, so that the supervisor does not take the
    /// waiting for a hang.
    private func restAtGate(_ now: BootTime) -> RunPool.Turn {
        // The plan decides once more at the grant: by then a later time may be due, or this one be too late.
        if unsafe cell.pointee.schedule.attempt == 1, times.giveBack() {
            unsafe cell.pointee.schedule.withhold(byPlan: true)
        }
        unsafe cell.pointee.ledger.waits(until: .never, cycle: cell.pointee.schedule.cycle)
        return .due(unsafe cell.pointee.schedule.clampToUntil(.never, now: now, wall: wall()))
    }

    /// Handles a turn while the host's answer is outstanding: runs the cycle if it was granted, withdraws the request
    /// if the cycle is no longer wanted, or continues to wait.
    func waitForGate() -> RunPool.Turn {
        let isWanted =
            unsafe !session.stopAsked && !cell.pointee.schedule.isPaused
            && !cell.pointee.schedule.hasReachedUntil(wall())
        if isWanted {
            guard session.gate.grant(requests.grantedNumber) else { return restAtGate(clock.boot()) }
            return unsafe cell.pointee.schedule.state == .running ? drive(.run) : drive()
        }
        leaveGate()
        unsafe cell.pointee.schedule.withhold(byPlan: false)
        return drive()
    }

    /// Tells the host, if necessary, that the cycle has ended, or does not begin after all.
    @inline(__always)
    func leaveGate() {
        if session.gate.leave() { plugin.channel.send(.turnOver(slot: session.slot, session: session.id)) }
    }
}
