internal import HostCluster
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The routines that run on one host only: whether this host is to have them, and what its leases mean for their sessions.
struct LeasedRoutines {
    let book: RoutineBook

    /// Whether this host is to hold a claim.
    enum Wish: Equatable {
        case wanted
        /// The routine does not run here at present, for that reason.
        case unwanted(ClaimMachine.Departure)
    }

    /// All claims that there are here. While a plugin is replaced, its claims stay.
    var wishes: [ClaimName: Wish] {
        var wishes: [ClaimName: Wish] = [:]
        for routine in book.leased.values {
            if routine.owner.isRetired, wishes[routine.claim] != nil { continue }
            wishes[routine.claim] = routine.wish
        }
        return wishes
    }

    // MARK: What the leases say

    /// Leases are valid until then. What waited for that begins.
    func extend(to times: LeaseTimes) {
        let wasValid = book.leases.isValid(at: book.clock.boot())
        book.leases.extend(to: times)
        if !wasValid { for routine in book.leased.values { goOn(routine) } }
    }

    /// The host holds the claim: its session begins, if one is to.
    func hold(_ claim: ClaimName, token: UInt64) {
        book.leases.hold(claim.description, token: token)
        for routine in routines(of: claim) { goOn(routine) }
    }

    private func goOn(_ routine: RoutineEntry) { if routine.isStartPending { book.start(routine) } }

    /// The claim's session is to end, and none begins.
    func end(_ claim: ClaimName, _ ending: ClaimMachine.Ending, _ text: String) {
        book.leases.end(claim.description)
        guard let kind = ending.sessionEnd else { return }
        for routine in routines(of: claim) {
            if let session = routine.session, session.endAs == nil { book.endSession(of: routine, as: kind, text) }
        }
    }

    /// The claims whose sessions were to end, and have.
    func takeEnded() -> [ClaimName] {
        let ending = book.leases.ending
        if ending.isEmpty { return [] }
        let running = Set(book.leased.values.filter { $0.session != nil }.map(\.identifier))
        return ending.filter { !running.contains($0) }.compactMap { identifier in
            book.leases.ended(identifier)
            return ClaimName(identifier: identifier)
        }
    }

    /// Where sessions of the claim run.
    func seats(of claim: ClaimName) -> [Seat] { routines(of: claim).compactMap { $0.session?.seat } }

    private func routines(of claim: ClaimName) -> [RoutineEntry] { book.leased.values.filter { $0.claim == claim } }
}

extension RoutineEntry {
    /// What one host at a time holds of it.
    var claim: ClaimName { ClaimName(plugin: program.name, routine: name) }

    /// A routine that has done all it should keeps its claim: another host would begin anew.
    fileprivate var wish: LeasedRoutines.Wish {
        if owner.isRetired { return .wanted }
        switch policy.state {
        case .waiting, .starting, .running, .ending, .complete: return .wanted
        case .idle, .stopped: return .unwanted(.rest)
        case .quarantined: return .unwanted(.quarantine)
        }
    }

    /// The reason for the record of a session whose worker is dead: the kernel ends workers by SIGKILL when their leases
    /// are over, also where the host could not.
    func judged(_ reason: SessionRecord.Reason, of session: Session, _ leases: LeaseGate, at now: BootTime)
        -> SessionRecord.Reason
    {
        if reason.end == .leaseLost {
            var judged = reason
            judged.text = "\(session.endText); it \(reason.text)"
            return judged
        }
        let isKilled = reason.end == .crash && reason.signal == "SIGKILL" || reason.end == .peerFailed
        guard isKilled, settings.runOn == .one, session.endAs == .leaseLost || leases.isOver(at: now) else {
            return reason
        }
        var judged = SessionRecord.Reason(.leaseLost, cycle: reason.cycle)
        judged.phase = reason.phase
        let why = session.endText.isEmpty ? "the host was stopped, or could not renew its leases" : session.endText
        judged.text = "\(why); its worker was ended when its lease was over"
        return judged
    }
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

extension ClaimName {
    /// The name of a routine that has no shards.
    fileprivate init?(identifier: String) {
        let parts = identifier.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        self.init(plugin: String(parts[0]), routine: String(parts[1]))
    }
}
