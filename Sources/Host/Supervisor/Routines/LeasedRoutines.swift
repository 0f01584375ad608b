internal import HostCluster
internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// The routines that run on one host only: whether this host is to have them, and what its leases mean for their sessions.
struct LeasedRoutines {
    let book: RoutineBook

    /// Whether this host is to hold a claim.
    enum Wish: Equatable {
        case wanted(ClaimWish)
        /// The routine does not run here at present, for that reason.
        case unwanted(ClaimMachine.Departure)
        /// There is no such routine here any more, or not at the moment.
        case absent
    }

    /// What has changed since the last call of what this host is to hold. While a plugin is replaced, its claims stay.
    func takeWishes() -> [ClaimName: Wish] {
        var wishes: [ClaimName: Wish] = [:]
        for claim in book.leases.takeChanges() {
            let routines = book.leases.routines(of: claim)
            wishes[claim] = (routines.first { !$0.owner.isRetired } ?? routines.first)?.wish ?? .absent
        }
        return wishes
    }

    // MARK: What the leases say

    /// Leases are valid until then. What waited for that begins.
    func extend(to times: LeaseTimes) {
        let wasValid = book.leases.gate.isValid(at: book.clock.boot())
        book.leases.gate.extend(to: times)
        if !wasValid { for routine in book.leases.all { goOn(routine) } }
    }

    /// The host holds the claim: its session begins, if one is to.
    func hold(_ claim: ClaimName, token: UInt64) {
        book.leases.gate.hold(claim, token: token)
        for routine in book.leases.routines(of: claim) { goOn(routine) }
    }

    private func goOn(_ routine: RoutineEntry) { if routine.isStartPending { book.start(routine) } }

    /// The claim's session is to end, and none begins.
    func end(_ claim: ClaimName, _ ending: ClaimMachine.Ending, _ text: String) {
        book.leases.gate.end(claim)
        guard let kind = ending.sessionEnd else { return }
        for routine in book.leases.routines(of: claim) {
            if let session = routine.session, session.endAs == nil { book.endSession(of: routine, as: kind, text) }
        }
    }

    /// The claims whose sessions were to end, and have.
    func takeEnded() -> [ClaimName] {
        let ended = book.leases.gate.ending.filter { claim in
            book.leases.gate.isClear(claim) && book.leases.routines(of: claim).allSatisfy { $0.session == nil }
        }
        for claim in ended {
            book.leases.gate.ended(claim)
            for routine in book.leases.routines(of: claim) where routine.shard != nil {
                book.actions.append(.release(routine.place))
            }
        }
        return ended.sorted { $0.description < $1.description }
    }

    /// A routine's session has ended since its worker was killed, and that is not gone: it waits for a disk, or a file server.
    func ended(_ routine: RoutineEntry, before worker: WorkerID, _ pid: Int32) {
        guard let claim = routine.claim else { return }
        book.leases.gate.outlives(claim, worker)
        book.log.write(
            .error, claim.description,
            "process \(pid) may still do what it was doing: until it is gone, this host begins no session of this routine and "
                + "does not give back its lease")
    }

    /// A worker is gone that was killed before, and outlived that: what waited for it goes on.
    func gone(_ worker: WorkerID) {
        for claim in book.leases.gate.gone(worker) {
            book.log.write(.info, claim.description, "the worker of its last session is gone")
            for routine in book.leases.routines(of: claim) { goOn(routine) }
        }
    }

    /// Where sessions of the claim run.
    func seats(of claim: ClaimName) -> [Seat] { book.leases.routines(of: claim).compactMap { $0.session?.seat } }
}

extension RoutineEntry {
    /// A routine that has done all it should keeps its claim: another host would begin anew.
    fileprivate var wish: LeasedRoutines.Wish {
        let wanted = LeasedRoutines.Wish.wanted(settings.claimWish)
        if owner.isRetired { return wanted }
        switch policy.state {
        case .waiting, .starting, .running, .ending, .complete: return wanted
        case .idle, .stopped: return .unwanted(.rest)
        case .quarantined: return .unwanted(.quarantine)
        }
    }

    /// The reason for the record of a session whose worker is dead: the kernel ends workers by SIGKILL when their leases
    /// are over, also where the host could not. `end`: when that was to be, as the worker has noted it. A plugin can write
    /// there; so it counts only from the end on of the lease with which the session began.
    func judged(
        _ reason: SessionRecord.Reason, of session: Session, _ gate: LeaseGate, end: BootTime?, at now: BootTime
    ) -> SessionRecord.Reason {
        if reason.end == .leaseLost {
            var judged = reason
            judged.text = "\(session.endText); it \(reason.text)"
            return judged
        }
        let isKilled = reason.end == .crash && reason.signal == "SIGKILL" || reason.end == .peerFailed
        guard isKilled, let lease = session.lease else { return reason }
        let isOver = session.endAs == .leaseLost || gate.isOver(at: now)
        let wasAlone = end.map { $0 <= now && $0 >= lease.end } ?? false
        guard isOver || wasAlone else { return reason }
        var judged = SessionRecord.Reason(.leaseLost, cycle: reason.cycle)
        judged.phase = reason.phase
        let why =
            !session.endText.isEmpty
            ? session.endText
            : isOver ? "the host was stopped, or could not renew its leases" : "its worker was stopped for too long"
        judged.text = "\(why); its worker was ended when its lease was over"
        return judged
    }
}

extension EffectiveSettings {
    /// How claims of the routine are to be placed.
    var claimWish: ClaimWish { ClaimWish(isSpread: runOn == .shards, moves: rebalance == .move) }
}

extension ClaimMachine.Ending {
    /// How a session ends that is asked to for that; nil if it is not asked, for it ends anyway.
    fileprivate var sessionEnd: SessionEnd? {
        switch self {
        case .lost: .leaseLost
        case .handedOver(.drain), .handedOver(.move), .handedOver(.rebalance): .handedOver
        case .handedOver(.stop), .handedOver(.rest), .handedOver(.quarantine), .handedOver(.removed): nil
        }
    }
}
