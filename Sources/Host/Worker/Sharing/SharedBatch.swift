internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// What several workers ask of a store at once, as few calls of it: one that reads, then one that commits.
struct SharedBatch {
    /// One thing to do.
    enum Job {
        /// Answer a request.
        case ask(SharedPeer, id: UInt64, SharedRequest)
        /// A worker is gone: nobody performs its loads.
        case gone(SharedPeer)
    }

    /// A commit, with what its outcome means.
    private struct Step {
        var change = SharedLink.Change()
        var then: (SharedLink.Done) -> Void
    }

    /// How many requests are one call.
    private static let most = 64
    /// How long the store keeps the record of a load, in ms.
    private static let keepLoadMs: UInt64 = 3_600_000

    let jobs: [Job]
    let link: SharedLink
    let clock: any HostClock
    let host: String
    /// How long an answer may take, in ns.
    let timeout: Int64
    /// Says that a peer's plugin has no more room in the store.
    let tellFull: (SharedPeer, String) -> Void
    let answer: (SharedPeer, UInt64, SharedReply) -> Void

    /// Does all of it. When the link breaks, what was not answered is away.
    func perform() throws(StoreConnection.Broken) {
        var reads: [(peer: SharedPeer, id: UInt64, key: SharedKey, known: UInt64)] = []
        var signs: [(peer: SharedPeer, sign: SharedPeer.Sign)] = []
        var steps: [Step] = []
        let later = Later()
        for job in jobs {
            switch job {
            case .ask(let peer, let id, .read(let key, let known)): reads.append((peer, id, key, known))
            case .ask(let peer, let id, .touch(let loads)):
                signs.append((peer, SharedPeer.Sign(last: id, performed: Set(loads))))
            case .ask(let peer, let id, let request): steps += self.steps(peer, id, request, later)
            case .gone(let peer): steps += peer.takeLoads().compactMap { deletion($0.key, $0.load, peer) }
            }
        }
        var broken: StoreConnection.Broken?
        for chunk in reads.chunks(of: Self.most) {
            do throws(StoreConnection.Broken) {
                if broken == nil { try read(Array(chunk)) }
            } catch {
                broken = error
            }
            if broken != nil { for one in chunk { answer(one.peer, one.id, .answer(.away)) } }
        }
        broken = commit(steps, broken)
        // After what the same workers asked before: a load whose record is being written anew cannot end until that is done,
        // and this thread does both.
        broken = commit(signs.flatMap { touch($0.peer, $0.sign, later) }, broken)
        while !later.steps.isEmpty { broken = commit(later.take(), broken) }
        if let broken { throw broken }
    }

    /// Steps that follow from others.
    private final class Later {
        private(set) var steps: [Step] = []

        func add(_ step: Step?) {
            if let step { steps.append(step) }
        }

        func take() -> [Step] {
            defer { steps = [] }
            return steps
        }
    }

    // MARK: Reading

    private func read(_ wishes: [(peer: SharedPeer, id: UInt64, key: SharedKey, known: UInt64)])
        throws(StoreConnection.Broken)
    {
        let places = wishes.map { $0.peer.names.places(of: $0.key) }
        // The load first: what it says is over is over before the value is read.
        let found = try link.read(places.flatMap { place in place.map { [$0.load, $0.value] } ?? [] })
        let now = clock.boot()
        var next = 0
        for (wish, place) in zip(wishes, places) {
            guard place != nil else {
                answer(wish.peer, wish.id, .answer(.away))
                continue
            }
            let (load, value) = (found[next], found[next + 1])
            next += 2
            if load.isRefused || value.isRefused {
                answer(wish.peer, wish.id, .answer(.changed))
                continue
            }
            let reading = SharedReading(
                value: self.value(value, known: wish.known), load: self.load(load, now))
            answer(wish.peer, wish.id, .reading(reading))
        }
    }

    private func load(_ read: SharedLink.Read, _ now: BootTime) -> SharedReading.Load {
        if read.version == 0 { return .none }
        switch SharedLoadRecord(read.bytes) {
        case .running: return .running(version: read.version)
        case .failed(let failure, let leftAloneMs):
            let age = link.ages.longestAge(of: read.version, ageMs: read.ageMs, at: now)
            // As any host may have written it.
            let all = min(Int64(clamping: leftAloneMs).clampedTimes(1_000_000), SharedFailure.longestLeftAlone)
            return .failed(version: read.version, failure, left: age.map { max(0, all - $0) } ?? 0)
        // What nobody understands is replaced by the next load.
        case nil: return .failed(version: read.version, SharedFailure(code: 0, text: ""), left: 0)
        }
    }

    private func value(_ read: SharedLink.Read, known: UInt64) -> SharedReading.Value? {
        if read.version == 0 { return nil }
        guard let record = SharedValueRecord(read.bytes), record.begun < read.version else {
            return SharedReading.Value(version: read.version, begun: 0, produced: nil, bytes: nil)
        }
        let stamp = StoreClock.Stamp(begun: record.begun, clockMs: record.clockMs, lead: record.lead)
        return SharedReading.Value(
            version: read.version, begun: record.begun, produced: link.ages.produced(stamp, version: read.version),
            bytes: read.version == known ? nil : record.bytes)
    }

    // MARK: Committing

    private func commit(_ steps: [Step], _ before: StoreConnection.Broken?) -> StoreConnection.Broken? {
        var broken = before
        for chunk in steps.chunks(of: Self.most) {
            var done: [SharedLink.Done] = []
            do throws(StoreConnection.Broken) {
                if broken == nil { done = try link.commit(chunk.map(\.change)) }
            } catch {
                broken = error
            }
            let now = clock.boot()
            for (index, step) in chunk.enumerated() {
                step.then(
                    done.indices.contains(index) ? done[index] : .init(answer: .away, sent: now, answered: now))
            }
        }
        return broken
    }

    private func steps(_ peer: SharedPeer, _ id: UInt64, _ request: SharedRequest, _ later: Later) -> [Step] {
        switch request {
        // The reads and the signs of life are calls of their own, and who awaits asks nothing of the store.
        case .read, .await, .touch: return []
        case .begin(let key, let load, let value): return begin(peer, id, key, load: load, value: value, later)
        case .succeed(let key, let begun, let value):
            guard let (place, load) = ending(peer, id, key, begun) else { return [] }
            guard hasRoom(for: value, key, peer) else {
                return [end(place, key, load, peer, id, outdates: true, isFull: true)]
            }
            return [store(value, key, place, load, peer, id, later)]
        case .fail(let key, let begun, let failure, let leftAlone):
            guard let (place, load) = ending(peer, id, key, begun) else { return [] }
            let ms = UInt64(clamping: leftAlone / 1_000_000)
            let record = SharedLoadRecord.failed(failure, leftAloneMs: ms).bytes
            var change = SharedLink.Change(conditions: [(place.load, load.current)])
            change.writes = [(place.load, record, ms.clampedPlus(60_000))]
            return [ends(change, key, load, peer, id)]
        case .end(let key, let begun, let outdates):
            guard let (place, load) = ending(peer, id, key, begun) else { return [] }
            return [end(place, key, load, peer, id, outdates: outdates)]
        case .put(let key, let value): return put(value, peer, id, key, later)
        case .drop(let key): return drop(peer, id, key, isFull: false)
        }
    }

    /// Removes a value, since the plugin wants that, or since there is no room for another one.
    private func drop(_ peer: SharedPeer, _ id: UInt64, _ key: SharedKey, isFull: Bool) -> [Step] {
        guard let place = place(peer, id, key) else { return [] }
        let name = peer.names.name(of: key)
        peer.account.remove { $0 == name }
        var change = SharedLink.Change()
        change.writes = [(place.value, nil, 0), (place.load, nil, 0)]
        return [Step(change: change) { answer(peer, id, .answer(isFull ? .full : $0.answer)) }]
    }

    /// Whether the plugin may put that into the store.
    private func hasRoom(for value: SharedValue, _ key: SharedKey, _ peer: SharedPeer) -> Bool {
        guard let name = peer.names.name(of: key) else { return true }
        return peer.account.take(name, bytes: value.bytes.count, keepMs: value.keepMs, at: clock.boot()) {
            tellFull(peer, $0)
        }
    }

    private typealias Place = (value: [UInt8], load: [UInt8])

    private func place(_ peer: SharedPeer, _ id: UInt64, _ key: SharedKey) -> Place? {
        let place = peer.names.places(of: key)
        if place == nil { answer(peer, id, .answer(.away)) }
        return place
    }

    private func ending(_ peer: SharedPeer, _ id: UInt64, _ key: SharedKey, _ begun: UInt64)
        -> (Place, SharedPeer.Load)?
    {
        guard let place = place(peer, id, key) else { return nil }
        switch peer.ending(key, begun: begun, until: clock.monotonic() + timeout) {
        case .ready(let load): return (place, load)
        case .other: answer(peer, id, .answer(.changed))
        case .late: answer(peer, id, .answer(.away))
        }
        return nil
    }

    /// Ends a load without a value. One that its value outdates goes too: else it would come back, and be older than what this
    /// host has had since.
    private func end(
        _ place: Place, _ key: SharedKey, _ load: SharedPeer.Load, _ peer: SharedPeer, _ id: UInt64, outdates: Bool,
        isFull: Bool = false
    ) -> Step {
        var change = SharedLink.Change(conditions: [(place.load, load.current)])
        change.writes = [(place.load, nil, 0)]
        if outdates { change.writes.append((place.value, nil, 0)) }
        return ends(change, key, load, peer, id, outdates: outdates, isFull: isFull)
    }

    private func ends(
        _ change: SharedLink.Change, _ key: SharedKey, _ load: SharedPeer.Load, _ peer: SharedPeer, _ id: UInt64,
        outdates: Bool = false, isFull: Bool = false
    ) -> Step {
        Step(change: change) { done in
            if outdates, case .done = done.answer {
                let name = peer.names.name(of: key)
                peer.account.remove { $0 == name }
            }
            peer.ended(key, begun: load.begun, isKnown: done.answer != .away)
            answer(peer, id, .answer(isFull && done.answer != .away ? .full : done.answer))
        }
    }

    private func begin(
        _ peer: SharedPeer, _ id: UInt64, _ key: SharedKey, load: UInt64, value: UInt64, _ later: Later
    ) -> [Step] {
        guard let place = place(peer, id, key) else { return [] }
        var change = SharedLink.Change(conditions: [(place.load, load), (place.value, value)])
        change.writes = [(place.load, SharedLoadRecord.running(host: host).bytes, Self.keepLoadMs)]
        return [
            Step(change: change) { done in
                if case .done(let version) = done.answer {
                    let load = began(version, id, done)
                    if !peer.began(key, load) { later.add(deletion(key, load, peer)) }
                }
                answer(peer, id, .answer(done.answer))
            }
        ]
    }

    private func began(_ version: UInt64, _ id: UInt64, _ done: SharedLink.Done) -> SharedPeer.Load {
        SharedPeer.Load(
            request: id, begun: version, clockMs: done.clockMs, sent: done.sent, answered: done.answered,
            current: version)
    }

    /// The end of a load by its value.
    private func store(
        _ value: SharedValue, _ key: SharedKey, _ place: Place, _ load: SharedPeer.Load, _ peer: SharedPeer,
        _ id: UInt64, _ later: Later
    ) -> Step {
        let record = SharedValueRecord(
            begun: load.begun, clockMs: load.clockMs, lead: value.produced - load.answered, bytes: value.bytes)
        var change = SharedLink.Change(conditions: [(place.load, load.current)])
        change.writes = [(place.value, record.encoded, value.keepMs), (place.load, nil, 0)]
        return Step(change: change) { done in
            peer.ended(key, begun: load.begun, isKnown: done.answer != .away)
            answer(peer, id, .answer(done.answer))
            // If the store's clock was set while it was loaded, the record says a wrong age: then there is rather none.
            guard case .done(let version) = done.answer, load.clockMs >= 0, done.clockMs >= 0,
                StoreClock.wasSet(
                    from: (load.clockMs, load.sent, load.answered), to: (done.clockMs, done.sent, done.answered))
            else { return }
            var removal = SharedLink.Change(conditions: [(place.value, version)])
            removal.writes = [(place.value, nil, 0)]
            later.add(Step(change: removal) { _ in })
        }
    }

    /// A value that was put is a load that begins whatever there is, and ends at once.
    private func put(_ value: SharedValue, _ peer: SharedPeer, _ id: UInt64, _ key: SharedKey, _ later: Later) -> [Step]
    {
        guard let place = place(peer, id, key) else { return [] }
        // What finds no room outdates what is there all the same.
        guard hasRoom(for: value, key, peer) else { return drop(peer, id, key, isFull: true) }
        var change = SharedLink.Change()
        change.writes = [(place.load, SharedLoadRecord.running(host: host).bytes, Self.keepLoadMs)]
        return [
            Step(change: change) { done in
                guard case .done(let version) = done.answer else { return answer(peer, id, .answer(done.answer)) }
                later.add(store(value, key, place, began(version, id, done), peer, id, later))
            }
        ]
    }

    /// Writes the records anew of the loads that a worker performs, and deletes those of loads that it does not.
    private func touch(_ peer: SharedPeer, _ sign: SharedPeer.Sign, _ later: Later) -> [Step] {
        let (live, dead) = peer.touching(sign)
        return live.compactMap { touch($0.key, $0.load, peer, later) }
            + dead.compactMap { deletion($0.key, $0.load, peer) }
    }

    private func touch(_ key: SharedKey, _ load: SharedPeer.Load, _ peer: SharedPeer, _ later: Later) -> Step? {
        guard let place = peer.names.places(of: key) else { return nil }
        var change = SharedLink.Change(conditions: [(place.load, load.current)])
        change.writes = [(place.load, SharedLoadRecord.running(host: host).bytes, Self.keepLoadMs)]
        return Step(change: change) { done in
            let current: UInt64? = if case .done(let version) = done.answer { version } else { nil }
            if let over = peer.touched(
                key, begun: load.begun, current: current, isLost: done.answer == .changed)
            {
                later.add(deletion(key, over, peer))
            }
        }
    }

    private func deletion(_ key: SharedKey, _ load: SharedPeer.Load, _ peer: SharedPeer) -> Step? {
        guard let place = peer.names.places(of: key) else { return nil }
        var change = SharedLink.Change(conditions: [(place.load, load.current)])
        change.writes = [(place.load, nil, 0)]
        return Step(change: change) { _ in }
    }
}

extension Array {
    /// The elements in order, so many at a time.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
