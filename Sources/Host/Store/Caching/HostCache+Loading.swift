internal import HostSystem
internal import HostValues

/// One load, from the call that begins it to its answer. It runs on the caller's thread, and holds no lock meanwhile but
/// that of the load's own file.
///
///     perform     finds out whether it runs within another load of its thread
///      prepare    asks the disk, waits for its turn among processes, asks the disk again
///       adopt     takes over what was found: over here, if that is enough
///      make       asks the source
///       succeed   keeps the value, wakes who waits, and only then saves
///       fail      leaves the source alone for a while, wakes who waits; what is stale may do
extension HostCache {
    /// Performs a load that was begun for this call, and gives what comes of it.
    func perform(_ begun: CacheTicket, _ given: CacheSource?) -> Result<ServedValue, CacheFailure> {
        let isNested = CacheWaits.enter(begun.load)
        defer { CacheWaits.leave() }
        guard let disk else { return unsafe make(begun, given) }
        var ticket = begun
        switch prepare(&ticket, disk, isNested: isNested) {
        case .found(let served): return deliver(served)
        case .load(let lock):
            defer { lock?.release() }
            return unsafe make(ticket, given)
        }
    }

    /// Performs a reload ahead of expiry on a thread of the host's; without one, whoever asks next begins it again.
    func reload(_ load: CacheLoad) {
        let isTaken = environment.background { [self] in _ = unsafe perform(CacheTicket(ahead: load), nil) }
        if isTaken { return }
        contents.withLock { $0.callOff(load) }
        contents.broadcast()
    }

    // MARK: - The disk

    /// What a load finds before the source is asked.
    private enum Prepared {
        /// The disk had a value that will do: the load is over.
        case found(CacheServed)
        /// Ask the source; release the lock when the result is saved.
        case load((any CacheFileLock)?)
    }

    /// How long a load waits for another process that loads the same, ns; after that both load.
    private static let patience: Int64 = 10_000_000_000

    /// Looks on the disk: before all else if nothing is in memory, and again once no other process loads the same.
    private func prepare(_ ticket: inout CacheTicket, _ disk: CacheDisk, isNested: Bool) -> Prepared {
        disk.learnNewest()
        let key = ticket.entry.key
        var known = contents.withLock { _ in ticket.entry.value?.generation }
        if known == nil, let found = disk.read(key) {
            // The value predates the call: for a fresh caller it is not a new version.
            if let served = adopt(found, &ticket, isNews: false) { return .found(served) }
            known = found.header.generation
        }
        let lock: (any CacheFileLock)?
        // Within another load waiting could be for ever: that process may wait for this one's outer load.
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

    /// Takes over what the disk has; gives what the call gets if that is enough, for then the load is over.
    private func adopt(_ found: CacheDisk.Found, _ ticket: inout CacheTicket, isNews: Bool) -> CacheServed? {
        let (served, old) = change { $0.adopt(found, &ticket, isNews: isNews, now: environment.clock.boot()) }
        park(old)
        guard let served else { return nil }
        contents.broadcast()
        // The answer is made already: the value may be the first to go.
        makeRoom()
        return served
    }

    // MARK: - The source

    /// Asks the source, keeps what it made and releases everyone, then saves.
    private func make(_ ticket: CacheTicket, _ given: CacheSource?) -> Result<ServedValue, CacheFailure> {
        guard let source = unsafe given ?? options.source else { return giveUp(ticket) }
        let writer = CacheWriter()
        let start = environment.clock.boot()
        let failure = unsafe ticket.entry.key.withUnsafeBytes { key in unsafe source(key, writer) }
        let now = environment.clock.boot()
        let time = now - start
        if let failure { return fail(ticket, failure, now, time) }
        guard let content = writer.finish(objects: options.objects) else {
            let kind = options.objects ? "an object" : "bytes"
            let nothing = CacheSourceFailure(code: CacheCode.invalid, text: "the source made no value of \(kind)")
            return fail(ticket, nothing, now, time)
        }
        return .success(succeed(ticket, content, now, time))
    }

    private func succeed(_ ticket: CacheTicket, _ content: CacheValue.Content, _ now: BootTime, _ time: Int64)
        -> ServedValue
    {
        let made = change {
            $0.succeed(ticket, content, time: time, now: now, above: disk?.newest ?? 0)
        }
        contents.broadcast()
        park(made.old)
        let value = made.value
        environment.report(.loaded(cache: title, bytes: unsafe value.bytes.count, nanoseconds: time))
        if made.isKept {
            _ = save(made, loadTime: time)
            makeRoom()
        } else if value.cost > valueLimit {
            removeFile(ticket.entry.key)
        }
        return CacheContents.loaded(value, now: environment.clock.boot())
    }

    private func fail(_ ticket: CacheTicket, _ failure: CacheSourceFailure, _ now: BootTime, _ time: Int64)
        -> Result<ServedValue, CacheFailure>
    {
        let jitter = environment.jitter()
        let result = contents.withLock { $0.fail(ticket, failure, time: time, now: now, jitter: jitter) }
        contents.broadcast()
        environment.report(.loadFailed(cache: title, failure: failure, nanoseconds: time))
        makeRoom()
        return result
    }

    /// There is nobody to ask: only what is stale may do.
    private func giveUp(_ ticket: CacheTicket) -> Result<ServedValue, CacheFailure> {
        let result = contents.withLock { $0.lackSource(ticket, now: environment.clock.boot()) }
        contents.broadcast()
        return result
    }
}
