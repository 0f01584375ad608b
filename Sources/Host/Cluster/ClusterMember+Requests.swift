internal import HostValues

/// What is asked of the store next.
extension ClusterMember {
    /// Does what follows from all that is known; at most one request at a time is on its way.
    mutating func proceed(at now: BootTime, _ wall: WallTime) {
        wakeAt = .never
        if host.state == .over, !claims.hasSessions { tell(.ended, at: now) }
        if leaves(at: now) { return }
        guard talk.pending == nil, let link = talk.link else { return }
        if now < talk.notBefore { return wake(talk.notBefore) }
        switch host.state {
        case .closed, .refused, .over: return
        case .joining, .held, .doubtful: break
        }
        guard talk.isFresh else { return survey(at: now) }
        let version: UInt64
        switch view.epoch.need(
            instance: link.instance, largestToken: view.largestToken, others: view.wantedByOthers, wall: wall)
        {
        case .none(let known): version = known
        case .write(let record, let known):
            return ask(MemberRequests.epoch(record, over: known), for: .epoch, at: now)
        case .rename: return reopen()
        case .unreadable: return surveyLater(at: now)
        }
        let epoch = StoreRequest.Condition(ClusterKey.epoch, version)
        if host.lease == nil {
            if mayJoin(at: now) { renew(epoch, writingBack: [], at: now) }
            return
        }
        let missing = reconcile(at: now)
        guard host.lease != nil else { return proceed(at: now, wall) }
        if !missing.isEmpty || ownVersion == nil || now >= renewAt {
            return renew(epoch, writingBack: Array(missing.prefix(link.most - 2)), at: now)
        }
        wake(renewAt)
        if release(epoch, at: now, wall) { return }
        if mode == .serving, moves(at: now) { return proceed(at: now, wall) }
        if let next = talk.survey(pause: pause * 3) {
            if now >= next { return survey(at: now) }
            wake(next)
        }
        guard view.epoch.isSettled(at: now) else { return wake(view.epoch.settling) }
        if bury(epoch, at: now) { return }
        take(epoch, at: now, wall)
        sweep(epoch, at: now, wall)
    }

    /// The version of this host's record; nil where it is gone.
    private var ownVersion: UInt64? { view.hosts[ownKey]?.version }
    private var ownKey: String { requests.ownKey }
    private var ownCondition: StoreRequest.Condition { StoreRequest.Condition(ownKey, ownVersion ?? 0) }

    private mutating func survey(at now: BootTime) { ask(MemberRequests.survey, for: .survey, at: now) }

    private mutating func surveyLater(at now: BootTime) {
        if now >= renewAt {
            renewAt = now + length / 6
            return survey(at: now)
        }
        wake(renewAt)
    }

    /// Writes this host's record, on condition that all it holds is as it knows; and what is missing of that.
    private mutating func renew(_ epoch: StoreRequest.Condition, writingBack: [String], at now: BootTime) {
        let lost = writingBack.compactMap { key in
            claims[key]?.machine.token.map {
                MemberRequests.LostClaim(key: key, version: view.claims[key]?.version ?? 0, token: $0)
            }
        }
        var conditions = [epoch, ownCondition]
        if writingBack.isEmpty, missing != .claimsInRenewal {
            let looked = turns.next(of: claims.heldKeys.filter { holds($0) }, room: (talk.link?.most ?? 0) - 2)
            conditions += looked.compactMap { key in view.claims[key].map { .init(key, $0.version) } }
        }
        renewAt = now + length / 6
        let unlisted = conditions.map(\.key).filter { view.isUnlisted($0) && claims.contains($0) }
        ask(
            requests.renewal(record(at: now), if: conditions, writingBack: lost, reading: unlisted), for: .renewal,
            at: now)
    }

    /// Whether the record of the claim is this host's, with the token that it knows.
    private func holds(_ key: String) -> Bool {
        claims[key]?.machine.token.map { requests.holds(view.claims[key]?.record, token: $0) } ?? false
    }

    /// Compares what this host holds with what the store has. Returns the claims that are to be written back.
    private mutating func reconcile(at now: BootTime) -> [String] {
        if let own = view.hosts[ownKey] {
            if own.record?.incarnation != incarnation {
                tell(.foreign, at: now)
                return []
            }
        } else if view.epoch.isSettled(at: now) {
            tell(.gone, at: now)
            return []
        }
        let review = ClaimReview(
            of: claims, view, by: requests, kill: host.lease?.kill ?? now, at: now, without: missing)
        if review.hasLosses { talk.rest(until: now + pause) }
        for (name, event) in review.events { change(name, event, at: now) }
        return review.missing
    }

    /// Gives a claim back whose sessions have ended, or which came to this host when it did not want it any more.
    private mutating func release(_ epoch: StoreRequest.Condition, at now: BootTime, _ wall: WallTime) -> Bool {
        let isIdle = mode != .serving || weight == 0
        let strays = missing == .strays ? [] : view.strays.keys.sorted()
        for key in claims.keysToGiveBack(isIdle: isIdle) + strays {
            let row = claims[key]
            guard let found = view.claims[key] ?? view.strays[key], let record = found.record else { continue }
            switch row?.machine.state {
            case .releasing?: break
            case nil, .standby?, .barred?:  // where there is no row, no session lives
                guard requests.wrote(record), isIdle || row?.machine.state != .standby || row?.isDropped == true else {
                    continue
                }
            case .taking?, .quitting?, .running?, .ending?, .lost?: continue
            }
            if isLeftAlone(key, at: now) { continue }
            let request = requests.releasing(
                key, version: found.version, token: record.token, since: wall, settled: view.epoch.settled(at: now),
                to: row?.heir, if: epoch)
            ask(request, for: .release(key), at: now)
            return true
        }
        return false
    }

    /// Whether the store has just refused to write that key.
    private mutating func isLeftAlone(_ key: String, at now: BootTime) -> Bool {
        guard let bar = refusals.bar(of: key, at: now) else { return false }
        wake(bar)
        return true
    }

    private mutating func moves(at now: BootTime) -> Bool {
        if missing == .rebalance { return false }
        let found = claims.leaving(from: identity.id, among: view.candidates, view, length: length, at: now)
        wake(claims.nextMove)
        guard let (name, heir) = found else { return false }
        change(name, .leave(.rebalance, bar: now), at: now, heir: heir)
        return true
    }

    /// Removes the record of a host that did not change for the length of a lease, as this host has read it.
    private mutating func bury(_ epoch: StoreRequest.Condition, at now: BootTime) -> Bool {
        let patience = missing == .deathAfterLease ? length / 3 : length
        for (key, seen) in view.hosts.sorted(by: { $0.key < $1.key }) where key != ownKey {
            if now < seen.since + patience {
                wake(seen.since + patience)
                continue
            }
            if isLeftAlone(key, at: now) { continue }
            ask(MemberRequests.removing(key, version: seen.version, if: epoch), for: .bury, at: now)
            return true
        }
        return false
    }

    private mutating func take(_ epoch: StoreRequest.Condition, at now: BootTime, _ wall: WallTime) {
        guard mode == .serving, weight > 0, case .held = host.state else { return }
        let candidates = view.candidates
        for key in claims.standbyKeys {
            guard let row = claims[key], !row.isDropped else { continue }
            guard let offer = view.offer(of: key, to: identity.id, incarnation, without: missing) else {
                claims.isTaken(key)
                continue
            }
            if isLeftAlone(key, at: now) { continue }
            var due = now
            if !offer.isOwn {
                let turn = claims.turn(
                    for: key, of: identity.id, among: candidates, after: view.claims[key]?.record, length: length,
                    at: now)
                guard let turn else { continue }
                due = turn
            }
            if due > now {
                wake(due)
                continue
            }
            let request = requests.taking(
                key, token: offer.token, since: wall, settled: view.epoch.settled(at: now),
                if: [epoch, ownCondition] + offer.conditions)
            change(row.name, .take(token: offer.token), at: now)
            ask(request, for: .take(key), at: now)
            return
        }
    }

    private mutating func sweep(_ epoch: StoreRequest.Condition, at now: BootTime, _ wall: WallTime) {
        guard talk.pending == nil, case .held = host.state else { return }
        let request = view.sweeping(for: identity.id, incarnation, if: epoch, at: wall) { claims.contains($0) }
        guard let request, !request.deletes.contains(where: { isLeftAlone($0, at: now) }) else { return }
        ask(request, for: .sweep, at: now)
    }
}
