internal import HostSystem
internal import HostValues

/// One load, from the call that starts it to its result. It runs on the caller's thread, and holds no lock except that
/// of the load's own file.
///
///     perform     finds out whether this load is nested in another load of its thread
///      prepare    reads the disk, waits until no other process loads the value, reads the disk again
///       adopt     takes over what was found, and ends the load if that suffices
///      share      asks the store of the cluster, and waits while another host loads the value
///      make       runs the source
///       succeed   keeps the value, wakes the waiting callers, and only then saves it and gives it to the store
///       fail      starts the back-off, wakes the waiting callers; a stale value may be served; of a routine that is to
///                 stop nobody remembers it
extension HostCache {
    /// Performs a load that was started for this call, and returns the call's result.
    func perform(_ begun: CacheTicket, _ given: CacheSource?) -> Result<ServedValue, CacheFailure> {
        if let view = begun.view { contents.withLock { _ in begun.load.loader = view.caller.callerName } }
        let outer = CacheWaits.enter(begun.load)
        defer { CacheWaits.leave(begun.load, to: outer) }
        let isNested = outer > 0
        guard let disk else { return unsafe load(begun, given, isNested: isNested) }
        var ticket = begun
        switch prepare(&ticket, disk, isNested: isNested) {
        case .found(let served): return deliver(served, ticket.view)
        case .load(let lock):
            defer { lock?.release() }
            return unsafe load(ticket, given, isNested: isNested)
        }
    }

    /// Takes the value from the store, where this cache shares one, or runs the source.
    private func load(_ ticket: CacheTicket, _ given: CacheSource?, isNested: Bool) -> Result<ServedValue, CacheFailure>
    {
        guard let shelf else { return unsafe make(ticket, given, nil) }
        let hasSource = unsafe given != nil || options.source != nil
        var ticket = ticket
        switch share(&ticket, shelf, hasSource: hasSource, isNested: isNested) {
        case .found(let served): return deliver(served, ticket.view)
        case .failed(let result): return result
        case .load(let claim): return unsafe make(ticket, given, claim)
        }
    }

    /// Performs a background refresh on another thread. If none is available, the load is called off, and the next
    /// caller starts it again.
    func reload(_ load: CacheLoad, _ view: CacheView?) {
        let work: @Sendable () -> Void = { [self] in
            var ticket = CacheTicket(ahead: load)
            ticket.view = view
            _ = unsafe perform(ticket, nil)
        }
        if view?.caller.refresh(work) ?? environment.background(work) { return }
        callOff(load)
    }

    func callOff(_ load: CacheLoad) {
        contents.withLock { $0.callOff(load) }
        wake(after: load)
    }

    // MARK: - The disk

    /// How long a load waits for another process that loads the same value, in ns; afterwards both load.
    private static let patience: Int64 = 10_000_000_000

    /// Reads the disk: at first if no value is in memory, and again once no other process is loading the value.
    private func prepare(_ ticket: inout CacheTicket, _ disk: CacheDisk, isNested: Bool) -> Prepared {
        disk.learnNewest()
        let key = ticket.entry.key
        var known = contents.withLock { _ in ticket.entry.value?.generation }
        if known == nil, let found = disk.read(key) {
            // The value predates the call, so it is not a new version for a call that asks for a fresh value.
            if let served = adopt(found, &ticket, isNews: false) { return .found(served) }
            known = found.header.generation
        }
        let lock: (any CacheFileLock)?
        // A nested load must not wait: the other process may be waiting for this thread's outer load.
        switch disk.turn(key, patience: isNested ? 0 : Self.patience) {
        case .own(let taken): lock = taken
        case .others: lock = nil
        case .unknown: return .load(nil)
        }
        if let found = disk.read(key, above: known ?? 0), let served = adopt(found, &ticket, isNews: true) {
            lock?.release()
            return .found(served)
        }
        return .load(lock)
    }

    /// Takes over the value found on disk. If it satisfies the call, the load has ended and the call's result is
    /// returned; else nil.
    private func adopt(_ found: CacheDisk.Found, _ ticket: inout CacheTicket, isNews: Bool) -> CacheServed? {
        let (served, old) = change { $0.adopt(found, &ticket, isNews: isNews, now: environment.clock.boot()) }
        park(old)
        guard let served else { return nil }
        wake(after: ticket.load)
        // The result holds a reference, so the value may be evicted at once.
        budget.makeRoom()
        return served
    }

    // MARK: - The source

    /// Runs the source, keeps its value and wakes all waiting callers; then saves the value.
    private func make(_ ticket: CacheTicket, _ given: CacheSource?, _ claim: CacheShelf.Claim?) -> Result<
        ServedValue, CacheFailure
    > {
        guard unsafe given != nil || options.source != nil else { return giveUp(ticket) }
        let writer = ticket.load
        defer { writer.end() }
        // Between the begin of a load and its source is nothing but a disk, a store, or the start of a thread.
        let start = isPrivate && !ticket.isAhead ? ticket.load.flight.began : clock.now
        let failure = unsafe ticket.entry.key.withUnsafeBytes { key in unsafe ticket.run(given, options.source, key) }
        let now = clock.now
        let time = now - start
        if let failure { return fail(ticket, failure, now, time, claim) }
        guard let content = writer.finish() else {
            let kind = options.objects ? "an object" : "bytes"
            let nothing = CacheSourceFailure(code: CacheCode.invalid, text: "the source made no value of \(kind)")
            return fail(ticket, nothing, now, time, claim)
        }
        return .success(succeed(ticket, content, now, time, claim))
    }

    private func succeed(
        _ ticket: CacheTicket, _ content: CacheValue.Content, _ now: BootTime, _ time: Int64, _ claim: CacheShelf.Claim?
    ) -> ServedValue {
        let made = change { contents in
            let made = contents.succeed(ticket, content, time: time, now: now, above: disk?.newest ?? 0)
            if made.isTooLarge, disk != nil { contents.removals.begin(ticket.entry.key) }
            return made
        }
        wake(after: ticket.load)
        if let old = made.old { release(old, byCallback: ticket.isByCallback) }
        let value = made.value
        ticket.view?.countLoad(time, hasFailed: false)
        environment.report(.loaded(cache: title, bytes: unsafe value.bytes.count, nanoseconds: time))
        if isPrivate, made.isKept {
            budget.makeRoom()
            return CacheContents.loaded(value, now: now)
        }
        hand(made, claim, loadTime: time)  // first, for other hosts wait for it
        if made.isKept {
            _ = save(made, loadTime: time)
            budget.makeRoom()
        } else if made.isTooLarge, let disk {
            // Of what was put since then the file stays.
            disk.remove(ticket.entry.key, generation: value.generation, upTo: value.generation)
            contents.withLock { $0.removals.end(ticket.entry.key) }
        }
        return CacheContents.loaded(value, now: clock.now)
    }

    private func fail(
        _ ticket: CacheTicket, _ failure: CacheSourceFailure, _ now: BootTime, _ time: Int64, _ claim: CacheShelf.Claim?
    ) -> Result<ServedValue, CacheFailure> {
        if ticket.isToEnd(environment) {
            // The source may have failed only since this routine is to stop: the others ask it themselves, and so does the
            // routine's next session, whose first cycles would else be without the value.
            if let claim { shelf?.end(claim, outdates: false) }
            let result = contents.withLock { contents in
                contents.callOff(ticket.load)
                return contents.settle(ticket, failure, now)
            }
            wake(after: ticket.load)
            return result
        }
        ticket.view?.countLoad(time, hasFailed: true)
        let jitter = environment.jitter()
        let result = contents.withLock { $0.fail(ticket, failure, time: time, now: now, jitter: jitter) }
        wake(after: ticket.load)
        environment.report(.loadFailed(cache: title, failure: failure, nanoseconds: time))
        if let claim { shelf?.fail(claim, failure, leftAlone: policy.backOff(jitter: jitter)) }
        budget.makeRoom()
        return result
    }

    /// Ends a load for which there is no source; a stale value may be served.
    private func giveUp(_ ticket: CacheTicket) -> Result<ServedValue, CacheFailure> {
        let result = contents.withLock { $0.lackSource(ticket, now: environment.clock.boot()) }
        wake(after: ticket.load)
        return result
    }
}
