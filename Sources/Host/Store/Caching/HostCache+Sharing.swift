internal import HostSystem
internal import HostValues

/// What a load asks of the store that the hosts of a cluster share, after memory and disk and before the source.
extension HostCache {
    /// The outcome of asking.
    enum Shared {
        /// The store has a value that satisfies the call, and the load has ended.
        case found(CacheServed)
        /// The source failed on another host, and the load has ended.
        case failed(Result<ServedValue, CacheFailure>)
        /// Run the source; with a claim, for all hosts.
        case load(CacheShelf.Claim?)
    }

    /// Asks the store for the value, and waits while another host loads it.
    func share(_ ticket: inout CacheTicket, _ shelf: CacheShelf, hasSource: Bool, isNested: Bool) -> Shared {
        let wish = SharedLoad.Wish(isStrict: ticket.call.request.isStrict, mayWait: !isNested, canLoad: hasSource)
        let entry = ticket.entry
        let known = contents.withLock { _ in entry.value == nil ? 0 : entry.shared }
        let outcome = shelf.ask(entry.key, wish, known: known, bounds: bounds(of: ticket)) { found, novelty in
            adopt(found, novelty, &ticket)
        }
        switch outcome {
        case .over(let failure):
            // Who waits for this load begins one of its own.
            callOff(ticket.load)
            return .failed(.failure(failure))
        case .taken(let served): return .found(served)
        case .load(let claim): return .load(claim)
        case .failed(let failure, let until):
            let load = ticket
            let result = contents.withLock {
                $0.failElsewhere(load, failure, until: until, now: environment.clock.boot())
            }
            wake(after: load.load)
            budget.makeRoom()
            return .failed(result)
        }
    }

    /// What bounds the waiting of a call for another host: the routine's stop and the time of its callback, or, for a background
    /// refresh, that the session ends, which waits for it.
    private func bounds(of ticket: CacheTicket) -> CacheShelf.Bounds {
        let caller = ticket.caller ?? ticket.view?.caller
        if ticket.isAhead {
            return CacheShelf.Bounds { [environment] in caller?.endsRefreshes ?? environment.endsRefreshes() }
        }
        return CacheShelf.Bounds(patience: caller?.patience) { caller?.isStopAsked ?? false }
    }

    /// Takes over the value found in the store, and saves it on this host's disk. If it satisfies the call, the load has
    /// ended and the call's result is returned; else nil.
    private func adopt(
        _ found: CacheShelf.Found, _ novelty: SharedLoad.Novelty, _ ticket: inout CacheTicket
    ) -> CacheServed? {
        let floor = disk?.newest ?? 0
        let (served, made) = change {
            $0.adopt(found, novelty, &ticket, above: floor, now: environment.clock.boot())
        }
        park(made?.old)
        if served != nil { wake(after: ticket.load) }
        if let made { _ = save(made, loadTime: max(0, found.header.loadTime)) }
        budget.makeRoom()
        return served
    }

    /// Gives the store the value that was loaded for all.
    func hand(_ made: CacheMade, _ claim: CacheShelf.Claim?, loadTime: Int64) {
        guard let shelf, let claim else { return }
        // What was put or dropped meanwhile is newer.
        guard made.isKept else { return shelf.end(claim) }
        note(shelf.succeed(claim, made, loadTime: loadTime), of: made)
    }

    /// Gives the store a value that the plugin has put.
    func share(_ made: CacheMade) {
        guard let shelf else { return }
        note(shelf.put(made), of: made)
    }

    private func note(_ version: UInt64?, of made: CacheMade) {
        guard let version else { return }
        contents.withLock { $0.noteShared(made, version) }
    }
}
