internal import HostSystem
internal import HostValues

/// What a load asks of the store that the hosts of a cluster share, after memory and disk and before the source.
extension HostCache {
    /// Asks the store for the value, and waits while another host loads it.
    func share(_ ticket: inout CacheTicket, _ shelf: CacheShelf, hasSource: Bool, isNested: Bool) -> Shared {
        let wish = SharedLoad.Wish(isStrict: ticket.call.request.isStrict, mayWait: !isNested, canLoad: hasSource)
        let entry = ticket.entry
        let known = contents.withLock { _ in entry.value == nil ? 0 : entry.shared }
        let outcome = shelf.ask(entry.key, wish, known: known, bounds: ticket.bounds(environment)) { found, novelty in
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
        // What was put or dropped meanwhile is newer, or the value is too large to be kept: the store's is older than both.
        guard made.isKept else { return shelf.end(claim, outdates: true) }
        guard let version = shelf.succeed(claim, made, loadTime: loadTime) else { return }
        contents.withLock { $0.noteShared(made, version) }
    }
}
