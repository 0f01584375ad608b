internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// Cycles of which only so many may run at once: each waits for the host's word.
extension RoutineRunner {
    /// How the turn ends before a cycle that is due and may not begin yet; nil: it begins.
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

    /// Nothing of the plugin's is due for as long as the others take: nobody is to think that this worker stands still.
    private func restAtGate(_ now: BootTime) -> RunPool.Turn {
        unsafe cell.pointee.ledger.waits(until: .never, cycle: cell.pointee.schedule.cycle)
        return .due(unsafe cell.pointee.schedule.clampToUntil(.never, now: now, wall: wall()))
    }

    /// A turn while the host has not answered: it has, or the cycle is not wanted any more, or it goes on waiting.
    func waitForGate() -> RunPool.Turn {
        if session.gate.grant(requests.grantedNumber) { return drive(.run) }
        let isWanted =
            unsafe !session.stopAsked && !cell.pointee.schedule.isPaused
            && !cell.pointee.schedule.hasReachedUntil(wall())
        if isWanted { return restAtGate(clock.boot()) }
        leaveGate()
        unsafe cell.pointee.schedule.withhold()
        return drive()
    }

    /// The cycle is over, or not wanted any more.
    @inline(__always)
    func leaveGate() {
        if session.gate.leave() { plugin.channel.send(.turnOver(slot: session.slot, session: session.id)) }
    }
}
