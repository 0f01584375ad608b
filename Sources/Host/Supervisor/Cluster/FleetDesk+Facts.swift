internal import HostCluster
internal import HostPolicy
internal import HostValues
internal import HostWire

extension FleetDesk.Facts {
    /// How many routines are looked at for the sessions that are named, and how many sessions are.
    private static let (mostLooked, mostNamed) = (2000, 64)

    /// What the routines of a host say: first the sessions that live by leases, then the newest.
    init(of book: RoutineBook, skewMs: Int64?) {
        let (routines, running, quarantined) = book.tally
        self.init(routines: routines, running: running, quarantined: quarantined.count)
        self.skewMs = skewMs
        let some = book.running.values.lazy.prefix(Self.mostLooked).compactMap { routine in
            routine.session.map { session in
                HostReport.Session(
                    routine: routine.identifier, session: session.id, startMs: session.startMs,
                    token: session.lease?.token)
            }
        }
        let ordered = some.sorted { one, other in
            if (one.token == nil) != (other.token == nil) { return one.token != nil }
            return (one.startMs, one.session.rawValue) > (other.startMs, other.session.rawValue)
        }
        sessions = Array(ordered.prefix(Self.mostNamed))
    }
}

extension FleetDesk {
    /// Answers a request by what was read, with what that member knows by itself.
    func answer(_ request: ControlRequest, of membership: Membership) -> FleetAnswer {
        let keeper = membership.keeper
        let records = Int(min(request.last ?? 0, ControlRequest.mostFleetRecords))
        return answer(request) { view, isOld in
            let picture = FleetPicture(
                view: view, overview: keeper.overview, lease: keeper.lease, length: keeper.length,
                mode: membership.isStopping ? .leaving : keeper.isDraining ? .draining : .serving,
                now: membership.now)
            var status = picture.status(
                name: membership.settings.name, store: membership.settings.store, records: records)
            status.trouble =
                membership.trouble(isOld: isOld)
                ?? refusal.map { "the store does not take what this host reports: \($0)" }
            return status
        }
    }
}

extension Membership {
    /// Why what was read is not as it is now; nil if it is.
    fileprivate func trouble(isOld: Bool) -> String? {
        if store.key == nil { return "no plugin here is called \(settings.store)" }
        if let hindrance = keeper.hindrance { return hindrance }
        return isOld ? "the store does not answer" : nil
    }
}
