internal import HostSystem
internal import HostValues

/// What a load asks of the store that the hosts of a cluster share, after memory and disk and before the source.
extension HostCache {
    /// Asks the store for the value, and waits while another host loads it.
    func share(_ ticket: inout CacheTicket, _ shelf: CacheShelf, hasSource: Bool, isNested: Bool) -> Shared {
        let wish = SharedLoad.Wish(isStrict: ticket.call.request.isStrict, mayWait: !isNested, canLoad: hasSource)
        let entry = ticket.entry
        let known = contents.withLock { _ in entry.value == nil ? 0 : entry.shared }
        let outcome = shelf.ask(entry.key, wish, known: known) { found, novelty in
            adopt(found, novelty, &ticket)
        }
        switch outcome {
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
